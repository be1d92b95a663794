use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

const JSON: [(HeaderName, &str); 1] = [(CONTENT_TYPE, "application/json")];

/// An OpenID provider: discovery and keys, and ID tokens by them.
#[derive(Clone, Debug)]
pub struct FakeOidc {
    /// Its keys.
    pub issuer: Issuer,
    /// Its discovery document, which a test may change.
    pub document: Arc<Mutex<Value>>,
}

impl FakeOidc {
    /// Its `iss`.
    pub const ISSUER: &str = "https://id.studio.example/realm";
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "the-game";
    /// Where its keys are.
    pub const KEYS: &str = "/realm/keys";
    /// Where its discovery document is.
    pub const DISCOVERY: &str = "/realm/.well-known/openid-configuration";

    /// With an ES256 key.
    #[must_use]
    pub fn new() -> Self {
        let document = json!({
            "issuer": Self::ISSUER,
            "jwks_uri": "https://id.studio.example/realm/keys",
            "authorization_endpoint": "https://id.studio.example/realm/authorize",
        });
        Self { issuer: Issuer::new(Signer::es256("o1")), document: Arc::new(Mutex::new(document)) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let (issuer, document) = (self.issuer.clone(), Arc::clone(&self.document));
        let keys = move || async move { (JSON, issuer.jwks()) };
        let discovery = move || async move { (JSON, document.lock().unwrap().to_string()) };
        let routes =
            Router::new().route(Self::KEYS, get(keys)).route(Self::DISCOVERY, get(discovery));
        vec![("id.studio.example".into(), routes)]
    }

    /// A good ID token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new(Self::ISSUER, Self::AUDIENCE, "player-7", now).claim("name", "Bea")
    }
}

impl Default for FakeOidc {
    fn default() -> Self {
        Self::new()
    }
}
