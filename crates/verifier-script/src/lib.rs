//! A script of the operator's as a verifier, so that an identity provider is added without a build. It is what brainCloud's
//! external authentication by a script is (braincloud 7).
//!
//! [`Script`] is the verifier, [`ScriptConfig`] what it is made of. The script is text in the language of `rhai`, with one
//! function `verify(data)` that answers a boolean or an object; `docs/script.md` tells those who write one what they have to
//! work with.
//!
//! A script reaches nothing but what its configuration names: services by a name, issuers of tokens by a name, secrets by a
//! name. Its operations, its memory and its time are bounded, and no run leaves anything behind for the next.

mod config;
mod engine;
mod fault;
mod functions;
mod outside;
mod value;
mod verifier;

pub use config::{ScriptConfig, ScriptService};
pub use verifier::Script;
