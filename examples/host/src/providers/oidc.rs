use std::collections::BTreeMap;

use authcore_verifiers::{ConfigError, OidcConfig, SignatureAlgorithm};
use chrono::TimeDelta;
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.oidc.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oidc {
    issuer: String,
    audiences: Vec<String>,
    #[serde(default)]
    other_audiences: Vec<String>,
    #[serde(default)]
    authorized_parties: Vec<String>,
    algorithms: Option<Vec<String>>,
    keys_url: Option<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
    max_age_seconds: Option<u32>,
    #[serde(default)]
    required_claims: BTreeMap<String, String>,
    name_claim: Option<String>,
    avatar_claim: Option<String>,
}

impl Table for Oidc {
    type Verifier = authcore_verifiers::Oidc;

    fn verifier(&self, name: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = OidcConfig::new(name, &self.issuer, self.audiences.clone());
        config.other_audiences.clone_from(&self.other_audiences);
        config.authorized_parties.clone_from(&self.authorized_parties);
        if let Some(names) = &self.algorithms {
            config.algorithms =
                names.iter().map(|name| algorithm(name)).collect::<Result<_, _>>()?;
        }
        config.keys_url.clone_from(&self.keys_url);
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        if let Some(seconds) = self.max_age_seconds {
            config.max_age = TimeDelta::seconds(seconds.into());
        }
        config.required_claims.clone_from(&self.required_claims);
        config.name_claim = self.name_claim.clone().unwrap_or(config.name_claim);
        config.avatar_claim = self.avatar_claim.clone().unwrap_or(config.avatar_claim);
        authcore_verifiers::Oidc::new(config, &shared.way)
    }
}

pub(super) fn algorithm(name: &str) -> Result<SignatureAlgorithm, ConfigError> {
    SignatureAlgorithm::from_name(name).ok_or_else(|| {
        let known = SignatureAlgorithm::ALL.map(SignatureAlgorithm::name).join(", ");
        ConfigError::new("algorithms", format!("{name:?} is none of {known}"))
    })
}
