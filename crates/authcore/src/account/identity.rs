use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::text::same;

/// Names a configured provider: one of the built-in kinds below, or the name that a verifier was registered under.
///
/// 1 to 32 of `a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderId(Cow<'static, str>);

impl ProviderId {
    /// A device id, made by the client.
    pub const DEVICE: Self = Self(Cow::Borrowed("device"));
    /// An id of the host's own making.
    pub const CUSTOM: Self = Self(Cow::Borrowed("custom"));
    /// A guest key, made by the client and kept until the game is removed.
    pub const GUEST: Self = Self(Cow::Borrowed("guest"));
    /// An email address with a password.
    pub const EMAIL: Self = Self(Cow::Borrowed("email"));
    /// An id that the player chose, in any case, with a password (braincloud 2).
    pub const UNIVERSAL: Self = Self(Cow::Borrowed("universal"));

    /// The name that a verifier of Sign in with Apple has, and Nakama's clients ask for (nakama 5.2).
    pub const APPLE: Self = Self(Cow::Borrowed("apple"));
    /// As [`APPLE`](Self::APPLE), of Facebook.
    pub const FACEBOOK: Self = Self(Cow::Borrowed("facebook"));
    /// As [`APPLE`](Self::APPLE), of Facebook Instant Games.
    pub const FACEBOOK_INSTANT_GAME: Self = Self(Cow::Borrowed("facebookinstantgame"));
    /// As [`APPLE`](Self::APPLE), of Apple's Game Center.
    pub const GAME_CENTER: Self = Self(Cow::Borrowed("gamecenter"));
    /// As [`APPLE`](Self::APPLE), of Google.
    pub const GOOGLE: Self = Self(Cow::Borrowed("google"));
    /// As [`APPLE`](Self::APPLE), of Steam.
    pub const STEAM: Self = Self(Cow::Borrowed("steam"));

    /// What refusals call a login by username; no identity has it.
    pub(crate) const USERNAME: Self = Self(Cow::Borrowed("username"));

    const BUILT_IN: [Self; 5] =
        [Self::DEVICE, Self::CUSTOM, Self::GUEST, Self::EMAIL, Self::UNIVERSAL];

    /// The provider of this name.
    ///
    /// # Errors
    ///
    /// [`InvalidProviderId`] when the name is not 1 to 32 of `a-z 0-9 _ -`.
    pub fn new(name: &str) -> Result<Self, InvalidProviderId> {
        if let Some(built_in) = Self::BUILT_IN.iter().find(|id| id.as_str() == name) {
            return Ok(built_in.clone());
        }
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits { Ok(Self(Cow::Owned(name.to_owned()))) } else { Err(InvalidProviderId) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a login of this kind takes the account's password, and opens nothing without one.
    #[must_use]
    pub fn needs_password(&self) -> bool {
        *self == Self::EMAIL || *self == Self::UNIVERSAL
    }

    /// Whether this kind is the engine's own and needs no verifier.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        Self::BUILT_IN.contains(self)
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderId({})", self.as_str())
    }
}

impl TryFrom<String> for ProviderId {
    type Error = InvalidProviderId;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(&name)
    }
}

impl From<ProviderId> for String {
    fn from(id: ProviderId) -> Self {
        id.0.into_owned()
    }
}

/// A provider's name must be 1 to 32 of `a-z 0-9 _ -`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a provider's name must be 1 to 32 of a-z 0-9 _ -")]
pub struct InvalidProviderId;

/// What an identity is found by, unique over all accounts of a store: `(provider, tenant, issuer, subject)`
/// (security 66). Providers without a tenant or an issuer leave them empty.
#[derive(Clone, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "it compares the same fields, only faster")]
pub struct IdentityKey {
    provider: ProviderId,
    tenant: Box<str>,
    issuer: Box<str>,
    subject: Box<str>,
}

impl PartialEq for IdentityKey {
    fn eq(&self, other: &Self) -> bool {
        self.provider == other.provider
            && same(&self.tenant, &other.tenant)
            && same(&self.issuer, &other.issuer)
            && self.subject == other.subject
    }
}

impl IdentityKey {
    /// The key of a provider that has neither tenants nor issuers.
    #[must_use]
    pub fn new(provider: ProviderId, subject: &str) -> Self {
        Self::scoped(provider, "", "", subject)
    }

    /// The key with all four parts.
    #[must_use]
    pub fn scoped(provider: ProviderId, tenant: &str, issuer: &str, subject: &str) -> Self {
        Self { provider, tenant: tenant.into(), issuer: issuer.into(), subject: subject.into() }
    }

    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The tenant, or empty.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The issuer, or empty.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who the player is at the provider, exactly as it was proven.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The four parts, each behind its length in bytes (big-endian `u32`), so that no two keys share an encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let parts = [self.provider.as_str(), &self.tenant, &self.issuer, &self.subject];
        let mut bytes = Vec::with_capacity(16 + parts.iter().map(|part| part.len()).sum::<usize>());
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for IdentityKey {
    /// Shows the provider only: a subject may be an email address or a device's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({}, [redacted])", self.provider)
    }
}

/// The number of an identity within its account; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ordinal(u32);

impl Ordinal {
    /// The first identity's.
    pub const FIRST: Self = Self(1);

    /// The ordinal with this number, as a store kept it.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number, for a store to keep.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The ordinal after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A login that belongs to an account. Exhaustive on purpose, like [`Account`](super::Account).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number within the account.
    pub ordinal: Ordinal,
    /// What it is found by.
    pub key: IdentityKey,
    /// The form to show where the key is folded: an email address as it was typed.
    pub shown: Option<Box<str>>,
    /// When it was linked.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub linked_at: DateTime<Utc>,
    /// When the player proved to own it beyond the login itself: a confirmed email address.
    #[serde(default, with = "chrono::serde::ts_milliseconds_option")]
    pub verified_at: Option<DateTime<Utc>>,
    /// What its verifier keeps with it: JSON text, at most 4096 bytes (braincloud 7, identityData).
    pub data: Option<Box<str>>,
}

impl Identity {
    /// The form to show: as it was typed, or the subject.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or_else(|| self.key.subject())
    }

    /// Takes over what is kept with an identity that moved here from another account.
    pub(crate) fn inherit(&mut self, moved: &Self) {
        self.shown.clone_from(&moved.shown);
        self.verified_at = moved.verified_at;
        self.data.clone_from(&moved.data);
    }
}

impl fmt::Debug for Identity {
    /// Shows neither its form to show nor what its verifier keeps: an email address, say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("ordinal", &self.ordinal)
            .field("key", &self.key)
            .field("linked_at", &self.linked_at)
            .field("verified_at", &self.verified_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = IdentityKey> {
        let part = "[ab\u{0}\u{1}]{0,3}";
        ("[ab]{1,2}", part, part, part).prop_map(|(provider, tenant, issuer, subject)| {
            IdentityKey::scoped(ProviderId::new(&provider).unwrap(), &tenant, &issuer, &subject)
        })
    }

    proptest! {
        /// security 66: no two distinct keys collide in storage.
        #[test]
        fn encodings_are_equal_only_for_equal_keys(a in key(), b in key()) {
            prop_assert_eq!(a == b, a.encode() == b.encode());
        }
    }

    #[test]
    fn provider_names_are_short_and_plain() {
        for bad in ["", "Device", "a b", "ü", "a".repeat(33).as_str()] {
            assert_eq!(ProviderId::new(bad), Err(InvalidProviderId), "{bad}");
        }
        assert!(ProviderId::new("google-play_2").is_ok());
        assert!(ProviderId::new("device").unwrap().is_built_in());
        assert!(!ProviderId::GOOGLE.is_built_in());
        assert_eq!(String::from(ProviderId::GOOGLE), "google");
    }

    #[test]
    fn security_66_a_key_tells_its_parts() {
        let key = IdentityKey::scoped(ProviderId::GOOGLE, "tenant", "issuer", "subject");
        assert_eq!((key.tenant(), key.issuer(), key.subject()), ("tenant", "issuer", "subject"));
        assert_eq!((Ordinal::new(7).number(), Ordinal::FIRST.next()), (7, Ordinal::new(2)));
    }

    #[test]
    fn debug_hides_the_subject() {
        let key = IdentityKey::new(ProviderId::EMAIL, "someone@example.com");
        assert!(!format!("{key:?}").contains("someone"));
        let mut account = crate::account::Account::new(
            crate::account::AccountId::from_bytes([1; 16]),
            DateTime::UNIX_EPOCH,
        );
        account.add_identity(key, Some("Someone@example.com".into()), DateTime::UNIX_EPOCH);
        account.identities[0].data = Some(r#"{"from":"Someone"}"#.into());
        assert!(!format!("{account:?}").contains("Someone"));
        let shown = "Identity { ordinal: Ordinal(1), key: IdentityKey(email, [redacted]), ";
        assert!(format!("{:?}", account.identities[0]).starts_with(shown));
        assert_eq!(format!("{:?}", ProviderId::EMAIL), "ProviderId(email)");
    }
}
