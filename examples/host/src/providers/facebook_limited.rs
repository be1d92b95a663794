use authcore_verifiers::{ConfigError, FacebookLimitedConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.facebook_limited]`, and `limited` of `[providers.facebook]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FacebookLimited {
    app_ids: Vec<String>,
    provider: Option<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
    issuers: Option<Vec<String>>,
    keys_url: Option<String>,
}

impl FacebookLimited {
    pub(super) fn config(&self, shared: &Shared) -> FacebookLimitedConfig {
        let mut config = FacebookLimitedConfig::new(self.app_ids.clone(), shared.nonces.clone());
        config.provider.clone_from(&self.provider);
        config.nonce = self.nonce.unwrap_or(Nonce::Required).policy(shared);
        config.reject_reuse = self.reject_reuse;
        config.issuers = self.issuers.clone().unwrap_or(config.issuers);
        config.keys_url = self.keys_url.clone().unwrap_or(config.keys_url);
        config
    }
}

impl Table for FacebookLimited {
    type Verifier = authcore_verifiers::FacebookLimited;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        authcore_verifiers::FacebookLimited::new(self.config(shared), &shared.way)
    }
}
