use authcore::account::ProviderId;
use authcore::refusal::{Field, Rule};
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Credential, Login, Policy, Refusal, Secret};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use crate::{block_on, by_name, context, custom, device, log_in, refusal, try_log_in};

#[test]
fn nakama_a10_the_second_login_finds_the_account() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let first = log_in(world.engine(), device("0123456789")).await;
        let second = log_in(world.engine(), device("0123456789")).await;
        assert!(first.created && !second.created);
        assert_eq!(first.account.id, second.account.id);
        assert_ne!(first.session.id, second.session.id, "security 33: each login opens a session");
    });
}

#[test]
fn nakama_a6_ids_that_differ_by_case_are_two_players() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let lower = log_in(world.engine(), custom("abcdef")).await;
        let upper = log_in(world.engine(), custom("ABCDEF")).await;
        assert_ne!(lower.account.id, upper.account.id);
    });
}

#[test]
fn one_id_under_two_providers_is_two_players() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let id = "the-same-id-in-both-kinds";
        let ids = [
            log_in(world.engine(), device(id)).await.account.id,
            log_in(world.engine(), custom(id)).await.account.id,
            log_in(world.engine(), Credential::Guest(id.into())).await.account.id,
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    });
}

#[test]
fn nakama_5_create_false_makes_nothing() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let login = Login::new(device("0123456789")).without_creating();
        assert_eq!(
            refusal(world.engine().login(&context(), login).await),
            Refusal::AccountNotFound
        );
        assert!(log_in(world.engine(), device("0123456789")).await.created);
    });
}

#[test]
fn nakama_a8_usernames() {
    block_on(async {
        let world = Harness::on(
            std::sync::Arc::new(authcore_store_memory::MemoryStore::new()),
            Policy::nakama(),
            |builder| builder.folding(authcore::account::Folding::Exact),
        )
        .await;
        let named = |id: &str, name: &str| Login::new(device(id)).with_username(name);
        let engine = world.engine();
        let alice = engine.login(&context(), named("device-of-alice", "alice")).await.unwrap();
        assert_eq!(&*alice.account.username.unwrap().shown, "alice");
        let taken = engine.login(&context(), named("another-device", "alice")).await;
        assert_eq!(refusal(taken), Refusal::UsernameTaken);
        assert!(engine.login(&context(), named("another-device", "Alice")).await.unwrap().created);
        let bad = engine.login(&context(), named("third-device", "a\tb")).await;
        let rule = Rule::Forbidden;
        assert_eq!(refusal(bad), Refusal::Invalid { field: Field::Username, rule });
    });
}

#[test]
fn nakama_a9_an_account_that_exists_keeps_its_name_but_the_name_is_checked() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let named = |name: &str| Login::new(device("0123456789")).with_username(name);
        let engine = world.engine();
        engine.login(&context(), named("alice")).await.unwrap();
        let again = engine.login(&context(), named("bob")).await.unwrap();
        assert_eq!(&*again.account.username.unwrap().shown, "alice");
        let bad = engine.login(&context(), named("[]")).await;
        assert!(matches!(refusal(bad), Refusal::Invalid { field: Field::Username, .. }));
    });
}

#[test]
fn nakama_4_4_a_name_is_made_when_none_is_given() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device("0123456789")).await;
        assert_eq!(player.account.username.unwrap().shown.len(), 10);
        let world = Harness::with_policy(Policy::recommended());
        assert_eq!(log_in(world.engine(), device("0123456789")).await.account.username, None);
    });
}

#[test]
fn look_alike_usernames_are_taken_under_the_safe_folding() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let named = |id: &str, name: &str| Login::new(device(id)).with_username(name);
        let engine = world.engine();
        engine.login(&context(), named("first-device", "alice")).await.unwrap();
        let taken = engine.login(&context(), named("second-device", "ALICE")).await;
        assert_eq!(refusal(taken), Refusal::UsernameTaken);
    });
}

#[test]
fn logins_are_counted_and_dated() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let player = log_in(world.engine(), device("0123456789")).await;
        world.clock().advance(TimeDelta::hours(1));
        log_in(world.engine(), device("0123456789")).await;
        let lookup = authcore::store::Lookup::Id(player.account.id);
        let activity = world.store().load(&lookup).await.unwrap().unwrap().activity;
        assert_eq!(activity.login_count, 2);
        let step = activity.last_login.unwrap().at - activity.previous_login_at.unwrap();
        assert_eq!(step, TimeDelta::hours(1));
    });
}

#[test]
fn vars_are_bounded() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mut login = Login::new(device("0123456789"));
        login.vars.insert("key".into(), "x".repeat(2045));
        assert!(world.engine().login(&context(), login.clone()).await.is_ok());
        login.vars.insert("key".into(), "x".repeat(2046));
        let refused = refusal(world.engine().login(&context(), login).await);
        let rule = Rule::Bytes { min: 0, max: 2048 };
        assert_eq!(refused, Refusal::Invalid { field: Field::Vars, rule });
    });
}

#[test]
fn the_worst_vars_still_fit_into_a_token() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mut login = Login::new(device("0123456789"));
        login.username = Some("\u{85}".repeat(64));
        login.vars.insert("\u{1}".repeat(1024), "\u{1}".repeat(1024));
        let player = world.engine().login(&context(), login.clone()).await.unwrap();
        let who = world.engine().verify(player.tokens.access.reveal()).await.unwrap();
        assert_eq!(who.session().client_vars, login.vars);
    });
}

#[derive(Debug)]
struct Portal(ProviderId);

#[async_trait::async_trait]
impl Verifier for Portal {
    fn provider(&self) -> &ProviderId {
        &self.0
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        match credential.reveal().strip_prefix("ticket-of-") {
            Some("nobody") => Err(VerifyError::unavailable("down")),
            Some(subject) => {
                let used_up = authcore::store::SingleUseKey::new([7; 32]);
                Ok(context.identity(subject).using_up(used_up, context.now() + TimeDelta::hours(1)))
            }
            None => Err(VerifyError::Rejected("not a ticket")),
        }
    }
}

fn portal(payload: &str) -> Credential {
    let provider = ProviderId::new("portal").unwrap();
    Credential::Provider { provider, payload: payload.into() }
}

#[test]
fn a_verifier_proves_who_logs_in() {
    block_on(async {
        let world = Harness::on(
            std::sync::Arc::new(authcore_store_memory::MemoryStore::new()),
            Policy::recommended(),
            |builder| builder.verifier(Portal(ProviderId::new("portal").unwrap())),
        )
        .await;
        let player = log_in(world.engine(), portal("ticket-of-ann")).await;
        assert_eq!(player.account.identities[0].key.subject(), "ann");
        // What may be used once is used up in the same commit, for whoever shows it next.
        let again = try_log_in(world.engine(), portal("ticket-of-bob")).await;
        let provider = ProviderId::new("portal").unwrap();
        assert_eq!(
            refusal(again),
            Refusal::CredentialRejected { provider: provider.clone(), extra: None }
        );
        let forged = try_log_in(world.engine(), portal("forged")).await;
        assert_eq!(refusal(forged), Refusal::CredentialRejected { provider, extra: None });
        let down = refusal(try_log_in(world.engine(), portal("ticket-of-nobody")).await);
        assert_eq!(down.code(), "provider_unavailable");
    });
}

#[test]
fn what_may_be_used_once_is_used_up_by_an_unlink_as_well() {
    block_on(async {
        let world = Harness::on(
            std::sync::Arc::new(authcore_store_memory::MemoryStore::new()),
            Policy::nakama(),
            |builder| builder.verifier(Portal(ProviderId::new("portal").unwrap())),
        )
        .await;
        let (engine, provider) = (world.engine(), ProviderId::new("portal").unwrap());
        let mut imported = authcore::ImportedAccount::default();
        imported.identities = vec![
            authcore::ImportedIdentity::new(provider.clone(), "ann"),
            authcore::ImportedIdentity::new(ProviderId::DEVICE, "0123456789"),
        ];
        let operator = authcore::Operator::vouched_for("migration");
        engine.import_account(&operator, imported).await.unwrap();
        let player = log_in(engine, device("0123456789")).await;
        let caller = crate::who(engine, &player).await;
        let unlink = authcore::Unlink::exactly(provider.clone(), "ticket-of-ann");
        engine.unlink(&context(), &caller, unlink).await.unwrap();
        let again = try_log_in(engine, portal("ticket-of-ann")).await;
        assert_eq!(
            refusal(again),
            Refusal::CredentialRejected { provider: provider.clone(), extra: None }
        );
        let link = authcore::Link::new(portal("ticket-of-ann"));
        let again = engine.link(&context(), &caller, link).await;
        assert_eq!(refusal(again), Refusal::CredentialRejected { provider, extra: None });
    });
}

#[test]
fn a_provider_without_a_verifier_is_not_configured() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let provider = ProviderId::new("portal").unwrap();
        let refused = refusal(try_log_in(world.engine(), portal("ticket-of-ann")).await);
        assert_eq!(refused, Refusal::ProviderNotConfigured(provider.clone()));
        let engine = world.engine().with_policy(Policy::recommended()).unwrap();
        let refused = refusal(try_log_in(&engine, portal("ticket-of-ann")).await);
        assert_eq!(refused, Refusal::CredentialRejected { provider, extra: None });
    });
}

#[test]
fn an_unknown_username_makes_nothing() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let refused = refusal(try_log_in(world.engine(), by_name("nobody", "password")).await);
        assert_eq!(refused, Refusal::AccountNotFound);
    });
}
