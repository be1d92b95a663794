use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::FakeEpic;
use crate::sign::Token;

/// EOS Connect, which is on Epic's host.
impl FakeEpic {
    /// Where the keys of EOS Connect are.
    pub const CONNECT_KEYS: &str = "/auth/v1/oauth/jwks";

    /// Its keys, which do not say how they sign.
    pub(super) fn connect_routes(&self) -> Router {
        let connect = self.connect.clone();
        let keys = move || async move {
            let mut keys: Value = serde_json::from_str(&connect.jwks()).unwrap();
            for key in keys["keys"].as_array_mut().unwrap() {
                key.as_object_mut().unwrap().remove("alg");
            }
            ([(CONTENT_TYPE, "application/json")], keys.to_string())
        };
        Router::new().route(Self::CONNECT_KEYS, get(keys))
    }

    /// A good ID token of EOS Connect.
    #[must_use]
    pub fn connect_token(now: DateTime<Utc>) -> Token {
        let act = json!({"eaid": "epic-1", "eat": "epicgames", "pltfm": "other"});
        Token::new("https://api.epicgames.dev/auth/v1/oauth", Self::CLIENT, "puid-1", now)
            .claim("act", act)
            .claim("pfdid", Self::DEPLOYMENT)
    }
}
