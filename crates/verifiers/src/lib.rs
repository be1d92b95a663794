//! Verifiers for authcore: what proves to the engine who a player is.
//!
//! A verifier is anything that implements [`Verifier`]; [`verifier_fn`] makes one of a closure, for a system of one's
//! own that already knows its players; [`external_fn`] one of a closure that answers as brainCloud's external
//! authentication does.

mod answer;
mod closure;
mod external;

pub use answer::{ExternalAnswer, InvalidAnswer};
pub use closure::{FnVerifier, verifier_fn};
pub use external::{
    External, ExternalFault, ExternalRequest, ExternalVerifier, external, external_fn,
};

#[cfg(doc)]
use authcore::verifier::Verifier;
