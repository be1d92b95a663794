use std::path::{Path, PathBuf};

use authcore_verifiers::{ConfigError, XboxConfig, XboxKey};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.xbox]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Xbox {
    relying_parties: Vec<String>,
    keys: Vec<Key>,
    keys_url: Option<String>,
    issuers: Option<Vec<String>>,
    #[serde(default)]
    title_ids: Vec<String>,
    sandboxes: Option<Vec<String>>,
    #[serde(default)]
    reject_reuse: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    certificate: PathBuf,
    private_key: PathBuf,
}

impl Key {
    fn read(&self) -> Result<XboxKey, ConfigError> {
        let text = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| {
                ConfigError::new("keys", format_args!("{}: {error}", path.display()))
            })
        };
        let private_key = text(&self.private_key)?.into();
        Ok(XboxKey { certificate: text(&self.certificate)?, private_key })
    }
}

impl Table for Xbox {
    type Verifier = authcore_verifiers::Xbox;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let keys = self.keys.iter().map(Key::read).collect::<Result<_, _>>()?;
        let mut config = XboxConfig::new(self.relying_parties.clone(), keys);
        config.keys_url = self.keys_url.clone().unwrap_or(config.keys_url);
        config.issuers = self.issuers.clone().unwrap_or(config.issuers);
        config.title_ids.clone_from(&self.title_ids);
        config.sandboxes = self.sandboxes.clone().unwrap_or(config.sandboxes);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Xbox::new(config, &shared.way)
    }
}
