//! What a request is read into before it means anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use authcore::account::AccountId;
use authcore::refusal::Operation;
use authcore::{Authenticated, Error, Operator, Refusal, RequestContext};
use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Door;
use super::problem::Problem;
use crate::address;

/// A request whose body holds all that proves anything: what surrounds it, and that body. An access token that comes with
/// it, over or not, is not looked at.
pub(super) struct Anyone<B> {
    pub(super) context: RequestContext,
    pub(super) body: B,
}

/// A request of somebody who may be logged in already, and may not: an access token that is over is none.
pub(super) struct Newcomer<B> {
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

/// What a path names: an account, unless said otherwise.
pub(super) struct Named<T = AccountId>(pub(super) T);

/// What a query asks for.
pub(super) struct Asked<T>(pub(super) T);

/// A body without content.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for Anyone<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let context = context(&parts, door.config.proxy_count);
        let body = read(body, door.config.body_limit).await?;
        Ok(Self { context, body })
    }
}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for Newcomer<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        let who = match bearer(request.headers()) {
            Some(token) => match door.engine.verify(token).await {
                Ok(who) => Some(who),
                Err(Error::Refused(Refusal::AccessTokenInvalid)) => None,
                Err(error) => return Err(Problem::of(error, Operation::Login)),
            },
            None => None,
        };
        let Anyone { context, body } = Anyone::from_request(request, door).await?;
        Ok(Self { context, who, body })
    }
}

impl<B: DeserializeOwned> FromRequest<Arc<Door>> for Player<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Arc<Door>) -> Result<Self, Problem> {
        // Who it is comes before what it says.
        let token = bearer(request.headers()).ok_or_else(Problem::token_required)?;
        let verified = door.engine.verify(token).await;
        let who = verified.map_err(|error| Problem::of(error, Operation::Account))?;
        let Anyone { context, body } = Anyone::from_request(request, door).await?;
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
        let operator = operator(request.headers())?;
        let (parts, body) = request.into_parts();
        let context = context(&parts, door.config.proxy_count);
        let body = read(body, door.config.operator_body_limit).await?;
        Ok(Self { context, operator, body })
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Door>> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, door).await;
        let bad = "an account's id is a UUID, an identity's ordinal a number, a name UTF-8";
        path.map(|Path(named)| Self(named)).map_err(|_| Problem::bad_path(bad))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<Door>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, door).await;
        query.map(|Query(asked)| Self(asked)).map_err(|_| Problem::bad_query())
    }
}

/// The body as JSON; none is an empty object. One that says that it is too large is not waited for.
async fn read<B: DeserializeOwned>(body: Body, limit: usize) -> Result<B, Problem> {
    let too_large = || Problem::body_too_large(limit);
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let body = axum::body::to_bytes(body, limit).await.map_err(|_| too_large())?;
    let json = if body.is_empty() { Bytes::from_static(b"{}") } else { body };
    // Of an array the parser would make an object, by the order of the members.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_body("expected one JSON object"));
    }
    serde_json::from_slice(&json).map_err(|error| Problem::unread_body(&error))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    // Two headers would leave it to chance which of them a proxy in front has checked.
    let only = values.next().is_none();
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    Some(token).filter(|token| only && is_bearer && !token.is_empty())
}

/// Whoever works for several people says for whom; the key is what counts. A name that cannot be kept is refused, or a ban
/// would be put down to nobody.
fn operator(headers: &HeaderMap) -> Result<Operator, Problem> {
    let mut names = headers.get_all("x-operator").iter();
    let Some(name) = names.next() else {
        return Ok(Operator::vouched_for("holder of the operator key"));
    };
    let name = name.to_str().ok().filter(|name| (1..=128).contains(&name.len()));
    match (name, names.next()) {
        (Some(name), None) => Ok(Operator::vouched_for(name)),
        _ => Err(Problem::bad_header("X-Operator is one name, 1 to 128 characters of ASCII")),
    }
}

/// The language that the client prefers: the header lists several, each with its weight.
fn preferred_language(header: &str) -> Option<String> {
    let weighted = header.split(',').filter_map(|language| {
        let (tag, parameters) = language.split_once(';').unwrap_or((language, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.parse().ok())?;
        let tag = tag.trim();
        (!tag.is_empty() && tag != "*").then_some((tag, weight))
    });
    // Of those that weigh the same the first counts.
    let best = weighted.reduce(|best: (&str, f32), next| if next.1 > best.1 { next } else { best });
    best.map(|(tag, _)| tag.to_owned())
}

fn context(parts: &Parts, proxies: usize) -> RequestContext {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = info.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    let address = address::resolve(peer, &parts.headers, proxies);
    let text = |name: &str| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
    let mut context = RequestContext::from_address(address);
    context.user_agent = text(header::USER_AGENT.as_str());
    context.locale =
        text(header::ACCEPT_LANGUAGE.as_str()).and_then(|header| preferred_language(&header));
    context.device_id = text("x-device-id");
    context.device_name = text("x-device-name");
    context.request_id = text("x-request-id");
    context
}
