use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use authcore::Secret;
use authcore_verifier_script::{ScriptConfig, ScriptService};
use authcore_verifiers::{
    ConfigError, Endpoint, KeyLocation, KeySource, TokenRules, TokenVerifier,
};
use chrono::TimeDelta;
use serde::Deserialize;

use super::oidc::algorithm;
use super::{Nonce, Shared, Table};

/// `[providers.script.NAME]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    file: PathBuf,
    #[serde(default)]
    services: BTreeMap<String, Service>,
    #[serde(default)]
    tokens: BTreeMap<String, Tokens>,
    #[serde(default)]
    secrets: BTreeMap<String, Secret>,
    parallel: Option<usize>,
}

/// A service that the script may ask.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

/// Whose tokens the script may have verified, and what they must say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    issuer: String,
    audiences: Vec<String>,
    algorithms: Option<Vec<String>>,
    keys_url: Option<String>,
    nonce: Option<Nonce>,
    #[serde(default)]
    reject_reuse: bool,
    max_age_seconds: Option<u32>,
}

impl Table for Script {
    type Verifier = authcore_verifier_script::Script;

    fn verifier(&self, name: &str, shared: &Shared) -> Result<Self::Verifier, ConfigError> {
        let at = self.file.display();
        let wrong =
            |problem: &dyn fmt::Display| ConfigError::new("file", format!("{at}: {problem}"));
        let text = std::fs::read_to_string(&self.file).map_err(|error| wrong(&error))?;
        let mut config = ScriptConfig::new(name, &text);
        for (name, table) in &self.services {
            let mut service = ScriptService::new(&table.url);
            service.headers.clone_from(&table.headers);
            config.services.insert(name.clone(), service);
        }
        for (issuer, table) in &self.tokens {
            let tokens = table
                .verifier(name, shared)
                .map_err(|error| ConfigError::new("tokens", format!("{issuer}.{error}")))?;
            config.tokens.insert(issuer.clone(), tokens);
        }
        config.secrets.clone_from(&self.secrets);
        config.parallel = self.parallel.unwrap_or(config.parallel);
        authcore_verifier_script::Script::new(config, &shared.way).map_err(|error| {
            if error.field() == "script" { wrong(&error.problem()) } else { error }
        })
    }
}

impl Tokens {
    fn verifier(&self, provider: &str, shared: &Shared) -> Result<TokenVerifier, ConfigError> {
        let discovered = KeyLocation::of_issuer("issuer", &self.issuer)?;
        let keys = match &self.keys_url {
            Some(url) => KeyLocation::Fixed(Endpoint::new("keys_url", url)?),
            None => discovered,
        };
        let mut rules = TokenRules::new(vec![self.issuer.clone()], self.audiences.clone())?;
        if let Some(names) = &self.algorithms {
            rules.algorithms =
                names.iter().map(|name| algorithm(name)).collect::<Result<_, _>>()?;
        }
        rules.nonce = self.nonce.unwrap_or(Nonce::Off).policy(shared);
        rules.reject_reuse = self.reject_reuse;
        if let Some(seconds) = self.max_age_seconds {
            rules.max_age = TimeDelta::seconds(seconds.into());
        }
        TokenVerifier::new(rules, KeySource::new(shared.way.to(provider), keys))
    }
}
