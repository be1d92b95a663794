//! Logging in, resuming, refreshing, logging out.

use authcore::Policy;
use authcore::policy::Revalidation;
use serde_json::{Value, json};

use crate::server::{Server, UNKNOWN, custom, device, gamebase, guest, identities, keys};

const KEY: &str = "a-guest-key-of-16-bytes";

#[test]
fn a_login_answers_the_account_the_session_and_the_tokens() {
    let server = Server::start();
    let call = server.post("/v1/login").on_device("my-phone").with("X-Device-Name", "Ann's phone");
    let body = json!({ "credential": guest(KEY), "vars": { "level": "7" } });
    let player = call.send(body).player();
    let login = &player.login;
    let members = [
        "account",
        "created",
        "flags",
        "friends",
        "login_count",
        "owner",
        "payload",
        "previous_login_at",
        "provider",
        "session",
        "tokens",
    ];
    assert_eq!(keys(login), members);
    assert_eq!(
        keys(&login["tokens"]),
        ["access", "access_expires_at", "refresh", "refresh_expires_at"]
    );
    let session = &login["session"];
    let of_session =
        ["authenticated_at", "device_name", "expires_at", "id", "last_used_at", "method"];
    assert_eq!(keys(session), of_session);
    assert_eq!(session["device_name"], "Ann's phone");
    let of_account = [
        "created_at",
        "grace_ban",
        "has_password",
        "id",
        "identities",
        "profile",
        "standing",
        "updated_at",
        "username",
        "withdrawal",
    ];
    assert_eq!(keys(&login["account"]), of_account);
    assert_eq!(identities(&login["account"]), [("guest".into(), KEY.into())]);
    assert_eq!((&login["created"], &login["login_count"]), (&json!(true), &json!(1)));
    assert_eq!(login["previous_login_at"], Value::Null);

    let again = server.player(guest(KEY));
    assert_eq!((&again.login["created"], &again.login["login_count"]), (&json!(false), &json!(2)));
    assert_eq!(again.login["previous_login_at"], session["authenticated_at"]);
    assert_eq!(again.account, player.account);
}

#[test]
fn each_kind_of_credential_logs_in() {
    let server = Server::start();
    let kinds = [
        device("a-device-of-ann"),
        custom("ann-at-work"),
        guest(KEY),
        json!({"provider": "email", "email": "Ann@example.com", "password": "correct horse"}),
        json!({"provider": "universal", "id": "ann", "password": "correct horse"}),
    ];
    for credential in kinds {
        let first = server.player(credential.clone());
        assert_eq!(first.login["provider"], credential["provider"]);
        assert_eq!(server.player(credential).account, first.account);
    }
    let email =
        json!({"provider": "email", "email": "bob@example.com", "password": "correct horse"});
    let bob = json!({ "credential": email, "username": "bob" });
    let bob = server.post("/v1/login").send(bob).player();
    assert_eq!(bob.login["account"]["username"], "bob");
    let by_name = json!({"provider": "username", "username": "bob", "password": "correct horse"});
    assert_eq!(server.player(by_name).account, bob.account);
}

#[test]
fn what_breaks_a_rule_names_the_field_and_the_rule() {
    let server = Server::start();
    let bytes = |min: u32, max: u32| json!({ "bytes": { "min": min, "max": max } });
    let required = || json!("required");
    server.log_in(device("short")).invalid("device_id", bytes(10, 128));
    server.log_in(custom("four five")).invalid("custom_id", json!("forbidden"));
    server.log_in(json!({"provider": "guest"})).invalid("guest_key", required());
    let email = |email: &str, password: &str| json!({"provider": "email", "email": email, "password": password});
    server.log_in(email("ann.example.com", "correct horse")).invalid("email", json!("shape"));
    let short = server.log_in(email("ann@example.com", "short"));
    short.invalid("password", json!({ "characters": { "min": 8 } }));
    let name = json!({ "credential": device("a-device-of-ann"), "username": "a".repeat(129) });
    server.post("/v1/login").send(name).invalid("username", bytes(1, 128));
}

#[test]
fn a_login_says_why_not() {
    let server = Server::start();
    let unknown = json!({ "credential": device("a-device-of-ann"), "create": false });
    server.post("/v1/login").send(unknown).refused(404, "account_not_found");
    let nowhere = json!({"provider": "nowhere", "credential": "x"});
    server.log_in(nowhere).refused(400, "provider_not_configured");
    let email = |password: &str| json!({"provider": "email", "email": "ann@example.com", "password": password});
    server.player(email("correct horse"));
    server.log_in(email("wrong horse")).refused(401, "wrong_password");
    let named = |id: &str| json!({ "credential": device(id), "username": "ann" });
    server.post("/v1/login").send(named("a-device-of-ann")).ok();
    server.post("/v1/login").send(named("another-device")).refused(409, "username_taken");
}

#[test]
fn a_login_that_expects_an_account_finds_that_one_or_none() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    let login = |id: &str, account: &str| {
        let body = json!({ "credential": custom(id), "expected_account": account });
        server.post("/v1/login").send(body)
    };
    assert_eq!(login("ann-at-work", &ann.account).player().account, ann.account);
    login("ann-at-work", &bob.account).refused(400, "other_account");
    login("ann-at-work", "no id at all").refused(400, "other_account");
    login("nobody-at-work", &ann.account).refused(404, "identity_unknown");
}

#[test]
fn too_many_wrong_passwords_are_told_when_to_come_back() {
    let server = Server::start();
    let email = |password: &str| json!({"provider": "email", "email": "ann@example.com", "password": password});
    server.player(email("correct horse"));
    let mut answers = (0..50).map(|_| server.log_in(email("wrong horse")));
    let throttled = answers.find(|answer| answer.status != 401).unwrap();
    let error = throttled.refused(429, "try_again_later");
    let until: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(error["retry_at"].clone()).unwrap();
    assert!(until > server.now());
}

#[test]
fn who_is_logged_in_logs_in_as_nobody_else_unless_it_does_not_matter() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let login = |ignore: bool| {
        let body = json!({
            "credential": device("a-device-of-bob"),
            "ignore_already_logged_in": ignore,
        });
        server.post("/v1/login").by(&ann).send(body)
    };
    login(false).refused(409, "already_logged_in");
    assert_ne!(login(true).player().account, ann.account);
}

#[test]
fn an_own_token_resumes_the_session_once() {
    let server = Server::start();
    let ann = server.player(guest(KEY));
    let resume = |token: &str| server.post("/v1/resume").send(json!({ "token": token }));
    server.wait(60);
    let again = resume(&ann.refresh).player();
    assert_eq!((&again.account, &again.login["login_count"]), (&ann.account, &json!(2)));
    server.is_alive(&again);
    server.wait(60);
    resume(&ann.refresh).refused(401, "refresh_token_reused");
    server.is_dead(&again);
    resume("garbage").refused(401, "token_login_invalid");
}

#[test]
fn where_the_provider_must_vouch_again_its_credential_goes_with_the_token() {
    let policy = authcore::Policy { revalidation: Revalidation::Always, ..gamebase() };
    let server = Server::under(policy);
    let ann = server.player(custom("ann-at-work"));
    let resume = |body: Value| server.post("/v1/resume").send(body);
    resume(json!({ "token": ann.refresh })).refused(401, "revalidation_required");
    let body = json!({ "token": ann.refresh, "credential": custom("ann-at-work") });
    assert_eq!(resume(body).player().account, ann.account);
}

#[test]
fn a_refresh_gives_the_next_tokens_and_reuse_ends_the_session() {
    let server = Server::start();
    let ann = server.player(guest(KEY));
    let refresh = |token: &str| server.post("/v1/refresh").send(json!({ "token": token }));
    server.wait(60);
    let next = refresh(&ann.refresh).ok();
    assert_eq!(keys(&next), ["account", "session", "tokens"]);
    assert_eq!(next["account"]["id"], ann.account.as_str());
    let access = next["tokens"]["access"].as_str().unwrap();
    server.get("/v1/account").bearer(access).go().ok();
    server.wait(60);
    refresh(&ann.refresh).refused(401, "refresh_token_reused");
    server.get("/v1/account").bearer(access).go().refused(401, "access_token_invalid");
    refresh("garbage").refused(401, "refresh_token_invalid");
}

#[test]
fn a_logout_ends_one_session_or_all() {
    let server = Server::start();
    let [first, second, third] = [(); 3].map(|()| server.player(guest(KEY)));
    let sessions = server.get("/v1/sessions").by(&first).go().ok();
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 3);
    server.post("/v1/logout").by(&first).go().done();
    server.is_dead(&first);
    server.is_alive(&second);
    server.post("/v1/logout").by(&second).send(json!({ "everywhere": true })).done();
    server.is_dead(&second);
    server.is_dead(&third);
}

#[test]
fn the_server_is_of_the_policy_that_it_was_given() {
    let server = Server::under(Policy::braincloud());
    let body = json!({ "credential": device("a-device-of-ann"), "expected_account": UNKNOWN });
    server.post("/v1/login").send(body).refused(404, "identity_unknown");
}

#[test]
fn gamebase_x1_a_login_beside_its_own_live_session_goes_on_with_it() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    for scheme in ["Bearer", "bearer"] {
        let token = format!("{scheme} {}", ann.access);
        let call = server.post("/v1/login").with("Authorization", &token);
        let same = call.send(json!({ "credential": custom("ann-at-work") })).player();
        assert_eq!(same.login["session"]["id"], ann.login["session"]["id"]);
    }
}

#[test]
fn a_token_that_is_over_is_in_the_way_of_no_login() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.wait(24 * 60 * 60);
    server.is_dead(&ann);
    let post = |path: &str, body: Value| server.post(path).by(&ann).send(body);
    let next = post("/v1/refresh", json!({ "token": ann.refresh })).ok();
    let resumed = post("/v1/resume", json!({ "token": next["tokens"]["refresh"] })).player();
    assert_eq!((&resumed.account, &resumed.login["login_count"]), (&ann.account, &json!(2)));
    let again = post("/v1/login", json!({ "credential": custom("ann-at-work") })).player();
    assert_eq!(again.account, ann.account);
}
