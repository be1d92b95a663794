use authcore::Secret;
use authcore_verifiers::{ConfigError, SteamConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.steam]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Steam {
    app_id: u32,
    publisher_key: Secret,
    identity: String,
    #[serde(default)]
    require_owner: bool,
    #[serde(default)]
    refuse_banned: bool,
    #[serde(default)]
    profile: bool,
    #[serde(default)]
    friends: bool,
}

impl Table for Steam {
    type Verifier = authcore_verifiers::Steam;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = SteamConfig::new(self.app_id, self.publisher_key.clone(), &self.identity);
        config.require_owner = self.require_owner;
        config.refuse_banned = self.refuse_banned;
        config.profile = self.profile;
        config.friends = self.friends;
        authcore_verifiers::Steam::new(config, &shared.way)
    }
}
