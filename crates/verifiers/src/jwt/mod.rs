//! Tokens that providers sign (providers.md J1 to J13).

mod claims;
mod rules;
mod verifier;

pub use claims::Claims;
pub use rules::{NoncePolicy, TokenRules};
pub use verifier::TokenVerifier;
pub(crate) use verifier::reason;
