//! The host as its operator meets it: the real binary, a real file, real HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use authcore::account::Folding;
use authcore::event::EventCursor;
use authcore::{Credential, Login, Operator, Policy, RequestContext};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use authcore_testkit::{Builder, Harness};

use serde_json::{Value, json};

const KEYS: [(&str, &str); 4] = [
    ("AUTHCORE_GAME", "chess"),
    ("AUTHCORE_SERVER_KEY", "a server key of our own"),
    ("AUTHCORE_OPERATOR_KEY", "an operator key of our own"),
    ("AUTHCORE_SIGNING_KEY", "5f0c1a7b9e2d4c6f8a1b3d5e7f90a2b4c6d8e0f1"),
];

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authcore-host"));
    command.args(arguments).env_clear();
    command
}

/// A host that runs until it is dropped.
struct Host {
    child: Child,
    address: String,
}

impl Host {
    fn start(folder: &Path) -> Self {
        Self::spawn(command(&["serve", "--listen", "127.0.0.1:0"]).envs(KEYS).current_dir(folder))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address.strip_prefix("http://").unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    }

    /// Asks it to end, as a supervisor does, and waits until it has.
    fn terminate(mut self) -> bool {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().success()
    }

    fn post(&self, path: &str, authorization: &str, body: &Value) -> (u16, Value) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent
            .post(format!("{}{path}", self.address))
            .header("authorization", authorization)
            .send(&body.to_string())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn log_in(&self) -> (u16, Value) {
        // `a server key of our own:` in base64.
        let basic = "Basic YSBzZXJ2ZXIga2V5IG9mIG91ciBvd246";
        self.post("/v2/account/authenticate/device", basic, &json!({ "id": "a-device-of-mine" }))
    }

    fn refresh(&self, token: &Value) -> u16 {
        let basic = "Basic YSBzZXJ2ZXIga2V5IG9mIG91ciBvd246";
        self.post("/v2/account/session/refresh", basic, &json!({ "token": token })).0
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already; a test that failed must not leave it behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments).envs(environment.iter().copied()).output().unwrap()
}

fn error_of(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_account_and_the_session_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path());
    let (status, first) = host.log_in();
    assert_eq!((status, &first["created"]), (200, &json!(true)));
    drop(host);
    let host = Host::start(folder.path());
    assert_eq!(host.refresh(&first["refresh_token"]), 200);
    let (status, second) = host.log_in();
    assert_eq!((status, second.get("created")), (200, None));
    assert!(folder.path().join("players.db").exists(), "the default is a file in the folder");
}

#[test]
fn operators_ban_and_unban_with_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path());
    let (_, player) = host.log_in();
    let payload = player["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let id = account_id(payload);
    let ban = format!("/v1/operator/accounts/{id}/ban");
    let key = "Bearer an operator key of our own";
    for wrong in ["Bearer wrong", "Bearer an operator key of our owm", "Bearer ", "Basic x"] {
        assert_eq!(host.post(&ban, wrong, &json!({})).0, 401, "{wrong}");
    }
    assert_eq!(host.log_in().0, 200);
    assert_eq!(host.post(&ban, key, &json!({ "untill": "never" })).0, 400);
    assert_eq!(host.post("/v1/operator/accounts/nobody/ban", key, &json!({})).0, 400);
    let nobody = "/v1/operator/accounts/00000000-0000-7000-8000-000000000000/ban";
    assert_eq!(host.post(nobody, key, &json!({})).0, 404);
    let until = json!({ "until": "2999-01-01T00:00:00Z", "message": "cheating" });
    assert_eq!(host.post(&ban, key, &until).0, 200);
    assert_eq!(host.log_in().0, 403);
    assert_eq!(host.refresh(&player["refresh_token"]), 401);
    assert_eq!(host.post(&format!("/v1/operator/accounts/{id}/unban"), key, &json!({})).0, 200);
    assert_eq!(host.log_in().0, 200);
    assert_eq!(host.refresh(&player["refresh_token"]), 401, "old tokens stay dead");
}

#[test]
fn gamebase_4_8_secret_key_a_new_operator_key_ends_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(folder.path());
    let (_, player) = host.log_in();
    drop(host);
    let host = Host::spawn(
        command(&["serve", "--listen", "127.0.0.1:0"])
            .envs(KEYS)
            .env("AUTHCORE_OPERATOR_KEY", "a new operator key of our own")
            .current_dir(folder.path()),
    );
    assert_eq!(host.refresh(&player["refresh_token"]), 200);
}

/// The `uid` of a token's payload.
fn account_id(payload: &str) -> String {
    use base64::Engine as _;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: Value = serde_json::from_slice(&json).unwrap();
    claims["uid"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_wrong_is_said_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("host.toml");
    std::fs::write(&file, "sevrer_key = \"x\"").unwrap();
    let file = file.to_str().unwrap();
    for subcommand in ["serve", "check-config"] {
        let unknown = error_of(&run(&[subcommand, "--config", file], &KEYS));
        assert!(unknown.contains("sevrer_key"), "{unknown}");
        let missing = error_of(&run(&[subcommand, "--store", "memory"], &[]));
        assert!(missing.contains("--signing-key"), "{missing}");
        let short = [&KEYS[..3], &[("AUTHCORE_SIGNING_KEY", "too short")]].concat();
        let short = error_of(&run(&[subcommand, "--store", "memory"], &short));
        assert!(short.contains("32") && !short.contains("too short"), "{short}");
        let known = [&KEYS[..], &[("AUTHCORE_SERVER_KEY", "defaultkey")]].concat();
        let known = error_of(&run(&[subcommand, "--store", "memory"], &known));
        assert!(known.contains("everybody knows"), "{known}");
    }
}

#[test]
fn check_config_says_that_it_is_fine_and_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("players.db");
    let store = format!("sqlite:{}", database.display());
    let fine = run(&["check-config", "--store", &store], &KEYS);
    assert!(fine.status.success());
    let text = String::from_utf8(fine.stdout).unwrap();
    assert!(text.contains("fine") && !text.contains("of our own"), "{text}");
    assert!(!database.exists());
}

#[test]
fn a_store_of_another_game_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Host::start(folder.path()));
    let other = [&KEYS[1..], &[("AUTHCORE_GAME", "go")]].concat();
    let store = format!("sqlite:{}", folder.path().join("players.db").display());
    let refused = error_of(&run(&["serve", "--listen", "127.0.0.1:0", "--store", &store], &other));
    assert!(refused.contains("chess"), "{refused}");
}

/// Asks for the health over a connection that stays open; the first bytes of the answer.
fn health(socket: &mut TcpStream) -> std::io::Result<[u8; 12]> {
    socket.write_all(b"GET /healthcheck HTTP/1.1\r\nhost: here\r\n\r\n")?;
    let mut start = [0; 12];
    socket.read_exact(&mut start)?;
    Ok(start)
}

#[test]
fn the_cap_on_connections_is_the_configured_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("host.toml"), "[limits]\nconnections = 1").unwrap();
    let configured = ["serve", "--listen", "127.0.0.1:0", "--config", "host.toml"];
    let host = Host::spawn(command(&configured).envs(KEYS).current_dir(folder.path()));
    let mut first = host.connect();
    assert_eq!(&health(&mut first).unwrap(), b"HTTP/1.1 200");
    let mut second = host.connect();
    second.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(health(&mut second).is_err(), "it waits for the first to end");
    drop(first);
    second.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut start = [0; 12];
    second.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    assert!(host.terminate(), "although a connection is open");
}

/// Waits until the log says so.
fn wait_for(log: &Path, words: &str) {
    while !std::fs::read_to_string(log).unwrap().contains(words) {
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn too_many_open_files_are_survived_without_a_storm_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -n 40; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_authcore-host")])
        .args(["serve", "--listen", "127.0.0.1:0", "--store", "memory"])
        .env_clear()
        .envs(KEYS)
        .stderr(std::fs::File::create(&log).unwrap());
    let host = Host::spawn(&mut limited);
    let sockets: Vec<TcpStream> = (0..60).map(|_| host.connect()).collect();
    let complaint = "cannot accept connections";
    wait_for(&log, complaint);
    // Nothing but time would let a loop show itself that does not wait.
    let mut silence = &sockets[59];
    silence.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(silence.read(&mut [0]).is_err());
    let complaints = std::fs::read_to_string(&log).unwrap().matches(complaint).count();
    assert!(complaints <= 2, "{complaints}");
    drop(sockets);
    assert_eq!(host.log_in().0, 200);
    assert!(host.terminate());
}

#[test]
fn events_that_are_older_than_the_file_says_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("players.db"), folder.path().join("log"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = || {
        let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
        let folded_as_in_the_host = |builder: Builder| builder.folding(Folding::Exact);
        Harness::on(Arc::new(store), Policy::recommended(), folded_as_in_the_host)
    };
    let operator = Operator::vouched_for("a test");
    // The harness's clock stands in the past.
    let old = runtime.block_on(async {
        let world = world().await;
        let login = Login::new(Credential::Device("a-device-of-old".into()));
        world.engine().login(&RequestContext::new(), login).await.unwrap();
        world.engine().events(&operator, EventCursor::START, 100).await.unwrap()
    });
    assert!(!old.is_empty());
    std::fs::write(folder.path().join("host.toml"), "[events]\nkeep_days = 1").unwrap();
    let host = Host::spawn(
        command(&["serve", "--listen", "127.0.0.1:0", "--config", "host.toml"])
            .envs(KEYS)
            .env("AUTHCORE_GAME", "test")
            .current_dir(folder.path())
            .stderr(std::fs::File::create(&log).unwrap()),
    );
    assert_eq!(host.log_in().0, 200);
    wait_for(&log, "old events were removed");
    assert!(host.terminate());
    let left = runtime.block_on(async {
        world().await.engine().events(&operator, EventCursor::START, 100).await.unwrap()
    });
    assert!(!left.is_empty(), "today's stay");
    assert!(left.iter().all(|stored| !old.contains(stored)), "{left:?}");
}
