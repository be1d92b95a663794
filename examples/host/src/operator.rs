//! What operators may do: `POST /v1/operator/accounts/{id}/ban` and `/unban`, with the operator key as bearer.

use std::error::Error as StdError;
use std::sync::Arc;

use authcore::account::AccountId;
use authcore::lifecycle::Expiry;
use authcore::{BanRequest, Engine, Error, Operator, Refusal, Secret, UnbanRequest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::Deserialize;

struct Desk {
    engine: Engine,
    key: Secret,
}

/// The routes.
pub(crate) fn routes(engine: Engine, key: Secret) -> Router {
    Router::new()
        .route("/v1/operator/accounts/{id}/ban", post(ban))
        .route("/v1/operator/accounts/{id}/unban", post(unban))
        .with_state(Arc::new(Desk { engine, key }))
}

/// All of it is optional: a ban without an end and without words.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BanBody {
    until: Option<DateTime<Utc>>,
    message: Option<String>,
}

async fn ban(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = || {
        let body: BanBody = if body.is_empty() {
            BanBody::default()
        } else {
            serde_json::from_slice(&body).ok()?
        };
        let mut request = BanRequest::permanent();
        request.expiry = body.until.map_or(Expiry::Never, Expiry::At);
        request.message = body.message.unwrap_or_default();
        Some(request)
    };
    let Some(operator) = desk.operator(&headers) else {
        return refused();
    };
    let (Some(id), Some(request)) = (account(&id), request()) else {
        return bad_request();
    };
    answer(desk.engine.ban(&operator, id, request).await)
}

async fn unban(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(operator) = desk.operator(&headers) else {
        return refused();
    };
    let Some(id) = account(&id) else {
        return bad_request();
    };
    answer(desk.engine.unban(&operator, id, UnbanRequest::new()).await)
}

impl Desk {
    fn operator(&self, headers: &HeaderMap) -> Option<Operator> {
        let given = headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")?;
        let key = self.key.reveal().as_bytes();
        // Every byte is looked at, so that the time does not tell how many were right.
        let differences = given
            .iter()
            .zip(key)
            .fold(given.len() ^ key.len(), |sum, (a, b)| sum | usize::from(a ^ b));
        (differences == 0).then(|| Operator::vouched_for("holder of the operator key"))
    }
}

fn account(id: &str) -> Option<AccountId> {
    id.parse().ok()
}

fn answer<T>(result: Result<T, Error>) -> Response {
    match result {
        Ok(_) => json(StatusCode::OK, "{}"),
        Err(Error::Refused(Refusal::AccountNotFound)) => {
            json(StatusCode::NOT_FOUND, r#"{"error":"account_not_found"}"#)
        }
        Err(Error::Refused(refusal)) => {
            let body = format!(r#"{{"error":"{}"}}"#, refusal.code());
            json(StatusCode::BAD_REQUEST, &body)
        }
        Err(fault) => {
            tracing::error!(error = &fault as &dyn StdError, "an operator's request failed");
            json(StatusCode::INTERNAL_SERVER_ERROR, r#"{"error":"fault"}"#)
        }
    }
}

fn refused() -> Response {
    json(StatusCode::UNAUTHORIZED, r#"{"error":"operator_key_required"}"#)
}

fn bad_request() -> Response {
    json(StatusCode::BAD_REQUEST, r#"{"error":"invalid"}"#)
}

fn json(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}
