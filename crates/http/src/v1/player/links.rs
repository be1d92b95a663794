use std::sync::Arc;

use authcore::account::ProviderId;
use authcore::refusal::Operation;
use authcore::{Link, Merge, Secret, Unlink};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::v1::credential::CredentialBody;
use crate::v1::problem::Problem;
use crate::v1::request::{Named, Nothing, Player};
use crate::v1::{Door, view};

pub(super) async fn list(
    State(door): State<Arc<Door>>,
    Player { who, .. }: Player<Nothing>,
) -> Result<Json<Value>, Problem> {
    match door.engine.mappings(&who).await {
        Ok(identities) => {
            let identities: Vec<_> = identities.iter().map(view::identity).collect();
            Ok(Json(json!({ "identities": identities })))
        }
        Err(error) => Err(Problem::of(error, Operation::Account)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkBody {
    credential: CredentialBody,
}

pub(super) async fn link(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<LinkBody>,
) -> Result<Json<Value>, Problem> {
    let link = Link::new(body.credential.credential()?);
    match door.engine.link(&context, &who, link).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Link)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlinkBody {
    /// Which one, where there are several: the id or address of a built-in kind, or what the verifier takes.
    exactly: Option<Secret>,
    /// That only device ids may be left.
    #[serde(default)]
    confirmed: bool,
}

pub(super) async fn unlink(
    State(door): State<Arc<Door>>,
    Named(provider): Named<String>,
    Player { context, who, body }: Player<UnlinkBody>,
) -> Result<Json<Value>, Problem> {
    let provider = ProviderId::new(&provider).map_err(|_| Problem::not_found())?;
    let mut unlink = Unlink::any(provider);
    unlink.exactly = body.exactly;
    unlink.confirmed = body.confirmed;
    match door.engine.unlink(&context, &who, unlink).await {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::Unlink)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TicketBody {
    ticket: Secret,
    /// Proves the identity once more; not needed.
    credential: Option<CredentialBody>,
}

pub(super) async fn link_forcibly(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<TicketBody>,
) -> Result<Json<Value>, Problem> {
    let credential = body.credential.map(CredentialBody::credential).transpose()?;
    let linked = match credential {
        None => door.engine.link_forcibly(&context, &who, &body.ticket).await,
        Some(credential) => {
            let link = Link::new(credential);
            door.engine.link_forcibly_with(&context, &who, &body.ticket, link).await
        }
    };
    match linked {
        Ok(account) => Ok(Json(view::account(&account))),
        Err(error) => Err(Problem::of(error, Operation::LinkForcibly)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeLoginBody {
    ticket: Secret,
}

pub(super) async fn change_login(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<ChangeLoginBody>,
) -> Result<Json<Value>, Problem> {
    match door.engine.change_login(&context, &who, &body.ticket).await {
        Ok(player) => Ok(Json(view::logged_in(&player))),
        Err(error) => Err(Problem::of(error, Operation::ChangeLogin)),
    }
}

pub(super) async fn merge(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<LinkBody>,
) -> Result<Json<Value>, Problem> {
    let merge = Merge::new(body.credential.credential()?);
    match door.engine.merge(&context, &who, merge).await {
        Ok(merged) => Ok(Json(json!({
            "account": view::account(&merged.account),
            "session": view::session(&merged.session),
            "report": merged.report.as_ref().map(view::merge),
            "tokens": merged.tokens.as_ref().map(view::tokens),
        }))),
        Err(error) => Err(Problem::of(error, Operation::Merge)),
    }
}

pub(super) async fn merge_preview(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<LinkBody>,
) -> Result<Json<Value>, Problem> {
    let merge = Merge::new(body.credential.credential()?);
    match door.engine.merge_preview(&context, &who, merge).await {
        Ok(report) => Ok(Json(json!({ "report": report.as_ref().map(view::merge) }))),
        Err(error) => Err(Problem::of(error, Operation::Merge)),
    }
}
