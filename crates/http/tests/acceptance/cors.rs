//! Pages of other sites (1.7).

use crate::server::{NOBODY, Server};

const ORIGIN: &str = "Origin: https://game.example\r\n";

#[test]
fn t1_7_every_answer_to_a_page_is_open_to_all() {
    let server = Server::start();
    for path in ["/", "/healthcheck", "/v2/account", "/v2/nothing", "/v2//account"] {
        let answer = server.raw_request("GET", path, ORIGIN);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
    }
    assert_eq!(server.get("/healthcheck", NOBODY).header("access-control-allow-origin"), None);
}

#[test]
fn t1_7_the_preflight_of_the_javascript_client_passes() {
    let server = Server::start();
    for (method, allowed) in
        [("POST", None), ("GET", None), ("PUT", Some("PUT")), ("DELETE", Some("DELETE"))]
    {
        let headers = format!(
            "{ORIGIN}Access-Control-Request-Method: {method}\r\n\
             Access-Control-Request-Headers: accept,authorization,content-type\r\n"
        );
        let answer = server.raw_request("OPTIONS", "/v2/account", &headers);
        assert_eq!((answer.status, answer.text()), (200, ""), "{method}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("access-control-allow-methods"), allowed);
        let granted = answer.header("access-control-allow-headers").unwrap();
        assert_eq!(granted.to_lowercase().replace(' ', ""), "authorization,content-type");
    }
}

#[test]
fn t1_7_other_preflights_are_refused() {
    let server = Server::start();
    let ask = |headers: &str| {
        server.raw_request("OPTIONS", "/v2/account", &format!("{ORIGIN}{headers}")).status
    };
    let method = "Access-Control-Request-Method: POST\r\n";
    assert_eq!(ask(&format!("{method}Access-Control-Request-Headers: x-other\r\n")), 403);
    assert_eq!(ask("Access-Control-Request-Method: PATCH\r\n"), 405);
    assert_eq!(ask("Access-Control-Request-Method: post\r\n"), 405);
    assert_eq!(ask(""), 400);
}

#[test]
fn t1_7_options_of_no_page_and_of_unknown_paths_are_empty() {
    let server = Server::start();
    let plain = server.raw_request("OPTIONS", "/v2/account", "");
    assert_eq!((plain.status, plain.text()), (200, ""));
    let headers = format!("{ORIGIN}Access-Control-Request-Method: POST\r\n");
    assert_eq!(server.raw_request("OPTIONS", "/v2/nothing", &headers).status, 200);
}
