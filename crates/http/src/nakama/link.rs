//! `POST /v2/account/link/{kind}` and `/unlink/{kind}` (nakama 9, 10).

use authcore::refusal::Operation;
use authcore::{Credential, Link, Unlink};
use axum::response::Response;

use super::answer::to_api_error;
use super::authenticate::Presented;
use super::routes::Kind;
use super::transport::error::ApiError;
use super::transport::{body, done};
use super::{Door, Received};

pub(super) async fn link(
    door: &Door,
    kind: Kind,
    received: &Received,
) -> Result<Response, ApiError> {
    let presented: Presented = body::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let id = || presented.id.as_deref().unwrap_or_default().into();
    let credential = match kind {
        Kind::Device => Credential::Device(id()),
        Kind::Custom => Credential::Custom(id()),
        Kind::Email => Credential::Email {
            email: presented.email.clone().unwrap_or_default(),
            password: presented.password.clone().unwrap_or_default(),
        },
    };
    match door.engine.link(&received.context, &caller, Link::new(credential)).await {
        Ok(_) => Ok(done()),
        Err(error) => Err(to_api_error(error, Operation::Link, Some(&kind.provider()))),
    }
}

pub(super) async fn unlink(
    door: &Door,
    kind: Kind,
    received: &Received,
) -> Result<Response, ApiError> {
    let presented: Presented = body::parse(&received.body)?;
    let caller = door.caller(received).await?;
    let which = match kind {
        Kind::Device | Kind::Custom => presented.id.as_deref(),
        Kind::Email => presented.email.as_deref(),
    };
    let unlink = match which.filter(|which| !which.is_empty()) {
        Some(which) => Unlink::exactly(kind.provider(), which),
        None => Unlink::any(kind.provider()),
    };
    match door.engine.unlink(&received.context, &caller, unlink).await {
        Ok(_) => Ok(done()),
        Err(error) => Err(to_api_error(error, Operation::Unlink, Some(&kind.provider()))),
    }
}
