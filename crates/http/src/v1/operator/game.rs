use std::net::IpAddr;
use std::sync::Arc;

use authcore::account::AccountId;
use authcore::event::EventCursor;
use authcore::{Closure, Kickout, TestDevice};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::problem;
use crate::v1::Door;
use crate::v1::problem::Problem;
use crate::v1::request::{Asked, ByOperator, Nothing};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClosureBody {
    begins_at: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
    message: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    test_device_ids: Vec<String>,
    #[serde(default)]
    test_addresses: Vec<IpAddr>,
}

/// Closes the game on this node, until it is opened or restarted.
pub(super) async fn close(
    State(door): State<Arc<Door>>,
    ByOperator { body, .. }: ByOperator<ClosureBody>,
) -> Result<Json<Value>, Problem> {
    let ids = body.test_device_ids.into_iter().map(TestDevice::Id);
    let addresses = body.test_addresses.into_iter().map(TestDevice::Address);
    let closure = Closure {
        begins_at: body.begins_at,
        ends_at: body.ends_at,
        message: body.message,
        url: body.url,
        test_devices: ids.chain(addresses).collect(),
    };
    door.engine.set_closure(Some(closure));
    Ok(Json(json!({})))
}

pub(super) async fn open(
    State(door): State<Arc<Door>>,
    _: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    door.engine.set_closure(None);
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KickoutBody {
    /// Whom; everybody when it is left out.
    account: Option<AccountId>,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    revoke_tokens: bool,
}

pub(super) async fn kickout(
    State(door): State<Arc<Door>>,
    ByOperator { operator, body, .. }: ByOperator<KickoutBody>,
) -> Result<Json<Value>, Problem> {
    let KickoutBody { account, reason, revoke_tokens } = body;
    let mut kickout = Kickout::everybody(reason);
    kickout.account = account;
    kickout.revoke_tokens = revoke_tokens;
    door.engine.kickout(&operator, kickout).await.map_err(problem)?;
    Ok(Json(json!({})))
}

pub(super) async fn end_all_sessions(
    State(door): State<Arc<Door>>,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    door.engine.end_all_sessions(&operator).await.map_err(problem)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    after: EventCursor,
    #[serde(default = "hundred")]
    limit: u32,
}

const fn hundred() -> u32 {
    100
}

pub(super) async fn events(
    State(door): State<Arc<Door>>,
    Asked(page): Asked<Page>,
    ByOperator { operator, .. }: ByOperator<Nothing>,
) -> Result<Json<Value>, Problem> {
    let events = door.engine.events(&operator, page.after, page.limit).await.map_err(problem)?;
    let events: Vec<_> = events
        .iter()
        .map(|stored| {
            json!({
                "cursor": stored.cursor,
                "account": stored.event.account,
                "at": stored.event.at,
                "event": stored.event.kind,
            })
        })
        .collect();
    Ok(Json(json!({ "events": events })))
}
