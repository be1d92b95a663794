//! Keys that are missing in development are made once and kept beside the database.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Keys that stand in public documentation: whoever can read has them.
const WELL_KNOWN: [&str; 7] = [
    "defaultkey",
    "defaulthttpkey",
    "defaultencryptionkey",
    "defaultrefreshencryptionkey",
    "thirty-two bytes of real secrecy",
    "a signing key that is known to all the world",
    "the key in every copy of the game",
];

/// Whether everybody knows the key.
pub(crate) fn is_well_known(key: &str) -> bool {
    WELL_KNOWN.contains(&key)
}

/// What development keeps beside its database.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevKeys {
    pub(crate) signing_key: String,
    pub(crate) operator_key: String,
}

impl DevKeys {
    /// The keys beside the database, made now when there are none, and kept there if asked to; for a store without a
    /// file they live as long as the process.
    pub(crate) fn beside(database: Option<&Path>, keep: bool) -> Result<Self, String> {
        let Some(database) = database else {
            eprintln!("authcore-host: --dev made keys that end with this process");
            return Self::make();
        };
        let path = beside(database);
        if path.exists() {
            let text = std::fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
            return toml::from_str(&text)
                .map_err(|_| format!("{}: not a file of development keys", path.display()));
        }
        let keys = Self::make()?;
        if !keep {
            return Ok(keys);
        }
        keys.write(&path)?;
        eprintln!("authcore-host: --dev made keys and keeps them in {}", path.display());
        Ok(keys)
    }

    fn make() -> Result<Self, String> {
        Ok(Self { signing_key: random_hex()?, operator_key: random_hex()? })
    }

    fn write(&self, path: &Path) -> Result<(), String> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| at(path, &error))?;
        let Self { signing_key, operator_key } = self;
        write!(file, "signing_key = \"{signing_key}\"\noperator_key = \"{operator_key}\"\n")
            .and_then(|()| file.sync_all())
            .map_err(|error| at(path, &error))
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".keys.toml");
    name.into()
}

fn at(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn random_hex() -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| "there is no randomness to be had".to_owned())?;
    let mut hex = String::with_capacity(64);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}
