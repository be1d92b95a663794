use authcore::Secret;
use authcore_verifiers::{ConfigError, NaverConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.naver]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Naver {
    client_id: String,
    client_secret: Secret,
    #[serde(default)]
    allow_unbound: bool,
}

impl Table for Naver {
    type Verifier = authcore_verifiers::Naver;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = NaverConfig::new(&self.client_id, self.client_secret.clone());
        config.allow_unbound = self.allow_unbound;
        authcore_verifiers::Naver::new(config, &shared.way)
    }
}
