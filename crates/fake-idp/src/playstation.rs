use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::codes::{CLIENT, Codes};
use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// The `PlayStation` Network's exchange of codes, its keys, and what it says of access tokens.
#[derive(Clone, Debug)]
pub struct FakePlayStation {
    /// Its keys.
    pub issuer: Issuer,
    /// The ID token that a code is exchanged for; none, where the login asked for none.
    pub id_token: Arc<Mutex<Option<String>>>,
    /// What it says of an access token.
    pub known: Arc<Mutex<Value>>,
}

impl FakePlayStation {
    /// The client that it knows.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// The `iss` of its tokens.
    pub const ISSUER: &str = "https://network.example/production";
    /// Who its tokens speak of.
    pub const SUBJECT: &str = "1234567890123456789";
    /// Where codes are exchanged.
    pub const TOKEN_URL: &str = "https://network.example/token";
    /// Where its keys are.
    pub const KEYS_URL: &str = "https://network.example/keys";
    /// Where access tokens are asked about.
    pub const INTROSPECTION_URL: &str = "https://network.example/introspect";

    /// With a key, and a good ID token for each code of this moment.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        let issuer = Issuer::new(Signer::rs256("p1"));
        let id_token = Self::token(now).signed(&issuer.signer());
        let known = json!({"active": true, "client_id": CLIENT.0, "sub": Self::SUBJECT});
        Self {
            issuer,
            id_token: Arc::new(Mutex::new(Some(id_token))),
            known: Arc::new(Mutex::new(known)),
        }
    }

    /// A good ID token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new(Self::ISSUER, CLIENT.0, Self::SUBJECT, now)
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([("content-type", "application/json")], issuer.jwks()) };
        let routes = Router::new()
            .route("/token", post(exchange))
            .route("/introspect", post(introspect))
            .with_state((Codes::default(), self.clone()))
            .route("/keys", get(keys));
        vec![("network.example".into(), routes)]
    }
}

type Fields = HashMap<String, String>;

async fn exchange(
    State((codes, network)): State<(Codes, FakePlayStation)>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    let id_token = network.id_token.lock().unwrap().clone();
    codes.exchange_for(&headers, &form, |code| {
        let mut tokens = json!({"access_token": code, "expires_in": 3599});
        if let Some(id_token) = id_token {
            tokens["id_token"] = id_token.into();
        }
        tokens
    })
}

async fn introspect(
    State((_, network)): State<(Codes, FakePlayStation)>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1)));
    if headers.get("authorization").is_none_or(|it| *it != *basic) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let known = network.known.lock().unwrap().clone();
    match form.get("token").map(String::as_str) {
        Some("good") => Json(known).into_response(),
        Some("nobody") => Json(json!({"active": true, "client_id": CLIENT.0})).into_response(),
        _ => Json(json!({"active": false})).into_response(),
    }
}
