use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::server::Host;

/// A game's own service, written by its contract: it checks signatures and signs its answers.
#[derive(Clone, Debug)]
pub struct FakeWebhook {
    state: Arc<Mutex<Service>>,
}

/// What the service does; a test may change it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a test changes one field or another")]
pub struct Service {
    /// The secrets that it knows.
    pub secrets: Vec<String>,
    /// The secret that answers are signed with; none leaves them unsigned.
    pub signs_with: Option<String>,
    /// How far its clock is ahead, in seconds.
    pub ahead: i64,
    /// The body of its answers, in which `$ID` is the request's id.
    pub answer: String,
    /// The body of all answers but the first, where it is another.
    pub second_answer: Option<String>,
    /// Whether the body is written anew after it was signed.
    pub rewritten: bool,
    /// The id of its answers; the right one, where there is none.
    pub answer_id: Option<String>,
    /// Whether it sends back what it was sent.
    pub reflects: bool,
}

impl FakeWebhook {
    /// Where it is.
    pub const URL: &str = "https://players.studio.example/check";
    /// The path of it.
    pub const PATH: &str = "/check";
    /// Its secret.
    pub const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u";
    /// A second one.
    pub const NEXT_SECRET: &str = "whsec_bm1sa2ppaGdmZWRjYmE5ODc2NTQzMjEw";

    /// It says yes.
    #[must_use]
    pub fn new() -> Self {
        let service = Service {
            secrets: vec![Self::SECRET.into()],
            signs_with: Some(Self::SECRET.into()),
            ahead: 0,
            answer: "true".into(),
            second_answer: None,
            rewritten: false,
            answer_id: None,
            reflects: false,
        };
        Self { state: Arc::new(Mutex::new(service)) }
    }

    /// What it does.
    pub fn service(&self) -> MutexGuard<'_, Service> {
        self.state.lock().unwrap()
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let routes = Router::new().route(Self::PATH, post(check)).with_state(self.clone());
        vec![("players.studio.example".into(), routes)]
    }
}

impl Default for FakeWebhook {
    fn default() -> Self {
        Self::new()
    }
}

async fn check(State(fake): State<FakeWebhook>, headers: HeaderMap, body: Bytes) -> Response {
    let service = fake.service().clone();
    let second = fake.service().second_answer.take();
    if let Some(second) = second {
        fake.service().answer = second;
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let presented = header("webhook-signature");
    let known = |secret: &String| {
        let expected = signature(secret, id, timestamp, &body);
        presented.split(' ').any(|presented| presented == expected)
    };
    if !service.secrets.iter().any(known) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    if request["v"] != 1 || request["type"] != "credential.verify" || request["request_id"] != id {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let json = ("content-type", "application/json".to_owned());
    if service.reflects {
        let headers = [
            json,
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_owned()),
            ("webhook-signature", presented.to_owned()),
        ];
        return (headers, body).into_response();
    }
    let answer_id = service.answer_id.unwrap_or_else(|| id.replacen("req_", "res_", 1));
    let timestamp = (timestamp.parse::<i64>().unwrap() + service.ahead).to_string();
    let mut answer = service.answer.replace("$ID", id);
    let Some(secret) = service.signs_with else {
        return ([json], answer).into_response();
    };
    let signed = signature(&secret, &answer_id, &timestamp, answer.as_bytes());
    if service.rewritten {
        answer.push('\n');
    }
    let headers = [
        json,
        ("webhook-id", answer_id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signed),
    ];
    (headers, answer).into_response()
}

fn signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(HMAC_SHA256, &bytes);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &signed)))
}
