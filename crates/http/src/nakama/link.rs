//! `POST /v2/account/link/{kind}` and `/unlink/{kind}` (nakama 9, 10).

use authcore::refusal::Operation;
use authcore::{Credential, Link, Secret, Unlink};
use axum::response::Response;

use super::authenticate::Presented;
use super::provider;
use super::routes::Kind;
use super::transport::error::ApiError;
use super::transport::{done, json};
use super::{Door, Received};

pub(super) async fn link(
    door: &Door,
    kind: Kind,
    received: &Received,
) -> Result<Response, ApiError> {
    let presented: Presented = json::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let id = || presented.id.as_deref().unwrap_or_default().into();
    let credential = match kind {
        Kind::Device => Credential::Device(id()),
        Kind::Custom => Credential::Custom(id()),
        Kind::Email => Credential::Email {
            email: presented.email.clone().unwrap_or_default(),
            password: presented.password.clone().unwrap_or_default(),
        },
        kind => provider::credential(door, kind, Operation::Link, &presented)?,
    };
    match door.engine.link(&received.context, &caller, Link::new(credential)).await {
        Ok(_) => Ok(done()),
        Err(error) => Err(provider::to_error(error, Operation::Link, kind)),
    }
}

pub(super) async fn unlink(
    door: &Door,
    kind: Kind,
    received: &Received,
) -> Result<Response, ApiError> {
    let presented: Presented = json::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let which = match kind {
        Kind::Device | Kind::Custom => presented.id.map(Secret::new),
        Kind::Email => presented.email.map(Secret::new),
        kind => provider::named(kind, &presented),
    };
    let unlink = match which.filter(|which| !which.is_empty()) {
        Some(which) => Unlink::exactly(kind.provider(), which),
        None => Unlink::any(kind.provider()),
    };
    match door.engine.unlink(&received.context, &caller, unlink).await {
        Ok(_) => Ok(done()),
        Err(error) => Err(provider::to_error(error, Operation::Unlink, kind)),
    }
}
