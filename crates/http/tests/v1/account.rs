//! The account in its player's hands.

use serde_json::{Value, json};

use crate::server::{Server, custom, guest, keys};

#[test]
fn a_player_changes_what_is_named_and_nothing_else() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let update = |body: Value| server.call("PATCH", "/v1/account").by(&ann).send(body);
    let whole = json!({
        "username": "ann",
        "display_name": "Ann",
        "avatar_url": "https://game.example/ann.png",
        "lang_tag": "de",
        "location": "Bonn",
        "timezone": "Europe/Berlin",
    });
    let account = update(whole.clone()).ok();
    assert_eq!(account["username"], "ann");
    for field in keys(&account["profile"]) {
        assert_eq!(account["profile"][field], whole[field], "{field}");
    }
    let account = update(json!({ "location": "Rome" })).ok();
    assert_eq!(account["profile"]["location"], "Rome");
    assert_eq!(account["profile"]["display_name"], "Ann");
    assert_eq!(server.get("/v1/account").by(&ann).go().ok(), account);
}

#[test]
fn a_change_is_refused_with_the_reason() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    let update = |who, body: Value| server.call("PATCH", "/v1/account").by(who).send(body);
    update(&ann, json!({})).refused(400, "nothing_to_change");
    let long = update(&ann, json!({ "display_name": "a".repeat(256) }));
    long.invalid("display_name", json!({ "characters": { "min": 0, "max": 255 } }));
    update(&ann, json!({ "username": "ann" })).ok();
    let taken = update(&bob, json!({ "username": "ann" })).refused(400, "username_taken");
    assert_eq!(taken["nakama"]["code"], 3);
}

#[test]
fn what_was_answered_survives_a_restart() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    let cid = server.player(guest("a-guest-key-of-16-bytes"));
    let update = server.call("PATCH", "/v1/account").by(&ann);
    let account = update.send(json!({ "username": "ann" })).ok();
    let banned = server.to(&bob, "ban", json!({ "template": 1 })).ok();
    let info = server.post("/v1/transfer-account").by(&cid).go().ok();

    let server = server.restart();
    assert_eq!(server.get("/v1/account").by(&ann).go().ok(), account);
    server.is_dead(&bob);
    assert_eq!(server.seen(&bob), banned);
    let body = json!({ "id": info["id"], "password": info["password"], "guest": "another-guest-key-of-16" });
    let moved = server.post("/v1/transfer").send(body).player();
    assert_eq!(moved.account, cid.account);
}

#[test]
fn a_player_sees_where_they_are_logged_in() {
    let server = Server::start();
    let phone = server.post("/v1/login").with("X-Device-Name", "phone");
    let ann = phone.send(json!({ "credential": custom("ann-at-work") })).player();
    let sessions = server.get("/v1/sessions").by(&ann).go().ok();
    assert_eq!(sessions, json!({ "sessions": [ann.login["session"]] }));
    assert_eq!(sessions["sessions"][0]["device_name"], "phone");
}

#[test]
fn an_export_holds_the_account_and_its_activity_and_no_secret() {
    let server = Server::start();
    let credential =
        json!({"provider": "email", "email": "ann@example.com", "password": "correct horse"});
    let ann = server.player(credential);
    let answer = server.get("/v1/account/export").by(&ann).go();
    let export = answer.clone().ok();
    assert_eq!(keys(&export), ["account", "activity", "exported_at", "format"]);
    assert_eq!(export["account"]["id"], ann.account.as_str());
    assert_eq!(export["activity"]["sessions"][0]["id"], ann.login["session"]["id"]);
    for secret in ["correct horse", "$argon2", &ann.access, &ann.refresh] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
    let of_operators = format!("accounts/{}/export", ann.account);
    let same = server.operator("GET", &of_operators).go().ok();
    assert_eq!(same["account"]["identities"], export["account"]["identities"]);
}

#[test]
fn an_account_that_is_deleted_leaves_nothing() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.call("DELETE", "/v1/account").by(&ann).go().done();
    server.is_dead(&ann);
    let gone = server.operator("GET", &format!("accounts/{}", ann.account)).go();
    gone.refused(404, "account_not_found");
    assert_ne!(server.player(custom("ann-at-work")).account, ann.account);
}
