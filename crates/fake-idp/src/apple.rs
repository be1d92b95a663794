use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Apple's key set, and ID tokens and notices by its keys.
#[derive(Clone, Debug)]
pub struct FakeApple {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeApple {
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "com.example.game";
    /// The `iss` of its tokens.
    pub const ISSUER: &str = "https://appleid.apple.com";
    /// Who its tokens speak of.
    pub const SUBJECT: &str = "000123.aa11.0456";
    /// Where its keys are.
    pub const KEYS: &str = "/auth/keys";

    /// With a key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::rs256("a1")) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move {
            ([(CONTENT_TYPE, "application/json;charset=UTF-8")], issuer.jwks())
        };
        vec![("appleid.apple.com".into(), Router::new().route(Self::KEYS, get(keys)))]
    }

    /// A good ID token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new(Self::ISSUER, Self::AUDIENCE, Self::SUBJECT, now)
            .claim("nonce_supported", true)
            .claim("email", "x1@privaterelay.example")
            .claim("email_verified", "true")
            .claim("is_private_email", true)
    }

    /// A good notice of this event, to be changed and signed.
    #[must_use]
    pub fn notice(event: &str, now: DateTime<Utc>) -> Token {
        let events =
            json!({"type": event, "sub": Self::SUBJECT, "event_time": now.timestamp_millis()});
        Token::new(Self::ISSUER, Self::AUDIENCE, "", now)
            .without("sub")
            .claim("jti", "n1")
            .claim("events", events.to_string())
    }
}

impl Default for FakeApple {
    fn default() -> Self {
        Self::new()
    }
}
