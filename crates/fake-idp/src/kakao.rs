use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::codes::bearer;
use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Kakao's keys, and what it knows of access tokens.
#[derive(Clone, Debug)]
pub struct FakeKakao {
    /// Its keys.
    pub issuer: Issuer,
}

impl FakeKakao {
    /// The number of the app.
    pub const APP: u64 = 45;
    /// The key of the native app.
    pub const NATIVE_KEY: &str = "native-key";
    /// The key for REST.
    pub const REST_KEY: &str = "rest-key";
    /// The player: a number that no floating point number is.
    pub const PLAYER: u64 = 9_007_199_254_740_993;
    /// Where access tokens are asked about.
    pub const TOKEN_INFO: &str = "/v1/user/access_token_info";
    /// Where the profile is.
    pub const PROFILE: &str = "/v2/user/me";

    /// With an RSA key.
    #[must_use]
    pub fn new() -> Self {
        Self { issuer: Issuer::new(Signer::rs256("k1")) }
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([("content-type", "application/json")], issuer.jwks()) };
        let auth = Router::new().route("/.well-known/jwks.json", get(keys));
        let api = Router::new()
            .route(Self::TOKEN_INFO, get(token_info))
            .route(Self::PROFILE, get(profile));
        vec![("kauth.kakao.com".into(), auth), ("kapi.kakao.com".into(), api)]
    }

    /// A good ID token of the native app, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        let subject = Self::PLAYER.to_string();
        Token::new("https://kauth.kakao.com", Self::NATIVE_KEY, &subject, now)
            .claim("nickname", "Kim")
            .claim("picture", "https://k.kakaocdn.example/k.jpg")
    }
}

impl Default for FakeKakao {
    fn default() -> Self {
        Self::new()
    }
}

fn unknown() -> Response {
    let body = json!({"msg": "this access token does not exist", "code": -401});
    (StatusCode::UNAUTHORIZED, Json(body)).into_response()
}

async fn token_info(headers: HeaderMap) -> Response {
    let known = |app: u64, seconds: i64| {
        Json(json!({"id": FakeKakao::PLAYER, "expires_in": seconds, "app_id": app})).into_response()
    };
    match bearer(&headers) {
        "good" | "swapped" => known(FakeKakao::APP, 7199),
        "expired" => known(FakeKakao::APP, 0),
        "other-app" => known(451, 7199),
        "nobody" => Json(json!({"expires_in": 7199, "app_id": FakeKakao::APP})).into_response(),
        _ => unknown(),
    }
}

async fn profile(headers: HeaderMap) -> Response {
    let known = |id: u64| {
        let profile =
            json!({"nickname": "Kim", "profile_image_url": "http://k.kakaocdn.example/k"});
        let account = json!({"profile": profile, "email": "k@example.com"});
        Json(json!({"id": id, "connected_at": "x", "kakao_account": account})).into_response()
    };
    match bearer(&headers) {
        "good" | "other-app" | "expired" | "nobody" => known(FakeKakao::PLAYER),
        // As a floating point number it would be the same.
        "swapped" => known(FakeKakao::PLAYER - 1),
        _ => unknown(),
    }
}
