//! The engine through its public API, on the memory store.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

#[path = "../domain/answered.rs"]
mod answered;
mod hooks;
mod import;
mod linking;
mod login;
mod operator;
mod passwords;
mod profile;
mod races;
mod sessions;
mod tokens;

pub(crate) use answered::refusal;
use authcore::{Authenticated, Credential, Engine, Error, LoggedIn, Login, RequestContext};
pub(crate) use futures_executor::block_on;

pub(crate) fn device(id: &str) -> Credential {
    Credential::Device(id.into())
}

pub(crate) fn custom(id: &str) -> Credential {
    Credential::Custom(id.into())
}

pub(crate) fn email(address: &str, password: &str) -> Credential {
    Credential::Email { email: address.into(), password: password.into() }
}

pub(crate) fn by_name(name: &str, password: &str) -> Credential {
    Credential::Username { username: name.into(), password: password.into() }
}

pub(crate) fn context() -> RequestContext {
    RequestContext::new()
}

pub(crate) async fn log_in(engine: &Engine, credential: Credential) -> LoggedIn {
    try_log_in(engine, credential).await.unwrap()
}

pub(crate) async fn try_log_in(engine: &Engine, credential: Credential) -> Result<LoggedIn, Error> {
    engine.login(&context(), Login::new(credential)).await
}

pub(crate) async fn who(engine: &Engine, player: &LoggedIn) -> Authenticated {
    engine.verify(player.tokens.access.reveal()).await.unwrap()
}
