//! `cargo +nightly fuzz run own_token`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("own_token").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
