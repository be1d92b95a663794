//! An auth engine that a game's server embeds.
pub mod account;
mod clock;
pub mod event;
pub mod lifecycle;
pub mod password;
pub mod policy;
mod random;
pub mod refusal;
mod secret;
pub mod session;
pub mod store;
pub mod verifier;
pub use clock::Clock;
pub use policy::Policy;
pub use random::{Random, RandomError, SystemRandom};
pub use refusal::Refusal;
pub use secret::Secret;
