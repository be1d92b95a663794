//! Sign in with Apple, by ID token, and what Apple tells of its accounts (providers.md 3.1).

use std::sync::Arc;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::{IdentityKey, ProviderId};
use authcore::verifier::{
    ProviderEvent, ProviderNotice, VerifiedIdentity, Verifier, VerifyContext, VerifyError,
};
use authcore_jose::from_strict_json;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::nonce::{Redeemed, single_use};

/// Which tokens of Apple count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AppleConfig {
    /// What `aud` may name: bundle ids, and Services IDs for the web.
    pub audiences: Vec<String>,
    /// Whether a token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` that count.
    pub issuers: Vec<String>,
    /// Where Apple's keys are.
    pub keys_url: String,
}

impl AppleConfig {
    /// Apple's own issuer and keys, for these bundle ids.
    #[must_use]
    pub fn new(audiences: Vec<String>) -> Self {
        Self {
            audiences,
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            issuers: vec!["https://appleid.apple.com".into()],
            keys_url: "https://appleid.apple.com/auth/keys".into(),
        }
    }
}

/// Verifies Apple's ID tokens; the subject is `sub`, one for all apps of a team. A [`TokenCredential`] is what it takes.
/// A name that the client sends beside it is signed by nobody, and not looked at.
#[derive(Debug)]
pub struct Apple {
    provider: ProviderId,
    tokens: TokenVerifier,
    notices: TokenVerifier,
}

/// What Apple tells of one of its accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppleNotice {
    /// Whose account it is.
    pub identity: IdentityKey,
    /// What happened.
    pub event: AppleEvent,
    /// What tells the notice, which Apple may send twice, from others: its `jti`, or else itself.
    pub once: Redeemed,
}

/// What happened to an account at Apple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppleEvent {
    /// The player no longer uses Apple to log in to this app: `consent-revoked`.
    ConsentRevoked,
    /// The player deleted their account: `account-delete`.
    AccountDeleted,
    /// Anything else, as of a relay address of email, which the engine does not keep.
    Other,
}

impl Apple {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Apple, AppleConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let apple = Apple::new(AppleConfig::new(vec!["com.example.game".into()]), &outbound)?;
    ///
    /// let nobody = Apple::new(AppleConfig::new(Vec::new()), &outbound);
    /// assert_eq!(nobody.err().map(|error| error.field()), Some("audiences"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no audience, or another field cannot be.
    pub fn new(config: AppleConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("apple")?;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let keys = Arc::new(KeySource::new(outbound.to(provider.as_str()), keys));
        let mut rules = TokenRules::new(config.issuers, config.audiences)?;
        // Apple sends a notice again when it got no answer.
        let mut of_notices = rules.clone();
        of_notices.max_age = TimeDelta::days(1);
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        Ok(Self {
            provider,
            tokens: TokenVerifier::new(rules, Arc::clone(&keys))?,
            notices: TokenVerifier::new(of_notices, keys)?,
        })
    }

    /// Reads what Apple's server posted as `payload`: signed with the same keys and for the same apps as an ID token.
    /// `Engine::provider_notice` does so, and what follows from it; a notice that comes twice is read twice.
    ///
    /// # Errors
    ///
    /// [`VerifyError`], as for a credential: [`VerifyError::Unavailable`] when Apple's keys could not be had, so that it is
    /// to be asked to send the notice again.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn notice(
        &self,
        payload: &str,
        now: DateTime<Utc>,
    ) -> Result<AppleNotice, VerifyError> {
        let call = Call::starting(now);
        let (members, end) = self.notices.verify_without_subject(payload, &call).await?;
        let event = match members.get("events") {
            Some(Value::String(text)) => from_strict_json(text.as_bytes()).ok(),
            Some(object) => Event::deserialize(object).ok(),
            // An ID token, say.
            None => return Err(Reason::WrongType.into()),
        };
        let Event { kind, sub } = event.ok_or(Reason::Malformed)?;
        if !(1..=255).contains(&sub.len()) || sub.chars().any(char::is_control) {
            return Err(Reason::SubjectMissing.into());
        }
        Ok(AppleNotice {
            identity: IdentityKey::new(self.provider.clone(), &sub),
            event: match kind.as_str() {
                "consent-revoked" => AppleEvent::ConsentRevoked,
                "account-delete" => AppleEvent::AccountDeleted,
                _ => AppleEvent::Other,
            },
            once: Redeemed {
                single_use: match members.get("jti").and_then(Value::as_str) {
                    Some(id) => single_use("apple notice", id),
                    None => single_use("apple notice without id", payload),
                },
                forget_at: end,
            },
        })
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    sub: String,
}

#[async_trait]
impl Verifier for Apple {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let credential = TokenCredential::read(credential)?;
        let call = Call::starting(context.now());
        let claims = self.tokens.verify(&credential, context, &call).await?;
        if claims.get("events").is_some() {
            // A notice has the issuer, the audience and the keys of an ID token, and nobody logs in with one.
            return Err(Reason::WrongType.into());
        }
        Ok(claims.prove(context.identity(claims.subject())))
    }

    async fn read_notice(
        &self,
        payload: &Secret,
        context: &VerifyContext,
    ) -> Result<Option<ProviderNotice>, VerifyError> {
        let notice = self.notice(payload.reveal(), context.now()).await?;
        let event = match notice.event {
            AppleEvent::ConsentRevoked => ProviderEvent::ConsentRevoked,
            AppleEvent::AccountDeleted => ProviderEvent::AccountDeleted,
            AppleEvent::Other => return Ok(None),
        };
        let Redeemed { single_use, forget_at } = notice.once;
        Ok(Some(context.notice(notice.identity.subject(), event, (single_use, forget_at))))
    }
}
