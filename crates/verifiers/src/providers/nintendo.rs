//! Nintendo's network service accounts, by ID token (providers.md 3.11).

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use chrono::TimeDelta;
use serde_json::Value;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};

/// Which tokens of Nintendo count. No public document of Nintendo's says how they look: each default is what others saw.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NintendoConfig {
    /// The application ids of our games, one of which the token must be of: `aud` is one for all games.
    pub application_ids: Vec<String>,
    /// The `aud` that count.
    pub audiences: Vec<String>,
    /// The `iss` that count. Development units have others.
    pub issuers: Vec<String>,
    /// Where the keys are.
    pub keys_url: String,
    /// How old a token may be.
    pub max_age: TimeDelta,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
}

impl NintendoConfig {
    /// The issuer of units that are sold, its keys, and the audience of all games; tokens of the last three hours.
    #[must_use]
    pub fn new(application_ids: Vec<String>) -> Self {
        let issuer = "https://e0d67c509fb203858ebcb2fe3f88c2aa.baas.nintendo.com";
        Self {
            application_ids,
            audiences: vec!["ed9e2f05d286f7b8".into()],
            issuers: vec![issuer.into()],
            keys_url: format!("{issuer}/1.0.0/certificates"),
            max_age: TimeDelta::hours(3),
            reject_reuse: false,
        }
    }
}

/// Verifies Nintendo's ID tokens; the subject is `sub`. A [`TokenCredential`] is what it takes. A key URL in a token's own
/// header is not looked at.
#[derive(Debug)]
pub struct Nintendo {
    provider: ProviderId,
    tokens: TokenVerifier,
    application_ids: Vec<String>,
}

impl Nintendo {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Nintendo, NintendoConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = NintendoConfig::new(vec!["0100abcd12340000".into()]);
    /// let nintendo = Nintendo::new(config, &outbound)?;
    ///
    /// let nobody = Nintendo::new(NintendoConfig::new(Vec::new()), &outbound);
    /// assert_eq!(nobody.err().map(|error| error.field()), Some("application_ids"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no application, or another field cannot be.
    pub fn new(config: NintendoConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("nintendo")?;
        ConfigError::unless_named("application_ids", &config.application_ids)?;
        let keys = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let mut rules = TokenRules::new(config.issuers, config.audiences)?;
        rules.max_age = config.max_age;
        rules.reject_reuse = config.reject_reuse;
        let tokens = TokenVerifier::new(rules, keys)?;
        Ok(Self { provider, tokens, application_ids: config.application_ids })
    }
}

#[async_trait]
impl Verifier for Nintendo {
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
        if claims.text("typ") != Some("id_token") {
            // An access token of the same issuer.
            return Err(Reason::WrongType.into());
        }
        let application =
            claims.get("nintendo").and_then(|of| of.get("ai")).and_then(Value::as_str);
        if !self.application_ids.iter().any(|ours| application == Some(ours)) {
            return Err(Reason::WrongApp.into());
        }
        Ok(claims.prove(context.identity(claims.subject())))
    }
}
