use std::sync::Arc;

use authcore::Secret;
use authcore::refusal::Operation;
use authcore::transfer::{Renewal, Transfer};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;

use crate::v1::problem::Problem;
use crate::v1::request::{Newcomer, Nothing, Player};
use crate::v1::{Door, view};

pub(super) async fn issue(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.issue_transfer_account(&context, &who).await {
        Ok(info) => Ok(Json(view::transfer_account(&info))),
        Err(error) => Err(Problem::of(error, Operation::TransferAccount)),
    }
}

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Player { who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.transfer_account(&who).await {
        Ok(info) => Ok(Json(view::transfer_account(&info))),
        Err(error) => Err(Problem::of(error, Operation::TransferAccount)),
    }
}

/// A new password, or a new id as well; of the engine's making, or of the player's choice.
#[derive(Deserialize)]
#[serde(tag = "renew", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum RenewBody {
    Password { password: Option<Secret> },
    IdAndPassword { id: Option<Secret>, password: Option<Secret> },
}

impl RenewBody {
    fn renewal(self) -> Result<Renewal, Problem> {
        match self {
            Self::Password { password: None } => Ok(Renewal::AutoPassword),
            Self::Password { password: Some(password) } => Ok(Renewal::ManualPassword(password)),
            Self::IdAndPassword { id: None, password: None } => Ok(Renewal::AutoIdAndPassword),
            Self::IdAndPassword { id: Some(id), password: Some(password) } => {
                Ok(Renewal::ManualIdAndPassword { id, password })
            }
            Self::IdAndPassword { .. } => {
                Err(Problem::bad_body("give both id and password, or none"))
            }
        }
    }
}

pub(super) async fn renew(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<RenewBody>,
) -> Result<Json<Value>, Problem> {
    match door.engine.renew_transfer_account(&context, &who, &body.renewal()?).await {
        Ok(info) => Ok(Json(view::transfer_account(&info))),
        Err(error) => Err(Problem::of(error, Operation::TransferAccount)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransferBody {
    id: Secret,
    #[serde(default)]
    password: Secret,
    /// The guest key of the device that asks.
    guest: Secret,
}

pub(super) async fn transfer(
    State(door): State<Arc<Door>>,
    Newcomer { context, who, body }: Newcomer<TransferBody>,
) -> Result<Json<Value>, Problem> {
    let transfer = Transfer::new(body.guest, body.id).with_password(body.password);
    match door.engine.transfer(&context, who.as_ref(), transfer).await {
        Ok(player) => Ok(Json(view::logged_in(&player))),
        Err(error) => Err(Problem::of(error, Operation::Transfer)),
    }
}
