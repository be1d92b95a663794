//! A PostgreSQL server of the system's, with `fsync` on, for as long as the process lives.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use authcore::store::Store;
use authcore_store_postgres::{PostgresConfig, PostgresStore};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::usage::{self, Usage};
use crate::{Outcome, engine};

/// Runs until its input is closed, which the end of this process does, however it ends.
const SERVE: &str = r#"
cd "$DIR" || exit 1
{
    "$BIN/initdb" -D data -U postgres -A trust -E UTF8 --locale=C &&
    echo "$SETTINGS" >>data/postgresql.conf &&
    "$BIN/pg_ctl" -D data -w start
} >log 2>&1 && echo started || echo failed
cat >/dev/null
"$BIN/pg_ctl" -D data -w -m immediate stop >>log 2>&1
rm -rf "$DIR"
"#;

/// In the file, not on the command line, which no `ALTER SYSTEM` overrides. Paths are relative to the data.
const SETTINGS: &str = "
listen_addresses = ''
unix_socket_directories = '..'
shared_buffers = 512MB
max_wal_size = 2GB
shared_preload_libraries = pg_stat_statements
pg_stat_statements.track = none
";

/// A running server. It ends, and what it stored with it, when this is dropped.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    host: Child,
}

impl Server {
    /// Starts it in a temporary folder, so that `TMPDIR` chooses the disk. Who is root runs it as the user `postgres`.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed, or does not start.
    pub fn start() -> Outcome<Self> {
        let binaries = binaries()?;
        let folder = tempfile::Builder::new().prefix("authcore-bench-").tempdir()?.keep();
        let mut command = Command::new("sh");
        command
            .args(["-c", SERVE])
            .env("DIR", &folder)
            .env("BIN", binaries)
            .env("SETTINGS", SETTINGS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the benchmark; the server ends after it.
            .process_group(0);
        // It refuses to run as root.
        if fs::metadata("/proc/self")?.uid() == 0 {
            let (uid, gid) = postgres_user()?;
            chown(&folder, Some(uid), Some(gid))?;
            command.uid(uid).gid(gid);
        }
        let mut server = Self { host: command.spawn()?, folder };
        let mut line = String::new();
        BufReader::new(server.host.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        if line != "started\n" {
            let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            return Err(format!("the PostgreSQL server does not start: {log}").into());
        }
        Ok(server)
    }

    /// Where a database is.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let place = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@/{database}?host={place}")
    }

    /// A connection beside those that are measured.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn client(&self, database: &str) -> Outcome<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// The process that all others of the server come from.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn process(&self) -> Outcome<u32> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().parse()?)
    }

    /// What all its processes have taken so far.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn usage(&self) -> Outcome<Usage> {
        usage::family(self.process()?)
    }

    /// The memory that all its processes have in use now, in bytes.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn memory(&self) -> Outcome<u64> {
        usage::family_memory(self.process()?)
    }

    /// A database for the engine, with so many accounts, and one for the floor, with the same.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub fn fill(&self, runtime: &Runtime, accounts: u64) -> Outcome<(String, String)> {
        let (ours, theirs) = (format!("engine_{accounts}"), format!("floor_{accounts}"));
        runtime.block_on(async {
            let client = self.client("postgres").await?;
            client.batch_execute(&format!("CREATE DATABASE {ours}")).await?;
            let store: Arc<dyn Store> = Arc::new(postgres(&self.url(&ours)).await?);
            // One account a commit: those that wait share a transaction.
            engine::preload(&store, accounts, 64, 1).await?;
            drop(store);
            // The empty tables are left out: the floor would plan for empty ones as long as it runs.
            let known = "VACUUM ANALYZE accounts, identities, account_activity";
            self.client(&ours).await?.batch_execute(known).await?;
            // Connections end soon, and a database that has some cannot be copied.
            let copy = format!("CREATE DATABASE {theirs} TEMPLATE {ours}");
            let mut copied = client.batch_execute(&copy).await;
            for _ in 0..200 {
                if copied.is_ok() {
                    break;
                }
                #[expect(clippy::disallowed_methods, reason = "connections need the time to end")]
                tokio::time::sleep(Duration::from_millis(50)).await;
                copied = client.batch_execute(&copy).await;
            }
            copied?;
            client.batch_execute("CHECKPOINT").await?;
            Ok((self.url(&ours), self.url(&theirs)))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.host.stdin.take());
        let _ = self.host.wait();
    }
}

/// A PostgreSQL store as the host opens it.
///
/// # Errors
///
/// When it does not open.
pub async fn postgres(url: &str) -> Outcome<PostgresStore> {
    Ok(PostgresStore::connect(PostgresConfig::url(url)?).await?)
}

/// The newest that Debian installed, or what is in the path.
fn binaries() -> Outcome<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .collect();
    versions.sort();
    let installed = versions.into_iter().rev().map(|(_, path)| path.join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = installed.chain(std::env::split_paths(&path));
    let found = places.find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file());
    Ok(found.ok_or("PostgreSQL is missing: install Debian's package postgresql")?)
}

fn postgres_user() -> Outcome<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut ids = line.ok_or("there is no user postgres")?.split(':').skip(2);
    let mut next = || ids.next().unwrap_or_default().parse();
    Ok((next()?, next()?))
}
