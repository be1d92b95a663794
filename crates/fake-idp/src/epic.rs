use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use chrono::{DateTime, Utc};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Epic's two families of tokens, with a key set each, on one host. They name their keys alike.
#[derive(Clone, Debug)]
pub struct FakeEpic {
    /// The keys of Epic accounts.
    pub accounts: Issuer,
    /// The keys of EOS Connect.
    pub connect: Issuer,
}

impl FakeEpic {
    /// The `aud` of its tokens.
    pub const CLIENT: &str = "xyza7891client";
    /// The `pfdid` of its tokens.
    pub const DEPLOYMENT: &str = "deployment-1";
    /// Where the keys of Epic accounts are.
    pub const ACCOUNT_KEYS: &str = "/epic/oauth/v2/.well-known/jwks.json";

    /// With two RSA keys of one name.
    #[must_use]
    pub fn new() -> Self {
        let keys = || Issuer::new(Signer::rs256("e1"));
        Self { accounts: keys(), connect: keys() }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let accounts = self.accounts.clone();
        let keys = move || async move { ([(CONTENT_TYPE, "application/json")], accounts.jwks()) };
        let routes = self.connect_routes().route(Self::ACCOUNT_KEYS, get(keys));
        vec![("api.epicgames.dev".into(), routes)]
    }

    /// A good ID token of an Epic account.
    #[must_use]
    pub fn account_token(now: DateTime<Utc>) -> Token {
        Token::new("https://api.epicgames.dev/epic/oauth/v2", Self::CLIENT, "epic-1", now)
            .claim("dn", "Eve")
            .claim("pfdid", Self::DEPLOYMENT)
    }
}

impl Default for FakeEpic {
    fn default() -> Self {
        Self::new()
    }
}
