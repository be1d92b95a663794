//! Signed tokens for the auth engine: JWS in compact form, strict in what it accepts.
//!
//! The crate signs and verifies the engine's own tokens, and checks the signatures of others' ([`foreign`]). It never reads a
//! clock: `exp` and its relatives are ordinary claims, and the caller compares them with the
//! time it was given. The types of the library that does the cryptography stay inside.
//!
//! # Examples
//!
//! ```
//! use authcore_jose::{Algorithm, KeySet, MasterKey, TokenKey, from_strict_json};
//!
//! #[derive(serde::Deserialize)]
//! struct Claims {
//!     sub: String,
//!     exp: i64,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv")?;
//! let key = TokenKey::derive(&master, Algorithm::default(), "chess", "access")?;
//! let keys = KeySet::new(key);
//!
//! let token = keys.sign("at+jwt", r#"{"sub":"player-1","exp":1700000000}"#)?;
//! let payload = keys.verify("at+jwt", &token)?;
//!
//! let claims: Claims = from_strict_json(&payload)?;
//! assert_eq!(claims.sub, "player-1");
//! assert_eq!(claims.exp, 1_700_000_000);
//! # Ok(())
//! # }
//! ```

mod digest;
pub mod foreign;
mod json;
mod key;
mod token;

pub use digest::DigestKey;
pub use json::{JsonError, MAX_JSON_DEPTH, MAX_JSON_VALUES, from_strict_json};
pub use key::{Algorithm, KeyError, MasterKey, TokenKey};
pub use token::{KeySet, MAX_HEADER_BYTES, MAX_TOKEN_BYTES, SignError, TokenError};
