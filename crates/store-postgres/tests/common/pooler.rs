//! pgbouncer in front of a server: each transaction may come to another of its few connections.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};

use super::{Server, connect, postgres_user};

/// Users that the pooler knows. Each has connections of its own, and one schema.
const USERS: u32 = 400;

/// How many connections of the server one user has, for any number of clients.
pub(crate) const POOLED: i64 = 3;

/// Ends as the server does.
const SERVE: &str = r#"
cd "$DIR" || exit 1
pgbouncer -q pgbouncer.ini >pgbouncer.out 2>&1 &
pooler=$!
cat >/dev/null
kill -INT $pooler
wait $pooler
"#;

struct Pooler {
    // Before the server, so that it ends first.
    host: Child,
    server: Server,
}

impl Pooler {
    fn start() -> Self {
        let server = Server::on_a_socket();
        let folder = server.folder.display();
        let settings = format!(
            "[databases]\n* = host={folder} port=5432\n\
             [pgbouncer]\npool_mode = transaction\nauth_type = trust\nauth_file = {folder}/users\n\
             listen_addr =\nlisten_port = 6432\nunix_socket_dir = {folder}\n\
             default_pool_size = {POOLED}\nmax_client_conn = 2000\nserver_idle_timeout = 1\n\
             logfile = {folder}/pgbouncer.log\n"
        );
        std::fs::write(server.folder.join("pgbouncer.ini"), settings).unwrap();
        let users: Vec<_> = (0..USERS).map(|n| format!("\"pooled_{n}\" \"\"")).collect();
        std::fs::write(server.folder.join("users"), users.join("\n")).unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-c", SERVE])
            .env("DIR", &server.folder)
            // Debian's place for it is in root's path only.
            .env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        if rustix::process::geteuid().is_root() {
            // Like the server, it refuses to run as root.
            let (uid, gid) = postgres_user();
            command.gid(gid).uid(uid);
            for file in ["pgbouncer.ini", "users"] {
                let path = server.folder.join(file);
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).unwrap();
            }
        }
        let host = command.spawn().expect("a shell");
        let pooler = Self { host, server };
        pooler.wait();
        pooler
    }

    fn wait(&self) {
        let socket: PathBuf = self.server.folder.join(".s.PGSQL.6432");
        for _ in 0..300 {
            if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let said = ["pgbouncer.out", "pgbouncer.log"]
            .map(|file| std::fs::read_to_string(self.server.folder.join(file)).unwrap_or_default());
        panic!("pgbouncer does not start (Debian's package pgbouncer): {said:?}");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.host.stdin.take());
        let _ = self.host.wait();
    }
}

/// An empty schema behind the pooler.
pub(crate) struct Pooled {
    pub(crate) user: String,
    url: String,
    server: &'static str,
}

impl Pooled {
    pub(crate) async fn new() -> Self {
        static POOLER: OnceLock<Pooler> = OnceLock::new();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let pooler = tokio::task::spawn_blocking(|| POOLER.get_or_init(Pooler::start));
        let server = &pooler.await.unwrap().server;
        let user = format!("pooled_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server.url).await;
        client
            .batch_execute(&format!(
                "CREATE ROLE {user} LOGIN; CREATE SCHEMA AUTHORIZATION {user}; \
                 ALTER ROLE {user} SET search_path = {user}"
            ))
            .await
            .unwrap();
        let place = server.folder.display().to_string().replace('/', "%2F");
        let url = format!("postgres://{user}@/postgres?host={place}&port=6432");
        Self { user, url, server: &server.url }
    }

    /// A schema that another release left behind.
    pub(crate) async fn of(dump: &str) -> Self {
        let pooled = Self::new().await;
        let user = &pooled.user;
        let owned = format!("SET ROLE {user}; SET search_path = {user}; {dump}");
        pooled.client().await.batch_execute(&owned).await.unwrap();
        pooled
    }

    /// With the switch that a pooler needs, or without it.
    pub(crate) async fn open(&self, switch: bool) -> Result<PostgresStore, OpenError> {
        let config = PostgresConfig::url(&format!("{}&pgbouncer={switch}", self.url))?;
        PostgresStore::connect(config).await
    }

    /// A connection to the server itself.
    pub(crate) async fn client(&self) -> tokio_postgres::Client {
        connect(self.server).await
    }
}
