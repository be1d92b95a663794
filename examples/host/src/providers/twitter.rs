use authcore::Secret;
use authcore_verifiers::{ConfigError, TwitterConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.twitter]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Twitter {
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Secret,
    #[serde(default)]
    redirect_uri: String,
    consumer_key: Option<String>,
    #[serde(default)]
    consumer_secret: Secret,
    #[serde(default)]
    allow_unbound: bool,
}

impl Table for Twitter {
    type Verifier = authcore_verifiers::Twitter;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = TwitterConfig::new("", Secret::default());
        let pair = |id: &Option<String>, secret: &Secret| Some((id.clone()?, secret.clone()));
        config.client = pair(&self.client_id, &self.client_secret);
        config.redirect_uri.clone_from(&self.redirect_uri);
        config.consumer = pair(&self.consumer_key, &self.consumer_secret);
        config.allow_unbound = self.allow_unbound;
        authcore_verifiers::Twitter::new(config, &shared.way)
    }
}
