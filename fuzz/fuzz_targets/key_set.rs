//! `cargo +nightly fuzz run key_set`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("key_set").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
