use std::sync::Arc;

use authcore::account::{AccountId, IdentityKey, Ordinal, ProviderId};
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
    identity: NamedIdentity,
}

/// What an identity is found by.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedIdentity {
    provider: ProviderId,
    #[serde(default)]
    tenant: String,
    #[serde(default)]
    issuer: String,
    subject: String,
}

impl NamedIdentity {
    pub(super) fn key(self) -> IdentityKey {
        IdentityKey::scoped(self.provider, &self.tenant, &self.issuer, &self.subject)
    }
}

pub(super) async fn register(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.register_identity(&operator, id, body.identity.key()).await)
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
    identity: NamedIdentity,
    to: AccountId,
}

pub(super) async fn r#move(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<MoveBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.move_identity(&operator, &body.identity.key(), body.to).await)
}

pub(super) async fn consent_revoked(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    let account = door.engine.provider_consent_revoked(&operator, &body.identity.key()).await;
    Ok(Json(json!({ "account": account.map_err(problem)? })))
}

pub(super) async fn account_deleted(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<IdentityBody>,
) -> Result<Json<Value>, Problem> {
    let account = door.engine.provider_account_deleted(&operator, &body.identity.key()).await;
    Ok(Json(json!({ "account": account.map_err(problem)? })))
}
