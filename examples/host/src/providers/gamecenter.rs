use authcore_verifiers::{ConfigError, GameCenterConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.gamecenter]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GameCenter {
    bundle_ids: Vec<String>,
    issuers: Vec<String>,
    organization: Option<String>,
    hosts: Option<Vec<String>>,
    certificates: Option<Vec<String>>,
    id_prefixes: Option<Vec<String>>,
}

impl Table for GameCenter {
    type Verifier = authcore_verifiers::GameCenter;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = GameCenterConfig::new(self.bundle_ids.clone(), self.issuers.clone());
        config.organization = self.organization.clone().unwrap_or(config.organization);
        config.hosts = self.hosts.clone().unwrap_or(config.hosts);
        config.certificates = self.certificates.clone().unwrap_or(config.certificates);
        config.id_prefixes = self.id_prefixes.clone().unwrap_or(config.id_prefixes);
        authcore_verifiers::GameCenter::new(config, &shared.way)
    }
}
