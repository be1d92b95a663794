//! For the tests of games, and for authcore's own: an engine on any store, with a clock that can be moved, seeded
//! randomness, and a hasher that costs next to nothing.
//!
//! ```
//! use authcore_testkit::{Harness, run};
//! use chrono::TimeDelta;
//!
//! let world = Harness::new();
//! let ann = world.guest("ann");
//!
//! // What has no verb here is the engine's own, async function.
//! assert!(run(world.engine().verify(ann.tokens.access.reveal())).is_ok());
//!
//! // Time passes when the test says so.
//! world.clock().advance(TimeDelta::minutes(10));
//! assert!(run(world.engine().verify(ann.tokens.access.reveal())).is_err());
//! ```
//!
//! # Plain tests and async ones
//!
//! The memory store answers at once and the kit starts no thread, so everything here works in a plain `#[test]`, and the
//! same in a `#[tokio::test]`. A test that waits for something else, such as a verifier that asks over a network, is async
//! and awaits the engine's functions.
//!
//! # What it costs
//!
//! A test with a world of its own, a guest, a link, three passwords hashed and a ban takes 1.5 ms, not optimised: `cargo test
//! -p authcore-testkit --test thousand -- --nocapture` runs a thousand and says how long they took.
//!
//! `docs/testing-your-game.md` shows the tests of a small game.

mod clock;
mod harness;
mod hasher;
mod players;
mod random;

use std::future::Future;

pub use authcore_store_memory::MemoryStore;
pub use clock::ManualClock;
pub use harness::{Builder, Harness};
pub use hasher::CheapHasher;
pub use players::{email, guest};
pub use random::SeededRandom;

/// Runs a future to its end on this thread: what a plain `#[test]` does with an async function of a game. It needs no
/// runtime, and may be called wherever it is, inside of itself too.
///
/// ```
/// assert_eq!(authcore_testkit::run(async { 1 + authcore_testkit::run(async { 1 }) }), 2);
/// ```
pub fn run<F: Future>(future: F) -> F::Output {
    pollster::block_on(future)
}
