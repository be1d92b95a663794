//! `cargo +nightly fuzz run webhook`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("webhook").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
