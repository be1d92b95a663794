//! Bodies, queries, headers and paths (1.2 to 1.8).

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::server::{NOBODY, Server, server_key};

const DEVICE: &str = "/v2/account/authenticate/device";
const BODY: &[u8] = br#"{"id":"a-device-of-mine"}"#;

fn login(server: &Server, headers: &[(&str, &str)], body: &[u8]) -> crate::server::Answer {
    let key = server_key();
    let headers = [&[("Authorization", &*key)], headers].concat();
    server.send("POST", DEVICE, &headers, Some(body))
}

#[test]
fn a2_1_2_the_content_type_is_ignored() {
    let server = Server::start();
    for kind in ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=x"] {
        assert_eq!(login(&server, &[("Content-Type", kind)], BODY).status, 200, "{kind}");
    }
    let key = format!("Authorization: {}\r\n", server_key());
    assert_eq!(server.raw_post(DEVICE, &key, BODY).status, 200);
}

#[test]
fn t1_2_what_is_no_media_type_is_refused() {
    let server = Server::start();
    login(&server, &[("Content-Type", ";;;")], BODY).refused(400, 3, "mime: no media type");
}

#[test]
fn t1_3_an_empty_body_is_an_empty_object_and_white_space_is_not() {
    let server = Server::start();
    for body in [&b""[..], b"{}", br#"{"id":null}"#, br#"{"id":""}"#] {
        login(&server, &[], body).refused(400, 3, "Device ID is required.");
    }
    login(&server, &[], b" \n").refused_somehow(400, 3);
}

#[test]
fn t1_3_what_is_not_the_expected_json_is_refused() {
    let server = Server::start();
    let bodies: [&[u8]; 11] = [
        b"[]",
        b"null",
        b"true",
        br#"{"id":1}"#,
        br#"{"id":"a-device-of-mine""#,
        br#"{"id":"a-device-of-mine","id":"a-device-of-mine"}"#,
        br#"{"id":"a-device-of-mine","vars":{"a":"1","a":"2"}}"#,
        br#"{"id":"a-device-of-mine","vars":{"a":null}}"#,
        b"\xef\xbb\xbf{\"id\":\"a-device-of-mine\"}",
        b"{\"id\":\"a-device-of-mine\\ud800\"}",
        b"{\"id\":\"a-device-of-mine\xff\"}",
    ];
    for body in bodies {
        login(&server, &[], body).refused_somehow(400, 3);
    }
}

#[test]
fn a12_1_3_unknown_fields_and_what_follows_the_value_are_ignored() {
    let server = Server::start();
    for body in [
        r#"{"id":"a-device-of-mine","x":1,"x":{"id":2},"ID":3}"#,
        r#"{"id":"a-device-of-mine"} trailing"#,
    ] {
        assert_eq!(login(&server, &[], body.as_bytes()).status, 200, "{body}");
    }
}

#[test]
fn t1_3_both_spellings_are_accepted_and_both_at_once_are_not() {
    let server = Server::start();
    let player = server.device("a-device-of-mine");
    server.put("/v2/account", &player.bearer(), json!({"displayName": "Ann"})).done();
    assert_eq!(server.account(&player).ok()["user"]["display_name"], "Ann");
    server.put("/v2/account", &player.bearer(), json!({"display_name": "Bea"})).done();
    assert_eq!(server.account(&player).ok()["user"]["display_name"], "Bea");
    let both = json!({"displayName": "Cleo", "display_name": "Cleo"});
    server.put("/v2/account", &player.bearer(), both).refused_somehow(400, 3);
    server.logout(&player, json!({"refreshToken": player.refresh_token})).done();
    server.refresh_is_dead(&player.refresh_token);
}

#[test]
fn x1_1_3_a_body_may_have_262144_bytes_and_not_one_more() {
    let server = Server::start();
    let spaces = " ".repeat(262_144 - BODY.len());
    // The id stands at the end, so that all of it must be read.
    let body = spaces + str::from_utf8(BODY).unwrap();
    assert_eq!(login(&server, &[], body.as_bytes()).status, 200);
    let more = format!(" {body}");
    login(&server, &[], more.as_bytes()).refused(400, 3, "http: request body too large");
}

#[test]
fn t1_3_packed_bodies_are_unpacked_and_the_limit_counts_them_as_sent() {
    let server = Server::start();
    let mut plain = BODY.to_vec();
    plain.resize(400_000, b' ');
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(&plain).unwrap();
    let deflate = deflate.finish().unwrap();
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&plain).unwrap();
    let zlib = zlib.finish().unwrap();
    let send = |name, body| login(&server, &[("Content-Encoding", name)], body);
    assert_eq!(send("gzip", &gzip).status, 200);
    assert_eq!(send("deflate", &deflate).status, 200);
    send("deflate", &zlib).refused_somehow(400, 3);
    for ignored in ["GZIP", "br", "identity"] {
        assert_eq!(send(ignored, BODY).status, 200, "{ignored}");
    }
    send("GZIP", &gzip).refused_somehow(400, 3);
}

#[test]
fn a12_1_4_unknown_parameters_and_an_empty_query_are_fine() {
    let server = Server::start();
    for query in ["?", "?create=true&", "?x=1&x=2", "?Create=no&CREATE=no", "?account.id=other"] {
        let answer = server.authenticate(&format!("device{query}"), json!({"id": "0123456789"}));
        assert_eq!(answer.status, 200, "{query}");
    }
    let escaped = server.authenticate("device?%63reate=%66alse", json!({"id": "another-one"}));
    escaped.refused(404, 5, "User account not found.");
}

#[test]
fn t1_4_a_bad_escape_and_a_semicolon_are_refused() {
    let server = Server::start();
    let key = format!("Authorization: {}\r\n", server_key());
    for query in ["?username=%", "?x=%zz", "?a=b;c=d"] {
        server.raw_post(&format!("{DEVICE}{query}"), &key, BODY).refused_somehow(400, 3);
    }
}

#[test]
fn t1_5_every_answer_has_the_common_headers() {
    let server = Server::start();
    let answers = [
        server.authenticate_device("a-device-of-mine"),
        server.get("/healthcheck", NOBODY),
        server.get("/v2/account", NOBODY),
        server.get("/v2/nothing", NOBODY),
        server.delete("/v2/user", NOBODY),
    ];
    for answer in answers {
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store, no-cache, must-revalidate"));
        assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
        assert_eq!(answer.header("content-encoding"), None);
    }
}

#[test]
fn t1_5_answers_are_packed_when_asked() {
    let server = Server::start();
    let ask = |names| login(&server, &[("Accept-Encoding", names)], BODY);
    let gzip = ask("br, gzip, deflate");
    assert_eq!(gzip.header("content-encoding"), Some("gzip"));
    let mut plain = String::new();
    GzDecoder::new(&*gzip.body).read_to_string(&mut plain).unwrap();
    assert!(serde_json::from_str::<Value>(&plain).unwrap()["token"].is_string());
    let deflate = ask("deflate, gzip");
    assert_eq!(deflate.header("content-encoding"), Some("deflate"));
    let mut plain = String::new();
    DeflateDecoder::new(&*deflate.body).read_to_string(&mut plain).unwrap();
    assert!(serde_json::from_str::<Value>(&plain).unwrap()["token"].is_string());
    assert_eq!(ask("GZIP").header("content-encoding"), None);
}

#[test]
fn x1_1_8_unknown_paths_wrong_verbs_and_trailing_slashes() {
    let server = Server::start();
    let player = server.device("a-device-of-mine");
    let auth = player.bearer();
    server.get("/v2/nothing", &auth).refused(404, 5, "Not Found");
    server.get("/v2/account/", &auth).refused(404, 5, "Not Found");
    server.get("/v2/Account", &auth).refused(404, 5, "Not Found");
    server.post("/v2/account/authenticate/telepathy", &server_key(), json!({})).refused(
        404,
        5,
        "Not Found",
    );
    server.post("/v2/account", &auth, json!({})).refused(501, 12, "Method Not Allowed");
    server.get(DEVICE, &server_key()).refused(501, 12, "Method Not Allowed");
    server.raw_request("PATCH", "/v2/account", "").refused(501, 12, "Method Not Allowed");
}

#[test]
fn t1_8_head_is_a_wrong_verb() {
    let server = Server::start();
    for path in ["/v2/account", "/healthcheck"] {
        let answer = server.raw_request("HEAD", path, "");
        assert_eq!((answer.status, answer.text()), (501, ""));
    }
    assert_eq!(server.raw_request("HEAD", "/", "").status, 404);
}

#[test]
fn t1_8_unclean_paths_are_sent_to_the_clean_one() {
    let server = Server::start();
    for path in ["//v2/account", "/v2//account", "/v2/./account", "/v2/x/../account"] {
        let answer = server.raw_request("GET", &format!("{path}?a=b&"), "");
        assert_eq!((answer.status, answer.header("location")), (301, Some("/v2/account?a=b&")));
    }
}

#[test]
fn t1_8_escapes_are_decoded_before_the_path_is_matched() {
    let server = Server::start();
    let player = server.device("a-device-of-mine");
    let auth = format!("Authorization: {}\r\n", player.bearer());
    for path in ["/v2%2Faccount", "/v2/%61ccount"] {
        assert_eq!(server.raw_request("GET", path, &auth).status, 200, "{path}");
    }
}

#[test]
fn t1_8_the_root_is_empty_and_health_needs_no_key() {
    let server = Server::start();
    let root = server.get("/", NOBODY);
    assert_eq!((root.status, root.text()), (200, ""));
    server.post("/", NOBODY, json!({})).refused(404, 5, "Not Found");
    server.get("/healthcheck", NOBODY).done();
}

#[test]
fn differs_1_8_an_override_header_does_not_change_the_verb() {
    let server = Server::start();
    let player = server.device("a-device-of-mine");
    let auth = player.bearer();
    let headers = [
        ("Authorization", &*auth),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-HTTP-Method-Override", "DELETE"),
    ];
    server.send("POST", "/v2/account", &headers, Some(b"")).refused(501, 12, "Method Not Allowed");
    server.is_alive(&player);
}

#[test]
fn t3_3_the_body_is_parsed_before_the_key_is_checked() {
    let server = Server::start();
    let answer = server.send("POST", DEVICE, &[], Some(b"{"));
    answer.refused_somehow(400, 3);
    let answer = server.send("POST", DEVICE, &[], Some(b"{}"));
    answer.refused(401, 16, "Server key required");
}

#[test]
fn t1_3_a_body_may_come_in_chunks() {
    let server = Server::start();
    let (head, tail) = BODY.split_at(5);
    let mut request = format!(
        "POST {DEVICE} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: {}\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        server_key()
    )
    .into_bytes();
    for chunk in [head, tail, b""] {
        request.extend(format!("{:x}\r\n", chunk.len()).bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    assert!(server.raw(&request).player().created);
}
