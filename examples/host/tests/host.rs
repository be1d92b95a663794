//! The host as its operator meets it: the real binary, a real file, real HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

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
        let mut child = command(&["serve", "--listen", "127.0.0.1:0"])
            .envs(KEYS)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
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
