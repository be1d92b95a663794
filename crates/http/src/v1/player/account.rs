use std::sync::Arc;

use authcore::account::ProfileUpdate;
use authcore::refusal::Operation;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::v1::problem::Problem;
use crate::v1::request::{Nothing, Player};
use crate::v1::{Door, view};

pub(super) async fn get(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.account(&context, &who).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Account)),
    }
}

/// What is left out stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateBody {
    username: Option<String>,
    display_name: Option<String>,
    avatar_url: Option<String>,
    lang_tag: Option<String>,
    location: Option<String>,
    timezone: Option<String>,
}

pub(super) async fn update(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<UpdateBody>,
) -> Result<Json<Value>, Problem> {
    let mut update = ProfileUpdate::default();
    update.username = body.username;
    update.display_name = body.display_name;
    update.avatar_url = body.avatar_url;
    update.lang_tag = body.lang_tag;
    update.location = body.location;
    update.timezone = body.timezone;
    match door.engine.update_profile(&context, &who, update).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Update)),
    }
}

pub(super) async fn delete(
    State(door): State<Arc<Door>>,
    Player { context, who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.delete_account(&context, &who).await {
        Ok(()) => Ok(Json(json!({}))),
        Err(error) => Err(Problem::of(error, Operation::Delete)),
    }
}

pub(super) async fn sessions(
    State(door): State<Arc<Door>>,
    Player { who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.sessions(&who).await {
        Ok(sessions) => {
            let sessions: Vec<_> = sessions.iter().map(view::session).collect();
            Ok(Json(json!({ "sessions": sessions })))
        }
        Err(error) => Err(Problem::of(error, Operation::Account)),
    }
}

pub(super) async fn export(
    State(door): State<Arc<Door>>,
    Player { who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.export(&who).await {
        Ok(export) => Ok(Json(json!(export))),
        Err(error) => Err(Problem::of(error, Operation::Account)),
    }
}
