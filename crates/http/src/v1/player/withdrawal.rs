use std::sync::Arc;

use authcore::refusal::Operation;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::v1::problem::Problem;
use crate::v1::request::{Nothing, Player};
use crate::v1::{Door, view};

pub(super) async fn request(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.request_withdrawal(&context, &who).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Withdraw)),
    }
}

pub(super) async fn cancel(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.cancel_withdrawal(&context, &who).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Withdraw)),
    }
}

pub(super) async fn at_once(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.withdraw(&context, &who).await {
        Ok(()) => Ok(Json(json!({}))),
        Err(error) => Err(Problem::of(error, Operation::Withdraw)),
    }
}
