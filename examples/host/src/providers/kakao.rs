use authcore_verifiers::{ConfigError, KakaoConfig};
use serde::Deserialize;

use super::{Nonce, Shared, Table};

/// `[providers.kakao]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kakao {
    app_id: u64,
    app_keys: Vec<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
}

impl Table for Kakao {
    type Verifier = authcore_verifiers::Kakao;

    fn verifier(&self, _: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let mut config = KakaoConfig::new(self.app_id, self.app_keys.clone());
        config.nonce = self.nonce.unwrap_or(Nonce::IfPresent).policy(shared);
        config.reject_reuse = self.reject_reuse;
        authcore_verifiers::Kakao::new(config, &shared.way)
    }
}
