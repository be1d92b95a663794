use std::collections::BTreeMap;

use authcore_verifiers::{ConfigError, LineConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.line]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    channels: BTreeMap<String, String>,
    #[serde(default)]
    local: bool,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Line {
    type Verifier = authcore_verifiers::Line;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = LineConfig::new(self.channels.clone());
        config.local = self.local;
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Line::new(config, &shared.way)
    }
}
