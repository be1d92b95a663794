use std::collections::HashMap;

use axum::extract::{Form, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::server::Host;

/// What Weibo says of tokens, and profiles.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FakeWeibo;

impl FakeWeibo {
    /// The key of the app.
    pub const APP: &str = "1352";
    /// Where tokens are asked about.
    pub const TOKEN_INFO: &str = "/oauth2/get_token_info";
    /// Where the profile is.
    pub const PROFILE: &str = "/2/users/show.json";

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let routes = Router::new()
            .route(Self::TOKEN_INFO, post(token_info))
            .route(Self::PROFILE, get(profile));
        vec![("api.weibo.com".into(), routes)]
    }
}

type Fields = HashMap<String, String>;

async fn token_info(Form(form): Form<Fields>) -> Response {
    let info = |app: &str, seconds: i64| json!({"uid": 1073, "appkey": app, "scope": null, "create_at": 1, "expire_in": seconds});
    let mut answer = info(FakeWeibo::APP, 157_679_471);
    match form.get("access_token").map(String::as_str) {
        Some("good" | "swapped") => {}
        Some("expired") => answer = info(FakeWeibo::APP, 0),
        Some("other-app") => answer = info("13521", 157_679_471),
        Some("no-app") => drop(answer.as_object_mut().unwrap().remove("appkey")),
        Some("nobody") => drop(answer.as_object_mut().unwrap().remove("uid")),
        _ => {
            let body = json!({"error": "invalid_access_token", "error_code": 21332});
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
    }
    Json(answer).into_response()
}

async fn profile(headers: HeaderMap, Query(query): Query<Fields>) -> Response {
    let id = match headers["authorization"].to_str().unwrap() {
        "OAuth2 good" => query["uid"].clone(),
        "OAuth2 swapped" => "1074".to_owned(),
        _ => return StatusCode::FORBIDDEN.into_response(),
    };
    Json(json!({"idstr": id, "screen_name": "Wei", "avatar_large": "https://tva.example/w"}))
        .into_response()
}
