use std::sync::Arc;

use authcore::account::{AccountId, IdentityKey, Ordinal};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{answer, problem};
use crate::v1::Door;
use crate::v1::problem::Problem;
use crate::v1::request::{ByOperator, Named, Nothing};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityBody {
    identity: IdentityKey,
}

pub(super) async fn register(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.register_identity(&operator, id, body.identity).await)
}

pub(super) async fn unlink(
    State(door): State<Arc<Door>>,
    Named((id, ordinal)): Named<(AccountId, Ordinal)>,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.unlink_identity(&operator, id, ordinal).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveBody {
    identity: IdentityKey,
    to: AccountId,
}

pub(super) async fn r#move(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<MoveBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.move_identity(&operator, &body.identity, body.to).await)
}

pub(super) async fn consent_revoked(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    let account = door.engine.provider_consent_revoked(&operator, &body.identity).await;
    Ok(Json(json!({ "account": account.map_err(problem)? })))
}

pub(super) async fn account_deleted(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    let account = door.engine.provider_account_deleted(&operator, &body.identity).await;
    Ok(Json(json!({ "account": account.map_err(problem)? })))
}
