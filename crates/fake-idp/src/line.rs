use std::collections::HashMap;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// The first moment of 2026, when the tests play.
const NOW: i64 = 1_767_225_600;

/// LINE's answers about tokens, its keys and profiles.
#[derive(Clone, Debug)]
pub struct FakeLine {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeLine {
    /// The channel of Japan.
    pub const JAPAN: &str = "1234567890";
    /// The channel of Thailand.
    pub const THAILAND: &str = "2345678901";
    /// Where tokens are asked about.
    pub const VERIFY: &str = "/oauth2/v2.1/verify";
    /// Where the profile is.
    pub const PROFILE: &str = "/v2/profile";

    /// With an ES256 key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::es256("l1")) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([("content-type", "application/json")], issuer.jwks()) };
        let routes = Router::new()
            .route(Self::VERIFY, get(about_access_token).post(about_id_token))
            .route(Self::PROFILE, get(profile))
            .route("/oauth2/v2.1/certs", get(keys))
            .with_state(self.clone());
        vec![("api.line.me".into(), routes)]
    }

    /// A good ID token of Japan, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new("https://access.line.me", Self::JAPAN, "U1", now)
            .claim("amr", json!(["linesso"]))
            .claim("name", "Taro")
            .claim("picture", "https://profile.line.example/t")
    }
}

impl Default for FakeLine {
    fn default() -> Self {
        Self::new()
    }
}

fn refused(why: &str) -> Response {
    let body = json!({"error": "invalid_request", "error_description": why});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

type Fields = HashMap<String, String>;

async fn about_id_token(State(line): State<FakeLine>, Form(form): Form<Fields>) -> Response {
    let field = |name| form.get(name).map(String::as_str).unwrap_or_default();
    let Some(claims) = line.issuer.signer().open(field("id_token")) else {
        return refused("Invalid IdToken.");
    };
    if claims["iss"] != "https://access.line.me" {
        return refused("Invalid IdToken Issuer.");
    }
    if claims["aud"] != field("client_id") {
        return refused("Invalid IdToken Audience.");
    }
    if claims["exp"].as_i64().is_none_or(|exp| exp <= NOW) {
        return refused("IdToken expired.");
    }
    Json(claims).into_response()
}

async fn about_access_token(Query(query): Query<Fields>) -> Response {
    let known = |channel: &str, seconds: i64| {
        Json(json!({"scope": "profile", "client_id": channel, "expires_in": seconds}))
    };
    match query.get("access_token").map(String::as_str) {
        Some("good" | "nobody") => known(FakeLine::JAPAN, 2_591_659).into_response(),
        Some("thai") => known(FakeLine::THAILAND, 1).into_response(),
        Some("over") => known(FakeLine::JAPAN, 0).into_response(),
        Some("other-app") => known("1440", 2_591_659).into_response(),
        Some("expired") => refused("access token expired"),
        _ => refused("invalid access token"),
    }
}

async fn profile(headers: HeaderMap) -> Response {
    let user: Value = match headers["authorization"].to_str().unwrap() {
        "Bearer nobody" => json!({"displayName": "B"}),
        "Bearer good" | "Bearer thai" => {
            json!({"userId": "U1", "displayName": "Taro", "statusMessage": "new here"})
        }
        // The profile itself asks for no app.
        "Bearer other-app" => json!({"userId": "U1", "displayName": "Taro"}),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    };
    Json(user).into_response()
}
