use std::sync::Arc;

use authcore::Secret;
use authcore::account::ProviderId;
use authcore::refusal::Operation;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::v1::Door;
use crate::v1::problem::Problem;
use crate::v1::request::{Anyone, Named};

/// What a provider's server posts. It may say more, some day.
#[derive(Deserialize)]
pub(super) struct NoticeBody {
    payload: Secret,
}

/// Whether an account has changed by it is nobody's affair but ours: a provider only needs to know that it need not send
/// it again.
pub(super) async fn take(
    State(door): State<Arc<Door>>,
    Named(provider): Named<String>,
    Anyone { body, .. }: Anyone<NoticeBody>,
) -> Result<Json<Value>, Problem> {
    let provider = ProviderId::new(&provider).map_err(|_| Problem::not_found())?;
    match door.engine.provider_notice(&provider, &body.payload).await {
        Ok(_) => Ok(Json(json!({}))),
        Err(error) => Err(Problem::of(error, Operation::Operator)),
    }
}
