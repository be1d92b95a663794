use authcore::Secret;
use authcore_verifiers::{ConfigError, WebhookConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.webhook.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    url: String,
    app_id: String,
    secrets: Vec<Secret>,
}

impl Table for Webhook {
    type Verifier = authcore_verifiers::Webhook;

    fn verifier(&self, name: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let config = WebhookConfig::new(name, &self.url, &self.app_id, self.secrets.clone());
        authcore_verifiers::Webhook::new(config, &shared.way)
    }
}
