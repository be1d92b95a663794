//! A guest's way to another device.

use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, custom, gamebase, guest, keys};

const OLD: &str = "the-guest-key-of-the-phone";
const NEW: &str = "the-guest-key-of-the-tablet";

/// A guest on the phone, with a transfer account.
fn issued(server: &Server) -> (Player, Value) {
    let login = server.post("/v1/login").on_device("phone");
    let ann = login.send(json!({ "credential": guest(OLD) })).player();
    let info = server.post("/v1/transfer-account").by(&ann).on_device("phone").go().ok();
    (ann, info)
}

fn transfer(server: &Server, id: &Value, password: &Value) -> Answer {
    let body = json!({ "id": id, "password": password, "guest": NEW });
    server.post("/v1/transfer").on_device("tablet").send(body)
}

#[test]
fn a_guest_moves_to_another_device_and_the_old_one_is_out() {
    let server = Server::start();
    let (ann, info) = issued(&server);
    let members = ["id", "issued_at", "issued_by", "one_time", "password", "status", "until"];
    assert_eq!(keys(&info), members);
    assert_eq!(info["status"], "issued");
    let asked = server.get("/v1/transfer-account").by(&ann).go().ok();
    assert_eq!((&asked["id"], &asked["password"]), (&info["id"], &Value::Null));

    let moved = transfer(&server, &info["id"], &info["password"]).player();
    assert_eq!((&moved.account, &moved.login["created"]), (&ann.account, &json!(false)));
    server.is_dead(&ann);
    server.is_alive(&moved);
    assert_ne!(server.player(guest(OLD)).account, ann.account);
    assert_eq!(server.player(guest(NEW)).account, ann.account);
    let body =
        json!({ "id": info["id"], "password": info["password"], "guest": "a-third-guest-key" });
    server.post("/v1/transfer").send(body).refused(400, "transfer_used");
}

#[test]
fn a_transfer_account_is_renewed_in_four_ways() {
    let server = Server::start();
    let (ann, first) = issued(&server);
    let renew = |body: Value| server.call("PUT", "/v1/transfer-account").by(&ann).send(body);
    let second = renew(json!({ "renew": "password" })).ok();
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["password"], first["password"]);
    let chosen = renew(json!({ "renew": "password", "password": "111122223333" })).ok();
    assert_eq!(chosen["id"], first["id"]);
    let third = renew(json!({ "renew": "id_and_password" })).ok();
    assert_ne!(third["id"], first["id"]);
    let body =
        json!({ "renew": "id_and_password", "id": "444455556666", "password": "777788889999" });
    renew(body).ok();
    let here = transfer(&server, &json!("444455556666"), &json!("777788889999"));
    assert_eq!(here.player().account, ann.account);
}

#[test]
fn a_renewal_that_says_too_little_or_too_much_is_refused() {
    let server = Server::start();
    let (ann, _) = issued(&server);
    let renew = |body: Value| server.call("PUT", "/v1/transfer-account").by(&ann).send(body);
    for body in [
        json!({}),
        json!({ "renew": "everything" }),
        json!({ "renew": "id_and_password", "id": "444455556666" }),
        json!({ "renew": "password", "id": "444455556666" }),
        json!({ "renew": "password", "more": 1 }),
    ] {
        renew(body).refused(400, "bad_body");
    }
    let short = renew(json!({ "renew": "password", "password": "1" })).refused(400, "invalid");
    assert_eq!(short["field"], "transfer_password");
}

#[test]
fn transfer_accounts_are_for_guests_and_for_one_at_a_time() {
    let server = Server::start();
    let (ann, _) = issued(&server);
    let issue = |who| server.post("/v1/transfer-account").by(who).go();
    issue(&ann).refused(409, "transfer_exists");
    let bob = server.player(custom("bob-at-work"));
    issue(&bob).refused(400, "not_guest_only");
    server.get("/v1/transfer-account").by(&bob).go().refused(400, "not_guest_only");
    let cid = server.player(guest(NEW));
    server.get("/v1/transfer-account").by(&cid).go().refused(404, "transfer_missing");
    let off = Server::under(authcore::Policy { transfer: None, ..gamebase() });
    let ann = off.player(guest(OLD));
    off.post("/v1/transfer-account").by(&ann).go().refused(400, "transfer_off");
}

#[test]
fn wrong_passwords_block_and_an_operator_unblocks() {
    let server = Server::start();
    let (ann, info) = issued(&server);
    let wrong = json!("000000000000");
    transfer(&server, &json!("000000000000"), &wrong).refused(404, "transfer_unknown");
    for _ in 0..2 {
        transfer(&server, &info["id"], &wrong).refused(401, "transfer_wrong_password");
    }
    let error = transfer(&server, &info["id"], &wrong).refused(429, "transfer_blocked");
    assert_eq!(keys(&error["block"]), ["failures", "id", "issued_at", "until"]);
    assert_eq!((&error["block"]["failures"], &error["block"]["id"]), (&json!(3), &info["id"]));
    transfer(&server, &info["id"], &info["password"]).refused(429, "transfer_blocked");
    let seen = server.seen(&ann);
    assert_eq!(keys(&seen["transfer_account"]), ["id", "issued_at", "state", "until"]);
    assert_eq!(seen["transfer_account"]["state"]["kind"], "blocked");

    let account = server.to(&ann, "transfer-account/unblock", json!({})).ok();
    assert_eq!(account["transfer_account"]["state"]["kind"], "issued");
    let moved = transfer(&server, &info["id"], &info["password"]).player();
    assert_eq!(moved.account, ann.account);
}

#[test]
fn an_operator_issues_anew_and_asks_whose_it_is() {
    let server = Server::start();
    let (ann, info) = issued(&server);
    let validate = |info: &Value| {
        let body = json!({ "id": info["id"], "password": info["password"] });
        server.operator("POST", "transfer-accounts/validate").send(body)
    };
    assert_eq!(validate(&info).ok()["id"], ann.account.as_str());
    let reissue = |body: Value| server.to(&ann, "transfer-account/reissue", body);
    let second = reissue(json!({ "password_only": true })).ok();
    assert_eq!(second["id"], info["id"]);
    validate(&info).refused(401, "transfer_wrong_password");
    let third = reissue(json!({})).ok();
    assert_ne!(third["id"], info["id"]);
    validate(&second).refused(404, "transfer_unknown");
    assert_eq!(transfer(&server, &third["id"], &third["password"]).player().account, ann.account);
    let bob = server.player(custom("bob-at-work"));
    let other = |what: &str| server.to(&bob, &format!("transfer-account/{what}"), json!({}));
    other("reissue").refused(404, "transfer_missing");
    other("unblock").refused(404, "transfer_missing");
}

#[test]
fn a_transfer_to_the_device_that_it_came_from_is_refused() {
    let server = Server::start();
    let (ann, info) = issued(&server);
    let body = json!({ "id": info["id"], "password": info["password"], "guest": NEW });
    let same = server.post("/v1/transfer").on_device("phone").send(body);
    same.refused(400, "transfer_same_device");
    server.is_alive(&ann);
}
