//! A Redis server of its own for a test, that writes every commit to its disk.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use redis_store::RedisStore;
use tempfile::TempDir;

pub(crate) struct Server {
    process: Mutex<Child>,
    folder: TempDir,
}

impl Server {
    /// Starts one on a socket in a folder of its own.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let process = Mutex::new(run(folder.path()));
        Self { process, folder }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts it again on what it has left on the disk.
    pub(crate) fn start_again(&self) {
        *self.process.lock().unwrap() = run(self.folder.path());
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.folder.path().join("socket").display())
    }

    pub(crate) async fn store(&self) -> RedisStore {
        RedisStore::connect(&self.url(), "game").await.unwrap()
    }

    /// The server's own answer to a command, as text.
    pub(crate) async fn ask(&self, command: &[&str]) -> String {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut asked = redis::Cmd::new();
        asked.arg(command).query_async(&mut connection).await.unwrap()
    }

    pub(crate) async fn set(&self, setting: &str, value: &str) {
        self.ask(&["CONFIG", "SET", setting, value]).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(folder: &Path) -> Child {
    let mut process = Command::new("redis-server")
        .args(["--port", "0", "--unixsocket", "socket", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server is needed: apt-get install redis-server");
    let log = BufReader::new(process.stdout.take().unwrap());
    let ready = |line: &String| line.contains("eady to accept connections");
    assert!(
        log.lines().map_while(Result::ok).any(|line| ready(&line)),
        "redis-server has not started"
    );
    process
}
