//! For whom somebody with the operator key works.

use serde_json::json;

use crate::server::{KEY, Server, custom};

#[test]
fn a_ban_keeps_the_name_of_whom_the_key_was_used_for() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let ban = |name: Option<&str>| {
        let call = server.operator("POST", &format!("accounts/{}/ban", ann.account));
        let call = name.iter().fold(call, |call, name| call.with("X-Operator", name));
        call.send(json!({ "replace": true })).ok()["ban"]["registrar"].clone()
    };
    assert_eq!(ban(Some("kim")), "kim");
    let nobody = ban(None);
    assert_eq!(nobody, "holder of the operator key");
    assert!(!nobody.as_str().unwrap().contains(KEY));
    let longest = "a".repeat(128);
    assert_eq!(ban(Some(&longest)), longest.as_str());
}

#[test]
fn a_name_that_cannot_be_kept_is_refused_rather_than_left_out() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let path = format!("/v1/operator/accounts/{}/ban", ann.account);
    for names in [
        format!("X-Operator: {}\r\n", "a".repeat(129)),
        "X-Operator: \r\n".to_owned(),
        "X-Operator: k\u{ef}m\r\n".to_owned(),
        "X-Operator: kim\r\nX-Operator: lee\r\n".to_owned(),
    ] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Authorization: Bearer {KEY}\r\n{names}\r\n"
        );
        server.raw(request.as_bytes()).refused(400, "bad_header");
    }
    server.is_alive(&ann);
}
