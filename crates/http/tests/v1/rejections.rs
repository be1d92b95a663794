//! What cannot be read, is not there, or is too much.

use serde_json::{Value, json};

use crate::server::{Answer, KEY, Server, custom};

/// Every route with a body, the members of which it knows, and who may call it.
fn bodies() -> Vec<(&'static str, String, Value)> {
    let id = crate::server::UNKNOWN;
    let identity = || json!({ "identity": crate::server::identity("custom", "ann") });
    let credential = || json!({ "credential": custom("ann-at-home") });
    let purchase = || json!({ "purchase": "x", "amount": 1, "currency": "KRW" });
    let account = |what: &str| format!("operator/accounts/{id}/{what}");
    vec![
        ("POST", "login".into(), credential()),
        ("POST", "resume".into(), json!({ "token": "x" })),
        ("POST", "refresh".into(), json!({ "token": "x" })),
        ("POST", "logout".into(), json!({})),
        ("GET", "account".into(), json!({})),
        ("PATCH", "account".into(), json!({})),
        ("DELETE", "account".into(), json!({})),
        ("GET", "account/export".into(), json!({})),
        ("GET", "sessions".into(), json!({})),
        ("GET", "links".into(), json!({})),
        ("POST", "links".into(), credential()),
        ("DELETE", "links/custom".into(), json!({})),
        ("POST", "links/forced".into(), json!({ "ticket": "x" })),
        ("POST", "change-login".into(), json!({ "ticket": "x" })),
        ("POST", "merge".into(), credential()),
        ("POST", "merge/preview".into(), credential()),
        ("POST", "withdrawal".into(), json!({})),
        ("DELETE", "withdrawal".into(), json!({})),
        ("POST", "withdrawal/now".into(), json!({})),
        ("GET", "transfer-account".into(), json!({})),
        ("POST", "transfer-account".into(), json!({})),
        ("PUT", "transfer-account".into(), json!({ "renew": "password" })),
        ("POST", "transfer".into(), json!({ "id": "x", "guest": "x" })),
        ("GET", format!("operator/accounts/{id}"), json!({})),
        ("GET", account("export"), json!({})),
        ("POST", account("ban"), json!({})),
        ("POST", account("unban"), json!({})),
        ("POST", account("payments"), purchase()),
        ("POST", account("refunds"), purchase()),
        ("POST", account("withdraw"), json!({})),
        ("POST", account("restore"), json!({})),
        ("POST", account("end-sessions"), json!({})),
        ("POST", account("identities"), identity()),
        ("DELETE", account("identities/1"), json!({})),
        ("POST", account("transfer-account/unblock"), json!({})),
        ("POST", account("transfer-account/reissue"), json!({})),
        ("POST", "operator/bans".into(), json!({ "accounts": [], "ban": {} })),
        ("POST", "operator/unbans".into(), json!({ "accounts": [] })),
        ("POST", "operator/look-up".into(), json!({})),
        ("POST", "operator/identities/consent-revoked".into(), identity()),
        ("POST", "operator/identities/account-deleted".into(), identity()),
        ("POST", "operator/transfer-accounts/validate".into(), json!({ "id": "x" })),
        ("PUT", "operator/closure".into(), json!({ "begins_at": "2020-01-01T00:00:00Z" })),
        ("DELETE", "operator/closure".into(), json!({})),
        ("POST", "operator/kickout".into(), json!({})),
        ("POST", "operator/end-all-sessions".into(), json!({})),
        ("GET", "operator/events".into(), json!({})),
    ]
}

/// Sends these bytes to every route, in the name of who may call it.
fn to_all(body: impl Fn(&Value) -> Vec<u8>, check: impl Fn(&str, Answer)) {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    for (method, path, known) in bodies() {
        let call = server.call(method, &format!("/v1/{path}"));
        let anybody = ["login", "resume", "refresh", "transfer"].contains(&path.as_str());
        let call = match path.starts_with("operator/") {
            true => call.bearer(KEY),
            false if anybody => call,
            false => call.by(&ann),
        };
        check(&path, call.bytes(Some(&body(&known))));
    }
    server.is_alive(&ann);
}

#[test]
fn a_member_that_no_route_knows_is_refused() {
    let with_more = |known: &Value| {
        let mut body = known.clone();
        body["a_member_of_nothing"] = json!(1);
        body.to_string().into_bytes()
    };
    to_all(with_more, |path, answer| {
        let error = answer.refused(400, "bad_body");
        assert!(error["message"].as_str().unwrap().contains("a_member_of_nothing"), "{path}");
    });
}

#[test]
fn what_is_not_one_object_is_refused() {
    for bad in
        [&b"{"[..], b"nonsense", b"[]", b"7", b"null", b"{} {}", b" ", b"\xff", b"{\"a\":1,}"]
    {
        to_all(
            |_| bad.to_vec(),
            |_, answer| {
                answer.refused(400, "bad_body");
            },
        );
    }
}

#[test]
fn members_of_members_are_known_too() {
    let server = Server::start();
    let mut credential = custom("ann-at-work");
    credential["more"] = json!(1);
    server.log_in(credential).refused(400, "bad_body");
    let ban = json!({ "accounts": [], "ban": { "more": 1 } });
    server.operator("POST", "bans").send(ban).refused(400, "bad_body");
    server.log_in(json!({ "provider": "No Provider" })).refused(400, "bad_body");
    let twice = br#"{"credential":{"provider":"custom","id":"ann-at-work","id":"bob-at-work"}}"#;
    server.post("/v1/login").bytes(Some(twice)).refused(400, "bad_body");
}

#[test]
fn a_body_is_json_whatever_its_content_type_says() {
    let server = Server::start();
    let body = json!({ "credential": custom("ann-at-work") }).to_string();
    for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let call = server.post("/v1/login").with("Content-Type", kind);
        assert_eq!(call.bytes(Some(body.as_bytes())).status, 200, "{kind}");
    }
}

#[test]
fn no_body_is_an_empty_object() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.post("/v1/login").go().refused(400, "bad_body");
    server.post("/v1/withdrawal").by(&ann).go().ok();
    server.call("DELETE", "/v1/withdrawal").by(&ann).send(json!({})).ok();
}

#[test]
fn a_path_names_an_account_by_its_id() {
    let server = Server::start();
    for id in ["no-id", "%00", "%ff", "1", "..%2f.."] {
        for (method, what) in [("GET", ""), ("GET", "/export"), ("POST", "/ban")] {
            let path = format!("accounts/{id}{what}");
            server.operator(method, &path).go().refused(400, "bad_path");
        }
        let path = format!("accounts/{id}/identities/1");
        server.operator("DELETE", &path).go().refused(400, "bad_path");
    }
    let ann = server.player(custom("ann-at-work"));
    let answer = server.call("DELETE", "/v1/links/%ff").by(&ann).go();
    answer.refused(400, "bad_path");
}

#[test]
fn what_is_not_there_is_said_in_the_same_shape() {
    let server = Server::start();
    for path in ["/v1", "/v1/", "/v1/nothing", "/v1/login/", "/v1/operator", "/v1/operator/nothing"]
    {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            server.call(method, path).go().refused(404, "not_found");
        }
    }
    let ann = server.player(custom("ann-at-work"));
    let no_name = server.call("DELETE", "/v1/links/No%20Name").by(&ann).go();
    no_name.refused(404, "not_found");
}

#[test]
fn a_wrong_verb_is_said_in_the_same_shape() {
    let server = Server::start();
    for (method, path) in [
        ("GET", "/v1/login"),
        ("PUT", "/v1/account"),
        ("POST", "/v1/account/export"),
        ("PATCH", "/v1/links"),
        ("GET", "/v1/links/custom"),
        ("GET", "/v1/withdrawal/now"),
        ("DELETE", "/v1/transfer-account"),
        ("POST", "/v1/operator/closure"),
        ("DELETE", "/v1/operator/events"),
        ("GET", "/v1/operator/accounts/no-id/ban"),
    ] {
        let answer = server.call(method, path).go();
        answer.refused(405, "method_not_allowed");
        let allowed = answer.header("allow").unwrap_or_default();
        assert!(!allowed.is_empty() && !allowed.contains(method), "{path}: {allowed}");
    }
}

#[test]
fn a_body_that_is_too_large_is_not_read() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    // What it says of its length is enough.
    let announced = |path: &str, token: &str, length: u32| {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        server.raw(request.as_bytes())
    };
    for path in ["/v1/login", "/v1/links"] {
        let error = announced(path, &ann.access, 262_145).refused(413, "body_too_large");
        assert!(error["message"].as_str().unwrap().contains("262144"));
    }
    announced("/v1/operator/bans", KEY, 1_048_577).refused(413, "body_too_large");
    // Nobody's body is looked at before it is known who sends it.
    announced("/v1/links", "garbage", 262_145).refused(401, "access_token_invalid");
    announced("/v1/operator/bans", "garbage", 262_145).refused(401, "operator_key_required");

    let fits = format!("{}{{}}", " ".repeat(262_142));
    server.post("/v1/withdrawal").by(&ann).bytes(Some(fits.as_bytes())).ok();
    let fits = " ".repeat(1_048_576);
    server.operator("POST", "bans").bytes(Some(fits.as_bytes())).refused(400, "bad_body");
}

#[test]
fn a_body_in_chunks_is_read_only_as_far_as_one_may_go() {
    let head = "POST /v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(65_536));
    // With the last byte there is one too many, and the end never comes.
    let request = format!("{head}{}1\r\n ", chunk.repeat(4));
    Server::start().raw(request.as_bytes()).refused(413, "body_too_large");
}
