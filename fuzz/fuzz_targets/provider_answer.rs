//! `cargo +nightly fuzz run provider_answer`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("provider_answer").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
