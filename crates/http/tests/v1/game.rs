//! What operators do to the game.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::server::{Server, UNKNOWN, custom, keys};

fn events(server: &Server, query: &str) -> Vec<Value> {
    let page = server.operator("GET", &format!("events{query}")).go().ok();
    page["events"].as_array().unwrap().clone()
}

#[test]
fn a_closed_game_lets_only_testers_in() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let closure = json!({
        "begins_at": server.now(),
        "ends_at": server.now() + TimeDelta::hours(1),
        "message": "Back soon.",
        "url": "https://game.example/news",
        "test_device_ids": ["the-testers-phone"],
    });
    server.operator("PUT", "closure").send(closure.clone()).done();
    let error = server.log_in(custom("ann-at-work")).refused(503, "not_playable");
    assert_eq!(keys(&error["closed"]), ["message", "since", "until", "url"]);
    assert_eq!(error["closed"]["message"], "Back soon.");
    assert_eq!(error["closed"]["url"], "https://game.example/news");
    let tester = server.post("/v1/login").on_device("the-testers-phone");
    let tester = tester.send(json!({ "credential": custom("ann-at-work") })).player();
    assert_eq!(tester.account, ann.account);
    server.wait(60 * 60);
    server.log_in(custom("ann-at-work")).ok();

    let mut for_here = closure;
    for_here["ends_at"] = Value::Null;
    for_here["test_addresses"] = json!(["127.0.0.1"]);
    server.operator("PUT", "closure").send(for_here.clone()).done();
    server.log_in(custom("ann-at-work")).ok();
    for_here["test_addresses"] = json!(["192.0.2.1"]);
    server.operator("PUT", "closure").send(for_here.clone()).done();
    let error = server.log_in(custom("ann-at-work")).refused(503, "not_playable");
    assert_eq!(error["closed"]["until"], Value::Null);
    server.operator("DELETE", "closure").go().done();
    server.log_in(custom("ann-at-work")).ok();

    for_here["test_addresses"] = json!(["nowhere"]);
    server.operator("PUT", "closure").send(for_here).refused(400, "bad_body");
    server.operator("PUT", "closure").go().refused(400, "bad_body");
}

#[test]
fn a_kickout_is_an_event_and_ends_sessions_only_when_asked() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    let kickout = |body: Value| server.operator("POST", "kickout").send(body);
    kickout(json!({ "account": ann.account, "reason": "maintenance" })).done();
    server.is_alive(&ann);
    kickout(json!({ "account": ann.account, "revoke_tokens": true })).done();
    server.is_dead(&ann);
    server.is_alive(&bob);
    kickout(json!({ "revoke_tokens": true })).done();
    server.is_dead(&bob);
    let kickouts: Vec<_> = events(&server, "")
        .into_iter()
        .filter(|event| event["event"]["type"] == "kickout")
        .map(|event| (event["account"].clone(), event["event"]["reason"].clone()))
        .collect();
    let nobody = "00000000-0000-0000-0000-000000000000";
    let expected = [
        (json!(ann.account), json!("maintenance")),
        (json!(ann.account), json!("")),
        (json!(nobody), json!("")),
    ];
    assert_eq!(kickouts, expected);
    kickout(json!({ "account": UNKNOWN })).refused(404, "account_not_found");
    let long = kickout(json!({ "reason": "a".repeat(10_000) })).refused(400, "invalid");
    assert_eq!(long["field"], "kickout_reason");
}

#[test]
fn sessions_end_for_one_or_for_all() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    server.to(&ann, "end-sessions", json!({})).done();
    server.is_dead(&ann);
    server.is_alive(&bob);
    let nobody = server.operator("POST", &format!("accounts/{UNKNOWN}/end-sessions")).go();
    nobody.refused(404, "account_not_found");
    server.operator("POST", "end-all-sessions").go().done();
    server.is_dead(&bob);
    server.is_alive(&server.player(custom("bob-at-work")));
}

#[test]
fn events_come_in_pages_in_order_and_without_names() {
    let server = Server::start();
    for number in 0..5 {
        server.player(custom(&format!("player-{number}")));
    }
    let all = events(&server, "");
    assert!(all.len() > 5);
    let mut read = Vec::new();
    let mut after = 0;
    loop {
        let page = events(&server, &format!("?after={after}&limit=2"));
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = last["cursor"].as_u64().unwrap();
        read.extend(page);
    }
    assert_eq!(read, all);
    assert_eq!(keys(&all[0]), ["account", "at", "cursor", "event"]);
    assert_eq!(all[0]["event"], json!({ "type": "account_created" }));
    let cursors: BTreeSet<_> = all.iter().map(|event| event["cursor"].as_u64().unwrap()).collect();
    assert_eq!(cursors.len(), all.len());
    assert!(!Value::from(all).to_string().contains("player-"));
    for bad in ["?limit=many", "?after=-1", "?limit=5000000000", "?more=1", "?limit=1&limit=2"] {
        server.operator("GET", &format!("events{bad}")).go().refused(400, "bad_query");
    }
}
