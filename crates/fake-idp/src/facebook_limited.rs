use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// The key set of Facebook's Limited Login, and tokens by its keys.
#[derive(Clone, Debug)]
pub struct FakeFacebookLimited {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeFacebookLimited {
    /// The app of its tokens.
    pub const APP: &str = "1234";
    /// Who its tokens speak of.
    pub const SUBJECT: &str = "77";
    /// Where its keys are.
    pub const KEYS: &str = "/.well-known/oauth/openid/jwks/";

    /// With a key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::rs256("f1")) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([(CONTENT_TYPE, "application/json")], issuer.jwks()) };
        vec![("limited.facebook.com".into(), Router::new().route(Self::KEYS, get(keys)))]
    }

    /// A good token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new("https://www.facebook.com", Self::APP, Self::SUBJECT, now)
            .claim("name", "Fay")
            .claim("email", "fay@example.com")
            .claim("picture", "https://cdn.example/f.jpg")
    }
}

impl Default for FakeFacebookLimited {
    fn default() -> Self {
        Self::new()
    }
}
