use authcore_verifiers::{ConfigError, EpicConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.epic]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Epic {
    client_ids: Vec<String>,
    deployment_id: Option<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Epic {
    type Verifier = authcore_verifiers::Epic;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = EpicConfig::new(self.client_ids.clone());
        config.deployment_id.clone_from(&self.deployment_id);
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Epic::new(config, &shared.way)
    }
}
