//! `cargo +nightly fuzz run game_center`
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    (authcore_fuzz::target("game_center").run)(data);
});

#[cfg(not(fuzzing))]
fn main() {}
