//! Facebook Instant Games, by signed player info (providers.md 3.7).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::from_strict_json;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::jwt::NoncePolicy;
use crate::nonce::single_use;

/// How long signed player info is good.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How much Facebook's clock may be ahead of ours.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Which signed player info counts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FacebookInstantGameConfig {
    /// The app's secret.
    pub app_secret: Secret,
    /// Whether the `request_payload` must be a nonce of ours.
    pub nonce: NoncePolicy,
}

impl FacebookInstantGameConfig {
    /// What this app's secret signed.
    #[must_use]
    pub const fn new(app_secret: Secret) -> Self {
        Self { app_secret, nonce: NoncePolicy::Off }
    }
}

/// Verifies what `getSignedPlayerInfoAsync` gave the game, without asking anybody; the subject is `player_id`. A
/// [`TokenCredential`] is what it takes.
#[derive(Debug)]
pub struct FacebookInstantGame {
    provider: ProviderId,
    key: hmac::Key,
    nonce: NoncePolicy,
}

impl FacebookInstantGame {
    /// Nobody is asked, so there is no way outside to give.
    ///
    /// ```
    /// use authcore_verifiers::{FacebookInstantGame, FacebookInstantGameConfig};
    ///
    /// let config = FacebookInstantGameConfig::new("the app's secret".into());
    /// let instant = FacebookInstantGame::new(config)?;
    ///
    /// let forgeable = FacebookInstantGame::new(FacebookInstantGameConfig::new("".into()));
    /// assert_eq!(forgeable.err().map(|error| error.field()), Some("app_secret"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] without a secret: anybody could sign with an empty one.
    pub fn new(config: FacebookInstantGameConfig) -> Result<Self, ConfigError> {
        ConfigError::unless_given("app_secret", config.app_secret.reveal())?;
        Ok(Self {
            provider: provider_id("facebookinstantgame")?,
            key: hmac::Key::new(hmac::HMAC_SHA256, config.app_secret.reveal().as_bytes()),
            nonce: config.nonce,
        })
    }

    /// What Facebook signed: the signature is over the second part as it is sent, and looked at before it is read.
    fn read(&self, signed: &str) -> Result<PlayerInfo, Reason> {
        let (tag, info) = signed.split_once('.').ok_or(Reason::Malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| Reason::Malformed)?;
        hmac::verify(&self.key, info.as_bytes(), &tag).map_err(|_| Reason::BadSignature)?;
        let info = URL_SAFE_NO_PAD.decode(info).map_err(|_| Reason::Malformed)?;
        from_strict_json(&info).map_err(|_| Reason::Malformed)
    }
}

#[derive(Deserialize)]
struct PlayerInfo {
    algorithm: String,
    issued_at: i64,
    player_id: Option<String>,
    request_payload: Option<String>,
}

impl PlayerInfo {
    /// Whose it is and until when, once the algorithm and the time are as they must be.
    fn check(&self, now: DateTime<Utc>) -> Result<(&str, DateTime<Utc>), VerifyError> {
        // The algorithm is ours; what the info says is compared, and looks up nothing.
        if self.algorithm != "HMAC-SHA256" {
            return Err(Reason::AlgNotAllowed.into());
        }
        let issued = DateTime::from_timestamp(self.issued_at, 0).ok_or(Reason::Malformed)?;
        if issued > now + SKEW {
            return Err(Reason::NotYetValid.into());
        }
        let end = issued + LIFETIME;
        if now >= end {
            return Err(VerifyError::Expired);
        }
        match self.player_id.as_deref() {
            None | Some("") => Err(Reason::SubjectMissing.into()),
            Some(player) if player.len() > 255 || player.chars().any(char::is_control) => {
                Err(Reason::Malformed.into())
            }
            Some(player) => Ok((player, end)),
        }
    }
}

#[async_trait]
impl Verifier for FacebookInstantGame {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let credential = TokenCredential::read(credential)?;
        let info = self.read(credential.token())?;
        let (player, end) = info.check(context.now())?;
        let identity = context.identity(player).until(end);
        let payload = info.request_payload.as_deref().filter(|payload| !payload.is_empty());
        let (NoncePolicy::IfPresent(nonces) | NoncePolicy::Required(nonces)) = &self.nonce else {
            return Ok(identity.using_up(single_use("player info", credential.token()), end));
        };
        match (payload, &self.nonce) {
            (Some(payload), _) => {
                let scope = context.nonce_scope(credential.binding());
                let redeemed = nonces.redeem(payload, &scope, context.now())?;
                Ok(identity.using_up(redeemed.single_use, redeemed.forget_at))
            }
            (None, NoncePolicy::Required(_)) => Err(Reason::NonceMissing.into()),
            (None, _) => Ok(identity.using_up(single_use("player info", credential.token()), end)),
        }
    }
}
