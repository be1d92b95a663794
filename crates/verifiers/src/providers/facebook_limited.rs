//! Facebook's Limited Login, by its signed token (providers.md 3.6).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::ConfigError;
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::nonce::Nonces;
use crate::profile::profile;

/// Which tokens of Limited Login count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FacebookLimitedConfig {
    /// The apps that a token may be for.
    pub app_ids: Vec<String>,
    /// The name of the provider, where it is another than `facebook_limited`. With `facebook`, players are the same as those
    /// of [`Facebook`](super::Facebook), which an engine then cannot have as well.
    pub provider: Option<String>,
    /// Whether a token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` that count.
    pub issuers: Vec<String>,
    /// Where Facebook's keys are.
    pub keys_url: String,
}

impl FacebookLimitedConfig {
    /// Facebook's own issuers and keys, for these apps; each token must be bound to its login.
    #[must_use]
    pub fn new(app_ids: Vec<String>, nonces: Nonces) -> Self {
        Self {
            app_ids,
            provider: None,
            nonce: NoncePolicy::Required(nonces),
            reject_reuse: false,
            issuers: vec!["https://www.facebook.com".into(), "https://facebook.com".into()],
            keys_url: "https://limited.facebook.com/.well-known/oauth/openid/jwks/".into(),
        }
    }
}

/// Verifies the tokens of Limited Login; the subject is `sub`, the app-scoped user id. A [`TokenCredential`] is what it
/// takes: an access token is another kind of credential, and refused.
#[derive(Debug)]
pub struct FacebookLimited {
    provider: ProviderId,
    tokens: TokenVerifier,
}

impl FacebookLimited {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{FacebookLimited, FacebookLimitedConfig, Nonces, Outbound, OutboundConfig};
    /// # let master = authcore::MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    /// let nonces = Nonces::derive(&master, "chess").unwrap();
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = FacebookLimitedConfig::new(vec!["1234".into()], nonces);
    /// let limited = FacebookLimited::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no app, or another field cannot be.
    pub fn new(config: FacebookLimitedConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id(config.provider.as_deref().unwrap_or("facebook_limited"))?;
        ConfigError::unless_named("app_ids", &config.app_ids)?;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let mut rules = TokenRules::new(config.issuers, config.app_ids)?;
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        Ok(Self { provider, tokens: TokenVerifier::new(rules, keys)? })
    }
}

#[async_trait]
impl Verifier for FacebookLimited {
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
        let profile = profile(claims.text("name"), claims.text("picture"));
        Ok(claims.prove(context.identity(claims.subject())).with_profile(profile))
    }
}
