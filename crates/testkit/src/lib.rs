//! A harness for games and for authcore's own tests: an engine on any store, with a clock that can be moved, seeded
//! randomness, and a hasher that costs next to nothing.
//!
//! ```
//! # futures_executor::block_on(async {
//! use authcore::{Credential, Login, Policy, RequestContext};
//! use authcore_testkit::Harness;
//! use chrono::TimeDelta;
//!
//! let world = Harness::new(Policy::recommended()).await;
//! let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
//! let player = world.engine().login(&RequestContext::new(), login).await.unwrap();
//!
//! // Time passes when the test says so.
//! world.clock().advance(TimeDelta::minutes(10));
//! assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
//! # });
//! ```

mod clock;
mod harness;
mod hasher;
mod random;

pub use clock::ManualClock;
pub use harness::{Builder, Harness};
pub use hasher::CheapHasher;
pub use random::SeededRandom;
