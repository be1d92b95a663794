//! Plays the identity providers in tests: real HTTP and TLS on 127.0.0.1, keys and certificates made at start, a journal
//! of what it was asked, and faults that are switched on and off.
//!
//! [`FakeIdp`] is the server; each provider's module has its routes and makes its credentials; [`table`] runs the cases
//! that every provider is held to.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "it is for tests, which fail by panicking"
)]

mod fault;
mod journal;
mod log;
mod providers;
mod server;
mod sign;
pub mod table;
mod tls;
mod world;

pub use fault::Fault;
pub use journal::Recorded;
pub use log::Log;
pub use providers::*;
pub use server::{FakeIdp, Host};
pub use sign::{Issuer, Signer, Token};
pub use tls::Certificate;
pub use world::{Outcome, World};
