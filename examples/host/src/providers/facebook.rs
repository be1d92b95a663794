use authcore::Secret;
use authcore_verifiers::{ConfigError, FacebookApp, FacebookConfig};
use serde::Deserialize;

use super::facebook_limited::FacebookLimited;
use super::{Shared, Table};

/// `[providers.facebook]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facebook {
    apps: Vec<App>,
    #[serde(default)]
    friends: bool,
    graph_url: Option<String>,
    limited: Option<FacebookLimited>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    id: String,
    secret: Secret,
}

impl Table for Facebook {
    type Verifier = authcore_verifiers::Facebook;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let apps = self.apps.iter();
        let apps = apps.map(|app| FacebookApp { id: app.id.clone(), secret: app.secret.clone() });
        let mut config = FacebookConfig::new(apps.collect());
        config.friends = self.friends;
        if let Some(url) = &self.graph_url {
            config.graph_url.clone_from(url);
        }
        config.limited = self.limited.as_ref().map(|limited| limited.config(shared));
        authcore_verifiers::Facebook::new(config, &shared.way)
    }
}
