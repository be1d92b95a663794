//! `cargo +nightly fuzz run xbox`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("xbox").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
