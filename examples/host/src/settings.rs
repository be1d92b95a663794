//! What the host runs with: the command line first, then the environment, the file, and the defaults.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use authcore::password::HasherConfig;
use authcore::{Algorithm, Closure, MasterKey, Policy, Secret};
use authcore_store_postgres::PostgresConfig;
use authcore_store_sqlite::Synchronous;
use chrono::TimeDelta;

use crate::cli::Options;
use crate::config::{self, File, LogFormat};
use crate::keys::{DevKeys, is_well_known};
use crate::providers::Built;

/// Below this many bytes an operator key can be guessed.
const OPERATOR_KEY_MIN: usize = 16;
const CONNECTIONS: u32 = 10_000;
const KEEP_DAYS: u32 = 30;

pub(crate) struct Settings {
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
    pub(crate) game: String,
    pub(crate) listen: SocketAddr,
    pub(crate) store: Place,
    pub(crate) synchronous: Synchronous,
    pub(crate) server_key: Secret,
    pub(crate) operator_key: Option<Secret>,
    pub(crate) signing_key: MasterKey,
    pub(crate) previous_signing_keys: Vec<MasterKey>,
    pub(crate) algorithm: Algorithm,
    /// Of Nakama's routes.
    pub(crate) policy: Policy,
    /// Of the routes under `/v1/`.
    pub(crate) v1_policy: Policy,
    pub(crate) v1_proxy_count: usize,
    pub(crate) closure: Option<Closure>,
    pub(crate) hasher: HasherConfig,
    pub(crate) connections: u32,
    /// How long events are kept; `None` keeps them for ever.
    pub(crate) keep_events: Option<TimeDelta>,
    pub(crate) proxy_count: usize,
    pub(crate) body_limit: Option<usize>,
    pub(crate) test_fixtures: bool,
    pub(crate) providers: Built,
    pub(crate) log: LogFormat,
}

/// Where players are kept.
pub(crate) enum Place {
    Memory,
    Sqlite(PathBuf),
    Postgres(Box<PostgresConfig>),
}

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", _)) => PostgresConfig::url(text)
                .map(|config| Self::Postgres(Box::new(config)))
                // Without the URL, which may hold a password.
                .map_err(|error| error.to_string()),
            _ => Err(format!("store {text:?} is neither sqlite:FILE, postgres://… nor memory")),
        }
    }
}

impl Settings {
    /// Gathers them. Keys that development makes are kept when `keep` says so.
    pub(crate) fn gather(options: Options, keep: bool) -> Result<Self, String> {
        let file = match &options.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let dev = options.dev;
        let store = options.store.or(file.store).unwrap_or_else(|| "sqlite:players.db".into());
        let store = Place::parse(&store)?;
        let mut signing_key = options.signing_key.or(file.signing_key);
        let mut operator_key = options.operator_key.or(file.operator_key);
        let mut server_key = options.server_key.or(file.server_key);
        let mut game = options.game.or(file.game);
        if dev {
            if signing_key.is_none() || operator_key.is_none() {
                let database = match &store {
                    Place::Memory | Place::Postgres(_) => None,
                    Place::Sqlite(path) => Some(path.as_path()),
                };
                let made = DevKeys::beside(database, keep)?;
                signing_key.get_or_insert(made.signing_key);
                operator_key.get_or_insert(made.operator_key);
            }
            server_key.get_or_insert_with(|| "defaultkey".into());
            game.get_or_insert_with(|| "dev".into());
        }
        let signing_key = required("signing key", "--signing-key", signing_key)?;
        let server_key = required("server key", "--server-key", server_key)?;
        let game = required("game's name", "--game", game)?;
        if !dev {
            refuse_well_known("signing key", &signing_key)?;
            refuse_well_known("server key", &server_key)?;
            for key in &file.previous_signing_keys {
                refuse_well_known("previous signing key", key)?;
            }
        }
        if let Some(key) = &operator_key {
            check_operator_key(key, dev)?;
        }
        let v1_policy = file.v1.policy()?;
        let default_listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 7350));
        if game.len() > 64 {
            return Err("the game's name must be at most 64 bytes".into());
        }
        let signing_key = master_key("signing key", &signing_key)?;
        let providers =
            file.providers.build(&file.text, &file.outbound, &signing_key, &game).map_err(
                // There are none without a file.
                |error| {
                    format!("{}: {error}", options.config.clone().unwrap_or_default().display())
                },
            )?;
        Ok(Self {
            file: options.config,
            game,
            listen: options.listen.or(file.listen).unwrap_or(default_listen),
            store,
            synchronous: match file.sqlite.synchronous {
                config::Synchronous::Full => Synchronous::Full,
                config::Synchronous::Normal => Synchronous::Normal,
                config::Synchronous::Off => Synchronous::Off,
            },
            server_key: server_key.into(),
            operator_key: operator_key.map(Secret::new),
            signing_key,
            previous_signing_keys: file
                .previous_signing_keys
                .iter()
                .map(|key| master_key("previous signing key", key))
                .collect::<Result<_, _>>()?,
            algorithm: match file.tokens.algorithm {
                config::Algorithm::Hs256 => Algorithm::Hs256,
                config::Algorithm::Ed25519 => Algorithm::Ed25519,
            },
            policy: policy(&file.nakama, &v1_policy)?,
            v1_policy,
            v1_proxy_count: file.v1.proxy_count,
            closure: file.v1.closure(),
            hasher: hasher(&file.passwords)?,
            connections: not_zero("limits.connections", file.limits.connections)?
                .unwrap_or(CONNECTIONS),
            keep_events: match file.events.keep_days.unwrap_or(KEEP_DAYS) {
                0 => None,
                days => Some(TimeDelta::days(i64::from(days))),
            },
            proxy_count: file.nakama.proxy_count,
            body_limit: not_zero("nakama.body_limit", file.nakama.body_limit)?,
            test_fixtures: options.nakama_test_fixtures,
            providers,
            log: file.log.format,
        })
    }
}

fn required(what: &str, option: &str, value: Option<String>) -> Result<String, String> {
    match value {
        Some(value) if value.is_empty() => Err(format!("the {what} is empty")),
        Some(value) => Ok(value),
        None => Err(format!(
            "there is no {what}: add --dev to try things out, or give {option}, its variable or its line in the file"
        )),
    }
}

fn not_zero<T: Default + PartialEq>(key: &str, value: Option<T>) -> Result<Option<T>, String> {
    if value.as_ref() == Some(&T::default()) {
        return Err(format!("{key} = 0 lets nothing through; give at least 1"));
    }
    Ok(value)
}

fn refuse_well_known(what: &str, key: &str) -> Result<(), String> {
    if is_well_known(key) {
        return Err(format!(
            "everybody knows this {what}; choose another, or try things out with --dev"
        ));
    }
    Ok(())
}

/// Whoever has it can ban anybody, and nothing slows down guessing.
fn check_operator_key(key: &str, dev: bool) -> Result<(), String> {
    if is_well_known(key) && dev {
        return Ok(());
    }
    refuse_well_known("operator key", key)?;
    if key.len() < OPERATOR_KEY_MIN {
        return Err(format!("the operator key must have at least {OPERATOR_KEY_MIN} bytes"));
    }
    Ok(())
}

fn master_key(what: &str, key: &str) -> Result<MasterKey, String> {
    MasterKey::new(key.as_bytes()).map_err(|error| format!("the {what} cannot be used: {error}"))
}

fn policy(nakama: &config::Nakama, v1: &Policy) -> Result<Policy, String> {
    // What becomes of an account over time does not depend on the door that its player came through.
    let mut policy = Policy { carry_ban: v1.carry_ban, ..Policy::nakama() };
    let seconds = |asked: Option<u32>, knob: &mut TimeDelta| {
        if let Some(asked) = asked {
            *knob = TimeDelta::seconds(i64::from(asked));
        }
    };
    seconds(nakama.access_lifetime_seconds, &mut policy.access_lifetime);
    seconds(nakama.session_idle_seconds, &mut policy.session_idle);
    seconds(nakama.session_absolute_seconds, &mut policy.session_absolute);
    seconds(nakama.refresh_grace_seconds, &mut policy.refresh_grace);
    if let Some(sessions) = nakama.sessions_per_account {
        policy.sessions_per_account = sessions;
    }
    policy.check().map_err(|error| error.to_string())?;
    Ok(policy)
}

fn hasher(passwords: &config::Passwords) -> Result<HasherConfig, String> {
    let mut hasher = HasherConfig::default();
    hasher.threads = not_zero("passwords.threads", passwords.threads)?.unwrap_or(hasher.threads);
    hasher.queue = not_zero("passwords.queue", passwords.queue)?.unwrap_or(hasher.queue);
    if let Some(mib) = not_zero("passwords.memory_mib", passwords.memory_mib)? {
        hasher.memory_bytes = mib.saturating_mul(1024 * 1024);
        if hasher.memory_bytes < hasher.params.memory_bytes() {
            let least = hasher.params.memory_bytes() / (1024 * 1024);
            return Err(format!(
                "passwords.memory_mib must be at least {least}, room for one password"
            ));
        }
    }
    // A storm of passwords must not starve the rest: whoever needs a core for microseconds goes first. Where the
    // system does not allow it, the number of threads still bounds what hashing takes.
    hasher.on_thread_start = Some(Arc::new(|| {
        let _ = rustix::process::nice(10);
    }));
    Ok(hasher)
}

impl fmt::Display for Settings {
    /// Shows what is no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match &self.store {
            Place::Memory => "memory".into(),
            Place::Sqlite(path) => format!("sqlite:{}", path.display()),
            Place::Postgres(config) => config.to_string(),
        };
        let operators = if self.operator_key.is_some() { "with" } else { "without" };
        let file = match &self.file {
            Some(path) => format!("read from {}", path.display()),
            None => "no file was read".into(),
        };
        write!(
            f,
            "game {:?} on {store}, at {}, {operators} operator routes, {}; {file}",
            self.game, self.listen, self.providers
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNING: &str = "5f0c1a7b9e2d4c6f8a1b3d5e7f90a2b4";

    fn options(store: &str) -> Options {
        Options {
            store: Some(store.into()),
            game: Some("chess".into()),
            server_key: Some("a key of our own".into()),
            signing_key: Some(SIGNING.into()),
            ..Options::default()
        }
    }

    fn fault(options: Options) -> String {
        match Settings::gather(options, true) {
            Ok(settings) => panic!("taken: {settings}"),
            Err(error) => error,
        }
    }

    #[test]
    fn all_that_is_needed_is_enough() {
        assert!(Settings::gather(options("memory"), true).is_ok());
    }

    #[test]
    fn what_would_not_start_is_not_fine() {
        assert!(fault(Options { game: Some("x".repeat(65)), ..options("memory") }).contains("64"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        for (text, word) in
            [("[passwords]\nmemory_mib = 1", "19"), ("[nakama]\nbody_limit = 0", "body_limit")]
        {
            std::fs::write(&file, text).unwrap();
            let told = fault(Options { config: Some(file.clone()), ..options("memory") });
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(
            fault(Options { signing_key: None, ..options("memory") }).contains("--signing-key")
        );
        assert!(fault(Options { server_key: None, ..options("memory") }).contains("--server-key"));
        assert!(fault(Options { game: None, ..options("memory") }).contains("--game"));
        for missing in [
            Options { signing_key: None, ..options("memory") },
            Options { server_key: None, ..options("memory") },
            Options { game: None, ..options("memory") },
        ] {
            let text = fault(missing);
            let (reason, remedies) = text.split_once(": ").unwrap();
            assert!(reason.starts_with("there is no "), "{text}");
            assert!(remedies.starts_with("add --dev to try things out"), "{text}");
        }
        assert!(fault(options("postgres")).contains("neither"));
    }

    #[test]
    fn a_password_of_the_database_is_not_shown() {
        let url = "postgres://chess:hunter2@db/players?sslmode=require";
        let shown = Settings::gather(options(url), true).map(|settings| settings.to_string());
        assert!(shown.is_ok_and(
            |shown| shown.contains("postgres://db/players") && !shown.contains("hunter2")
        ));
        for wrong in [
            "postgres://chess:hunter2@db:port/players",
            "postgres://chess:hunter2@db/p?sslmode=allow",
        ] {
            assert!(!fault(options(wrong)).contains("hunter2"));
        }
    }

    #[test]
    fn an_empty_key_is_not_a_key() {
        let server = || Options { server_key: Some(String::new()), ..options("memory") };
        assert_eq!(fault(server()), "the server key is empty");
        assert_eq!(fault(Options { dev: true, ..server() }), "the server key is empty");
        let signing = Options { signing_key: Some(String::new()), ..options("memory") };
        assert_eq!(fault(signing), "the signing key is empty");
    }

    #[test]
    fn an_operator_key_that_can_be_guessed_is_refused_and_not_shown() {
        let with =
            |key: &str, dev| Options { operator_key: Some(key.into()), dev, ..options("memory") };
        for dev in [false, true] {
            for short in ["", "fifteen bytes!!"] {
                let text = fault(with(short, dev));
                assert_eq!(text, "the operator key must have at least 16 bytes");
            }
            assert!(Settings::gather(with("sixteen bytes!!!", dev), true).is_ok());
        }
        assert!(Settings::gather(with("defaulthttpkey", true), true).is_ok());
    }

    /// A configuration file that lives as long as the folder.
    fn with_file(text: &str) -> (tempfile::TempDir, Options) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.toml");
        std::fs::write(&path, text).unwrap();
        (folder, Options { config: Some(path), ..options("memory") })
    }

    #[test]
    fn previous_signing_keys_are_held_to_what_the_current_one_is() {
        let (_folder, known) =
            with_file(r#"previous_signing_keys = ["thirty-two bytes of real secrecy"]"#);
        let known = || Options { config: known.config.clone(), ..options("memory") };
        let text = fault(known());
        assert!(text.contains("everybody knows this previous signing key"), "{text}");
        assert!(Settings::gather(Options { dev: true, ..known() }, true).is_ok());
        let (_folder, short) = with_file(r#"previous_signing_keys = ["short but secret"]"#);
        let text = fault(short);
        assert!(text.contains("previous signing key") && !text.contains("but secret"), "{text}");
    }

    #[test]
    fn a_limit_of_zero_is_refused_by_name() {
        for (table, key) in [
            ("passwords", "threads"),
            ("passwords", "queue"),
            ("passwords", "memory_mib"),
            ("limits", "connections"),
        ] {
            let (_folder, options) = with_file(&format!("[{table}]\n{key} = 0"));
            let text = fault(options);
            assert!(text.starts_with(&format!("{table}.{key} = 0 ")), "{text}");
        }
    }

    #[test]
    fn events_are_kept_for_thirty_days_unless_told_otherwise() {
        let keep = |text: &str| {
            let (_folder, options) = with_file(text);
            Settings::gather(options, true).unwrap().keep_events
        };
        assert_eq!(keep(""), Some(TimeDelta::days(30)));
        assert_eq!(keep("[events]\nkeep_days = 7"), Some(TimeDelta::days(7)));
        assert_eq!(keep("[events]\nkeep_days = 0"), None);
    }

    #[test]
    fn the_documented_file_holds_the_defaults() {
        let (_folder, options) = with_file(include_str!("../host.example.toml"));
        let written = Settings::gather(options, true).unwrap();
        let (_folder, options) = with_file("");
        let default = Settings::gather(options, true).unwrap();
        let all = |settings: &Settings| {
            let hasher = &settings.hasher;
            (
                (settings.listen, settings.connections, settings.keep_events),
                (hasher.queue, hasher.memory_bytes, settings.proxy_count),
                format!("{:?} {:?}", settings.policy, settings.v1_policy),
            )
        };
        assert_eq!(all(&written), all(&default));
    }

    #[test]
    fn security_51_a_short_signing_key_is_refused_and_not_shown() {
        let short =
            fault(Options { signing_key: Some("short but secret".into()), ..options("memory") });
        assert!(short.contains("signing key") && !short.contains("but secret"), "{short}");
        let dull = fault(Options { signing_key: Some("a".repeat(40)), ..options("memory") });
        assert!(dull.contains("signing key"), "{dull}");
    }

    #[test]
    fn security_118_well_known_keys_are_for_development_only() {
        let known = || Options { server_key: Some("defaultkey".into()), ..options("memory") };
        assert!(fault(known()).contains("everybody knows"));
        assert!(Settings::gather(Options { dev: true, ..known() }, true).is_ok());
        let signing = Options {
            signing_key: Some("thirty-two bytes of real secrecy".into()),
            ..options("memory")
        };
        assert!(fault(signing).contains("everybody knows"));
        let operator = Options { operator_key: Some("defaulthttpkey".into()), ..options("memory") };
        assert!(fault(operator).contains("everybody knows"));
    }

    #[test]
    fn development_keeps_its_keys_beside_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("players.db");
        let dev = || Options {
            dev: true,
            store: Some(format!("sqlite:{}", database.display())),
            ..Options::default()
        };
        let keys = folder.path().join("players.db.keys.toml");
        assert!(Settings::gather(dev(), false).is_ok() && !keys.exists());
        let first = Settings::gather(dev(), true).unwrap();
        let second = Settings::gather(dev(), true).unwrap();
        let key = |settings: &Settings| settings.operator_key.as_ref().unwrap().reveal().to_owned();
        assert_eq!(key(&first), key(&second));
        assert_eq!(first.server_key.reveal(), "defaultkey");
        assert!(keys.exists());
    }
}
