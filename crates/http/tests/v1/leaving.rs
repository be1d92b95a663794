//! Withdrawal.

use serde_json::{Value, json};

use crate::server::{Server, UNKNOWN, custom, keys};

#[test]
fn a_player_asks_to_leave_and_takes_it_back() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let withdrawal = |method| server.call(method, "/v1/withdrawal").by(&ann).go();
    withdrawal("DELETE").refused(400, "withdrawal_not_pending");
    let account = withdrawal("POST").ok();
    assert_eq!(account["standing"], "withdrawal_pending");
    assert_eq!(keys(&account["withdrawal"]), ["final_at", "requested_at"]);
    withdrawal("POST").refused(400, "withdrawal_pending");
    let account = withdrawal("DELETE").ok();
    assert_eq!((&account["standing"], &account["withdrawal"]), (&json!("normal"), &Value::Null));
}

#[test]
fn what_was_asked_for_comes_when_the_days_are_over() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.post("/v1/withdrawal").by(&ann).go().ok();
    server.wait(7 * 24 * 60 * 60);
    let again = server.player(custom("ann-at-work"));
    assert_eq!(again.login["created"], true);
    let seen = server.seen(&ann);
    assert_eq!(seen["standing"], "withdrawn");
    assert_eq!(seen["withdrawal"]["cause"], "grace_expired");
}

#[test]
fn who_leaves_at_once_is_gone() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.post("/v1/withdrawal/now").by(&ann).go().done();
    server.is_dead(&ann);
    let seen = server.seen(&ann);
    assert_eq!(seen["standing"], "withdrawn");
    assert_eq!(seen["created_at"], ann.login["account"]["created_at"]);
    assert_eq!(keys(&seen["withdrawal"]), ["cause", "withdrawn_at"]);
    assert_eq!((&seen["identities"], &seen["withdrawal"]["cause"]), (&json!([]), &json!("player")));
    assert_ne!(server.player(custom("ann-at-work")).account, ann.account);
}

#[test]
fn operators_take_a_request_back_and_withdraw() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.to(&ann, "restore", json!({})).refused(400, "withdrawal_not_pending");
    server.post("/v1/withdrawal").by(&ann).go().ok();
    assert_eq!(server.to(&ann, "restore", json!({})).ok()["standing"], "normal");
    server.to(&ann, "withdraw", json!({ "cause": "whim" })).refused(400, "bad_body");
    server.is_alive(&ann);
    server.to(&ann, "withdraw", json!({ "cause": "server" })).done();
    server.is_dead(&ann);
    assert_eq!(server.seen(&ann)["withdrawal"]["cause"], "server");
    server.to(&ann, "withdraw", json!({})).refused(404, "withdrawn");
    let bob = server.player(custom("bob-at-work"));
    server.to(&bob, "withdraw", json!({})).done();
    assert_eq!(server.seen(&bob)["withdrawal"]["cause"], "operator");
    let nobody = server.operator("POST", &format!("accounts/{UNKNOWN}/withdraw")).go();
    nobody.refused(404, "account_not_found");
}
