use authcore::Secret;
use authcore_verifiers::{ConfigError, GoogleClient, GoogleConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.google]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Google {
    audiences: Vec<String>,
    #[serde(default)]
    authorized_parties: Vec<String>,
    #[serde(default)]
    hosted_domains: Vec<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
    client_id: Option<String>,
    #[serde(default)]
    client_secret: Secret,
    #[serde(default)]
    redirect_uri: String,
}

impl Table for Google {
    type Verifier = authcore_verifiers::Google;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = GoogleConfig::new(self.audiences.clone());
        config.authorized_parties.clone_from(&self.authorized_parties);
        config.hosted_domains.clone_from(&self.hosted_domains);
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        config.client = self
            .client_id
            .as_ref()
            .map(|id| GoogleClient::new(id, self.client_secret.clone(), &self.redirect_uri));
        authcore_verifiers::Google::new(config, &shared.way)
    }
}
