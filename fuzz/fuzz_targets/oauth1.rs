//! `cargo +nightly fuzz run oauth1`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("oauth1").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
