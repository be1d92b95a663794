use std::collections::HashMap;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::codes::{CLIENT, Codes, bearer};
use crate::server::Host;

/// Discord's exchange of codes, and what it says of tokens.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FakeDiscord;

impl FakeDiscord {
    /// The application that it knows, and its secret.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// Where tokens are asked about.
    pub const AUTHORIZATION: &str = "/api/v10/oauth2/@me";

    /// Nothing is used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let routes = Router::new()
            .route("/api/oauth2/token", post(exchange))
            .route(Self::AUTHORIZATION, get(about))
            .with_state(Codes::default());
        vec![("discord.com".into(), routes)]
    }
}

async fn exchange(
    State(codes): State<Codes>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    codes.exchange(&headers, &form)
}

async fn about(headers: HeaderMap) -> Response {
    let mut answer = json!({
        "application": {"id": CLIENT.0, "name": "The Game"},
        "scopes": ["guilds", "identify"],
        "expires": "2026-01-08T00:00:00.123000+00:00",
        "user": {"id": "268473310986240001", "username": "d", "global_name": "Dee", "avatar": "a_f7"},
    });
    match bearer(&headers) {
        "good" => {}
        "expired" => answer["expires"] = "2026-01-01T00:00:00+00:00".into(),
        "other-app" => answer["application"]["id"] = "the-client-of-others".into(),
        "nobody" => answer["user"] = json!({"username": "d"}),
        "unscoped" => answer["scopes"] = json!(["identify.not", "guilds"]),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    }
    Json(answer).into_response()
}
