//! `/v2/account` and `/v2/user` (nakama 12).

use authcore::FindAccounts;
use authcore::account::{AccountId, ProfileUpdate};
use authcore::refusal::Operation;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{AccountAnswer, UsersAnswer, to_api_error};
use super::transport::error::ApiError;
use super::transport::query::Query;
use super::transport::{credentials, done, json, ok};
use super::{Door, Received};

pub(super) async fn get(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let token = credentials::bearer(received.headers())?;
    match door.engine.account_by_token(&received.context, token).await {
        Ok(account) => Ok(ok(&AccountAnswer::new(&account))),
        Err(error) => Err(to_api_error(error, Operation::Account, None)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateBody {
    username: Option<String>,
    #[serde(alias = "displayName")]
    display_name: Option<String>,
    #[serde(alias = "avatarUrl")]
    avatar_url: Option<String>,
    #[serde(alias = "langTag")]
    lang_tag: Option<String>,
    location: Option<String>,
    timezone: Option<String>,
}

pub(super) async fn update(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let body: UpdateBody = json::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let mut update = ProfileUpdate::default();
    update.username = body.username;
    update.display_name = body.display_name;
    update.avatar_url = body.avatar_url;
    update.lang_tag = body.lang_tag;
    update.location = body.location;
    update.timezone = body.timezone;
    match door.engine.update_profile(&received.context, &caller, update).await {
        Ok(_) => Ok(done()),
        Err(error) => Err(to_api_error(error, Operation::Update, None)),
    }
}

pub(super) async fn delete(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let caller = door.caller(received).await?;
    match door.engine.delete_account(&received.context, &caller).await {
        Ok(()) => Ok(done()),
        Err(error) => Err(to_api_error(error, Operation::Delete, None)),
    }
}

pub(super) async fn users(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let query = Query::parse(received.query(), &[], &["ids", "usernames", "facebook_ids"])?;
    let caller = door.caller(received).await?;
    let mut find = FindAccounts::default();
    for id in query.list("ids")? {
        // Other forms of a UUID are none of Nakama's.
        let parsed = (id.len() == 36).then(|| id.parse::<AccountId>().ok()).flatten();
        let message = || ApiError::invalid(format!("ID '{id}' is not a valid system ID."));
        find.ids.push(parsed.ok_or_else(message)?);
    }
    find.usernames = query.list("usernames")?.into_iter().map(Into::into).collect();
    match door.engine.find_accounts(&received.context, &caller, find).await {
        Ok(accounts) => Ok(ok(&UsersAnswer::new(&accounts))),
        Err(error) => Err(to_api_error(error, Operation::FindAccounts, None)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StorageBody {
    objects: Vec<StorageObject>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StorageObject {
    collection: String,
    key: String,
}

/// Says that it stored what it did not (nakama 13.7).
pub(super) async fn storage(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let body: StorageBody = json::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let acks: Vec<Value> = body
        .objects
        .into_iter()
        .map(|object| {
            json!({
                "collection": object.collection,
                "key": object.key,
                "user_id": caller.account().to_string(),
            })
        })
        .collect();
    Ok(ok(&json!({ "acks": acks })))
}
