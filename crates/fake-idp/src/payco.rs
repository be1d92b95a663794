use std::collections::HashMap;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::codes::{CLIENT, Codes};
use crate::server::Host;

/// PAYCO's exchange of codes, and what it says of tokens.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FakePayco;

impl FakePayco {
    /// The client that it knows.
    pub const CLIENT: (&str, &str) = CLIENT;
    /// Where tokens are asked about.
    pub const ID: &str = "/payco/friends/getIdNoByFriendsToken.json";
    /// Where the profile is.
    pub const MEMBER: &str = "/payco/friends/find_member_v2.json";

    /// Nothing is used yet.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// Its hosts; the codes of each are good once.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let codes = Router::new().route("/oauth2.0/token", post(exchange));
        vec![
            ("id.payco.com".into(), codes.with_state(Codes::default())),
            ("apis3.krp.toastoven.net".into(), Router::new().route(Self::ID, post(id))),
            (
                "apis-payco.krp.toastoven.net".into(),
                Router::new().route(Self::MEMBER, post(member)),
            ),
        ]
    }
}

async fn exchange(
    State(codes): State<Codes>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    codes.exchange(&headers, &form)
}

/// The token, which stands in the header and in the body.
fn token<'a>(headers: &HeaderMap, body: &'a Value) -> Option<&'a str> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let same = |name| header(name).is_some() && body[name].as_str() == header(name);
    let ours = header("client_id") == Some(CLIENT.0);
    if ours && same("client_id") && same("access_token") {
        body["access_token"].as_str()
    } else {
        None
    }
}

async fn id(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let known =
        |id: &str| Json(json!({"header": {"successful": true}, "idNo": id})).into_response();
    match token(&headers, &body) {
        None => StatusCode::FORBIDDEN.into_response(),
        Some("good" | "swapped") => known("p1"),
        Some("nobody") => known(""),
        Some(_) => Json(json!({"header": {"successful": false}})).into_response(),
    }
}

async fn member(headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let known = |id: &str| {
        let member = json!({"idNo": id, "name": "Park", "email": "p@example.com"});
        let header = json!({"isSuccessful": true, "resultCode": 0});
        Json(json!({"header": header, "data": {"member": member}})).into_response()
    };
    match token(&headers, &body) {
        None => StatusCode::FORBIDDEN.into_response(),
        Some("good") => known("p1"),
        Some("swapped") => known("p2"),
        Some(_) => Json(json!({"header": {"isSuccessful": false}})).into_response(),
    }
}
