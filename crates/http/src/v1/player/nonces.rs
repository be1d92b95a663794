use std::sync::Arc;

use authcore::account::ProviderId;
use authcore::refusal::Operation;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::v1::Door;
use crate::v1::problem::Problem;
use crate::v1::request::Newcomer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NonceBody {
    provider: ProviderId,
    /// What the client presents with the token.
    #[serde(default)]
    binding: String,
    #[serde(default)]
    purpose: Purpose,
}

/// What the token is for.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    #[default]
    Login,
    /// To link, to merge, to unlink: whatever a player does who is logged in.
    Link,
}

pub(super) async fn issue(
    State(door): State<Arc<Door>>,
    Newcomer { context, who, body }: Newcomer<NonceBody>,
) -> Result<Json<Value>, Problem> {
    let NonceBody { provider, binding, purpose } = body;
    let who = match purpose {
        Purpose::Login => None,
        Purpose::Link => Some(who.ok_or_else(Problem::token_required)?),
    };
    match door.engine.issue_nonce(&context, who.as_ref(), &provider, &binding).await {
        Ok(nonce) => Ok(Json(json!({ "nonce": nonce }))),
        Err(error) => Err(Problem::of(error, Operation::Login)),
    }
}
