//! Tokens that others sign: their public keys, and what is checked before a claim of theirs is looked at.
//!
//! HMAC has no place here: no key of this module can be one, and no algorithm, so a public key never serves as a secret.
//!
//! ```
//! use authcore_jose::foreign::{ForeignError, PublicKeys, SignatureAlgorithm, SignedToken};
//!
//! let keys = PublicKeys::parse(br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1",
//!     "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#)?;
//! assert!(keys.get("k1").is_some());
//!
//! let header = "eyJhbGciOiJub25lIn0"; // {"alg":"none"}
//! let text = format!("{header}.e30.AA");
//! let token = SignedToken::parse(&text, &[SignatureAlgorithm::EdDsa]);
//! assert_eq!(token.err(), Some(ForeignError::Algorithm));
//! # Ok::<(), authcore_jose::foreign::KeysError>(())
//! ```

mod encrypted;
mod keys;
mod token;

/// The longest token of somebody else, in bytes, and the longest one that may be packed within (providers.md J1).
pub const MAX_FOREIGN_TOKEN_BYTES: usize = 16 * 1024;

pub use encrypted::{DecryptionKey, EncryptedToken};
pub use keys::{KeysError, PublicKey, PublicKeys, SignatureAlgorithm};
pub use token::{ForeignError, SignedToken};

#[cfg(test)]
mod wycheproof;
