use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::codes::{CLIENT, Codes, start_of_2026};
use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Google's key set, and ID tokens by its keys.
#[derive(Clone, Debug)]
pub struct FakeGoogle {
    /// Its keys.
    pub issuer: Issuer,
    now: DateTime<Utc>,
}

impl FakeGoogle {
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "1-web.apps.googleusercontent.com";
    /// Where its keys are.
    pub const KEYS: &str = "/oauth2/v3/certs";

    /// The client whose codes it exchanges, and its secret.
    pub const CLIENT: (&str, &str) = CLIENT;

    /// With a key, at the moment when the tests play.
    #[must_use]
    pub fn new() -> Self {
        Self::at(start_of_2026())
    }

    /// With a key. The ID tokens that it gives for codes are of this moment.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { issuer: Issuer::new(Signer::rs256("g1")), now }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move {
            let headers = [
                (CONTENT_TYPE, "application/json; charset=UTF-8"),
                (CACHE_CONTROL, "public, max-age=19845, must-revalidate, no-transform"),
            ];
            (headers, issuer.jwks())
        };
        let codes = Router::new().route("/token", post(exchange));
        vec![
            ("www.googleapis.com".into(), Router::new().route(Self::KEYS, get(keys))),
            ("oauth2.googleapis.com".into(), codes.with_state((Codes::default(), self.clone()))),
        ]
    }

    /// A good ID token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new("https://accounts.google.com", Self::AUDIENCE, "1080", now)
            .claim("azp", Self::AUDIENCE)
            .claim("email", "a@example.com")
            .claim("email_verified", true)
            .claim("name", "Ann")
            .claim("picture", "https://lh3.example/a.png")
    }
}

async fn exchange(
    State((codes, google)): State<(Codes, FakeGoogle)>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    codes.exchange_for(&headers, &form, |code| {
        let mut token = FakeGoogle::token(google.now).claim("aud", CLIENT.0).without("azp");
        if let Some(nonce) = form.get("state") {
            token = token.claim("nonce", nonce.as_str());
        }
        if code == "nobody" {
            token = token.without("sub");
        }
        json!({"access_token": "ya29", "id_token": token.signed(&google.issuer.signer())})
    })
}

impl Default for FakeGoogle {
    fn default() -> Self {
        Self::new()
    }
}
