//! A PostgreSQL server for a benchmark: made by the system's `initdb`, reached by a Unix socket, with `fsync` on, and ended
//! with the process.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::Outcome;
use crate::usage::{Usage, children, memory, process};

/// Runs until its input is closed, which the end of this process does, however it ends.
const SERVE: &str = r#"
cd "$DIR" || exit 1
{
    "$BIN/initdb" -D data -U postgres -A trust -E UTF8 --locale=C &&
    "$BIN/pg_ctl" -D data -w start -o "-k $DIR -c listen_addresses='' -c shared_buffers=512MB -c max_wal_size=2GB"
} >log 2>&1 && echo started || { cat log; exit 1; }
cat >/dev/null
"$BIN/pg_ctl" -D data -w -m immediate stop >>log 2>&1
rm -rf "$DIR"
"#;

/// A running server. It ends, and what it stored with it, when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    host: Child,
}

impl Cluster {
    /// Makes and starts a server in a new folder; `TMPDIR` chooses the disk. Who is root runs it as the user `postgres`.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed, or does not start.
    pub fn start() -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("authcore-bench-pg-").tempdir()?.keep();
        let mut command = Command::new("sh");
        command.args(["-c", SERVE]).env("DIR", &folder).env("BIN", binaries()?).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C is for the benchmark; the server ends after it.
        command.process_group(0);
        if fs::metadata("/proc/self")?.uid() == 0 {
            // The server refuses to run as root.
            let (uid, gid) = postgres_user()?;
            chown(&folder, Some(uid), Some(gid))?;
            command.uid(uid).gid(gid);
        }
        let mut host = command.spawn()?;
        let output = host.stdout.take().map(BufReader::new);
        let cluster = Self { folder, host };
        cluster.wait(output.ok_or("no output")?)?;
        Ok(cluster)
    }

    fn wait(&self, mut output: BufReader<ChildStdout>) -> Outcome<()> {
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line == "started\n" {
            return Ok(());
        }
        output.read_to_string(&mut line)?;
        Err(format!("PostgreSQL in {} does not start: {line}", self.folder.display()).into())
    }

    /// Where it is, for `PostgresConfig::url`.
    #[must_use]
    pub fn url(&self) -> String {
        let place = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@/postgres?host={place}")
    }

    /// What all its processes have taken so far.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn usage(&self) -> Outcome<Usage> {
        let server = self.process()?;
        let mut usage = process(server)?;
        for child in children(server)? {
            // One that has just ended is in its parent's sum.
            usage += process(child).unwrap_or_default();
        }
        Ok(usage)
    }

    /// The memory that all its processes have in use now, in bytes.
    ///
    /// # Errors
    ///
    /// Where the system does not tell.
    pub fn memory(&self) -> Outcome<u64> {
        let server = self.process()?;
        let children = children(server)?.into_iter().map(|child| memory(child).unwrap_or_default());
        Ok(memory(server)? + children.sum::<u64>())
    }

    fn process(&self) -> Outcome<u32> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        Ok(file.lines().next().ok_or("no process")?.parse()?)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.host.stdin.take());
        let _ = self.host.wait();
    }
}

/// The newest that Debian installed, or what is in the path.
fn binaries() -> Outcome<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<_> = installed.map(|entry| entry.path()).collect();
    installed.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed
        .into_iter()
        .map(|path| path.join("bin"))
        .chain(std::env::split_paths(&path))
        .find(|bin| bin.join("initdb").is_file() && bin.join("pg_ctl").is_file())
        .ok_or_else(|| "PostgreSQL is not installed (Debian's package is postgresql)".into())
}

fn postgres_user() -> Outcome<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find_map(|line| line.strip_prefix("postgres:"));
    let mut ids = line.ok_or("no user postgres")?.split(':').skip(1).map(str::parse);
    let mut next = || ids.next().ok_or("no ids");
    Ok((next()??, next()??))
}
