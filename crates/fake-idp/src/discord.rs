use std::collections::HashMap;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::json;

use super::codes::{CLIENT, Codes, bearer, start_of_2026};
use crate::server::Host;

/// Discord's exchange of codes, and what it says of tokens.
#[derive(Clone, Copy, Debug)]
pub struct FakeDiscord {
    now: DateTime<Utc>,
}

impl FakeDiscord {
    /// The application that it knows, and its secret.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// Where tokens are asked about.
    pub const AUTHORIZATION: &str = "/api/v10/oauth2/@me";

    /// Nothing is used yet; its clock stands when the tests play.
    #[must_use]
    pub fn new() -> Self {
        Self::at(start_of_2026())
    }

    /// Nothing is used yet; its clock stands at this moment.
    #[must_use]
    pub const fn at(now: DateTime<Utc>) -> Self {
        Self { now }
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let routes = Router::new()
            .route("/api/oauth2/token", post(exchange))
            .route(Self::AUTHORIZATION, get(about))
            .with_state((Codes::default(), *self));
        vec![("discord.com".into(), routes)]
    }
}

impl Default for FakeDiscord {
    fn default() -> Self {
        Self::new()
    }
}

async fn exchange(
    State((codes, _)): State<(Codes, FakeDiscord)>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    codes.exchange(&headers, &form)
}

async fn about(State((_, discord)): State<(Codes, FakeDiscord)>, headers: HeaderMap) -> Response {
    let end = discord.now + TimeDelta::days(7) + TimeDelta::milliseconds(123);
    let mut answer = json!({
        "application": {"id": CLIENT.0, "name": "The Game"},
        "scopes": ["guilds", "identify"],
        "expires": end.to_rfc3339_opts(SecondsFormat::Micros, false),
        "user": {"id": "268473310986240001", "username": "d", "global_name": "Dee", "avatar": "a_f7"},
    });
    match bearer(&headers) {
        "good" => {}
        "expired" => answer["expires"] = discord.now.to_rfc3339().into(),
        "other-app" => answer["application"]["id"] = "the-client-of-others".into(),
        "nobody" => answer["user"] = json!({"username": "d"}),
        "unscoped" => answer["scopes"] = json!(["identify.not", "guilds"]),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    }
    Json(answer).into_response()
}
