use authcore_verifiers::{ConfigError, EosConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.eos]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Eos {
    client_ids: Vec<String>,
    deployment_id: Option<String>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Eos {
    type Verifier = authcore_verifiers::Eos;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = EosConfig::new(self.client_ids.clone());
        config.deployment_id.clone_from(&self.deployment_id);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Eos::new(config, &shared.way)
    }
}
