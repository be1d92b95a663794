//! Epic Online Services Connect, by ID token (providers.md 3.12b).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::ConfigError;
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};

/// Which tokens of EOS Connect count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EosConfig {
    /// Our EOS client ids, one of which `aud` must be.
    pub client_ids: Vec<String>,
    /// Our deployment, which `pfdid` must be, where one is named.
    pub deployment_id: Option<String>,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// What `iss` is, or begins with before a slash.
    pub issuer: String,
    /// Where the keys are.
    pub keys_url: String,
}

impl EosConfig {
    /// Epic's own issuer and keys, for these clients.
    #[must_use]
    pub fn new(client_ids: Vec<String>) -> Self {
        Self {
            client_ids,
            deployment_id: None,
            reject_reuse: false,
            issuer: "https://api.epicgames.dev".into(),
            keys_url: "https://api.epicgames.dev/auth/v1/oauth/jwks".into(),
        }
    }
}

/// Verifies ID tokens of EOS Connect; the subject is the product user id, which is no Epic account id. A
/// [`TokenCredential`] is what it takes. What account the player has elsewhere (`act`) is not looked at.
#[derive(Debug)]
pub struct Eos {
    provider: ProviderId,
    tokens: TokenVerifier,
    deployment_id: Option<String>,
}

impl Eos {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Eos, EosConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let eos = Eos::new(EosConfig::new(vec!["xyza7891client".into()]), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no client, or another field cannot be.
    pub fn new(config: EosConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("eos")?;
        ConfigError::unless_named("client_ids", &config.client_ids)?;
        ConfigError::unless_given("issuer", &config.issuer)?;
        if let Some(deployment) = &config.deployment_id {
            ConfigError::unless_given("deployment_id", deployment)?;
        }
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let mut rules = TokenRules::new(vec![config.issuer], config.client_ids)?;
        rules.below_issuers = true;
        rules.reject_reuse = config.reject_reuse;
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let tokens = TokenVerifier::new(rules, keys)?;
        Ok(Self { provider, tokens, deployment_id: config.deployment_id })
    }
}

#[async_trait]
impl Verifier for Eos {
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
        claims.unless_text("pfdid", self.deployment_id.as_deref())?;
        Ok(claims.prove(context.identity(claims.subject())))
    }
}
