//! `POST /v2/account/session/refresh` and `POST /v2/session/logout` (nakama 11.3, 11.4).

use authcore::refusal::Operation;
use authcore::{Logout, Refresh, Secret};
use axum::response::Response;
use serde::Deserialize;

use super::answer::{session, to_api_error};
use super::transport::error::ApiError;
use super::transport::{done, json};
use super::{Door, Received};

#[derive(Default, Deserialize)]
#[serde(default)]
struct RefreshBody {
    token: Option<Secret>,
    vars: Option<json::Vars>,
}

pub(super) async fn refresh(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let body: RefreshBody = json::parse(&received.body)?;
    door.check_server_key(received)?;
    let mut refresh = Refresh::new(body.token.unwrap_or_default());
    refresh.vars = body.vars.unwrap_or_default().0;
    match door.engine.refresh(&received.context, refresh).await {
        Ok(refreshed) => Ok(session(false, &refreshed.tokens)),
        Err(error) => Err(to_api_error(error, Operation::Refresh, None)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LogoutBody {
    token: Option<Secret>,
    #[serde(alias = "refreshToken")]
    refresh_token: Option<Secret>,
}

pub(super) async fn logout(door: &Door, received: &Received) -> Result<Response, ApiError> {
    let body: LogoutBody = json::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let access = body.token.filter(|token| !token.is_empty());
    let refresh = body.refresh_token.filter(|token| !token.is_empty());
    let logout = if access.is_none() && refresh.is_none() {
        Logout::Everywhere
    } else {
        Logout::Tokens { access, refresh }
    };
    match door.engine.logout(&received.context, &caller, logout).await {
        Ok(()) => Ok(done()),
        Err(error) => Err(to_api_error(error, Operation::Logout, None)),
    }
}
