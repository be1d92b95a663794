//! Throws broken input at every parser that reads what a client or a provider sent.
//!
//! A [`Target`] takes any bytes and says whether they were accepted. It asserts more than that nothing panics: what is
//! accepted is looked at again by other means. `tests/fuzz.rs` runs each target on what is in `corpus/` and on seeded
//! mutations of it; `cargo xtask prove fuzz --cases N` does it for longer, and `cargo fuzz` with coverage.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target says by panicking what it found"
)]

mod answers;
mod bodies;
mod credentials;
mod mutate;
mod oracle;
mod stage;
mod tokens;
mod xbox;

pub use mutate::Mutator;

/// A parser with its surroundings.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a list of these is the crate")]
pub struct Target {
    /// Its name, and that of its directory in `corpus/`.
    pub name: &'static str,
    /// Good input, and some that is bad in a way of its own. The first is accepted.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Runs it, and tells whether the bytes were accepted.
    pub run: fn(&[u8]) -> bool,
}

/// All of them.
pub const TARGETS: [Target; 13] = [
    tokens::JSON,
    tokens::OWN_TOKEN,
    tokens::FOREIGN_TOKEN,
    tokens::CLAIMS,
    tokens::KEY_SET,
    credentials::INSTANT_GAME,
    credentials::GAME_CENTER,
    credentials::OAUTH1,
    xbox::XBOX,
    answers::WEBHOOK,
    answers::PROVIDERS,
    bodies::V1,
    bodies::NAKAMA,
];

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|target| target.name == name).unwrap()
}
