use authcore::Secret;
use authcore_verifiers::{ConfigError, PlayStationConfig, PlayStationIdToken, SignatureAlgorithm};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.playstation]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlayStation {
    client_id: String,
    client_secret: Secret,
    redirect_uri: String,
    token_url: String,
    environment: String,
    #[serde(default)]
    issuer: String,
    keys_url: Option<String>,
    algorithm: Option<String>,
    introspection_url: Option<String>,
}

impl Table for PlayStation {
    type Verifier = authcore_verifiers::PlayStation;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let (id, secret) = (&self.client_id, self.client_secret.clone());
        let (back, environment) = (&self.redirect_uri, &self.environment);
        let mut config = PlayStationConfig::new(id, secret, back, &self.token_url, environment);
        if let Some(keys_url) = &self.keys_url {
            let mut token = PlayStationIdToken::new(&self.issuer, keys_url);
            if let Some(name) = &self.algorithm {
                token.algorithm = SignatureAlgorithm::from_name(name).ok_or_else(|| {
                    ConfigError::new("algorithm", format_args!("{name:?} is not known"))
                })?;
            }
            config.id_token = Some(token);
        }
        config.introspection_url.clone_from(&self.introspection_url);
        authcore_verifiers::PlayStation::new(config, &shared.way)
    }
}
