use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::json;

use super::codes::{CLIENT, Codes, bearer, start_of_2026};
use crate::server::Host;

/// X: both generations of OAuth.
#[derive(Clone, Debug)]
pub struct FakeTwitter {
    now: DateTime<Utc>,
    codes: Codes,
    nonces: Arc<Mutex<HashSet<String>>>,
}

impl FakeTwitter {
    /// The client of OAuth 2.0 that it knows.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// The consumer of OAuth 1.0a that it knows.
    pub const CONSUMER: (&str, &str) = ("consumer", "secret of the consumer & more");
    /// The secret of each token of OAuth 1.0a.
    pub const TOKEN_SECRET: &str = "secret+of/the=token";
    /// Where a player is, by OAuth 1.0a.
    pub const CREDENTIALS: &str = "/1.1/account/verify_credentials.json";
    /// Where a player is, by OAuth 2.0.
    pub const PROFILE: &str = "/2/users/me";

    /// Nothing is used yet; its clock stands when the tests play.
    #[must_use]
    pub fn new() -> Self {
        Self::at(start_of_2026())
    }

    /// Nothing is used yet; its clock stands at this moment.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { now, codes: Codes::default(), nonces: Arc::default() }
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let new = Router::new()
            .route("/2/oauth2/token", post(exchange))
            .route(Self::PROFILE, get(profile))
            .with_state(Self::at(self.now));
        let old = Router::new().route(Self::CREDENTIALS, get(credentials)).with_state(self.clone());
        vec![("api.x.com".into(), new), ("api.twitter.com".into(), old)]
    }
}

impl Default for FakeTwitter {
    fn default() -> Self {
        Self::new()
    }
}

type Fields = HashMap<String, String>;

async fn exchange(
    State(x): State<FakeTwitter>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    x.codes.exchange(&headers, &form)
}

async fn profile(headers: HeaderMap) -> Response {
    match bearer(&headers) {
        "good" => {
            Json(json!({"data": {"id": "12", "name": "Xena", "username": "x"}})).into_response()
        }
        "nobody" => Json(json!({"data": {"name": "Xena"}})).into_response(),
        _ => {
            let body = json!({"title": "Unauthorized", "status": 401});
            (StatusCode::UNAUTHORIZED, Json(body)).into_response()
        }
    }
}

async fn credentials(
    State(x): State<FakeTwitter>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let refused = |code: i64| {
        let body = json!({"errors": [{"code": code, "message": "no"}]});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    };
    let header = headers["authorization"].to_str().unwrap().strip_prefix("OAuth ").unwrap();
    // Names and values stay encoded, as they are signed.
    let mut signed: BTreeMap<String, String> = header
        .split(", ")
        .map(|part| part.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect();
    let signature = signed.remove("oauth_signature").unwrap();
    let field = |name: &str| signed.get(name).cloned().unwrap_or_default();
    let timestamp: i64 = field("oauth_timestamp").parse().unwrap();
    if timestamp.abs_diff(x.now.timestamp()) > 300 {
        return refused(135);
    }
    if field("oauth_consumer_key") != FakeTwitter::CONSUMER.0 {
        return refused(215);
    }
    let (nonce, token) = (field("oauth_nonce"), field("oauth_token"));
    signed.extend(query.into_iter().map(|(name, value)| (encoded(&name), encoded(&value))));
    let pairs: Vec<_> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let url = format!("https://api.twitter.com{}", FakeTwitter::CREDENTIALS);
    let base = format!("GET&{}&{}", encoded(&url), encoded(&pairs.join("&")));
    let secret = if token == "other-app" { "of another app" } else { FakeTwitter::CONSUMER.1 };
    let key = format!("{}&{}", encoded(secret), encoded(FakeTwitter::TOKEN_SECRET));
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let expected = encoded(&STANDARD.encode(hmac::sign(&key, base.as_bytes())));
    let fresh = x.nonces.lock().unwrap().insert(nonce);
    if signature != expected || !fresh {
        return refused(89);
    }
    let picture = "https://pbs.twimg.example/x.png";
    match token.as_str() {
        "good" | "a%2Fb%2B%25" => Json(json!({
            "id": 12, "id_str": "12", "name": "Xena", "profile_image_url_https": picture,
        }))
        .into_response(),
        "nobody" => Json(json!({"name": "Xena"})).into_response(),
        _ => refused(89),
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                all.push(byte.into());
            }
            _ => write!(all, "%{byte:02X}").unwrap(),
        }
        all
    })
}
