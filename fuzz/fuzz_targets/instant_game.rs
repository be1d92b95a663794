//! `cargo +nightly fuzz run instant_game`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("instant_game").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
