//! What an error must not tell.

use authcore::Policy;
use serde_json::json;

use crate::server::{Answer, NOBODY, Server, server_key};

const SENTINEL: &str = "hunter2-hunter2-hunter2";
const EMAIL: &str = "ann@example.com";

#[track_caller]
fn tells_nothing(answer: &Answer, secrets: &[&str]) {
    assert!(answer.status >= 400, "{answer:?}");
    let headers = format!("{:?}", answer.headers);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    for secret in secrets {
        assert!(!headers.contains(secret) && !body.contains(secret), "{answer:?}");
    }
}

#[test]
fn errors_hold_no_password() {
    let server = Server::start();
    server.email(EMAIL, "correct horse");
    let device = server.device("a-device-of-mine");
    let body = json!({"email": EMAIL, "password": SENTINEL});
    let short = json!({"email": SENTINEL, "password": SENTINEL});
    let answers = [
        server.authenticate("email", body.clone()),
        server.authenticate("email?create=maybe", body.clone()),
        server.authenticate("email", short.clone()),
        server.authenticate("email", json!({"password": [SENTINEL]})),
        server.authenticate("email", json!({"password": {SENTINEL: SENTINEL}})),
        server.authenticate("email", json!({"email": EMAIL, "password": 1, "x": SENTINEL})),
        server.authenticate("email?username=nobody", json!({"password": SENTINEL})),
        server.link(&device, "email", body.clone()),
        server.link(&device, "email", short),
        server.unlink(&device, "email", json!({"email": EMAIL, "password": SENTINEL})),
        server.post("/v2/account/authenticate/email", NOBODY, body.clone()),
        server.raw_post(
            "/v2/account/authenticate/email",
            &format!("Authorization: {}\r\n", server_key()),
            format!("{{\"email\":\"{EMAIL}\",\"password\":\"{SENTINEL}").as_bytes(),
        ),
        server.raw_post(
            "/v2/account/authenticate/email",
            &format!("Authorization: Basic {SENTINEL}\r\n"),
            b"{}",
        ),
    ];
    for answer in &answers {
        tells_nothing(answer, &[SENTINEL]);
    }
    let player = server.email("other@example.com", SENTINEL);
    server.ban(&player.id());
    tells_nothing(&server.authenticate_email("other@example.com", SENTINEL), &[SENTINEL]);
}

#[test]
fn errors_hold_no_token() {
    // Two sessions: enough for what follows, and the oldest gives way at last.
    let server =
        Server::with(Policy { sessions_per_account: 2, ..Policy::nakama() }, |builder| builder);
    let player = server.device("a-device-of-mine");
    let other = server.custom("a-custom-id");
    let (token, refresh) = (&*player.token, &*player.refresh_token);
    let secrets = [token, refresh, &*other.token, &*other.refresh_token, SENTINEL];
    let forged = format!("{token}{SENTINEL}");
    let auth = format!("Bearer {forged}");
    let as_basic = format!("Basic {token}");
    let answers = [
        server.get("/v2/account", &auth),
        server.get("/v2/account", &format!("Bearer {refresh}")),
        server.refresh(token),
        server.refresh(&forged),
        server.post("/v2/account/session/refresh", &server_key(), json!({"token": [refresh]})),
        server.post("/v2/account/session/refresh", &auth, json!({"token": refresh})),
        server.post("/v2/account/session/refresh", &as_basic, json!({"token": refresh})),
        server.logout(&player, json!({"token": other.token})),
        server.logout(&player, json!({"token": forged})),
        server.logout(&player, json!({"refresh_token": other.refresh_token})),
        server.logout(&player, json!({"refresh_token": {SENTINEL: refresh}})),
        server.get(&format!("/v2/nothing/{SENTINEL}"), &player.bearer()),
    ];
    for answer in &answers {
        tells_nothing(answer, &secrets);
    }
    server.device("a-device-of-mine");
    server.device("a-device-of-mine");
    tells_nothing(&server.account(&player), &secrets);
    tells_nothing(&server.refresh(refresh), &secrets);
}

#[test]
fn errors_do_not_quote_what_was_sent() {
    let server = Server::start();
    for kind in ["device", "custom"] {
        for id in [format!("{SENTINEL} "), SENTINEL.repeat(10)] {
            tells_nothing(&server.authenticate(kind, json!({"id": id})), &[SENTINEL]);
        }
    }
    let how = format!("device?username={SENTINEL}%09");
    tells_nothing(&server.authenticate(&how, json!({"id": "0123456789"})), &[SENTINEL]);
}
