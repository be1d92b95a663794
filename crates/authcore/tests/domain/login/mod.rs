//! Logging in: which account, by what proof, and what follows.

mod already;
mod device_link;
mod expected;
mod external;
mod friends;
mod gamebase;
mod limits;
mod nonces;
mod profile;
mod resume;
mod universal;
mod vectors;
mod verdict;

use std::sync::Arc;

use authcore::account::{Account, AccountId, CommitId, ProviderId};
use authcore::lifecycle::{Withdrawal, WithdrawalCause};
use authcore::session::Activity;
use authcore::store::{ChangeSet, Lookup, Snapshot, Store, Write};
use authcore::verifier::{VerifiedIdentity, VerifyContext, VerifyError};
use authcore::{Clock, Credential, Engine, LoggedIn, Login, Policy, Refusal};
use authcore_testkit::Harness;
use authcore_verifiers::{ExternalAnswer, external_fn, verifier_fn};

use super::{context, refusal, who};
use crate::store;

/// A harness with the external verifiers `v` and `w`: the token `ok` is good, `fault` breaks them, a token that is JSON is
/// the answer itself, and anything else is not good.
async fn external_world(policy: Policy) -> Harness {
    Harness::on(store(), policy, |builder| {
        ["v", "w"].into_iter().fold(builder, |builder, name| {
            let verifier = external_fn(name, |request| async move {
                match request.authentication_token.reveal() {
                    "ok" => Ok(true.into()),
                    "fault" => Err("the script is broken".into()),
                    answer if answer.starts_with('{') => Ok(ExternalAnswer::from_json(answer)?),
                    _ => Ok::<_, authcore_verifiers::ExternalFault>(false.into()),
                }
            });
            builder.verifier(verifier.unwrap())
        })
    })
    .await
}

/// A harness with the one verifier `social`, which a credential's text is given to.
async fn social_world(
    policy: Policy,
    verify: fn(&str, &VerifyContext) -> Result<VerifiedIdentity, VerifyError>,
) -> Harness {
    let verifier = verifier_fn("social", move |credential, context| async move {
        verify(credential.reveal(), &context)
    });
    Harness::on(store(), policy, |builder| builder.verifier(verifier.unwrap())).await
}

fn social(text: &str) -> Credential {
    Credential::Provider { provider: provider("social"), payload: text.into() }
}

fn provider(name: &str) -> ProviderId {
    ProviderId::new(name).unwrap()
}

fn external(name: &str, id: &str, token: &str) -> Credential {
    Credential::external(provider(name), id, token)
}

/// A device id of a short name.
fn device_id(name: &str) -> String {
    format!("device-of-{name}")
}

fn anonymous(name: &str) -> Credential {
    Credential::Device(device_id(name).into())
}

fn universal(id: &str, password: &str) -> Credential {
    Credential::Universal { id: id.into(), password: password.into() }
}

/// What a brainCloud client asks: its credential, whether to create, the account that it remembers, its device.
async fn ask(
    engine: &Engine,
    credential: Credential,
    create: bool,
    expected: &str,
    device: &str,
) -> Result<LoggedIn, Refusal> {
    let mut login =
        Login::new(credential).expecting(expected).with_device_link(device_id(device).as_str());
    login.create = create;
    match engine.login(&context(), login).await {
        Ok(player) => Ok(player),
        refused => Err(refusal(refused)),
    }
}

/// The account that somebody got in to, or why not.
fn into(result: &Result<LoggedIn, Refusal>) -> Result<AccountId, Refusal> {
    result.as_ref().map(|player| player.account.id).map_err(Clone::clone)
}

/// Whether the access token of a login still counts.
async fn lives(engine: &Engine, player: &LoggedIn) -> bool {
    engine.verify(player.tokens.access.reveal()).await.is_ok()
}

async fn load(world: &Harness, lookup: Lookup) -> Option<Snapshot> {
    world.store().load(&lookup).await.unwrap()
}

async fn kept(world: &Harness, id: AccountId) -> Snapshot {
    load(world, Lookup::Id(id)).await.unwrap()
}

async fn activity(world: &Harness, id: AccountId) -> Activity {
    kept(world, id).await.activity
}

/// Changes an account behind the engine's back.
async fn rewrite(world: &Harness, id: AccountId, change: impl FnOnce(&mut Account)) {
    let Snapshot { mut account, version, .. } = kept(world, id).await;
    change(&mut account);
    let write = Write::UpdateAccount { account: Box::new(account), expect: version };
    let store: &Arc<dyn Store> = world.store();
    let mut name = *id.as_bytes();
    name[0] = u8::try_from(version.number()).unwrap();
    let id = CommitId::from_bytes(name);
    let change = ChangeSet { id, require: vec![], writes: vec![write], events: vec![] };
    store.commit(&change).await.unwrap();
}

/// Makes an account a tombstone.
async fn withdraw(world: &Harness, id: AccountId) {
    let at = world.clock().now();
    rewrite(world, id, |account| {
        account.withdrawal = Withdrawal::Done { at, cause: WithdrawalCause::Player };
        account.identities.clear();
        account.epoch = account.epoch.next();
    })
    .await;
}

async fn delete(world: &Harness, player: &LoggedIn) {
    let who = who(world.engine(), player).await;
    world.engine().delete_account(&context(), &who).await.unwrap();
}
