use std::sync::Arc;

use authcore::Secret;
use authcore::transfer::Reissue;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use super::accounts::{answer, problem};
use crate::v1::problem::Problem;
use crate::v1::request::{ByOperator, Named, Nothing};
use crate::v1::{Door, view};

pub(super) async fn unblock(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.unblock_transfer_account(&operator, id).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReissueBody {
    /// Whether the id stays.
    #[serde(default)]
    password_only: bool,
}

pub(super) async fn reissue(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<ReissueBody>,
) -> Result<Json<Value>, Problem> {
    let what = if body.password_only { Reissue::Password } else { Reissue::IdAndPassword };
    let info = door.engine.reissue_transfer_account(&operator, id, what).await.map_err(problem)?;
    Ok(Json(view::transfer_account(&info)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateBody {
    id: Secret,
    #[serde(default)]
    password: Secret,
}

pub(super) async fn validate(
    State(door): State<Arc<Door>>,
    ByOperator { context, operator, body }: ByOperator<ValidateBody>,
) -> Result<Json<Value>, Problem> {
    let ValidateBody { id, password } = body;
    answer(door.engine.validate_transfer_account(&context, &operator, &id, &password).await)
}
