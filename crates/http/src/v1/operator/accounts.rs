use std::sync::Arc;

use authcore::account::{Account, AccountId};
use authcore::lifecycle::WithdrawalCause;
use authcore::refusal::Operation;
use authcore::{Error, Refusal};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::identities::NamedIdentity;
use crate::v1::problem::Problem;
use crate::v1::request::{ByOperator, Named, Nothing};
use crate::v1::{Door, view};

/// The account as operators see it, or why not.
pub(super) fn answer(result: Result<Account, Error>) -> Result<Json<Value>, Problem> {
    match result {
        Ok(account) => Ok(Json(view::whole(&account))),
        Err(error) => Err(problem(error)),
    }
}

pub(super) fn problem(error: Error) -> Problem {
    Problem::of(error, Operation::Operator)
}

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    let found = door.engine.accounts_by_id(&operator, &[id]).await.map_err(problem)?;
    let account = found.into_iter().next().ok_or_else(|| Refusal::AccountNotFound.into());
    answer(account)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookUpBody {
    #[serde(default)]
    ids: Vec<AccountId>,
    #[serde(default)]
    identities: Vec<NamedIdentity>,
}

pub(super) async fn look_up(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<LookUpBody>,
) -> Result<Json<Value>, Problem> {
    let by_id = door.engine.accounts_by_id(&operator, &body.ids).await.map_err(problem)?;
    let keys: Vec<_> = body.identities.into_iter().map(NamedIdentity::key).collect();
    let by_identity = door.engine.accounts_by_identity(&operator, &keys).await.map_err(problem)?;
    let mut accounts: Vec<Account> = by_id;
    accounts.extend(by_identity.into_iter().map(|(_, account)| account));
    accounts.sort_by_key(|account| account.id);
    accounts.dedup_by_key(|account| account.id);
    let accounts: Vec<_> = accounts.iter().map(view::whole).collect();
    Ok(Json(json!({ "accounts": accounts })))
}

pub(super) async fn export(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    let export = door.engine.export_account(&operator, id).await.map_err(problem)?;
    Ok(Json(json!(export)))
}

pub(super) async fn end_sessions(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    door.engine.end_sessions(&operator, id).await.map_err(problem)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawBody {
    /// On whose word: `operator` unless said otherwise.
    cause: Option<WithdrawalCause>,
}

pub(super) async fn withdraw(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<WithdrawBody>,
) -> Result<Json<Value>, Problem> {
    let cause = body.cause.unwrap_or(WithdrawalCause::Operator);
    door.engine.withdraw_account(&operator, id, cause).await.map_err(problem)?;
    Ok(Json(json!({})))
}

pub(super) async fn restore(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.restore_pending(&operator, id).await)
}
