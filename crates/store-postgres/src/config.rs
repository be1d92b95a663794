use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::error::OpenError;

/// How many connections one node holds at most.
const CONNECTIONS: usize = 12;
/// How many connections reads share, and how many of the others write batches.
const READERS: usize = 2;
const WRITERS: usize = 2;
/// How long connecting may take where the URL says nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may be silent before its other end is asked whether it is there, and how often it is asked, where
/// the URL says nothing: a server that has vanished is noticed after some ten seconds.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unconfirmed where the URL says nothing.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Which database, and how to reach it.
#[derive(Clone)]
pub struct PostgresConfig {
    pub(crate) server: Config,
    /// The same with each of the hosts alone.
    pub(crate) each: Vec<Config>,
    pub(crate) trust: Trust,
    pub(crate) connections: usize,
    pub(crate) patience: Duration,
    pub(crate) readers: usize,
    pub(crate) writers: usize,
    pub(crate) named_statements: bool,
}

/// Whom TLS trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Whoever answers.
    Anybody,
    /// Who has a certificate for the host's name from an authority in this file.
    Authorities(PathBuf),
}

impl PostgresConfig {
    /// Reads a URL: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`, with the parameters of
    /// [`tokio_postgres::Config`].
    ///
    /// `sslmode` means what it means to libpq: `disable`, `prefer` (the default: encrypts where the server offers it),
    /// `require` (encrypts, and trusts whoever answers) and `verify-full` (also checks who answers, by the certificates
    /// in the PEM file that `sslrootcert` names). The others are refused.
    ///
    /// `pgbouncer=true` is [`behind_pooler`](Self::behind_pooler).
    ///
    /// Of several hosts (`HOST:PORT,HOST:PORT`) all are asked at once whenever a connection is made, and the first that
    /// takes writes gets it: `target_session_attrs` is `read-write` where several hosts stand. `any` is for servers that all
    /// take writes.
    ///
    /// A server that has vanished without a word is noticed by TCP: `keepalives_idle` (5 s where the URL says nothing),
    /// `keepalives_interval` (2 s), `keepalives_retries` (3) and `tcp_user_timeout` (10 s).
    ///
    /// # Errors
    ///
    /// [`OpenError::Url`] and [`OpenError::SslMode`].
    pub fn url(url: &str) -> Result<Self, OpenError> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(fault("it does not begin with postgres://"));
        }
        let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
        let mut named_statements = true;
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value),
                Some(("sslrootcert", value)) => {
                    authorities = Some(PathBuf::from(unescaped(value)?));
                }
                Some(("pgbouncer", "true")) => named_statements = false,
                Some(("pgbouncer", "false")) => named_statements = true,
                Some(("pgbouncer", _)) => return Err(fault("pgbouncer is true or false")),
                _ => rest.push(parameter),
            }
        }
        let mut server = parse(place, &rest)?;
        let (mode, trust) = match (mode.unwrap_or("prefer"), authorities) {
            ("verify-full", Some(path)) => (SslMode::Require, Trust::Authorities(path)),
            ("verify-full", None) => return Err(fault("sslmode=verify-full needs sslrootcert")),
            ("disable" | "prefer" | "require", Some(_)) => {
                return Err(fault("sslrootcert is for sslmode=verify-full"));
            }
            ("disable", None) => (SslMode::Disable, Trust::Anybody),
            ("prefer", None) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            (mode, _) => return Err(OpenError::SslMode { mode: mode.to_owned() }),
        };
        server.ssl_mode(mode);
        settle(&mut server, &rest)?;
        let mut each = each_host(&server, place, &rest)?;
        for host in &mut each {
            host.ssl_mode(mode);
            settle(host, &rest)?;
        }
        Ok(Self {
            server,
            each,
            trust,
            connections: CONNECTIONS,
            patience: CONNECT_TIMEOUT,
            readers: READERS,
            writers: WRITERS,
            named_statements,
        })
    }

    /// How many connections the store holds at most for all but reads by key; at least one, and 12 where nothing is
    /// said. Few are in use at a time, since commits that wait share one: the others are for change sets that are
    /// applied alone.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How many connections share the reads by key; at least one, and 2 where nothing is said. Reads that
    /// wait are sent together; the next connection is used when the one before is not done after 5 ms.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many batches of commits are written at a time; at least one, and 2 where nothing is said. The next begins when
    /// the one before is done or has taken 5 ms.
    #[must_use]
    pub fn with_writers(mut self, writers: usize) -> Self {
        self.writers = writers.max(1);
        self
    }

    /// For a pooler such as pgbouncer that hands each transaction to another connection: prepares no statements under
    /// names and sets nothing that outlives a transaction. Each statement is then parsed and planned anew.
    #[must_use]
    pub const fn behind_pooler(mut self) -> Self {
        self.named_statements = false;
        self
    }

    /// How long a call waits for a connection before it fails with
    /// [`Unavailable`](authcore::store::StoreErrorKind::Unavailable), and how long a commit whose connection was lost looks
    /// for a server that knows whether it was applied.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// Its error says what is wrong, and quotes no value.
fn parse(place: &str, parameters: &[&str]) -> Result<Config, OpenError> {
    format!("{place}?{}", parameters.join("&"))
        .parse()
        .map_err(|error: tokio_postgres::Error| fault(&chain(&error)))
}

/// Decides what the URL leaves open.
fn settle(config: &mut Config, parameters: &[&str]) -> Result<(), OpenError> {
    let says = |name| parameters.iter().any(|it| it.split_once('=').is_some_and(|it| it.0 == name));
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name("authcore");
    }
    if !says("keepalives_idle") {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    match config.get_target_session_attrs() {
        TargetSessionAttrs::ReadOnly => {
            Err(fault("target_session_attrs=read-only: the store writes"))
        }
        _ => Ok(()),
    }
}

/// The same for each of its hosts alone. The driver would ask them one after another.
fn each_host(all: &Config, place: &str, parameters: &[&str]) -> Result<Vec<Config>, OpenError> {
    let (hosts, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
    let count = hosts.len().max(addresses.len());
    if count < 2 {
        return Ok(vec![all.clone()]);
    }
    // The driver takes what stands before the first @ for the user, and what stands behind the hosts for the database.
    let (user, rest) = match place.split_once('@') {
        Some((user, rest)) => (format!("{user}@"), rest),
        None => ("postgres://".to_owned(), place.split_once("://").map_or("", |(_, rest)| rest)),
    };
    let database = rest.split_once('/').map_or("", |(_, database)| database);
    let names_host =
        |it: &&str| ["host=", "hostaddr=", "port="].iter().any(|name| it.starts_with(name));
    let others: Vec<_> = parameters.iter().copied().filter(|it| !names_host(it)).collect();
    let mut alone = parse(&format!("{user}/{database}"), &others)?;
    if !others.iter().any(|it| it.starts_with("target_session_attrs=")) {
        alone.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(fault("there are not as many ports as hosts"));
    }
    let each = (0..count).map(|place| {
        let mut one = alone.clone();
        match hosts.get(place) {
            Some(Host::Tcp(name)) => one.host(name),
            Some(Host::Unix(folder)) => one.host_path(folder),
            None => &mut one,
        };
        if let Some(address) = addresses.get(place) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(place).or(ports.first()) {
            one.port(*port);
        }
        one
    });
    Ok(each.collect())
}

impl fmt::Debug for PostgresConfig {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("hosts", &self.server.get_hosts())
            .field("ports", &self.server.get_ports())
            .field("database", &self.server.get_dbname())
            .field("tls", &self.server.get_ssl_mode())
            .field("trust", &self.trust)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PostgresConfig {
    /// Names the database, and shows neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.server.get_hosts().iter().map(host).collect();
        let database = self.server.get_dbname().unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

fn fault(reason: &str) -> OpenError {
    OpenError::Url { reason: reason.to_owned() }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// Undoes `%XX`.
fn unescaped(value: &str) -> Result<String, OpenError> {
    let (mut bytes, mut rest) = (Vec::with_capacity(value.len()), value.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or(0), rest.next().unwrap_or(0)];
            let digits = std::str::from_utf8(&digits).unwrap_or_default();
            let byte =
                u8::from_str_radix(digits, 16).map_err(|_| fault("a % without two digits"))?;
            bytes.push(byte);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| fault("sslrootcert is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> PostgresConfig {
        PostgresConfig::url(url).unwrap()
    }

    fn refused(url: &str) -> String {
        PostgresConfig::url(url).unwrap_err().to_string()
    }

    #[test]
    fn sslmode_means_what_it_means_to_libpq() {
        let modes = [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=prefer", SslMode::Prefer),
            ("?sslmode=require", SslMode::Require),
        ];
        for (parameters, mode) in modes {
            let config = of(&format!("postgres://u@h/d{parameters}"));
            assert_eq!((config.server.get_ssl_mode(), config.trust), (mode, Trust::Anybody));
        }
        let config = of(
            "postgresql://u@h/d?application_name=x&sslmode=verify-full&sslrootcert=%2Fa%20b.pem",
        );
        assert_eq!(config.server.get_ssl_mode(), SslMode::Require);
        assert_eq!(config.trust, Trust::Authorities("/a b.pem".into()));
        assert_eq!(config.server.get_application_name(), Some("x"));
    }

    #[test]
    fn a_pooler_is_said_in_the_url() {
        assert!(of("postgres://u@h/d").named_statements);
        assert!(!of("postgres://u@h/d?pgbouncer=true&sslmode=disable").named_statements);
        assert!(of("postgres://u@h/d?pgbouncer=false").named_statements);
        assert!(refused("postgres://u@h/d?pgbouncer=yes").contains("true or false"));
    }

    #[test]
    fn of_several_hosts_each_is_asked_alone_and_must_take_writes() {
        let config = of("postgres://u:p@one:1,two:2/d?application_name=x&sslmode=require");
        let hosts: Vec<_> = config.each.iter().map(|it| (it.get_hosts(), it.get_ports())).collect();
        let name = |name: &str| Host::Tcp(name.to_owned());
        assert_eq!(hosts, [(&[name("one")][..], &[1][..]), (&[name("two")], &[2])]);
        for host in &config.each {
            assert_eq!((host.get_user(), host.get_password()), (Some("u"), Some(&b"p"[..])));
            assert_eq!((host.get_dbname(), host.get_application_name()), (Some("d"), Some("x")));
            assert_eq!(host.get_ssl_mode(), SslMode::Require);
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!(host.get_tcp_user_timeout(), Some(&TCP_USER_TIMEOUT));
        }
        let config = of("postgres://%2Fa:7,%2Fb:7/d?user=u&target_session_attrs=any");
        let sockets: Vec<_> = config.each.iter().flat_map(Config::get_hosts).collect();
        assert_eq!(sockets, [&Host::Unix("/a".into()), &Host::Unix("/b".into())]);
        assert!(config.each.iter().all(|it| it.get_ports() == [7]));
        let any = |it: &Config| it.get_target_session_attrs() == TargetSessionAttrs::Any;
        assert!(config.each.iter().all(any));
        assert!(of("postgres://u@h/d").each.iter().all(any));
        assert!(refused("postgres://u@h/d?target_session_attrs=read-only").contains("writes"));
        assert!(refused("postgres://u@h,i,j/d?port=1,2").contains("as many ports"));
    }

    #[test]
    fn a_server_that_vanished_is_noticed_in_the_time_that_the_url_says() {
        let idle = |url: &str| of(url).each.first().unwrap().get_keepalives_idle();
        assert_eq!(idle("postgres://u@h/d"), KEEPALIVE_IDLE);
        assert_eq!(idle("postgres://u@h/d?keepalives_idle=60"), Duration::from_mins(1));
        let config = of("postgres://u@h/d?tcp_user_timeout=3&keepalives_retries=9");
        assert_eq!(config.server.get_tcp_user_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.server.get_keepalives_retries(), Some(9));
        assert_eq!(config.server.get_keepalives_interval(), Some(KEEPALIVE_INTERVAL));
    }

    #[test]
    fn what_would_be_less_safe_than_it_looks_is_refused() {
        for mode in ["allow", "verify-ca", "VERIFY-FULL", ""] {
            let told = refused(&format!("postgres://u@h/d?sslmode={mode}"));
            assert!(told.contains("is not offered"), "{told}");
        }
        assert!(refused("postgres://u@h/d?sslmode=verify-full").contains("needs sslrootcert"));
        assert!(refused("postgres://u@h/d?sslmode=require&sslrootcert=/a").contains("verify-full"));
    }

    #[test]
    fn a_password_is_shown_nowhere() {
        let config = of("postgres://u:hunter2@h/d");
        assert!(!format!("{config:?} {config}").contains("hunter2"));
        assert_eq!(config.to_string(), "postgres://h/d");
        for url in
            ["hunter2", "postgres://u:hunter2@h:port/d", "postgres://u:hunter2@h/d?no=hunter2"]
        {
            let error = PostgresConfig::url(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
