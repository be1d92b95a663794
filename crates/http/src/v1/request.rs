//! What a request is read into before it means anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use authcore::account::AccountId;
use authcore::refusal::Operation;
use authcore::{Authenticated, Operator, RequestContext};
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Door;
use super::problem::Problem;
use crate::address;

/// A request of anybody: what surrounds it, who asks where that is said, and what the body holds.
pub(super) struct Anyone<B> {
    pub(super) context: RequestContext,
    pub(super) who: Option<Authenticated>,
    pub(super) body: B,
}

/// A request of a player, whose access token is good.
pub(super) struct Player<B> {
    pub(super) context: RequestContext,
    pub(super) who: Authenticated,
    pub(super) body: B,
}

/// A request of an operator, whose key is right.
pub(super) struct ByOperator<B> {
    pub(super) context: RequestContext,
    pub(super) operator: Operator,
    pub(super) body: B,
}

/// The account that a path names.
pub(super) struct Named(pub(super) AccountId);

/// A body without content.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for Anyone<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let context = context(&parts, door.config.proxy_count);
        let who = match bearer(&parts.headers) {
            Some(token) => Some(verify(door, token).await?),
            None => None,
        };
        let body = read(door, Request::from_parts(parts, body)).await?;
        Ok(Self { context, who, body })
    }
}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for Player<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        // Who it is comes before what it says.
        let token = bearer(request.headers()).ok_or_else(Problem::token_required)?;
        let who = verify(door, token).await?;
        let (parts, body) = request.into_parts();
        let context = context(&parts, door.config.proxy_count);
        let body = read(door, Request::from_parts(parts, body)).await?;
        Ok(Self { context, who, body })
    }
}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for ByOperator<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        let key = door.config.operator_key.as_ref().map(|key| key.reveal().as_bytes());
        let given = bearer(request.headers()).map(str::as_bytes);
        let (Some(key), Some(given)) = (key, given) else {
            return Err(Problem::operator_key_required());
        };
        if !crate::constant_time::eq(given, key) {
            return Err(Problem::operator_key_required());
        }
        // Whoever works for several people says for whom; the key is what counts.
        let named = request.headers().get("x-operator").and_then(|name| name.to_str().ok());
        let name = named.filter(|name| (1..=128).contains(&name.len()));
        let operator = Operator::vouched_for(name.unwrap_or("holder of the operator key"));
        let (parts, body) = request.into_parts();
        let context = context(&parts, door.config.proxy_count);
        let body = read(door, Request::from_parts(parts, body)).await?;
        Ok(Self { context, operator, body })
    }
}

impl FromRequestParts<Arc<Door>> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Problem> {
        let path = Path::<AccountId>::from_request_parts(parts, door).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Problem::bad_path("an account's id is a UUID"))
    }
}

async fn verify(door: &Door, token: &str) -> Result<Authenticated, Problem> {
    let verified = door.engine.verify(token).await;
    verified.map_err(|error| Problem::of(error, Operation::Account))
}

/// The body as JSON; none is an empty object.
async fn read<B: DeserializeOwned>(door: &Door, request: Request) -> Result<B, Problem> {
    let body = axum::body::to_bytes(request.into_body(), door.config.body_limit).await;
    let body = body.map_err(|_| Problem::body_too_large(door.config.body_limit))?;
    let json = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
    serde_json::from_slice(&json).map_err(|error| Problem::bad_body(&error.to_string()))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    // Two headers would leave it to chance which of them a proxy in front has checked.
    let only = values.next().is_none();
    value.to_str().ok()?.strip_prefix("Bearer ").filter(|token| only && !token.is_empty())
}

fn context(parts: &Parts, proxies: usize) -> RequestContext {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let address = address::resolve(peer, &parts.headers, proxies);
    let text = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let mut context = RequestContext::from_address(address);
    context.user_agent = text(header::USER_AGENT.as_str());
    context.locale = text(header::ACCEPT_LANGUAGE.as_str());
    context.device_id = text("x-device-id");
    context.device_name = text("x-device-name");
    context.request_id = text("x-request-id");
    context
}
