//! The contract between the engine and whatever proves who a player is.

use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use crate::account::{AccountId, IdentityKey, ProviderId, SessionId};
use crate::secret::Secret;
use crate::store::SingleUseKey;

/// Proves who a player is at one provider. A verifier that is not configured cannot be built: no audience, no verifier.
#[async_trait]
pub trait Verifier: fmt::Debug + Send + Sync + 'static {
    /// The name that credentials and identities carry.
    fn provider(&self) -> &ProviderId;

    /// Checks a credential, and says whose it is.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] when the credential is not good, or when it could not be checked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; a credential that the provider accepts once may then be used up.
    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError>;

    /// Reads what the provider's server tells of one of its accounts (gamebase 3.19); none, where it is nothing that an
    /// account changes by. Providers that tell nothing have nothing to read.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] when it is not the provider that tells it, or when that could not be checked.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    async fn read_notice(
        &self,
        _payload: &Secret,
        _context: &VerifyContext,
    ) -> Result<Option<ProviderNotice>, VerifyError> {
        Err(VerifyError::Rejected("this provider sends no notices"))
    }
}

/// What a provider told of one of its accounts. Nothing but a verifier makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct ProviderNotice {
    pub(crate) identity: IdentityKey,
    pub(crate) event: ProviderEvent,
    pub(crate) once: (SingleUseKey, DateTime<Utc>),
}

/// What happened to an account at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderEvent {
    /// The player took their consent back.
    ConsentRevoked,
    /// The player deleted the account.
    AccountDeleted,
}

/// What a verifier is told besides the credential. Only the engine makes one, and only through one can a
/// [`VerifiedIdentity`] be made: that is what makes it a proof.
#[derive(Clone, Debug)]
pub struct VerifyContext {
    now: DateTime<Utc>,
    provider: ProviderId,
    session: Option<SessionId>,
}

impl VerifyContext {
    pub(crate) const fn new(
        now: DateTime<Utc>,
        provider: ProviderId,
        session: Option<SessionId>,
    ) -> Self {
        Self { now, provider, session }
    }

    /// The time, by the engine's clock.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// What a nonce must have been issued for to be in this credential; `binding` is what the client presents beside it.
    #[must_use]
    pub const fn nonce_scope<'a>(&'a self, binding: &'a str) -> NonceScope<'a> {
        NonceScope { provider: &self.provider, session: self.session, binding }
    }

    /// Says that the credential proves this subject of a provider without tenants and issuers.
    pub fn identity(&self, subject: &str) -> VerifiedIdentity {
        self.scoped_identity("", "", subject)
    }

    /// Says that the provider told this of a subject. `once` is used up in the commit of what follows from it, and may be
    /// forgotten at its time: a notice that comes again, or is sent again by somebody else, does nothing.
    pub fn notice(
        &self,
        subject: &str,
        event: ProviderEvent,
        once: (SingleUseKey, DateTime<Utc>),
    ) -> ProviderNotice {
        let identity = IdentityKey::new(self.provider.clone(), subject);
        ProviderNotice { identity, event, once }
    }

    /// Says that the credential proves this subject of a tenant and an issuer.
    pub fn scoped_identity(&self, tenant: &str, issuer: &str, subject: &str) -> VerifiedIdentity {
        VerifiedIdentity {
            key: IdentityKey::scoped(self.provider.clone(), tenant, issuer, subject),
            single_use: Vec::new(),
            expires_at: None,
            told: None,
        }
    }
}

/// Makes nonces, which verifiers know again in tokens (security 74).
pub trait NonceIssuer: fmt::Debug + Send + Sync + 'static {
    /// Makes one for this and nothing else, of fresh random bytes.
    fn issue(&self, scope: &NonceScope<'_>, now: DateTime<Utc>, random: [u8; 16]) -> String;
}

/// What a nonce is for.
#[derive(Clone, Copy)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whatever knows a nonce again must look at all of it"
)]
pub struct NonceScope<'a> {
    /// The provider whose token carries it.
    pub provider: &'a ProviderId,
    /// The session of the player who presents that token, to link it, say (security 70); none to log in.
    pub session: Option<SessionId>,
    /// A secret that the client made for this, or nothing.
    pub binding: &'a str,
}

impl<'a> NonceScope<'a> {
    /// For a login.
    #[must_use]
    pub const fn login(provider: &'a ProviderId, binding: &'a str) -> Self {
        Self { provider, session: None, binding }
    }
}

impl fmt::Debug for NonceScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NonceScope").field("provider", self.provider).finish_non_exhaustive()
    }
}

/// A proof that the player is this subject. Rules that log in or link take it; nothing but a verifier makes one.
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifiedIdentity {
    key: IdentityKey,
    single_use: Vec<(SingleUseKey, DateTime<Utc>)>,
    expires_at: Option<DateTime<Utc>>,
    /// Rarely there, and then apart.
    told: Option<Box<Told>>,
}

/// What a verifier tells of a player besides who it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) profile: Option<ProviderProfile>,
    pub(crate) friends: Vec<Box<str>>,
    pub(crate) payload: Option<Box<str>>,
    pub(crate) data: IdentityData,
    pub(crate) account: Option<AccountId>,
    pub(crate) former: Vec<Box<str>>,
    pub(crate) flags: Vec<&'static str>,
    pub(crate) owner: Option<Box<str>>,
}

/// What becomes of the data that is kept with an identity (braincloud 7, identityData).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityData {
    /// It stays.
    #[default]
    Keep,
    /// This takes its place: a JSON object, at most 4096 bytes.
    Replace(Box<str>),
    /// It goes.
    Clear,
}

/// What a provider says of a player's profile. It is given to the game at this login and not kept, unless the policy
/// lets it fill the empty fields of the player's own (nakama 9.6). There is no email address in it: that is never taken
/// from a provider (security 67).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderProfile {
    /// The name to show.
    pub display_name: Option<String>,
    /// The avatar.
    pub avatar_url: Option<String>,
    /// The language tag.
    pub lang_tag: Option<String>,
    /// The location.
    pub location: Option<String>,
    /// The time zone.
    pub timezone: Option<String>,
}

impl VerifiedIdentity {
    /// Adds something that may be used once (a nonce, a ticket); it is used up in the same commit, and may be
    /// forgotten from `forget_at` on. What is there already is not added again: a store would find it used.
    pub fn using_up(mut self, key: SingleUseKey, forget_at: DateTime<Utc>) -> Self {
        if self.single_use.iter().all(|(other, _)| *other != key) {
            self.single_use.push((key, forget_at));
        }
        self
    }

    /// The proof counts until this time, and no longer (`now >= expires_at` refuses it).
    pub const fn until(mut self, expires_at: DateTime<Utc>) -> Self {
        self.expires_at = Some(expires_at);
        self
    }

    /// Adds the player's profile at the provider.
    pub fn with_profile(mut self, profile: ProviderProfile) -> Self {
        self.told().profile = Some(profile);
        self
    }

    /// Adds the subjects of the player's friends at the same provider; the first [`FRIENDS`](Self::FRIENDS) count.
    pub fn with_friends<T: Into<Box<str>>>(
        mut self,
        subjects: impl IntoIterator<Item = T>,
    ) -> Self {
        self.told().friends = subjects.into_iter().take(Self::FRIENDS).map(Into::into).collect();
        self
    }

    /// Adds what holds for the player at the provider, each in a word: `vac_banned`, `child`. No rule of the engine's looks at
    /// it.
    pub fn with_flags(mut self, flags: impl IntoIterator<Item = &'static str>) -> Self {
        self.told().flags = flags.into_iter().collect();
        self
    }

    /// Adds whose the game is that the player borrows, by their subject at the same provider.
    pub fn borrowed_from(mut self, subject: &str) -> Self {
        self.told().owner = Some(subject.into());
        self
    }

    /// Adds something for the client: JSON text (braincloud 7, authPayload).
    ///
    /// # Errors
    ///
    /// [`VerifyError::Faulty`] when it is not JSON, or more than [`JSON_MAX`] bytes.
    pub fn with_payload(mut self, json: &str) -> Result<Self, VerifyError> {
        if !is_json(json) {
            return Err(VerifyError::faulty("the payload is not JSON, or too long"));
        }
        self.told().payload = Some(json.into());
        Ok(self)
    }

    /// Says what becomes of the data that is kept with the identity.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Faulty`] when it is not a JSON object, or more than 4096 bytes.
    pub fn with_data(mut self, data: IdentityData) -> Result<Self, VerifyError> {
        if let IdentityData::Replace(json) = &data
            && (json.len() > 4096 || !is_json(json) || !json.trim_start().starts_with('{'))
        {
            return Err(VerifyError::faulty("the identity's data is not an object, or too long"));
        }
        self.told().data = data;
        Ok(self)
    }

    /// Enters this account instead of the identity's: nobody looks the identity up, and it is not kept (braincloud 7,
    /// useProfileId). For login only.
    pub fn entering(mut self, account: AccountId) -> Self {
        self.told().account = Some(account);
        self
    }

    /// Adds what the same player was called at the provider before. Where nobody has the identity, and somebody has one
    /// of these instead, the login is theirs, and the identity takes the former one's place in the same commit. To link, to
    /// unlink and to merge, it is theirs as well.
    pub fn formerly<T: Into<Box<str>>>(mut self, subjects: impl IntoIterator<Item = T>) -> Self {
        self.told().former = subjects.into_iter().take(Self::FORMER).map(Into::into).collect();
        self
    }

    /// How many friends count at most.
    pub const FRIENDS: usize = 1000;
    /// How many former subjects count at most.
    pub const FORMER: usize = 8;

    fn told(&mut self) -> &mut Told {
        self.told.get_or_insert_default()
    }

    /// What the identity is found by.
    #[must_use]
    pub const fn key(&self) -> &IdentityKey {
        &self.key
    }

    pub(crate) fn single_use(&self) -> &[(SingleUseKey, DateTime<Utc>)] {
        &self.single_use
    }

    /// Whether the engine can use it: it is not over, and its parts are of a size to keep.
    pub(crate) fn check(&self, now: DateTime<Utc>) -> Result<(), VerifyError> {
        if self.expires_at.is_some_and(|end| now >= end) {
            return Err(VerifyError::Expired);
        }
        let sizes = [(self.key.tenant(), 0), (self.key.issuer(), 0), (self.key.subject(), 1)];
        if !sizes.iter().all(|(text, min)| (*min..=255).contains(&text.len())) {
            return Err(VerifyError::faulty("a subject is 1 to 255 bytes"));
        }
        Ok(())
    }

    /// What was told besides, where anything was.
    pub(crate) fn also(&self) -> Option<&Told> {
        self.told.as_deref()
    }

    /// What the player's identity was found by before.
    pub(crate) fn former_keys(&self) -> impl Iterator<Item = IdentityKey> + '_ {
        let former = self.also().map_or(&[][..], |told| &told.former);
        former.iter().map(|subject| self.sibling(subject))
    }

    /// The same player's identity under another subject.
    pub(crate) fn sibling(&self, subject: &str) -> IdentityKey {
        let key = &self.key;
        IdentityKey::scoped(key.provider().clone(), key.tenant(), key.issuer(), subject)
    }
}

/// How much JSON text a verifier has for the client at most, in bytes.
pub const JSON_MAX: usize = 65_536;

/// Whether it is JSON of a length that may be passed on.
pub(crate) fn is_json(text: &str) -> bool {
    text.len() <= JSON_MAX && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Why a credential was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The credential is not good: forged, expired, of another game, or not understood. The text is for operators.
    #[error("credential rejected: {0}")]
    Rejected(&'static str),
    /// As [`Rejected`](Self::Rejected), with something for the client (braincloud 7, extraErrorJson).
    #[error("credential rejected: {why}")]
    RejectedWith {
        /// For operators.
        why: &'static str,
        /// For the client: JSON text, at most [`JSON_MAX`] bytes; anything else is left out.
        extra: Box<str>,
    },
    /// The credential was good, and is over: the client is to get a new one.
    #[error("the credential is over")]
    Expired,
    /// The identity is authentic, and a policy refuses it; which one, in a word that the player is told.
    #[error("a policy refuses the identity: {0}")]
    Denied(&'static str),
    /// The verifier itself does not work: it failed, or answered what it must not. To the player that is a rejection like
    /// any other; to operators it is logged as an error, with the text of this one, so no secret belongs in it.
    #[error("the verifier is faulty: {0}")]
    Faulty(#[source] Box<dyn StdError + Send + Sync>),
    /// The provider could not be asked.
    #[error("the provider could not be asked")]
    Unavailable {
        /// How long to wait before the next try, where that is known.
        retry_after: Option<TimeDelta>,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
}

impl VerifyError {
    /// A [`Faulty`](Self::Faulty) one, in so many words.
    #[must_use]
    pub fn faulty(why: &'static str) -> Self {
        Self::Faulty(why.into())
    }

    /// An [`Unavailable`](Self::Unavailable) one, that does not say until when.
    #[must_use]
    pub fn unavailable(why: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: None, source: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> VerifiedIdentity {
        VerifyContext::new(DateTime::UNIX_EPOCH, ProviderId::CUSTOM, None).identity("ann")
    }

    #[test]
    fn braincloud_7_identity_data_is_an_object_of_at_most_4096_bytes() {
        let data = |json: &str| proof().with_data(IdentityData::Replace(json.into()));
        let object = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        assert!(data("{}").is_ok() && data(&object(4096)).is_ok());
        for bad in ["", "1", "[]", "{", r#"{"a":1} x"#, object(4097).as_str()] {
            assert!(matches!(data(bad), Err(VerifyError::Faulty(_))), "{bad}");
        }
    }

    #[test]
    fn braincloud_7_a_payload_is_json() {
        assert!(proof().with_payload(r#"{"a":1}"#).is_ok());
        assert!(proof().with_payload("{").is_err());
        assert!(proof().with_payload(&format!("\"{}\"", "x".repeat(JSON_MAX))).is_err());
    }

    #[test]
    fn what_is_used_up_twice_by_one_proof_is_used_up_once() {
        let (key, other) = (SingleUseKey::new([1; 32]), SingleUseKey::new([2; 32]));
        let end = DateTime::UNIX_EPOCH;
        let proof = proof().using_up(key, end).using_up(other, end).using_up(key, end);
        assert_eq!(proof.single_use(), [(key, end), (other, end)]);
    }

    #[test]
    fn friends_and_former_subjects_are_bounded() {
        let numbers = || (0..2000).map(|number| number.to_string());
        let proof = proof().with_friends(numbers()).formerly(numbers());
        let told = proof.also().unwrap();
        let most = (VerifiedIdentity::FRIENDS, VerifiedIdentity::FORMER);
        assert_eq!((told.friends.len(), told.former.len()), most);
    }

    #[test]
    fn a_proof_is_over_at_its_end_and_a_subject_has_a_size() {
        let second = |second| DateTime::from_timestamp(second, 0).unwrap();
        assert!(proof().until(second(1)).check(second(0)).is_ok());
        assert!(matches!(proof().until(second(1)).check(second(1)), Err(VerifyError::Expired)));
        let context = VerifyContext::new(second(0), ProviderId::CUSTOM, None);
        for bad in ["", "x".repeat(256).as_str()] {
            assert!(matches!(context.identity(bad).check(second(0)), Err(VerifyError::Faulty(_))));
        }
    }
}
