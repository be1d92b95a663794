//! Taking logins away (K1 to K6).

use serde_json::json;

use crate::server::{Answer, Server};

const DEVICE: &str = "a-device-of-mine";
const CUSTOM: &str = "a-custom-id";
const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse";

#[track_caller]
fn is_kept(answer: &Answer) {
    answer.refused(
        403,
        7,
        "Cannot unlink last account identifier. Check profile exists and is not last link.",
    );
}

#[test]
fn k1_the_last_identity_stays() {
    let server = Server::start();
    let device = server.device(DEVICE);
    is_kept(&server.unlink(&device, "device", json!({"id": DEVICE})));
    assert_eq!(server.device(DEVICE).id(), device.id());
    let custom = server.custom(CUSTOM);
    is_kept(&server.unlink(&custom, "custom", json!({"id": CUSTOM})));
    is_kept(&server.unlink(&custom, "custom", json!({})));
    assert_eq!(server.custom(CUSTOM).id(), custom.id());
    let email = server.email(EMAIL, PASSWORD);
    is_kept(&server.unlink(&email, "email", json!({"email": EMAIL, "password": PASSWORD})));
    is_kept(&server.unlink(&email, "email", json!({})));
    assert_eq!(server.email(EMAIL, PASSWORD).id(), email.id());
}

#[test]
fn k2_what_is_not_mine_is_not_unlinked() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": CUSTOM})).done();
    server.link(&player, "email", json!({"email": EMAIL, "password": PASSWORD})).done();
    let other = server.device("a-device-of-another");
    server.link(&other, "custom", json!({"id": "custom-of-another"})).done();
    for id in ["a-device-of-another", "an-unknown-device"] {
        is_kept(&server.unlink(&player, "device", json!({"id": id})));
    }
    for id in ["custom-of-another", "an-unknown-custom-id", "A-CUSTOM-ID"] {
        is_kept(&server.unlink(&player, "custom", json!({"id": id})));
    }
    is_kept(&server.unlink(&player, "email", json!({"email": "other@example.com"})));
    assert_eq!(server.device("a-device-of-another").id(), other.id());
    assert_eq!(server.custom("custom-of-another").id(), other.id());
    // What is already gone cannot be named again.
    server.unlink(&player, "custom", json!({"id": CUSTOM})).done();
    is_kept(&server.unlink(&player, "custom", json!({"id": CUSTOM})));
    server.link(&player, "device", json!({"id": "a-second-device"})).done();
    server.unlink(&player, "device", json!({"id": DEVICE})).done();
    is_kept(&server.unlink(&player, "device", json!({"id": DEVICE})));
}

#[test]
fn k3_nothing_named_and_nothing_linked_is_done() {
    let server = Server::start();
    let player = server.device(DEVICE);
    for kind in ["custom", "email"] {
        server.unlink(&player, kind, json!({})).done();
        let path = format!("/v2/account/unlink/{kind}");
        let bearer = player.bearer();
        server.send("POST", &path, &[("Authorization", &bearer)], Some(b"")).done();
    }
    assert_eq!(server.device(DEVICE).id(), player.id());
}

#[test]
fn k3_10_1_nothing_named_takes_whatever_is_linked() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": CUSTOM})).done();
    server.link(&player, "email", json!({"email": EMAIL, "password": PASSWORD})).done();
    server.unlink(&player, "custom", json!({"id": ""})).done();
    server.unlink(&player, "email", json!({"password": "not looked at"})).done();
    let account = server.account(&player).ok();
    assert_eq!((account.get("custom_id"), account.get("email")), (None, None));
    assert!(server.custom(CUSTOM).created);
}

#[test]
fn k4_a_device_must_be_named() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": CUSTOM})).done();
    for body in [json!({}), json!({"id": ""}), json!({"id": null})] {
        let answer = server.unlink(&player, "device", body);
        answer.refused(400, 3, "A device ID must be supplied.");
    }
}

#[test]
fn k5_without_the_email_the_password_is_gone_too() {
    let server = Server::start();
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let player = server.authenticate("email?username=alice", body.clone()).player();
    server.link(&player, "device", json!({"id": DEVICE})).done();
    server.unlink(&player, "email", json!({"email": "ANN@Example.com"})).done();
    let login = server.authenticate("email?username=alice", json!({"password": PASSWORD}));
    login.refused(401, 16, "Invalid credentials.");
    let login = server.authenticate("email?create=false", body);
    login.refused(404, 5, "User account not found.");
}

#[test]
fn k6_a_custom_id_may_go_while_a_device_remains() {
    let server = Server::start();
    let player = server.custom(CUSTOM);
    server.link(&player, "device", json!({"id": DEVICE})).done();
    server.unlink(&player, "custom", json!({"id": CUSTOM})).done();
    let account = server.account(&player).ok();
    assert_eq!(account.get("custom_id"), None);
    assert_eq!(account["devices"], json!([{"id": DEVICE}]));
    is_kept(&server.unlink(&player, "device", json!({"id": DEVICE})));
}

#[test]
fn k6_10_2_a_device_may_go_while_another_remains() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "device", json!({"id": "a-second-device"})).done();
    server.unlink(&player, "device", json!({"id": DEVICE})).done();
    let old = server.authenticate("device?create=false", json!({"id": DEVICE}));
    old.refused(404, 5, "User account not found.");
    is_kept(&server.unlink(&player, "device", json!({"id": "a-second-device"})));
    assert_eq!(server.device("a-second-device").id(), player.id());
}

#[test]
fn k6_the_account_has_no_devices_field_without_devices() {
    let server = Server::start();
    let player = server.custom(CUSTOM);
    server.link(&player, "device", json!({"id": DEVICE})).done();
    server.unlink(&player, "device", json!({"id": DEVICE})).done();
    assert_eq!(server.account(&player).ok().get("devices"), None);
}
