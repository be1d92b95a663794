//! `cargo +nightly fuzz run v1_body`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("v1_body").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
