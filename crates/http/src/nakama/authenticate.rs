//! `POST /v2/account/authenticate/{kind}` (nakama 5, 6).

use authcore::refusal::Operation;
use authcore::{Credential, Login, Secret};
use axum::response::Response;
use serde::Deserialize;

use super::answer::session;
use super::provider::{self, Long, Wrapped};
use super::routes::Kind;
use super::transport::error::ApiError;
use super::transport::json;
use super::transport::query::Query;
use super::{Door, Received};

/// What the bodies of all kinds may hold; each kind reads its own.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Presented {
    pub(super) id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) token: Option<Secret>,
    pub(super) signed_player_info: Option<Secret>,
    pub(super) player_id: Option<String>,
    pub(super) bundle_id: Option<String>,
    pub(super) timestamp_seconds: Option<Long>,
    pub(super) salt: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) public_key_url: Option<String>,
    pub(super) account: Option<Wrapped>,
    vars: Option<json::Vars>,
}

pub(super) async fn authenticate(
    door: &Door,
    kind: Kind,
    received: &Received,
) -> Result<Response, ApiError> {
    let presented: Presented = json::parse(&received.body)?;
    let query = Query::parse(received.query(), &["create", "username"], &[])?;
    let create = query.flag("create")?.unwrap_or(true);
    let username = query.text("username")?.map(str::to_owned);
    door.check_server_key(received)?;
    let mut login = Login::new(credential(door, kind, &presented, username.as_deref())?);
    login.create = create;
    login.username = username;
    login.vars = presented.vars.unwrap_or_default().0;
    match door.engine.login(&received.context, login).await {
        Ok(player) => Ok(session(player.created, &player.tokens)),
        Err(error) => Err(provider::to_error(error, Operation::Login, kind)),
    }
}

/// An empty email address stands for a login by username (nakama 6.2).
fn credential(
    door: &Door,
    kind: Kind,
    presented: &Presented,
    username: Option<&str>,
) -> Result<Credential, ApiError> {
    let id = || presented.id.as_deref().unwrap_or_default().into();
    let email = presented.email.as_deref().unwrap_or_default();
    let password = presented.password.clone().unwrap_or_default();
    Ok(match kind {
        Kind::Device => Credential::Device(id()),
        Kind::Custom => Credential::Custom(id()),
        Kind::Email if email.is_empty() => {
            Credential::Username { username: username.unwrap_or_default().into(), password }
        }
        Kind::Email => Credential::Email { email: email.into(), password },
        kind => provider::credential(door, kind, Operation::Login, presented)?,
    })
}
