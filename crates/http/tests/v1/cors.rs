//! Pages of other origins.

use crate::server::{Answer, Server, custom};

const ORIGIN: &str = "https://game.example";

fn preflight(server: &Server, path: &str, method: &str) -> Answer {
    server
        .call("OPTIONS", path)
        .with("Origin", ORIGIN)
        .with("Access-Control-Request-Method", method)
        .with("Access-Control-Request-Headers", "authorization,content-type,x-device-id")
        .go()
}

#[test]
fn a_page_may_ask_for_every_route_of_players() {
    let server = Server::start();
    for (method, path) in [
        ("POST", "/v1/login"),
        ("POST", "/v1/resume"),
        ("POST", "/v1/refresh"),
        ("POST", "/v1/logout"),
        ("GET", "/v1/account"),
        ("PATCH", "/v1/account"),
        ("DELETE", "/v1/account"),
        ("GET", "/v1/account/export"),
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/links/custom"),
        ("POST", "/v1/links/forced"),
        ("POST", "/v1/merge/preview"),
        ("PUT", "/v1/transfer-account"),
        ("POST", "/v1/transfer"),
        ("DELETE", "/v1/withdrawal"),
    ] {
        let answer = preflight(&server, path, method);
        assert_eq!((answer.status, answer.text()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        let listed = |name: &str, word: &str| {
            let header = answer.header(name).unwrap_or_default().to_ascii_lowercase();
            header.split(',').any(|part| part.trim() == word.to_ascii_lowercase())
        };
        assert!(listed("access-control-allow-methods", method), "{path}");
        for name in ["authorization", "content-type", "x-device-id", "x-device-name"] {
            assert!(listed("access-control-allow-headers", name), "{path}: {name}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
}

#[test]
fn a_page_may_read_every_answer_to_a_player() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let call = |method, path: &str| server.call(method, path).with("Origin", ORIGIN);
    let too_large = format!(
        "POST /v1/login HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Length: 262145\r\n\r\n"
    );
    let answers = [
        call("GET", "/v1/account").by(&ann).go(),
        call("GET", "/v1/account").go(),
        call("POST", "/v1/login").bytes(Some(b"{")),
        call("GET", "/v1/login").go(),
        server.raw(too_large.as_bytes()),
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 401, 400, 405, 413]);
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{answer:?}");
    }
}

#[test]
fn no_page_may_work_for_operators() {
    let server = Server::start();
    for (method, path) in [
        ("POST", "/v1/operator/bans"),
        ("GET", "/v1/operator/events"),
        ("PUT", "/v1/operator/closure"),
        ("GET", "/v1/operator/accounts/x"),
    ] {
        preflight(&server, path, method).refused(405, "method_not_allowed");
        let call = server.call(method, path).bearer(crate::server::KEY).with("Origin", ORIGIN);
        for answer in [preflight(&server, path, method), call.go()] {
            let allows = |name: &&str| answer.header(name).is_some();
            let open = ["access-control-allow-origin", "access-control-allow-methods"];
            assert_eq!(open.iter().find(|name| allows(name)), None, "{path}");
        }
    }
}
