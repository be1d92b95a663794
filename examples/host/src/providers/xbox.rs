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
    signer_issuers: Vec<String>,
    signer_organization: Option<String>,
    signer_hosts: Option<Vec<String>>,
    issuers: Option<Vec<String>>,
    #[serde(default)]
    title_ids: Vec<String>,
    users_claim: Option<String>,
    hash_claim: Option<String>,
    partner_id_claim: Option<String>,
    xuid_claim: Option<String>,
    gamertag_claim: Option<String>,
    age_group_claim: Option<String>,
    title_claim: Option<String>,
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
        let (parties, issuers) = (self.relying_parties.clone(), self.signer_issuers.clone());
        let mut config = XboxConfig::new(parties, keys, issuers);
        for (named, field) in [
            (&self.signer_organization, &mut config.signer_organization),
            (&self.users_claim, &mut config.claims.users),
            (&self.hash_claim, &mut config.claims.hash),
            (&self.partner_id_claim, &mut config.claims.partner_id),
            (&self.xuid_claim, &mut config.claims.xuid),
            (&self.gamertag_claim, &mut config.claims.gamertag),
            (&self.age_group_claim, &mut config.claims.age_group),
            (&self.title_claim, &mut config.claims.title),
        ] {
            if let Some(named) = named {
                field.clone_from(named);
            }
        }
        config.signer_hosts = self.signer_hosts.clone().unwrap_or(config.signer_hosts);
        config.issuers = self.issuers.clone().unwrap_or(config.issuers);
        config.title_ids.clone_from(&self.title_ids);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Xbox::new(config, &shared.way)
    }
}
