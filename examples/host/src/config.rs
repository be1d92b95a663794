//! The configuration file. A key that is not known stops the start: a misspelt one must not be ignored.

use std::net::SocketAddr;
use std::path::Path;

use serde::Deserialize;

use crate::providers::{Outbound, Providers};
use crate::v1::V1;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) game: Option<String>,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) store: Option<String>,
    pub(crate) server_key: Option<String>,
    pub(crate) operator_key: Option<String>,
    pub(crate) signing_key: Option<String>,
    /// Former signing keys, whose tokens still count until they are over.
    pub(crate) previous_signing_keys: Vec<String>,
    pub(crate) sqlite: Sqlite,
    pub(crate) tokens: Tokens,
    pub(crate) passwords: Passwords,
    pub(crate) limits: Limits,
    pub(crate) events: Events,
    pub(crate) nakama: Nakama,
    pub(crate) v1: V1,
    pub(crate) outbound: Outbound,
    pub(crate) providers: Providers,
    pub(crate) log: Log,
    /// What was read, for the lines that errors name.
    #[serde(skip)]
    pub(crate) text: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sqlite {
    pub(crate) synchronous: Synchronous,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Synchronous {
    #[default]
    Full,
    Normal,
    Off,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tokens {
    pub(crate) algorithm: Algorithm,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    #[default]
    Hs256,
    Ed25519,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Passwords {
    /// How many are hashed at once.
    pub(crate) threads: Option<usize>,
    /// How many may wait.
    pub(crate) queue: Option<usize>,
    /// How much memory hashing may take, in MiB.
    pub(crate) memory_mib: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// How many connections are open at once.
    pub(crate) connections: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Events {
    /// For how many days events are kept; with 0 for ever.
    pub(crate) keep_days: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nakama {
    pub(crate) access_lifetime_seconds: Option<u32>,
    pub(crate) session_idle_seconds: Option<u32>,
    pub(crate) session_absolute_seconds: Option<u32>,
    pub(crate) refresh_grace_seconds: Option<u32>,
    pub(crate) sessions_per_account: Option<usize>,
    /// How many proxies of one's own stand in front.
    pub(crate) proxy_count: usize,
    /// The largest request body, in bytes.
    pub(crate) body_limit: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

impl File {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // The parser's own error quotes the line, which may hold a key.
        let file: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {}", error.message())
        })?;
        Ok(Self { text: text.to_owned(), ..file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let Err(error) = File::parse("game = \"chess\"\nsevrer_key = \"a secret\"\n") else {
            panic!("a misspelt key was taken");
        };
        assert!(error.contains("line 2") && error.contains("sevrer_key"), "{error}");
        assert!(!error.contains("a secret"), "{error}");
        assert!(File::parse("[nakama]\naccess_lifetime = 5").is_err());
        assert!(File::parse("[sqlite]\nsynchronous = \"sometimes\"").is_err());
        assert!(File::parse("[limits]\nconections = 5").is_err());
        assert!(File::parse("[events]\nkeep_days = -1").is_err());
    }

    #[test]
    fn the_documented_file_is_fine() {
        let text = include_str!("../host.example.toml");
        assert!(File::parse(text).is_ok());
    }
}
