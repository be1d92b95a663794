use authcore::Secret;
use authcore_verifiers::{ConfigError, FacebookInstantGameConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.facebookinstantgame]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FacebookInstantGame {
    app_secret: Secret,
    nonce: Option<Nonce>,
}

impl Table for FacebookInstantGame {
    type Verifier = authcore_verifiers::FacebookInstantGame;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = FacebookInstantGameConfig::new(self.app_secret.clone());
        config.nonce = self.nonce.unwrap_or(Nonce::Off).policy(shared);
        authcore_verifiers::FacebookInstantGame::new(config)
    }
}
