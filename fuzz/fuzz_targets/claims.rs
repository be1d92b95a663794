//! `cargo +nightly fuzz run claims`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("claims").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
