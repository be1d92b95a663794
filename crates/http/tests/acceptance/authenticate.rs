//! Logging in by device and by custom id (A1 to A12).

use serde_json::json;

use crate::server::{NOBODY, Server, basic, claims, server_key};

const DEVICE: &str = "/v2/account/authenticate/device";
const CUSTOM: &str = "/v2/account/authenticate/custom";
const ID: &str = "a-device-of-mine";

#[test]
fn a1_the_server_key() {
    let server = Server::start();
    let ask = |auth: &str| server.post(DEVICE, auth, json!({"id": ID}));
    ask(NOBODY).refused(401, 16, "Server key required");
    ask(&basic("wrongkey:")).refused(401, 16, "Server key invalid");
    ask(&basic("defaultkey")).refused(401, 16, "Server key invalid");
    ask(&server_key().replace("Basic", "basic")).refused(401, 16, "Server key invalid");
    assert_eq!(ask(&basic("defaultkey:any password")).status, 200);
}

#[test]
fn a1_3_1_a_session_token_is_no_server_key() {
    let server = Server::start();
    let player = server.device(ID);
    let answer = server.post(DEVICE, &player.bearer(), json!({"id": ID}));
    answer.refused(401, 16, "Server key invalid");
}

#[test]
fn a3_device_id_lengths() {
    let server = Server::start();
    let ask = |length| server.authenticate_device(&"d".repeat(length));
    let length = "Device ID invalid, must be 10-128 bytes.";
    server.authenticate_device("").refused(400, 3, "Device ID is required.");
    server.authenticate("device", json!({})).refused(400, 3, "Device ID is required.");
    ask(9).refused(400, 3, length);
    assert!(ask(10).player().created);
    assert!(ask(128).player().created);
    ask(129).refused(400, 3, length);
    server.authenticate_device(&"é".repeat(5)).ok();
    server.authenticate_device(&"é".repeat(65)).refused(400, 3, length);
}

#[test]
fn a4_device_id_characters() {
    let server = Server::start();
    for bad in [" ", "\t", "\n", "\0", "\u{1b}", "\u{7f}"] {
        let answer = server.authenticate_device(&format!("01234{bad}56789"));
        answer.refused(400, 3, "Device ID invalid, no spaces or control characters allowed.");
    }
    for good in ["\u{a0}", "\u{3000}", "\u{85}", "[]", "☃"] {
        assert!(server.device(&format!("01234{good}56789")).created, "{good:?}");
    }
    // The characters are looked at before the length.
    let answer = server.authenticate_device(" ");
    answer.refused(400, 3, "Device ID invalid, no spaces or control characters allowed.");
}

#[test]
fn a5_custom_id_lengths() {
    let server = Server::start();
    let ask = |length| server.authenticate_custom(&"c".repeat(length));
    let length = "Custom ID invalid, must be 6-128 bytes.";
    server.authenticate_custom("").refused(400, 3, "Custom ID is required.");
    ask(5).refused(400, 3, length);
    assert!(ask(6).player().created);
    assert!(ask(128).player().created);
    ask(129).refused(400, 3, length);
    let answer = server.authenticate_custom("my custom id");
    answer.refused(400, 3, "Custom ID invalid, no spaces or control characters allowed.");
}

#[test]
fn a6_ids_that_differ_by_case_are_two_accounts() {
    let server = Server::start();
    let (lower, upper) = (server.device("device-abc"), server.device("device-ABC"));
    assert!(lower.created && upper.created);
    assert_ne!(lower.id(), upper.id());
    assert_ne!(server.custom("custom-abc").id(), server.custom("custom-ABC").id());
    assert_ne!(server.custom("device-abc").id(), lower.id());
}

#[test]
fn a7_the_create_flag() {
    let server = Server::start();
    let ask =
        |query: &str, id: &str| server.authenticate(&format!("device{query}"), json!({"id": id}));
    for (query, id) in
        [("", "unknown-id-1"), ("?create=true", "unknown-id-2"), ("?create=T", "unknown-id-3")]
    {
        assert!(ask(query, id).player().created, "{query}");
    }
    for query in ["?create=0", "?create=false", "?create=F"] {
        ask(query, "unknown-id-4").refused(404, 5, "User account not found.");
    }
    for query in ["?create=yes", "?create=", "?create=true&create=true"] {
        ask(query, "unknown-id-4").refused_somehow(400, 3);
    }
    let custom = server.authenticate("custom?create=false", json!({"id": "unknown-id-1"}));
    custom.refused(404, 5, "User account not found.");
    assert!(!ask("?create=false", "unknown-id-1").player().created);
}

#[test]
fn a8_usernames() {
    let server = Server::start();
    let ask = |number: usize, username: &str| {
        let body = json!({"id": format!("device-number-{number}")});
        server.authenticate(&format!("device?username={username}"), body)
    };
    let characters = "Username invalid, no spaces or control characters allowed.";
    assert_eq!(ask(0, "alice").player().username(), "alice");
    ask(1, "alice").refused(409, 6, "Username is already in use.");
    assert_eq!(ask(2, "Alice").player().username(), "Alice");
    assert_eq!(ask(3, "a%20name").player().username(), "a name");
    assert_eq!(ask(4, "%20").player().username(), " ");
    for bad in ["a%09name", "a%00name", "a%7Fname", "a%5B%5D"] {
        ask(5, bad).refused(400, 3, characters);
    }
    assert_eq!(ask(6, "%5Da%5B").player().username(), "]a[");
    assert_eq!(ask(7, &"n".repeat(128)).player().username(), "n".repeat(128));
    ask(8, &"n".repeat(129)).refused(400, 3, "Username invalid, must be 1-128 bytes.");
    assert_eq!(ask(9, "%F0%9F%98%80%C2%85").player().username(), "\u{1f600}\u{85}");
    ask(10, "%ff").refused_somehow(500, 13);
    // What was refused left nothing behind.
    assert!(ask(1, "bob").player().created);
}

#[test]
fn a8_4_4_a_username_is_made_up_when_none_is_given() {
    let server = Server::start();
    for how in ["device", "device?username="] {
        let id = format!("device-for-{}", how.len());
        let username = server.authenticate(how, json!({"id": id})).player().username();
        assert_eq!(username.len(), 10, "{username}");
        assert!(username.bytes().all(|byte| byte.is_ascii_alphabetic()), "{username}");
    }
}

#[test]
fn a9_the_username_of_a_known_player_is_checked_and_then_ignored() {
    let server = Server::start();
    let first = server.authenticate("device?username=alice", json!({"id": ID})).player();
    let again = server.authenticate("device?username=bob", json!({"id": ID})).player();
    assert_eq!((again.username(), again.id()), ("alice".to_owned(), first.id()));
    server.authenticate("device?username=b%09b", json!({"id": ID})).refused(
        400,
        3,
        "Username invalid, no spaces or control characters allowed.",
    );
    // The name is still free.
    assert!(
        server.authenticate("custom?username=bob", json!({"id": "custom-id"})).player().created
    );
}

#[test]
fn a10_created_is_told_once_and_then_left_out() {
    let server = Server::start();
    for (path, id) in [(DEVICE, ID), (CUSTOM, "my-custom-id")] {
        let first = server.post(path, &server_key(), json!({"id": id})).ok();
        assert_eq!(first["created"], true);
        let second = server.post(path, &server_key(), json!({"id": id})).ok();
        let keys: Vec<_> = second.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["refresh_token", "token"]);
    }
}

#[test]
fn a11_vars_are_an_object_of_texts() {
    let server = Server::start();
    let ask = |vars| server.authenticate("custom", json!({"id": "my-custom-id", "vars": vars}));
    for bad in [json!({"a": 1}), json!({"a": null}), json!({"a": true}), json!(["a"]), json!("a")] {
        ask(bad).refused_somehow(400, 3);
    }
    assert_eq!(ask(json!(null)).player().claims().get("vrs"), None);
    assert_eq!(ask(json!({})).player().claims().get("vrs"), None);
    let vars = json!({"testString": "testValue", "empty": "", "ünïcödé": "\u{1f600}"});
    let player = ask(vars.clone()).player();
    assert_eq!(player.claims()["vrs"], vars);
    assert_eq!(claims(&player.refresh_token)["vrs"], vars);
}

#[test]
fn t11_1_the_claims_of_both_tokens() {
    let server = Server::start();
    let player = server.authenticate("device?username=alice", json!({"id": ID})).player();
    let (access, refresh) = (player.claims(), claims(&player.refresh_token));
    let now = server.now().timestamp();
    for (token, lifetime) in [(&access, 60), (&refresh, 3600)] {
        assert_eq!(token["uid"], player.id());
        assert_eq!(token["usn"], "alice");
        assert_eq!(token["iat"], now);
        assert_eq!(token["exp"], now + lifetime);
        assert_eq!(token["tid"].as_str().map(str::len), Some(36));
    }
    assert_eq!(access["tid"], refresh["tid"]);
    assert_eq!(server.account(&player).ok()["user"]["id"], player.id());
}

#[test]
fn t13_6_tokens_hold_nothing_that_the_published_client_cannot_decode() {
    let server = Server::start();
    let how = "device?username=js%7E%3F%3E%F0%9F%98%80%C3%BC";
    let player = server.authenticate(how, json!({"id": ID, "vars": {"~": "???ÿ"}})).player();
    let payload = player.token.split('.').nth(1).unwrap().to_owned();
    assert!(!payload.contains(['-', '_']), "{payload}");
    assert_eq!(player.username(), "js~?>\u{1f600}ü");
    assert_eq!(player.claims()["vrs"], json!({"~": "???ÿ"}));
}

#[test]
fn differs_5_2_vars_have_2048_bytes_at_most() {
    let server = Server::start();
    let ask = |length| {
        server.authenticate("device", json!({"id": ID, "vars": {"a": "x".repeat(length)}}))
    };
    ask(2048).refused_somehow(400, 3);
    assert!(ask(2047).player().created);
}
