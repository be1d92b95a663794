use authcore_verifiers::{ConfigError, NintendoConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.nintendo]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nintendo {
    application_ids: Vec<String>,
    audiences: Option<Vec<String>>,
    issuers: Option<Vec<String>>,
    keys_url: Option<String>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Nintendo {
    type Verifier = authcore_verifiers::Nintendo;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = NintendoConfig::new(self.application_ids.clone());
        config.audiences = self.audiences.clone().unwrap_or(config.audiences);
        config.issuers = self.issuers.clone().unwrap_or(config.issuers);
        config.keys_url = self.keys_url.clone().unwrap_or(config.keys_url);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Nintendo::new(config, &shared.way)
    }
}
