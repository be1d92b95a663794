use std::collections::HashMap;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::codes::{CLIENT, Codes, bearer};
use crate::server::Host;

/// NAVER's exchange of codes, and profiles.
#[derive(Clone, Debug, Default)]
pub struct FakeNaver;

impl FakeNaver {
    /// The client that it knows.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// Where the profile is.
    pub const PROFILE: &str = "/v1/nid/me";

    /// Nothing is used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let nid = Router::new().route("/oauth2.0/token", post(exchange));
        let api = Router::new().route(Self::PROFILE, get(profile));
        vec![
            ("nid.naver.com".into(), nid.with_state(Codes::default())),
            ("openapi.naver.com".into(), api),
        ]
    }
}

async fn exchange(
    State(codes): State<Codes>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    // It refuses with status 200.
    let mut answer = codes.exchange(&headers, &form);
    *answer.status_mut() = StatusCode::OK;
    answer
}

async fn profile(headers: HeaderMap) -> Response {
    let known = |user| {
        Json(json!({"resultcode": "00", "message": "success", "response": user})).into_response()
    };
    match bearer(&headers) {
        "good" => known(json!({
            "id": "n1", "nickname": "Nari", "name": "N", "email": "n@naver.example",
            "profile_image": "https://phinf.example/n.png",
        })),
        "nobody" => known(json!({})),
        "200" => {
            Json(json!({"resultcode": "024", "message": "Authentication failed"})).into_response()
        }
        _ => {
            let body = json!({"resultcode": "024", "message": "Authentication failed"});
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
    }
}
