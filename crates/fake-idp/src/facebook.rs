use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::Query;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::server::Host;

type Parameters = Query<HashMap<String, String>>;

/// Facebook's Graph API, and the access tokens that it knows.
#[derive(Clone, Debug)]
pub struct FakeFacebook {
    tokens: Arc<Mutex<HashMap<String, Value>>>,
    /// What `/me` answers, with its status.
    pub me: Arc<Mutex<(u16, Value)>>,
    /// The pages of friends; each names the next one, and the last none.
    pub friends: Arc<Mutex<Vec<Value>>>,
}

impl FakeFacebook {
    /// The app of its good tokens.
    pub const APP: &str = "1234";
    /// That app's secret.
    pub const SECRET: &str = "app-secret-of-1234";
    /// A second app.
    pub const OTHER_APP: &str = "12345";
    /// The second app's secret.
    pub const OTHER_SECRET: &str = "app-secret-of-12345";
    /// Who its good token is of.
    pub const SUBJECT: &str = "77";
    /// Where tokens are inspected.
    pub const DEBUG: &str = "/v22.0/debug_token";
    /// Where the user is.
    pub const ME: &str = "/v22.0/me";
    /// Where the friends are.
    pub const FRIENDS: &str = "/v22.0/me/friends";

    /// With no tokens yet.
    #[must_use]
    pub fn new() -> Self {
        let me = json!({"id": Self::SUBJECT, "name": "Fay", "email": "fay@example.com",
            "picture": {"data": {"url": "https://cdn.example/f.jpg", "is_silhouette": false}}});
        let friends = json!({"data": [{"id": "78"}], "paging": {"cursors": {"after": "c1"}}});
        Self {
            tokens: Arc::default(),
            me: Arc::new(Mutex::new((200, me))),
            friends: Arc::new(Mutex::new(vec![friends])),
        }
    }

    /// What is said of a good token, which a test may change.
    #[must_use]
    pub fn inspected(now: DateTime<Utc>) -> Value {
        json!({"app_id": Self::APP, "type": "USER", "application": "Game", "is_valid": true,
            "expires_at": now.timestamp() + 3600, "scopes": ["public_profile"],
            "user_id": Self::SUBJECT})
    }

    /// Knows this token from now on.
    #[must_use]
    pub fn know(&self, token: &str, inspected: Value) -> String {
        self.tokens.lock().unwrap().insert(token.into(), inspected);
        token.into()
    }

    /// An error of the Graph API.
    #[must_use]
    pub fn error(code: i64, subcode: i64) -> Value {
        json!({"error": {"message": "It failed.", "type": "OAuthException", "code": code,
            "error_subcode": subcode, "fbtrace_id": "A1"}})
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let (tokens, me, friends) =
            (Arc::clone(&self.tokens), Arc::clone(&self.me), Arc::clone(&self.friends));
        let debug = move |Query(query): Parameters| async move {
            debug_token(&tokens.lock().unwrap(), &query)
        };
        let me = move |headers: HeaderMap, Query(query): Parameters| async move {
            let (status, me) = me.lock().unwrap().clone();
            if has_proof(&headers, &query) { answer(status, &me) } else { no_proof() }
        };
        let friends = move |headers: HeaderMap, Query(query): Parameters| async move {
            let pages = friends.lock().unwrap();
            let page = query.get("after").map_or(Some(0), |after| after[1..].parse().ok());
            match page.and_then(|page: usize| pages.get(page)) {
                Some(page) if has_proof(&headers, &query) => answer(200, page),
                _ => no_proof(),
            }
        };
        let routes = Router::new()
            .route(Self::DEBUG, get(debug))
            .route(Self::ME, get(me))
            .route(Self::FRIENDS, get(friends));
        vec![("graph.facebook.com".into(), routes)]
    }
}

fn debug_token(tokens: &HashMap<String, Value>, query: &HashMap<String, String>) -> Response {
    let app = match query["access_token"].split_once('|') {
        Some((app, secret)) if secret_of(app) == Some(secret) => app,
        _ => return answer(400, &FakeFacebook::error(190, 0)),
    };
    let Some(data) = tokens.get(&query["input_token"]) else {
        let error = json!({"code": 190, "message": "Malformed access token"});
        return answer(200, &json!({"data": {"error": error, "is_valid": false, "scopes": []}}));
    };
    if data["app_id"].as_str().is_some_and(|id| id != app && secret_of(id).is_some()) {
        return answer(400, &FakeFacebook::error(100, 0));
    }
    answer(200, &json!({ "data": data }))
}

fn secret_of(app: &str) -> Option<&'static str> {
    match app {
        FakeFacebook::APP => Some(FakeFacebook::SECRET),
        FakeFacebook::OTHER_APP => Some(FakeFacebook::OTHER_SECRET),
        _ => None,
    }
}

/// Whether the request is under the proof of one of the apps for the token that it bears.
fn has_proof(headers: &HeaderMap, query: &HashMap<String, String>) -> bool {
    let bearer = headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    let Some(token) = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")) else {
        return false;
    };
    [FakeFacebook::SECRET, FakeFacebook::OTHER_SECRET].iter().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, token.as_bytes());
        let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        query.get("appsecret_proof") == Some(&hex)
    })
}

fn no_proof() -> Response {
    answer(400, &FakeFacebook::error(100, 0))
}

fn answer(status: u16, body: &Value) -> Response {
    let json = [(CONTENT_TYPE, "application/json; charset=UTF-8")];
    (StatusCode::from_u16(status).unwrap(), json, body.to_string()).into_response()
}

impl Default for FakeFacebook {
    fn default() -> Self {
        Self::new()
    }
}
