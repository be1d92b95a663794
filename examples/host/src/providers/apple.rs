use authcore_verifiers::{AppleConfig, ConfigError};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.apple]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apple {
    audiences: Vec<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Apple {
    type Verifier = authcore_verifiers::Apple;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = AppleConfig::new(self.audiences.clone());
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Apple::new(config, &shared.way)
    }
}
