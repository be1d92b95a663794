use std::sync::Arc;

use authcore::account::AccountId;
use authcore::lifecycle::{Amount, BanSource, Expiry};
use authcore::refusal::Operation;
use authcore::{BanRequest, Failed, Purchase, UnbanRequest};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{answer, problem};
use crate::v1::Door;
use crate::v1::problem::Problem;
use crate::v1::request::{ByOperator, Named};

/// All of it is optional: a ban without an end and without words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanBody {
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    message: String,
    template: Option<u32>,
    #[serde(default)]
    reason: String,
    source: Option<BanSource>,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    replace: bool,
}

impl BanBody {
    fn request(self) -> BanRequest {
        let mut request = BanRequest::permanent();
        request.expiry = self.until.map_or(Expiry::Never, Expiry::At);
        request.message = self.message;
        request.template = self.template;
        request.reason = self.reason;
        request.source = self.source.unwrap_or(BanSource::AppServer);
        request.flags = self.flags;
        request.replace = self.replace;
        request
    }
}

pub(super) async fn ban(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<BanBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.ban(&operator, id, body.request()).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BanManyBody {
    accounts: Vec<AccountId>,
    ban: BanBody,
}

pub(super) async fn ban_many(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<BanManyBody>,
) -> Result<Json<Value>, Problem> {
    let request = body.ban.request();
    let failed = door.engine.ban_many(&operator, &body.accounts, request).await.map_err(problem)?;
    Ok(Json(failures(failed)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnbanBody {
    #[serde(default)]
    reason: String,
    source: Option<BanSource>,
}

impl UnbanBody {
    fn request(self) -> UnbanRequest {
        let mut request = UnbanRequest::new();
        request.reason = self.reason;
        request.source = self.source.unwrap_or(BanSource::AppServer);
        request
    }
}

pub(super) async fn unban(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<UnbanBody>,
) -> Result<Json<Value>, Problem> {
    answer(door.engine.unban(&operator, id, body.request()).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnbanManyBody {
    accounts: Vec<AccountId>,
    #[serde(default)]
    reason: String,
}

pub(super) async fn unban_many(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<UnbanManyBody>,
) -> Result<Json<Value>, Problem> {
    let mut request = UnbanRequest::new();
    request.reason = body.reason;
    request.source = BanSource::AppServer;
    let failed =
        door.engine.unban_many(&operator, &body.accounts, request).await.map_err(problem)?;
    Ok(Json(failures(failed)))
}

/// Those of a batch that were refused; all others are done.
fn failures(failed: Vec<Failed>) -> Value {
    let failed: Vec<_> = failed
        .into_iter()
        .map(|Failed { account, error, .. }| {
            let problem = Problem::of(error, Operation::Operator);
            json!({ "account": account, "code": problem.code() })
        })
        .collect();
    json!({ "failed": failed })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurchaseBody {
    /// The host's name for the purchase: reporting it twice counts it once.
    purchase: String,
    /// In minor units.
    amount: Amount,
    currency: String,
}

pub(super) async fn payment(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<PurchaseBody>,
) -> Result<Json<Value>, Problem> {
    let PurchaseBody { purchase, amount, currency } = body;
    let purchase = Purchase::new(purchase, amount, currency);
    answer(door.engine.record_payment(&operator, id, purchase).await)
}

pub(super) async fn refund(
    State(door): State<Arc<Door>>,
    Named(id): Named,
    ByOperator { operator, body, .. }: ByOperator<PurchaseBody>,
) -> Result<Json<Value>, Problem> {
    let PurchaseBody { purchase, amount, currency } = body;
    let purchase = Purchase::new(purchase, amount, currency);
    answer(door.engine.record_refund(&operator, id, purchase).await)
}
