use authcore::Secret;
use authcore_verifiers::{ConfigError, PaycoConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.payco]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payco {
    client_id: String,
    client_secret: Secret,
    #[serde(default)]
    allow_unbound: bool,
}

impl Table for Payco {
    type Verifier = authcore_verifiers::Payco;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = PaycoConfig::new(&self.client_id, self.client_secret.clone());
        config.allow_unbound = self.allow_unbound;
        authcore_verifiers::Payco::new(config, &shared.way)
    }
}
