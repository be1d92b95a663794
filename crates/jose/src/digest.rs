//! Keyed digests, for values that are looked up but must not be readable from a stolen database.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::key::{KeyError, MasterKey, SALT, expand};

const LABEL: &str = "digest key v1";

/// Makes keyed digests of one game for one purpose: HMAC-SHA256 under a key derived from the master key.
pub struct DigestKey(hmac::Key);

impl DigestKey {
    /// Derives the key. The same arguments always give the same key.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::Derivation`] when the cryptography refuses, which sound arguments never cause.
    pub fn derive(master: &MasterKey, game: &str, purpose: &str) -> Result<Self, KeyError> {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(master.bytes());
        let secret = expand(&prk, [LABEL, "HS256", game, purpose])?;
        Ok(Self(hmac::Key::new(HMAC_SHA256, &*secret)))
    }

    /// The digest of a value.
    #[must_use]
    pub fn digest(&self, value: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0, value);
        let mut digest = [0; 32];
        digest.copy_from_slice(tag.as_ref());
        digest
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(game: &str, purpose: &str, value: &[u8]) -> [u8; 32] {
        let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
        DigestKey::derive(&master, game, purpose).unwrap().digest(value)
    }

    #[test]
    fn a_digest_depends_on_game_purpose_and_value() {
        let one = digest("chess", "transfer", b"value");
        assert_eq!(one, digest("chess", "transfer", b"value"));
        assert_ne!(one, digest("go", "transfer", b"value"));
        assert_ne!(one, digest("chess", "ban", b"value"));
        assert_ne!(one, digest("chess", "transfer", b"other"));
    }
}
