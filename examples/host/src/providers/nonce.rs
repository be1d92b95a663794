use authcore::account::ProviderId;
use authcore_verifiers::Nonces;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a client made for one login is not longer than this, in bytes.
const BINDING_MAX: usize = 256;

#[derive(Deserialize)]
struct Asked {
    provider: String,
    #[serde(default)]
    binding: String,
}

type Clock = fn() -> DateTime<Utc>;

/// `POST /v1/nonces`: a nonce for a login with a provider.
pub(crate) fn routes(nonces: Nonces, now: Clock) -> Router {
    Router::new().route("/v1/nonces", post(issue)).with_state((nonces, now))
}

async fn issue(
    State((nonces, now)): State<(Nonces, Clock)>,
    Json(asked): Json<Asked>,
) -> Result<Json<Value>, StatusCode> {
    let provider = ProviderId::new(&asked.provider).map_err(|_| StatusCode::BAD_REQUEST)?;
    if asked.binding.len() > BINDING_MAX {
        return Err(StatusCode::BAD_REQUEST);
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let nonce = nonces.issue(&provider, &asked.binding, now(), random);
    Ok(Json(json!({ "nonce": nonce })))
}
