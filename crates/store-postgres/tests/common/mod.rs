//! A PostgreSQL server for the tests of one process, and a schema of its own for each test.
//!
//! The server is the system's: made by its `initdb` in a temporary folder, reached by a Unix socket, and ended with the
//! process. A runner that gives each test a process of its own gives each a server as well, which is slow; `cargo test` does
//! not. `AUTHCORE_TEST_POSTGRES` names another one by its URL; it keeps the schemas.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "shared by several test binaries, which fail by panicking"
)]

pub(crate) mod make;
pub(crate) mod pooler;
pub(crate) mod proxy;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};
use tokio_postgres::NoTls;

/// Runs until its input is closed, which the end of this process does, however it ends.
const SERVE: &str = r#"
cd "$DIR" || exit 1
"$BIN/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 || exit 1
if [ -d tls ]; then
    printf 'local all all trust\nhostssl all all all trust\n' >data/pg_hba.conf
    set -- -c ssl=on -c ssl_cert_file="$DIR/tls/server.pem" -c ssl_key_file="$DIR/tls/server.key"
fi
"$BIN/postgres" -D data -k "$DIR" -p "$PORT" -c listen_addresses="$LISTEN" -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=64MB -c deadlock_timeout=100ms "$@" >>log 2>&1 &
server=$!
cat >/dev/null
kill -INT $server
wait $server
rm -rf "$DIR"
"#;

pub(crate) struct Server {
    /// Where it lives.
    folder: PathBuf,
    /// Of the database, up to and including the `?` of its parameters.
    url: String,
    host: Option<Child>,
}

impl Server {
    /// One that is reached by its socket only.
    fn on_a_socket() -> Self {
        Self::start(None, None)
    }

    /// One that is reached by TCP as well, without TLS; and its port.
    pub(crate) fn on_a_port() -> (Self, u16) {
        let port = free_port();
        (Self::start(Some(port), None), port)
    }

    /// One that is reached by TCP only with TLS, with a certificate from a folder; and its port.
    pub(crate) fn with_tls(certificates: &Path) -> (Self, u16) {
        let port = free_port();
        (Self::start(Some(port), Some(certificates)), port)
    }

    fn start(port: Option<u16>, certificates: Option<&Path>) -> Self {
        let folder = tempfile::Builder::new().prefix("authcore-pg-").tempdir().unwrap().keep();
        // The server refuses to run as root.
        let user = rustix::process::geteuid().is_root().then(postgres_user);
        let own = |path: &Path| {
            if let Some((uid, gid)) = user {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
            }
        };
        own(&folder);
        if let Some(certificates) = certificates {
            let tls = folder.join("tls");
            std::fs::create_dir(&tls).unwrap();
            own(&tls);
            for file in ["server.pem", "server.key"] {
                std::fs::copy(certificates.join(file), tls.join(file)).unwrap();
                let secret = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(tls.join(file), secret).unwrap();
                own(&tls.join(file));
            }
        }
        let mut command = Command::new("sh");
        command
            .args(["-c", SERVE])
            .env("DIR", &folder)
            .env("BIN", binaries())
            .env("LISTEN", if port.is_some() { "127.0.0.1" } else { "" })
            .env("PORT", port.unwrap_or(5432).to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the tests; the server ends after them.
            .process_group(0);
        if let Some((uid, gid)) = user {
            command.gid(gid).uid(uid);
        }
        let host = command.spawn().expect("a shell");
        let place = folder.display().to_string().replace('/', "%2F");
        let port = port.unwrap_or(5432);
        let url = format!("postgres://postgres@/postgres?host={place}&port={port}&");
        let server = Self { folder, url, host: Some(host) };
        server.wait();
        server
    }

    fn wait(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::scope(|scope| {
            scope
                .spawn(|| {
                    runtime.block_on(async {
                        for _ in 0..600 {
                            if tokio_postgres::connect(&self.url, NoTls).await.is_ok() {
                                return true;
                            }
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                        false
                    })
                })
                .join()
        });
        if !thread.unwrap_or(false) {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("the PostgreSQL server does not start: {log}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut host) = self.host.take() {
            drop(host.stdin.take());
            let _ = host.wait();
        }
    }
}

/// The newest that Debian installed, or what is in the path. There is no test without one.
fn binaries() -> PathBuf {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .collect();
    versions.sort();
    let installed = versions.into_iter().map(|(_, path)| path.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed
        .rev()
        .chain(std::env::split_paths(&path))
        .find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .expect("PostgreSQL: install Debian's package postgresql, or name a server in AUTHCORE_TEST_POSTGRES")
}

fn postgres_user() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut ids = line.expect("a user postgres").split(':').skip(2).map(str::parse);
    (ids.next().unwrap().unwrap(), ids.next().unwrap().unwrap())
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The URL of the process's server, up to its parameters.
fn server() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var("AUTHCORE_TEST_POSTGRES") {
        Ok(url) => {
            let url = if url.contains('?') { url + "&" } else { url + "?" };
            Server { folder: PathBuf::new(), url, host: None }
        }
        Err(_) => Server::on_a_socket(),
    });
    &server.url
}

/// A schema of its own, and how its sessions are to be set up.
pub(crate) struct Schema {
    pub(crate) name: String,
    url: String,
}

impl Schema {
    /// An empty schema, at the server's default isolation.
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// An empty schema, with another one behind it in the search path.
    pub(crate) async fn before(other: &Self) -> Self {
        let mut schema = Self::new().await;
        schema.url = schema.url.replace(&schema.name, &format!("{},{}", schema.name, other.name));
        schema
    }

    /// The same, for a user with the rights of this role alone.
    pub(crate) fn under(mut self, role: &str) -> Self {
        self.url.extend(["%20-c%20role%3D", role]);
        self
    }

    /// An empty schema, with more server options such as `-c default_transaction_isolation=serializable`.
    pub(crate) async fn with(options: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The first one starts the server, which blocks.
        let server = tokio::task::spawn_blocking(server).await.unwrap();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("authcore_test_{}_{count}", std::process::id());
        let options = format!("-c search_path={name} {options}");
        let options = options.trim_end().replace(' ', "%20").replace('=', "%3D");
        let schema = Self { url: format!("{server}options={options}"), name };
        // Not at the options asked for: some forbid it.
        connect(server)
            .await
            .batch_execute(&format!("CREATE SCHEMA {}", schema.name))
            .await
            .unwrap();
        schema
    }

    /// A schema that another release left behind, from what [`Self::dump`] said then.
    pub(crate) async fn of(dump: &str) -> Self {
        let schema = Self::new().await;
        schema.client().await.batch_execute(dump).await.unwrap();
        schema
    }

    /// The tables and their rows as SQL, for the schema that the search path names.
    pub(crate) fn dump(&self) -> String {
        let output = Command::new(binaries().join("pg_dump"))
            .args(["--column-inserts", "--no-owner", "--no-privileges", "--no-comments"])
            .args([format!("--schema={}", self.name), format!("--dbname={}", self.url)])
            .output()
            .expect("pg_dump");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sql = String::from_utf8(output.stdout).unwrap();
        let session = ["--", "\\", "SET ", "SELECT pg_catalog.set_config", "CREATE SCHEMA"];
        let lines = sql
            .split_inclusive('\n')
            .filter(|line| *line != "\n" && !session.iter().any(|start| line.starts_with(start)));
        lines.collect::<String>().replace(&format!("{}.", self.name), "")
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig::url(&format!("{}&application_name={}", self.url, self.name)).unwrap()
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        self.try_open().await.expect("the store opens")
    }

    pub(crate) async fn try_open(&self) -> Result<PostgresStore, OpenError> {
        PostgresStore::connect(self.config()).await
    }

    /// A connection beside the store's.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        connect(&self.url).await
    }
}

/// A connection beside every store's.
pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A folder of this package.
pub(crate) fn path_of(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The names of its files.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(path_of(folder)).unwrap();
    let mut names: Vec<_> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
