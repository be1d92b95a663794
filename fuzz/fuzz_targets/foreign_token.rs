//! `cargo +nightly fuzz run foreign_token`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("foreign_token").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
