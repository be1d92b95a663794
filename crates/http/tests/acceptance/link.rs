//! Adding logins to an account (L1 to L6).

use serde_json::json;

use crate::server::{Server, server_key};

const DEVICE: &str = "a-device-of-mine";
const CUSTOM: &str = "a-custom-id";
const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse";

#[test]
fn l1_link_a_device() {
    let server = Server::start();
    let (mine, other) = (server.custom("player-one"), server.custom("player-two"));
    server.link(&mine, "device", json!({"id": DEVICE})).done();
    server.link(&mine, "device", json!({"id": DEVICE})).done();
    server.link(&other, "device", json!({"id": DEVICE})).refused(
        409,
        6,
        "Device ID already in use.",
    );
    assert_eq!(server.device(DEVICE).id(), mine.id());
    let devices = &server.account(&mine).ok()["devices"];
    assert_eq!(*devices, json!([{"id": DEVICE}]));
    assert_eq!(server.account(&other).ok().get("devices"), None);
}

#[test]
fn l1_9_2_many_devices() {
    let server = Server::start();
    let player = server.device("device-number-0");
    for number in 1..20 {
        server.link(&player, "device", json!({"id": format!("device-number-{number}")})).done();
    }
    assert_eq!(server.account(&player).ok()["devices"].as_array().unwrap().len(), 20);
    for number in 0..20 {
        assert_eq!(server.device(&format!("device-number-{number}")).id(), player.id());
    }
}

#[test]
fn l2_a_second_custom_id_replaces_the_first() {
    let server = Server::start();
    let player = server.custom(CUSTOM);
    server.link(&player, "custom", json!({"id": CUSTOM})).done();
    server.link(&player, "custom", json!({"id": "another-custom-id"})).done();
    let old = server.authenticate("custom?create=false", json!({"id": CUSTOM}));
    old.refused(404, 5, "User account not found.");
    assert_eq!(server.custom("another-custom-id").id(), player.id());
    assert_eq!(server.account(&player).ok()["custom_id"], "another-custom-id");
    assert_ne!(server.custom(CUSTOM).id(), player.id());
}

#[test]
fn l2_9_5_a_second_email_replaces_the_first_and_its_password() {
    let server = Server::start();
    let player = server.email(EMAIL, PASSWORD);
    let link = |email: &str, password: &str| {
        server.link(&player, "email", json!({"email": email, "password": password})).done();
    };
    link(EMAIL, "another horse");
    server.authenticate_email(EMAIL, PASSWORD).refused(401, 16, "Invalid credentials.");
    assert_eq!(server.email(EMAIL, "another horse").id(), player.id());
    link("New@Example.com", PASSWORD);
    assert_eq!(server.email("new@example.com", PASSWORD).id(), player.id());
    let body = json!({"email": EMAIL, "password": "another horse"});
    server.authenticate("email?create=false", body).refused(404, 5, "User account not found.");
}

#[test]
fn l3_what_belongs_to_another_is_refused_and_nothing_changes() {
    let server = Server::start();
    let device = server.device(DEVICE);
    let custom = server.custom(CUSTOM);
    let email = server.email(EMAIL, PASSWORD);
    let other = server.custom("some-other-player");
    let before = server.account(&other).ok();
    let link = |kind: &str, body| server.link(&other, kind, body);
    link("device", json!({"id": DEVICE})).refused(409, 6, "Device ID already in use.");
    link("custom", json!({"id": CUSTOM})).refused(409, 6, "Custom ID is already in use.");
    for password in [PASSWORD, "another horse"] {
        let body = json!({"email": "ANN@example.com", "password": password});
        link("email", body).refused(409, 6, "Email is already in use.");
    }
    assert_eq!(server.account(&other).ok(), before);
    assert_eq!(server.device(DEVICE).id(), device.id());
    assert_eq!(server.custom(CUSTOM).id(), custom.id());
    assert_eq!(server.email(EMAIL, PASSWORD).id(), email.id());
}

#[test]
fn l4_the_order_of_checks_of_an_email() {
    let server = Server::start();
    let player = server.device(DEVICE);
    let ask = |email: &str, password: &str| {
        server.link(&player, "email", json!({"email": email, "password": password}))
    };
    let short = "Password must be at least 8 characters long.";
    let both = "Email address and password is required.";
    ask("", PASSWORD).refused(400, 3, both);
    ask("a b", "").refused(400, 3, both);
    server.link(&player, "email", json!({})).refused(400, 3, both);
    ask("a b", "short").refused(
        400,
        3,
        "Invalid email address, no spaces or control characters allowed.",
    );
    ask("a@b", "short").refused(400, 3, short);
    ask("a@b", PASSWORD).refused(400, 3, "Invalid email address format.");
    ask("a@b.c", "short").refused(400, 3, short);
    ask("a@b.c", PASSWORD).refused(400, 3, "Invalid email address, must be 10-255 bytes.");
    ask(EMAIL, PASSWORD).done();
    assert_eq!(server.email(EMAIL, PASSWORD).id(), player.id());
}

#[test]
fn l4_9_4_the_words_for_bad_ids() {
    let server = Server::start();
    let player = server.email(EMAIL, PASSWORD);
    let device = |id: &str| server.link(&player, "device", json!({"id": id}));
    let custom = |id: &str| server.link(&player, "custom", json!({"id": id}));
    device("").refused(400, 3, "Device ID is required.");
    device("0123 456789").refused(
        400,
        3,
        "Device ID invalid, no spaces or control characters allowed.",
    );
    device("012345678").refused(400, 3, "Device ID invalid, must be 10-128 bytes.");
    custom("").refused(400, 3, "Custom ID is required.");
    custom("custom id").refused(
        400,
        3,
        "Invalid custom ID, no spaces or control characters allowed.",
    );
    custom("short").refused(400, 3, "Invalid custom ID, must be 6-128 bytes.");
    custom(&"c".repeat(129)).refused(400, 3, "Invalid custom ID, must be 6-128 bytes.");
}

#[test]
fn l6_every_call_of_a_player_needs_a_session_token() {
    let server = Server::start();
    let player = server.device(DEVICE);
    let refresh = format!("Bearer {}", player.refresh_token);
    let lower = player.bearer().replace("Bearer", "bearer");
    let (head, tail) = player.token.rsplit_once('.').unwrap();
    let forged = format!("Bearer {head}.{}", tail.chars().rev().collect::<String>());
    let calls = [
        ("POST", "/v2/account/link/device"),
        ("POST", "/v2/account/link/custom"),
        ("POST", "/v2/account/link/email"),
        ("POST", "/v2/account/unlink/device"),
        ("POST", "/v2/account/unlink/custom"),
        ("POST", "/v2/account/unlink/email"),
        ("POST", "/v2/session/logout"),
        ("GET", "/v2/account"),
        ("PUT", "/v2/account"),
        ("DELETE", "/v2/account"),
        ("GET", "/v2/user"),
    ];
    for (method, path) in calls {
        let body = matches!(method, "POST" | "PUT").then_some(&b"{}"[..]);
        let ask = |auth: &str| server.send(method, path, &[("Authorization", auth)], body);
        server.send(method, path, &[], body).refused(401, 16, "Auth token required");
        for auth in [&*server_key(), "Bearer garbage", "Bearer ", &refresh, &lower, &forged] {
            ask(auth).refused(401, 16, "Auth token invalid");
        }
    }
    server.is_alive(&player);
}

#[test]
fn l1_9_2_tokens_stay_as_they_were_after_link_and_unlink() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": CUSTOM, "vars": {"a": "b"}})).done();
    server.is_alive(&player);
    server.unlink(&player, "device", json!({"id": DEVICE})).done();
    server.is_alive(&player);
    server.refresh(&player.refresh_token).ok();
}
