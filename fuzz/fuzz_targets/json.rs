//! `cargo +nightly fuzz run json`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("json").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
