//! What a request may look like, and what a bad one is told.

use authcore::Policy;
use serde_json::{Value, json};

use crate::server::{Server, bearer, login};

#[test]
fn what_is_no_request_is_told_so_in_the_shape_of_all_errors() {
    let server = Server::start(Policy::gamebase());
    let player = bearer(&server.log_in("a-device-of-ann"));
    let as_player = [("authorization", &*player)];
    server.send("DELETE", "/v1/links/%ff", &as_player, "").refused(400, "bad_path");
    server.send("DELETE", "/v1/links/No%20Name", &as_player, "").refused(404, "not_found");
    server.send("GET", "/v1/nothing", &[], "").refused(404, "not_found");
    server.send("PUT", "/v1/login", &[], "{}").refused(405, "method_not_allowed");
    server.operate("PUT", "bans", json!({})).refused(405, "method_not_allowed");
    server.operate("GET", "accounts/no-id", Value::Null).refused(400, "bad_path");
    server.operate("DELETE", "accounts/no-id/identities/1", Value::Null).refused(400, "bad_path");
    let id = uuid(7);
    let path = format!("accounts/{id}/identities/first");
    server.operate("DELETE", &path, Value::Null).refused(400, "bad_path");
    for query in ["limit=many", "after=-1", "limit=1&limit=2", "other=1"] {
        let answer = server.operate("GET", &format!("events?{query}"), Value::Null);
        answer.refused(400, "bad_query");
    }
}

#[test]
fn a_body_is_json_whatever_its_content_type_says() {
    let server = Server::start(Policy::gamebase());
    let body = login("a-device-of-ann").to_string();
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let answer = server.send("POST", "/v1/login", &[("content-type", kind)], &*body);
        assert_eq!(answer.status, 200, "{kind}");
    }
    for bad in
        ["{", "[]", "\"text\"", "{} {}", "{\"credential\":{\"provider\":\"device\"},\"other\":1}"]
    {
        server.send("POST", "/v1/login", &[], bad).refused(400, "bad_body");
    }
    let twice = r#"{"credential":{"provider":"device","id":"a-device-1","id":"a-device-2"}}"#;
    server.send("POST", "/v1/login", &[], twice).refused(400, "bad_body");
}

#[test]
fn security_99_an_error_quotes_no_value_of_the_body() {
    let server = Server::start(Policy::gamebase());
    for body in [
        json!({ "credential": "a-secret-of-ann" }),
        json!({ "credential": { "provider": "email", "password": ["a-secret-of-ann"] } }),
        json!({ "credential": { "provider": ["a-secret-of-ann"] } }),
        json!({ "credential": login("x")["credential"], "create": "a-secret-of-ann, expected it" }),
        json!({ "credential": login("x")["credential"], "vars": "a-secret-of-ann" }),
        json!("a-secret-of-ann"),
    ] {
        let answer = server.post("/v1/login", body);
        answer.refused(400, "bad_body");
        assert!(!answer.text.contains("a-secret-of-ann"), "{}", answer.text);
        assert!(answer.text.contains("expected "), "{}", answer.text);
    }
    let number = json!({ "credential": { "provider": "email", "password": 20_061_224 } });
    assert!(!server.post("/v1/login", number).text.contains("20061224"));
    let long = json!({ "x".repeat(200_000): 1 });
    assert!(server.post("/v1/login", long).text.len() < 1000);
}

#[test]
fn a_body_has_a_largest_size() {
    let server = Server::start(Policy::gamebase());
    let key = "Authorization: Bearer a key for operators\r\n";
    for (path, key, most) in [("login", "", 262_144), ("operator/bans", key, 1_048_576)] {
        let answer = |length: usize, body: &str| {
            server.raw(&format!(
                "POST /v1/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{key}\
                 Content-Length: {length}\r\n\r\n{body}"
            ))
        };
        assert!(answer(most + 1, "").starts_with("HTTP/1.1 413 "), "{path}");
        assert!(answer(most, &" ".repeat(most)).contains("bad_body"), "{path}");
    }
    let chunk = "10000\r\n".to_owned() + &" ".repeat(65_536) + "\r\n";
    let chunks = chunk.repeat(5) + "0\r\n\r\n";
    let head = "POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(server.raw(&format!("{head}{chunks}")).contains("body_too_large"));
}

#[test]
fn pages_of_every_origin_may_call_for_players_and_none_for_operators() {
    let server = Server::start(Policy::gamebase());
    let origin = ("origin", "https://game.example");
    let open = "access-control-allow-origin";
    let asks = [origin, ("access-control-request-method", "PATCH")];
    let answer = server.send("OPTIONS", "/v1/account", &asks, "");
    assert_eq!((answer.status, &*answer.text), (204, ""));
    assert_eq!(answer.headers[open], "*");
    assert!(answer.headers["access-control-allow-methods"].to_str().unwrap().contains("PATCH"));
    for (method, path) in [("GET", "/v1/account"), ("PUT", "/v1/login"), ("POST", "/v1/login")] {
        let answer = server.send(method, path, &[origin], "");
        assert!(answer.status >= 400);
        assert_eq!(answer.headers[open], "*", "a page must be able to read {method} {path}");
    }
    for path in ["/v1/operator/bans", "/v1/operator/events"] {
        let answer = server.send("OPTIONS", path, &asks, "");
        assert_eq!(answer.status, 405);
        assert!(!answer.headers.contains_key(open));
    }
}

#[test]
fn no_answer_is_kept_by_a_cache() {
    let server = Server::start(Policy::gamebase());
    for answer in [
        server.post("/v1/login", login("a-device-of-ann")),
        server.post("/v1/login", json!({})),
        server.operate("GET", "events", Value::Null),
        server.send("GET", "/v1/nothing", &[], ""),
    ] {
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
}

pub(crate) fn uuid(number: usize) -> String {
    format!("00000000-0000-7000-8000-{number:012}")
}
