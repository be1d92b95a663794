//! The bodies of requests to both doors.

use authcore::Policy;
use authcore_http::{nakama, v1};
use authcore_testkit::Harness;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::Target;
use crate::stage::runtime;

const KEY: &str = "the key of this game";

/// One door, without a socket.
struct Door {
    runtime: Runtime,
    routes: Router,
    authorization: String,
}

impl Door {
    fn new(policy: Policy, authorization: &str, routes: fn(authcore::Engine) -> Router) -> Self {
        let runtime = runtime();
        let world = Harness::with_policy(policy);
        let routes = routes(world.engine().clone());
        Self { runtime, routes, authorization: authorization.into() }
    }

    /// Whether the body was accepted. Any answer is JSON, and none is a fault of the server.
    fn accepts(&self, (method, path): (&str, &str), body: &[u8]) -> bool {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_vec()))
            .unwrap();
        let (status, answer) = self.runtime.block_on(async {
            let service = TowerToHyperService::new(self.routes.clone());
            let (parts, body) = service.call(request).await.unwrap().into_parts();
            (parts.status, to_bytes(body, usize::MAX).await.unwrap())
        });
        assert!(!status.is_server_error(), "{path}: {status} {answer:?}");
        let is_json = serde_json::from_slice::<Value>(&answer).is_ok();
        assert!(is_json || answer.is_empty(), "{path}: {answer:?}");
        status.is_success()
    }
}

/// The path is chosen by the first byte.
fn run(door: &Door, paths: &[(&str, &str)], data: &[u8]) -> bool {
    let Some((first, body)) = data.split_first() else { return false };
    door.accepts(paths[usize::from(first.wrapping_sub(b'0')) % paths.len()], body)
}

const V1_PATHS: [(&str, &str); 10] = [
    ("POST", "/v1/login"),
    ("POST", "/v1/resume"),
    ("POST", "/v1/refresh"),
    ("PATCH", "/v1/account"),
    ("POST", "/v1/links"),
    ("POST", "/v1/links/forced"),
    ("POST", "/v1/merge"),
    ("POST", "/v1/transfer"),
    ("POST", "/v1/operator/bans"),
    ("POST", "/v1/operator/identities/move"),
];

thread_local! {
    static V1_DOOR: Door = Door::new(Policy::recommended(), &format!("Bearer {KEY}"), |engine| {
        v1::router(engine, v1::V1Config::default().with_operator_key(KEY))
    });
    static NAKAMA_DOOR: Door = {
        let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
        Door::new(Policy::nakama(), &basic, |engine| {
            nakama::router(engine, nakama::NakamaConfig::new(KEY))
        })
    };
}

/// No body is answered with a fault, and each answer is JSON.
pub(crate) const V1: Target = Target {
    name: "v1_body",
    seeds: || {
        [
            r#"0{"credential":{"provider":"device","id":"a-device-of-somebody"}}"#,
            r#"0{"credential":{"provider":"email","email":"a@b.example","password":"long enough 1"}}"#,
            r#"1{"token":"eyJ.e30.AA"}"#,
            r#"2{"refresh_token":"eyJ.e30.AA"}"#,
            r#"3{"display_name":"Ann"}"#,
            r#"7{"id":"123456789012","password":"123456789012"}"#,
            r#"8{"accounts":["00000000-0000-4000-8000-000000000000"],"reason":"r"}"#,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    run: |data| V1_DOOR.with(|door| run(door, &V1_PATHS, data)),
};

const NAKAMA_PATHS: [(&str, &str); 9] = [
    ("POST", "/v2/account/authenticate/device?create=true"),
    ("POST", "/v2/account/authenticate/custom?create=true"),
    ("POST", "/v2/account/authenticate/email?create=true"),
    ("POST", "/v2/account/authenticate/google"),
    ("POST", "/v2/account/authenticate/gamecenter"),
    ("POST", "/v2/account/authenticate/steam"),
    ("POST", "/v2/account/session/refresh"),
    ("POST", "/v2/session/logout"),
    ("PUT", "/v2/account"),
];

/// No body is answered with a fault, and each answer is JSON.
pub(crate) const NAKAMA: Target = Target {
    name: "nakama_body",
    seeds: || {
        [
            r#"0{"id":"a-device-of-somebody","vars":{"a":"b"}}"#,
            r#"1{"id":"a-custom-id"}"#,
            r#"2{"email":"a@b.example","password":"long enough 1"}"#,
            r#"3{"token":"eyJ.e30.AA"}"#,
            r#"4{"player_id":"T:_a","bundle_id":"b","timestamp_seconds":"1","salt":"AA==","signature":"AA==","public_key_url":"https://a"}"#,
            r#"6{"token":"eyJ.e30.AA","vars":{}}"#,
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    run: |data| NAKAMA_DOOR.with(|door| run(door, &NAKAMA_PATHS, data)),
};
