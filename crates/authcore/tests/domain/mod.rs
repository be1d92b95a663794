//! The tests, each of which runs on every store: the file that includes this module says which, by its `store()`.
//! A test's name begins with the row or decision of the specification that it holds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod answered;
mod login;
mod mapping;
mod standing;
mod transfer;

use authcore::{
    Authenticated, Credential, Engine, Error, LoggedIn, Login, Operator, Policy, RequestContext,
};
use authcore_testkit::{Builder, Harness};
use authcore_verifiers::verifier_fn;
use futures_executor::block_on;

use crate::store;
use answered::refusal;

/// A harness on a fresh store, with a verifier for each provider that the tests name: the credential is the subject,
/// with a former subject after `<`, and `bad` is rejected.
async fn world(policy: Policy) -> Harness {
    world_with(policy, |builder| builder).await
}

/// As [`world`], with more to add to the builder.
async fn world_with(policy: Policy, build: impl FnOnce(Builder) -> Builder + Send) -> Harness {
    Harness::on(store(), policy, |builder| {
        let providers = ["facebook", "google", "apple", "line"];
        build(providers.into_iter().fold(builder, |builder, provider| {
            let verifier = verifier_fn(provider, |credential, context| async move {
                match credential.reveal() {
                    "bad" => Err(authcore::verifier::VerifyError::Rejected("bad")),
                    subject => Ok(match subject.split_once('<') {
                        Some((subject, former)) => context.identity(subject).formerly([former]),
                        None => context.identity(subject),
                    }),
                }
            });
            builder.verifier(verifier.unwrap())
        }))
    })
    .await
}

fn guest(key: &str) -> Credential {
    Credential::Guest(key.into())
}

/// The credential of a subject at one of [`world`]'s providers.
fn at(provider: &str, subject: &str) -> Credential {
    let provider = authcore::account::ProviderId::new(provider).unwrap();
    Credential::Provider { provider, payload: subject.into() }
}

fn context() -> RequestContext {
    RequestContext::new()
}

fn operator() -> Operator {
    Operator::vouched_for("test")
}

async fn try_log_in(engine: &Engine, credential: Credential) -> Result<LoggedIn, Error> {
    engine.login(&context(), Login::new(credential)).await
}

async fn log_in(engine: &Engine, credential: Credential) -> LoggedIn {
    try_log_in(engine, credential).await.unwrap()
}

async fn who(engine: &Engine, player: &LoggedIn) -> Authenticated {
    engine.verify(player.tokens.access.reveal()).await.unwrap()
}
