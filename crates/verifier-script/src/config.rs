use std::collections::BTreeMap;

use authcore::Secret;
use authcore_verifiers::{ConfigError, TokenVerifier};

/// What a script is made of, and all that it can reach.
#[derive(Debug)]
#[non_exhaustive]
pub struct ScriptConfig {
    /// The name of the provider: 1 to 32 of `a-z 0-9 _ -`.
    pub provider: String,
    /// The text of the script.
    pub script: String,
    /// The services that it may ask, by the names that it calls them.
    pub services: BTreeMap<String, ScriptService>,
    /// Whose tokens it may have verified, by the names that it calls them. What a token must say is decided here, never
    /// in the script (security 43, 44, 46).
    pub tokens: BTreeMap<String, TokenVerifier>,
    /// What it may sign and ask with, by name. A script never sees the text of one.
    pub secrets: BTreeMap<String, Secret>,
    /// How many runs there are at once, 1 to 256; each has a thread. Further logins wait for a second.
    pub parallel: usize,
}

impl ScriptConfig {
    /// Reaches nothing, and runs 16 times at once.
    #[must_use]
    pub fn new(provider: &str, script: &str) -> Self {
        Self {
            provider: provider.into(),
            script: script.into(),
            services: BTreeMap::new(),
            tokens: BTreeMap::new(),
            secrets: BTreeMap::new(),
            parallel: 16,
        }
    }
}

/// A service that a script may ask.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScriptService {
    /// Where it is: an `https` URL. A script adds segments to its path, and a query.
    pub url: String,
    /// What each request carries, by the names of headers in lower case.
    pub headers: BTreeMap<String, Secret>,
}

impl ScriptService {
    /// Without headers of its own.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.into(), headers: BTreeMap::new() }
    }

    /// Refuses headers that no request can carry, or that are the connection's own.
    pub(crate) fn check_headers(&self) -> Result<(), String> {
        const OURS: [&str; 7] = [
            "accept-encoding",
            "connection",
            "content-length",
            "host",
            "te",
            "transfer-encoding",
            "upgrade",
        ];
        for (name, value) in &self.headers {
            let is_name = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
            };
            if name.is_empty() || !name.bytes().all(is_name) {
                return Err(format!("{name:?} is not the name of a header in lower case"));
            }
            if OURS.contains(&name.as_str()) {
                return Err(format!("the header {name} is not for a configuration to set"));
            }
            let value = value.reveal();
            if value.is_empty() || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                return Err(format!("the value of the header {name} cannot be one"));
            }
        }
        Ok(())
    }
}

/// Refuses a secret that is empty: whatever is signed with it, anybody could sign.
pub(crate) fn check_secrets(secrets: &BTreeMap<String, Secret>) -> Result<(), ConfigError> {
    match secrets.iter().find(|(_, secret)| secret.is_empty()) {
        Some((name, _)) => Err(ConfigError::new("secrets", format!("{name} is empty"))),
        None => Ok(()),
    }
}
