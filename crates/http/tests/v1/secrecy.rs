//! What no answer tells, and nobody keeps.

use authcore::{Authenticated, Hooks, Refusal, RequestContext};
use serde_json::{Value, json};

use crate::server::{Server, custom, gamebase};

const SECRET: &str = "a-secret-of-ann";

#[test]
fn security_99_an_error_quotes_no_value_of_the_body() {
    let server = Server::start();
    let log_in = |body: Value| {
        let answer = server.post("/v1/login").send(body);
        answer.refused(400, "bad_body");
        answer
    };
    for body in [
        json!({ "credential": SECRET }),
        json!({ "credential": { "provider": "email", "password": [SECRET] } }),
        json!({ "credential": { "provider": [SECRET] } }),
        json!({ "credential": custom("x"), "create": format!("{SECRET}, expected it") }),
        json!({ "credential": custom("x"), "vars": SECRET }),
        json!(SECRET),
    ] {
        let answer = log_in(body);
        assert!(!answer.text().contains(SECRET), "{}", answer.text());
        assert!(answer.text().contains("expected "), "{}", answer.text());
    }
    let number = json!({ "credential": { "provider": "email", "password": 20_061_224 } });
    assert!(!log_in(number).text().contains("20061224"));
    // The words come three times: as ours, as brainCloud's and as Nakama's.
    let long = log_in(json!({ "x".repeat(200_000): 1 }));
    assert!(long.text().len() < 2000, "{}", long.text());
}

#[derive(Debug)]
struct Panics;

#[async_trait::async_trait]
impl Hooks for Panics {
    async fn before_account(&self, _: &RequestContext, _: &Authenticated) -> Result<(), Refusal> {
        panic!("{SECRET}")
    }
}

#[test]
fn security_101_a_panic_becomes_an_answer_that_tells_nothing() {
    let server = Server::with(gamebase(), |builder| builder.hooks(Panics));
    let ann = server.player(custom("ann-at-work"));
    let answer = server.get("/v1/account").by(&ann).go();
    answer.refused(500, "fault");
    assert!(!answer.text().contains(SECRET));
    server.player(custom("ann-at-work"));
}

#[test]
fn no_answer_is_kept_by_a_cache() {
    let server = Server::start();
    for answer in [
        server.log_in(custom("ann-at-work")),
        server.post("/v1/login").go(),
        server.operator("GET", "events").go(),
        server.get("/v1/nothing").go(),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    }
}
