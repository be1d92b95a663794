use authcore_verifiers::{ConfigError, WeiboConfig};
use serde::Deserialize;

use super::{Shared, Table};

/// `[providers.weibo]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Weibo {
    app_keys: Vec<String>,
}

impl Table for Weibo {
    type Verifier = authcore_verifiers::Weibo;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        authcore_verifiers::Weibo::new(WeiboConfig::new(self.app_keys.clone()), &shared.way)
    }
}
