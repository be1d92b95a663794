use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::get;
use chrono::{DateTime, Utc};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Google's key set, and ID tokens by its keys.
#[derive(Clone, Debug)]
pub struct FakeGoogle {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeGoogle {
    /// The `aud` of its tokens.
    pub const AUDIENCE: &str = "1-web.apps.googleusercontent.com";
    /// Where its keys are.
    pub const KEYS: &str = "/oauth2/v3/certs";

    /// With a key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::rs256("g1")) }
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
        vec![("www.googleapis.com".into(), Router::new().route(Self::KEYS, get(keys)))]
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

impl Default for FakeGoogle {
    fn default() -> Self {
        Self::new()
    }
}
