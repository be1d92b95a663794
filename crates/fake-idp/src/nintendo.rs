use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Nintendo's key set, and ID tokens by its keys.
#[derive(Clone, Debug)]
pub struct FakeNintendo {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeNintendo {
    /// The `aud` of the tokens of all games.
    pub const AUDIENCE: &str = "ed9e2f05d286f7b8";
    /// The game that its tokens are of.
    pub const APPLICATION: &str = "0100abcd12340000";
    /// Who its tokens speak of.
    pub const SUBJECT: &str = "0123456789abcdef";
    /// Where its keys are.
    pub const KEYS: &str = "/1.0.0/certificates";
    const HOST: &str = "e0d67c509fb203858ebcb2fe3f88c2aa.baas.nintendo.com";

    /// With a key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::rs256("n1")) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([(CONTENT_TYPE, "application/json")], issuer.jwks()) };
        vec![(Self::HOST.into(), Router::new().route(Self::KEYS, get(keys)))]
    }

    /// A good ID token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        let issuer = format!("https://{}", Self::HOST);
        let application = json!({"ai": Self::APPLICATION, "av": "0000", "at": 1, "edi": "e"});
        Token::new(&issuer, Self::AUDIENCE, Self::SUBJECT, now)
            .header("jku", format!("{issuer}{}", Self::KEYS))
            .claim("typ", "id_token")
            .claim("jti", "j1")
            .claim("bs:did", "d1")
            .claim("nintendo", application)
    }
}

impl Default for FakeNintendo {
    fn default() -> Self {
        Self::new()
    }
}
