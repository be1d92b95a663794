//! Nonces: what ties a provider's token to one pending login (providers.md J12, security 74).

use std::fmt;
use std::sync::Arc;

use authcore::store::SingleUseKey;
use authcore::verifier::{NonceIssuer, NonceScope};
use authcore_jose::{DigestKey, KeyError, MasterKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

use crate::error::Reason;
use crate::hex::lower_hex;

const LIFETIME: TimeDelta = TimeDelta::minutes(10);
const RANDOM: usize = 16;
const EXPIRY: usize = 8;
const TAG: usize = 32;

/// Issues nonces and knows its own again, without keeping them: each carries its end and a keyed digest of itself, of the
/// provider and of the login that it is for. That it is used once is seen to in the commit of the login.
///
/// ```
/// use authcore::account::ProviderId;
/// use authcore::verifier::NonceScope;
/// use authcore_verifiers::Nonces;
/// use chrono::{DateTime, TimeDelta};
/// # use authcore::MasterKey;
/// # let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
/// let nonces = Nonces::derive(&master, "chess")?;
/// let (google, now) = (ProviderId::new("google").unwrap(), DateTime::UNIX_EPOCH);
/// let scope = NonceScope::login(&google, "secret of this login");
/// let nonce = nonces.issue(&scope, now, [7; 16]);
///
/// assert!(nonces.redeem(&nonce, &scope, now).is_ok());
/// assert!(nonces.redeem(&nonce, &NonceScope::login(&google, "of another"), now).is_err());
/// assert!(nonces.redeem(&nonce, &scope, now + TimeDelta::minutes(10)).is_err());
/// # Ok::<(), authcore_jose::KeyError>(())
/// ```
#[derive(Clone)]
pub struct Nonces(Arc<DigestKey>);

/// A nonce of ours, not yet used as far as it can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// What the commit of the login uses up.
    pub single_use: SingleUseKey,
    /// From when on that may be forgotten.
    pub forget_at: DateTime<Utc>,
}

impl Nonces {
    /// Those of one game.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the cryptography refuses.
    pub fn derive(master: &MasterKey, game: &str) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(DigestKey::derive(master, game, "provider nonce")?)))
    }

    /// Makes one, good for 10 minutes, of fresh random bytes.
    #[must_use]
    pub fn issue(
        &self,
        scope: &NonceScope<'_>,
        now: DateTime<Utc>,
        random: [u8; RANDOM],
    ) -> String {
        let expiry = (now + LIFETIME).timestamp_millis().to_be_bytes();
        let tag = self.tag(scope, &expiry, &random);
        URL_SAFE_NO_PAD.encode([&expiry[..], &random, &tag].concat())
    }

    /// Knows a nonce again that was issued for this.
    ///
    /// # Errors
    ///
    /// [`Reason::NonceMismatch`] for any other, and for one that is over.
    pub fn redeem(
        &self,
        nonce: &str,
        scope: &NonceScope<'_>,
        now: DateTime<Utc>,
    ) -> Result<Redeemed, Reason> {
        self.read(nonce, scope)
            .filter(|redeemed| now < redeemed.forget_at)
            .ok_or(Reason::NonceMismatch)
    }

    fn read(&self, nonce: &str, scope: &NonceScope<'_>) -> Option<Redeemed> {
        // The only length that decodes to this many bytes, so that nothing longer is decoded.
        if nonce.len() != (EXPIRY + RANDOM + TAG).div_ceil(3) * 4 - 1 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (expiry, rest) = bytes.split_first_chunk::<EXPIRY>()?;
        let (random, tag) = rest.split_first_chunk::<RANDOM>()?;
        verify_slices_are_equal(&self.tag(scope, expiry, random), tag).ok()?;
        let forget_at = DateTime::from_timestamp_millis(i64::from_be_bytes(*expiry))?;
        let single_use = single_use("nonce", nonce);
        Some(Redeemed { single_use, forget_at })
    }

    fn tag(&self, scope: &NonceScope<'_>, expiry: &[u8], random: &[u8]) -> [u8; TAG] {
        // A provider's name has no zero byte, and what follows it but the last has a fixed length.
        let name = scope.provider.as_str().as_bytes();
        let session = scope.session.map(|id| *id.as_bytes());
        let purpose = [u8::from(session.is_some())];
        let session = session.unwrap_or_default();
        let binding = scope.binding.as_bytes();
        self.0.digest(&[name, &[0], expiry, random, &purpose, &session, binding].concat())
    }
}

impl NonceIssuer for Nonces {
    fn issue(&self, scope: &NonceScope<'_>, now: DateTime<Utc>, random: [u8; RANDOM]) -> String {
        self.issue(scope, now, random)
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces([redacted])")
    }
}

/// What the commit of a login uses up for something that is good once: a nonce, a ticket, a token. `kind` has no zero
/// byte.
#[must_use]
pub fn single_use(kind: &str, what: &str) -> SingleUseKey {
    let mut digest = Sha256::new();
    digest.update(kind.as_bytes());
    digest.update([0]);
    digest.update(what.as_bytes());
    SingleUseKey::new(digest.finalize().into())
}

/// Whether the nonce of a token is this one, or its SHA-256 in lower-case hexadecimal digits.
pub(crate) fn is_nonce_or_its_digest(in_token: &str, nonce: &str) -> bool {
    let digest = lower_hex(&Sha256::digest(nonce.as_bytes()));
    let equal =
        |expected: &str| verify_slices_are_equal(in_token.as_bytes(), expected.as_bytes()).is_ok();
    equal(nonce) | equal(&digest)
}

#[cfg(test)]
mod tests {
    use authcore::account::{ProviderId, SessionId};

    use super::*;

    fn nonces(game: &str) -> Nonces {
        let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
        Nonces::derive(&master, game).unwrap()
    }

    fn provider(name: &str) -> ProviderId {
        ProviderId::new(name).unwrap()
    }

    #[test]
    fn j12_a_nonce_is_good_for_its_provider_login_and_game_only() {
        let (now, google) = (DateTime::UNIX_EPOCH, provider("google"));
        let nonce = nonces("chess").issue(&NonceScope::login(&google, "b"), now, [1; 16]);
        let redeem = |game: &str, name: &str, binding: &str, nonce: &str| {
            nonces(game).redeem(nonce, &NonceScope::login(&provider(name), binding), now)
        };
        assert!(redeem("chess", "google", "b", &nonce).is_ok());
        assert!(redeem("go", "google", "b", &nonce).is_err());
        assert!(redeem("chess", "apple", "b", &nonce).is_err());
        assert!(redeem("chess", "google", "", &nonce).is_err());
        for at in 0..nonce.len() {
            let mut other = nonce.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(redeem("chess", "google", "b", &other).is_err(), "{at}");
        }
        for bad in ["", "A", &nonce[1..], &format!("{nonce}A")] {
            assert!(redeem("chess", "google", "b", bad).is_err());
        }
    }

    #[test]
    fn security_70_a_nonce_is_good_for_its_session_or_for_a_login() {
        let (now, google) = (DateTime::UNIX_EPOCH, provider("google"));
        let of = |session: Option<u8>| NonceScope {
            session: session.map(|byte| SessionId::from_bytes([byte; 16])),
            ..NonceScope::login(&google, "b")
        };
        // Session zero is none of no session.
        let all = [None, Some(0), Some(1)];
        for issued in all {
            let nonce = nonces("chess").issue(&of(issued), now, [1; 16]);
            for presented in all {
                let known = nonces("chess").redeem(&nonce, &of(presented), now).is_ok();
                assert_eq!(known, issued == presented, "{issued:?} {presented:?}");
            }
        }
    }

    #[test]
    fn j12_a_nonce_is_over_after_ten_minutes() {
        let (now, google) = (DateTime::UNIX_EPOCH, provider("google"));
        let scope = NonceScope::login(&google, "");
        let nonce = nonces("chess").issue(&scope, now, [1; 16]);
        let at = |later| nonces("chess").redeem(&nonce, &scope, now + later);
        assert!(at(LIFETIME - TimeDelta::milliseconds(1)).is_ok());
        assert!(at(LIFETIME).is_err());
    }

    #[test]
    fn j12_a_token_may_carry_the_digest_of_the_nonce() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(is_nonce_or_its_digest("abc", "abc") && is_nonce_or_its_digest(digest, "abc"));
        assert!(!is_nonce_or_its_digest("abd", "abc") && !is_nonce_or_its_digest("", "abc"));
        assert!(!is_nonce_or_its_digest(&digest.to_uppercase(), "abc"));
    }
}
