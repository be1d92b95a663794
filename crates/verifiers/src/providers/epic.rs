//! Epic Account Services, by ID token (providers.md 3.12a).

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
use crate::profile::profile;

/// Which tokens of Epic accounts count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EpicConfig {
    /// Our EOS client ids, one of which `aud` must be.
    pub client_ids: Vec<String>,
    /// Our deployment, which `pfdid` must be, where one is named.
    pub deployment_id: Option<String>,
    /// Whether a token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// The `iss` that count. Old tokens have others, which are not among them.
    pub issuers: Vec<String>,
    /// Where the keys are.
    pub keys_url: String,
}

impl EpicConfig {
    /// Epic's own issuer and keys, for these clients.
    #[must_use]
    pub fn new(client_ids: Vec<String>) -> Self {
        Self {
            client_ids,
            deployment_id: None,
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            issuers: vec!["https://api.epicgames.dev/epic/oauth/v2".into()],
            keys_url: "https://api.epicgames.dev/epic/oauth/v2/.well-known/jwks.json".into(),
        }
    }
}

/// Verifies ID tokens of Epic accounts; the subject is the Epic account id. Those of EOS Connect are another family, with
/// other keys and other subjects: see [`Eos`](super::Eos). A [`TokenCredential`] is what it takes.
#[derive(Debug)]
pub struct Epic {
    provider: ProviderId,
    tokens: TokenVerifier,
    deployment_id: Option<String>,
}

impl Epic {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Epic, EpicConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let epic = Epic::new(EpicConfig::new(vec!["xyza7891client".into()]), &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no client, or another field cannot be.
    pub fn new(config: EpicConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("epic")?;
        ConfigError::unless_named("client_ids", &config.client_ids)?;
        if let Some(deployment) = &config.deployment_id {
            ConfigError::unless_given("deployment_id", deployment)?;
        }
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let mut rules = TokenRules::new(config.issuers, config.client_ids)?;
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let tokens = TokenVerifier::new(rules, keys)?;
        Ok(Self { provider, tokens, deployment_id: config.deployment_id })
    }
}

#[async_trait]
impl Verifier for Epic {
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
        let profile = profile(claims.text("dn"), None);
        Ok(claims.prove(context.identity(claims.subject())).with_profile(profile))
    }
}
