use std::sync::Arc;

use authcore::refusal::Operation;
use authcore::session::Vars;
use authcore::{Login, Logout, Refresh, Resume, Secret};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::v1::credential::CredentialBody;
use crate::v1::problem::Problem;
use crate::v1::request::{Anyone, Newcomer, Player};
use crate::v1::{Door, view};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginBody {
    credential: CredentialBody,
    #[serde(default = "yes")]
    create: bool,
    username: Option<String>,
    /// The saved account: what is no id never matches.
    expected_account: Option<String>,
    device_link: Option<Secret>,
    #[serde(default)]
    ignore_already_logged_in: bool,
    #[serde(default)]
    vars: Vars,
}

const fn yes() -> bool {
    true
}

pub(super) async fn login(
    State(door): State<Arc<Door>>,
    Newcomer { context, who, body }: Newcomer<LoginBody>,
) -> Result<Json<Value>, Problem> {
    let mut login = Login::new(body.credential.credential()?);
    login.create = body.create;
    login.username = body.username;
    login.vars = body.vars;
    login.expected_account = body.expected_account;
    login.device_link = body.device_link;
    login.current = who.map(Box::new);
    login.ignore_already_logged_in = body.ignore_already_logged_in;
    match door.engine.login(&context, login).await {
        Ok(player) => Ok(Json(view::logged_in(&player))),
        Err(error) => Err(Problem::of(error, Operation::Login)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeBody {
    token: Secret,
    credential: Option<CredentialBody>,
}

pub(super) async fn resume(
    State(door): State<Arc<Door>>,
    Anyone { context, body }: Anyone<ResumeBody>,
) -> Result<Json<Value>, Problem> {
    let mut resume = Resume::new(body.token);
    resume.credential = body.credential.map(CredentialBody::credential).transpose()?;
    match door.engine.resume(&context, resume).await {
        Ok(player) => Ok(Json(view::logged_in(&player))),
        Err(error) => Err(Problem::of(error, Operation::Resume)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshBody {
    token: Secret,
    #[serde(default)]
    vars: Vars,
}

pub(super) async fn refresh(
    State(door): State<Arc<Door>>,
    Anyone { context, body }: Anyone<RefreshBody>,
) -> Result<Json<Value>, Problem> {
    let mut refresh = Refresh::new(body.token);
    refresh.vars = body.vars;
    match door.engine.refresh(&context, refresh).await {
        Ok(refreshed) => Ok(Json(json!({
            "account": view::account(&refreshed.account),
            "session": view::session(&refreshed.session),
            "tokens": view::tokens(&refreshed.tokens),
        }))),
        Err(error) => Err(Problem::of(error, Operation::Refresh)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogoutBody {
    #[serde(default)]
    everywhere: bool,
}

pub(super) async fn logout(
    State(door): State<Arc<Door>>,
    Player { context, who, body }: Player<LogoutBody>,
) -> Result<Json<Value>, Problem> {
    let logout = if body.everywhere { Logout::Everywhere } else { Logout::ThisSession };
    match door.engine.logout(&context, &who, logout).await {
        Ok(()) => Ok(Json(json!({}))),
        Err(error) => Err(Problem::of(error, Operation::Logout)),
    }
}
