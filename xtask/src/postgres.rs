//! Servers of PostgreSQL on the loopback address, made from the system's programs. Each is ended with the command that
//! made it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::clock::{Moment, wait};
use crate::failure::{Failure, Result};
use crate::process::read;
use crate::setup::are_root;

/// How long a server may take until it answers; after a kill it works off its log first.
const START: Duration = Duration::from_mins(1);

/// The programs, and whom they run as.
#[derive(Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// The servers refuse to run as root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// The newest that Debian installed, or those in the path.
    pub(crate) fn find() -> Result<Self> {
        let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<_> = installed
            .filter_map(|it| Some((it.file_name().to_str()?.parse::<u32>().ok()?, it.path())))
            .collect();
        versions.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = versions
            .into_iter()
            .rev()
            .map(|(_, version)| version.join("bin"))
            .chain(std::env::split_paths(&path))
            .find(|folder| ["initdb", "pg_basebackup"].iter().all(|it| folder.join(it).is_file()))
            .ok_or_else(|| {
                Failure::new("PostgreSQL is missing: `cargo xtask setup` installs it")
            })?;
        let user = if are_root() { Some(postgres_user()?) } else { None };
        Ok(Self { folder, user })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        if let Some((uid, gid)) = self.user {
            command.gid(gid).uid(uid);
        }
        // Not in a folder that only root may enter, and not with what somebody's shell says of other servers.
        command.current_dir("/");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Makes a folder in a directory, for the files of servers.
    pub(crate) fn folder(&self, directory: &Path, name: &str) -> Result<PathBuf> {
        let folder = directory.join(name);
        fs::create_dir(&folder)?;
        if let Some((uid, gid)) = self.user {
            chown(&folder, Some(uid), Some(gid))?;
            // Their user has to get there.
            fs::set_permissions(directory, fs::Permissions::from_mode(0o711))?;
        }
        Ok(folder)
    }
}

fn postgres_user() -> Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.ok_or_else(|| Failure::new("there is no user postgres for the servers to run as"))
}

/// One server: its files, and its processes while it runs.
pub(crate) struct Server {
    programs: Programs,
    data: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl Server {
    /// Makes the files of a new server below a folder that belongs to the servers' user.
    pub(crate) fn init(programs: &Programs, folder: &Path, name: &str) -> Result<Self> {
        let server = Self::at(programs, folder, name)?;
        let mut command = programs.command("initdb");
        command.arg("-D").arg(&server.data);
        command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        read(command)?;
        Ok(server)
    }

    /// A server without files yet.
    pub(crate) fn at(programs: &Programs, folder: &Path, name: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { programs: programs.clone(), data: folder.join(name), port, running: None })
    }

    /// Makes its files anew, as a standby that follows another server.
    pub(crate) fn follow(&mut self, primary: &Self) -> Result<()> {
        if self.data.exists() {
            fs::remove_dir_all(&self.data)?;
        }
        let mut command = self.programs.command("pg_basebackup");
        command.arg("-D").arg(&self.data).args(["-d", &primary.connection()]);
        // -R writes down whom it follows.
        command.args(["-R", "--checkpoint=fast", "--wal-method=stream", "--no-sync"]);
        read(command)?;
        Ok(())
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&mut self) -> Result<()> {
        let log =
            File::options().create(true).append(true).open(self.data.with_extension("log"))?;
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=50"]
        {
            command.args(["-c", setting]);
        }
        let output = log.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(log).spawn()?;
        self.running = Some(child);
        self.until("answers", || Ok(self.ask("SELECT 1").is_ok()))
    }

    /// Waits for something of this server.
    pub(crate) fn until(&self, what: &str, holds: impl Fn() -> Result<bool>) -> Result<()> {
        let asked = Moment::now();
        while !holds()? {
            if asked.elapsed() > START {
                let log = self.data.with_extension("log");
                return Err(Failure::new(format!(
                    "it is not so in time that the server {what}; {}",
                    log.display()
                )));
            }
            wait(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The only field of the only row, or the fields with `|` between and a line for each row.
    pub(crate) fn ask(&self, sql: &str) -> Result<String> {
        let mut command = self.programs.command("psql");
        command.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            &self.connection(),
            "-c",
            sql,
        ]);
        Ok(read(command)?.trim_end_matches('\n').to_owned())
    }

    /// What of the tables is broken, or does not agree with their indices.
    pub(crate) fn damage(&self) -> Vec<String> {
        let mut command = self.programs.command("pg_amcheck");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        command.args(["--install-missing", "--heapallindexed", "postgres"]);
        read(command).err().map(|failure| failure.to_string()).into_iter().collect()
    }

    /// SIGKILL for the server and all that it started, at one go: nothing of it writes or answers any more.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.running.take() else {
            return Err(Failure::new("a server that does not run cannot be killed"));
        };
        if let Some(status) = server.try_wait()? {
            return Err(Failure::new(format!("the server ended by itself ({status})")));
        }
        let id = server.id().to_string();
        // Stopped, it starts no more; that takes a moment.
        signal("-STOP", [&id])?;
        while state(&id) != Some('T') {
            if let Some(status) = server.try_wait()? {
                return Err(Failure::new(format!("the server ended by itself ({status})")));
            }
            wait(Duration::from_millis(1));
        }
        let started = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        signal("-KILL", [&*id].into_iter().chain(started.split_whitespace()))?;
        server.wait()?;
        // Until the last is gone, the next one to start finds their memory in use. One that only waits to be reaped has
        // none; before, while it ends, it may look as if it had none.
        let is_there = |id: &str| !matches!(state(id), None | Some('Z' | 'X'));
        while started.split_whitespace().any(is_there) {
            wait(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn connection(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres connect_timeout=5", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself is of no more interest here.
        let _ = self.running.is_some().then(|| self.kill());
    }
}

/// What a process is at, in the letter of Linux; none when it is no more.
fn state(id: &str) -> Option<char> {
    let told = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name, which may have brackets of its own.
    told.rsplit_once(") ")?.1.chars().next()
}

fn signal<'a>(
    signal: &str,
    to: impl IntoIterator<Item = &'a (impl AsRef<std::ffi::OsStr> + ?Sized + 'a)>,
) -> Result<()> {
    let mut command = Command::new("kill");
    command.arg(signal).args(to);
    // One of them may have ended just now.
    command.stderr(Stdio::null()).status()?;
    Ok(())
}
