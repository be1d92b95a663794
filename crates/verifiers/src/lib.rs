//! Verifiers for authcore: what proves to the engine who a player is.
//!
//! A verifier is anything that implements [`Verifier`]; [`verifier_fn`] makes one of a closure, for a system of one's
//! own that already knows its players.

mod closure;

pub use closure::{FnVerifier, verifier_fn};

#[cfg(doc)]
use authcore::verifier::Verifier;
