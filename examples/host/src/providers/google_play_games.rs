use authcore::Secret;
use authcore_verifiers::{ConfigError, GooglePlayGamesConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.google_play_games]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GooglePlayGames {
    client_id: String,
    client_secret: Secret,
    application_id: String,
    redirect_uri: Option<String>,
    provider: Option<String>,
}

impl Table for GooglePlayGames {
    type Verifier = authcore_verifiers::GooglePlayGames;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let secret = self.client_secret.clone();
        let mut config = GooglePlayGamesConfig::new(&self.client_id, secret, &self.application_id);
        config.redirect_uri = self.redirect_uri.clone().unwrap_or(config.redirect_uri);
        config.provider = self.provider.clone().unwrap_or(config.provider);
        authcore_verifiers::GooglePlayGames::new(config, &shared.way)
    }
}
