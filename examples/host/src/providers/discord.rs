use authcore::Secret;
use authcore_verifiers::{ConfigError, DiscordConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.discord]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Discord {
    application_id: String,
    client_secret: Option<Secret>,
    #[serde(default)]
    redirect_uri: String,
}

impl Table for Discord {
    type Verifier = authcore_verifiers::Discord;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = DiscordConfig::new(&self.application_id);
        config.client_secret.clone_from(&self.client_secret);
        config.redirect_uri.clone_from(&self.redirect_uri);
        authcore_verifiers::Discord::new(config, &shared.way)
    }
}
