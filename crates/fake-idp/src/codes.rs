use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Exchanges authorization codes, each once: the code `good` for the token `good`, and `nobody` for that of nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes(Arc<Mutex<HashSet<String>>>);

/// A client that may exchange codes.
pub(crate) const CLIENT: (&str, &str) = ("the-client", "the-secret");

impl Codes {
    /// The answer of a token endpoint to a form, where the client may be in the header.
    pub(crate) fn exchange(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> Response {
        self.exchange_for(
            headers,
            form,
            |code| json!({"access_token": code, "token_type": "bearer", "expires_in": 3600}),
        )
    }

    pub(crate) fn exchange_for(
        &self,
        headers: &HeaderMap,
        form: &HashMap<String, String>,
        tokens: impl FnOnce(&str) -> Value,
    ) -> Response {
        let field = |name| form.get(name).map(String::as_str).unwrap_or_default();
        let refused = |status, error| (status, Json(json!({"error": error}))).into_response();
        let basic = STANDARD.encode(format!("{}:{}", CLIENT.0, CLIENT.1));
        let by_header =
            headers.get("authorization").is_some_and(|it| *it == format!("Basic {basic}"));
        if !by_header && (field("client_id"), field("client_secret")) != CLIENT {
            return refused(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        if field("grant_type") != "authorization_code" {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        let code = field("code");
        let first = self.0.lock().unwrap().insert(code.to_owned());
        match code {
            "good" | "nobody" if first => Json(tokens(code)).into_response(),
            // One that is used, over, or of another client is as good as one that never was.
            _ => refused(StatusCode::BAD_REQUEST, "invalid_grant"),
        }
    }
}

/// The first moment of 2026, when the tests play.
pub(crate) fn start_of_2026() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// The token of a header.
pub(crate) fn bearer(headers: &HeaderMap) -> &str {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default()
}
