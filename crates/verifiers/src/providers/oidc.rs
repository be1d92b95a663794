//! Any issuer that speaks OpenID Connect, by ID token (providers.md 5.1).

use std::collections::BTreeMap;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::foreign::SignatureAlgorithm;
use chrono::TimeDelta;
use serde_json::Value;

use super::provider_id;
use crate::credential::TokenCredential;
use crate::error::ConfigError;
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{NoncePolicy, TokenRules, TokenVerifier};
use crate::keys::{KeyLocation, KeySource};
use crate::profile::profile;

/// Which tokens of an issuer count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OidcConfig {
    /// The name of the provider: 1 to 32 of `a-z 0-9 _ -`.
    pub provider: String,
    /// The issuer, exactly as in `iss` and in its discovery document.
    pub issuer: String,
    /// Our client ids.
    pub audiences: Vec<String>,
    /// What may be in `aud` beside one of ours.
    pub other_audiences: Vec<String>,
    /// Client ids that `azp` may name besides.
    pub authorized_parties: Vec<String>,
    /// How tokens may be signed.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// Where the keys are, when discovery is not to say so.
    pub keys_url: Option<String>,
    /// Whether a token must be bound to the login.
    pub nonce: NoncePolicy,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
    /// How old a token may be; up to a day.
    pub max_age: TimeDelta,
    /// Claims that a token must have, with exactly this text.
    pub required_claims: BTreeMap<String, String>,
    /// Which claim is the name to show.
    pub name_claim: String,
    /// Which claim is the avatar.
    pub avatar_claim: String,
}

impl OidcConfig {
    /// RS256, keys by discovery, one hour.
    #[must_use]
    pub fn new(provider: &str, issuer: &str, audiences: Vec<String>) -> Self {
        Self {
            provider: provider.into(),
            issuer: issuer.into(),
            audiences,
            other_audiences: Vec::new(),
            authorized_parties: Vec::new(),
            algorithms: vec![SignatureAlgorithm::Rs256],
            keys_url: None,
            nonce: NoncePolicy::Off,
            reject_reuse: false,
            max_age: TimeDelta::hours(1),
            required_claims: BTreeMap::new(),
            name_claim: "name".into(),
            avatar_claim: "picture".into(),
        }
    }
}

/// Verifies the ID tokens of one issuer; who a player is, is the issuer and `sub`. A [`TokenCredential`] is what it takes.
#[derive(Debug)]
pub struct Oidc {
    provider: ProviderId,
    issuer: String,
    tokens: TokenVerifier,
    required_claims: BTreeMap<String, String>,
    name_claim: String,
    avatar_claim: String,
}

impl Oidc {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Oidc, OidcConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = OidcConfig::new("studio", "https://id.studio.example", vec!["the-game".into()]);
    /// let oidc = Oidc::new(config, &outbound)?;
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when there is no audience, the issuer is no single `https` URL, or another field cannot be.
    pub fn new(config: OidcConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id(&config.provider)?;
        let discovered = KeyLocation::of_issuer("issuer", &config.issuer)?;
        let keys = match &config.keys_url {
            Some(url) => KeyLocation::Fixed(Endpoint::new("keys_url", url)?),
            None => discovered,
        };
        let keys = KeySource::new(outbound.to(provider.as_str()), keys);
        let mut rules = TokenRules::new(vec![config.issuer.clone()], config.audiences)?;
        rules.algorithms = config.algorithms;
        rules.other_audiences = config.other_audiences;
        rules.authorized_parties = config.authorized_parties;
        rules.nonce = config.nonce;
        rules.reject_reuse = config.reject_reuse;
        rules.max_age = config.max_age;
        Ok(Self {
            provider,
            issuer: config.issuer,
            tokens: TokenVerifier::new(rules, keys)?,
            required_claims: config.required_claims,
            name_claim: config.name_claim,
            avatar_claim: config.avatar_claim,
        })
    }
}

#[async_trait]
impl Verifier for Oidc {
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
        let has = |(name, wanted): (&String, &String)| {
            claims.get(name).and_then(Value::as_str) == Some(wanted)
        };
        if !self.required_claims.iter().all(has) {
            return Err(VerifyError::Denied("required_claim"));
        }
        let identity = context.scoped_identity("", &self.issuer, claims.subject());
        let profile = profile(claims.text(&self.name_claim), claims.text(&self.avatar_claim));
        Ok(claims.prove(identity).with_profile(profile))
    }
}
