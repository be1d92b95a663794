//! Players' calls.

use authcore::{Authenticated, Hooks, Policy, Refusal, RequestContext};
use chrono::TimeDelta;
use serde_json::json;

use crate::server::{Server, bearer, login};

#[test]
fn a_token_that_is_over_is_in_the_way_of_no_login() {
    let server = Server::start(Policy::gamebase());
    let player = server.log_in("a-device-of-ann");
    server.world.clock().advance(TimeDelta::days(1));
    let old = bearer(&player);
    let stale = [("authorization", &*old)];
    server.send("GET", "/v1/account", &stale, "").refused(401, "access_token_invalid");
    let token = json!({ "token": player["tokens"]["refresh"] }).to_string();
    let next = server.send("POST", "/v1/refresh", &stale, &*token).ok();
    let token = json!({ "token": next["tokens"]["refresh"] }).to_string();
    assert_eq!(server.send("POST", "/v1/resume", &stale, token).ok()["login_count"], 2);
    let again = server.send("POST", "/v1/login", &stale, login("a-device-of-ann").to_string()).ok();
    assert_eq!(again["account"]["id"], player["account"]["id"]);
}

#[test]
fn gamebase_x1_a_login_beside_a_live_session_goes_on_with_it_or_is_refused() {
    let server = Server::start(Policy::gamebase());
    let player = server.log_in("a-device-of-ann");
    for scheme in ["Bearer", "bearer"] {
        let token = bearer(&player).replace("Bearer", scheme);
        let beside = [("authorization", &*token)];
        let same = server.send("POST", "/v1/login", &beside, login("a-device-of-ann").to_string());
        assert_eq!(same.ok()["session"]["id"], player["session"]["id"]);
        let other = server.send("POST", "/v1/login", &beside, login("a-device-of-bob").to_string());
        other.refused(409, "already_logged_in");
    }
}

#[derive(Debug)]
struct Panics;

#[async_trait::async_trait]
impl Hooks for Panics {
    async fn before_account(&self, _: &RequestContext, _: &Authenticated) -> Result<(), Refusal> {
        panic!("a-secret-of-ann")
    }
}

#[test]
fn security_101_a_panic_becomes_an_answer_that_tells_nothing() {
    let server = Server::with(Policy::gamebase(), |builder| builder.hooks(Panics));
    let player = bearer(&server.log_in("a-device-of-ann"));
    let answer = server.send("GET", "/v1/account", &[("authorization", &*player)], "");
    answer.refused(500, "fault");
    assert!(!answer.text.contains("a-secret-of-ann"));
    server.log_in("a-device-of-ann");
}
