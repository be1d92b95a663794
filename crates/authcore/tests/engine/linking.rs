use authcore::account::{ProfileUpdate, ProviderId};
use authcore::event::{EventCursor, EventKind};
use authcore::refusal::{Field, Rule};
use authcore::{FindAccounts, Link, Login, Logout, Operator, Policy, Refusal, Unlink};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use crate::{block_on, context, custom, device, email, log_in, refusal, try_log_in, who};

const DEVICE: &str = "0123456789";
const PASSWORD: &str = "correct horse battery";

#[test]
fn a_linked_login_opens_the_same_account() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        for credential in
            [custom("custom-id"), device("second-device"), email("me@example.com", PASSWORD)]
        {
            let link = Link::new(credential.clone());
            world.engine().link(&context(), &caller, link).await.unwrap();
            assert_eq!(log_in(world.engine(), credential).await.account.id, player.account.id);
        }
    });
}

#[test]
fn nakama_l1_l3_what_another_account_owns_is_refused_and_stays() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let owner = log_in(world.engine(), device(DEVICE)).await;
        let other = log_in(world.engine(), custom("custom-id")).await;
        let caller = who(world.engine(), &other).await;
        let link = Link::new(device(DEVICE));
        let refused = refusal(world.engine().link(&context(), &caller, link).await);
        assert_eq!(refused, Refusal::IdentityTaken { provider: ProviderId::DEVICE, ticket: None });
        assert_eq!(log_in(world.engine(), device(DEVICE)).await.account.id, owner.account.id);
        let own = Link::new(device(DEVICE));
        let caller = who(world.engine(), &owner).await;
        world.engine().link(&context(), &caller, own).await.unwrap();
    });
}

#[test]
fn nakama_l2_a_second_custom_id_takes_the_firsts_place() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), custom("first-id")).await;
        let caller = who(world.engine(), &player).await;
        world.engine().link(&context(), &caller, Link::new(custom("second-id"))).await.unwrap();
        let login = Login::new(custom("first-id")).without_creating();
        let gone = world.engine().login(&context(), login).await;
        assert_eq!(refusal(gone), Refusal::AccountNotFound);
    });
}

#[test]
fn nakama_k4_a_device_must_be_named() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        for unlink in [Unlink::any(ProviderId::DEVICE), Unlink::exactly(ProviderId::DEVICE, "")] {
            let refused = refusal(world.engine().unlink(&context(), &caller, unlink).await);
            assert_eq!(refused, Refusal::Invalid { field: Field::DeviceId, rule: Rule::Required });
        }
    });
}

#[test]
fn nakama_k_unlinking_through_the_engine() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        let context = context();
        let unlink = |unlink| world.engine().unlink(&context, &caller, unlink);
        let last = unlink(Unlink::exactly(ProviderId::DEVICE, DEVICE)).await;
        assert_eq!(refusal(last), Refusal::LastIdentity(ProviderId::DEVICE));
        world
            .engine()
            .link(&context, &caller, Link::new(email("Me@Example.com", PASSWORD)))
            .await
            .unwrap();
        let foreign = unlink(Unlink::exactly(ProviderId::EMAIL, "you@example.com")).await;
        assert_eq!(refusal(foreign), Refusal::NotLinked(ProviderId::EMAIL));
        unlink(Unlink::any(ProviderId::CUSTOM)).await.unwrap();
        let account = unlink(Unlink::exactly(ProviderId::EMAIL, "ME@EXAMPLE.COM")).await.unwrap();
        assert_eq!((account.identities.len(), account.password), (1, None));
    });
}

#[test]
fn security_63_72_an_unlink_ends_the_other_sessions_under_the_safe_policy() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let by_device = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &by_device).await;
        world.engine().link(&context(), &caller, Link::new(custom("custom-id"))).await.unwrap();
        let by_custom = log_in(world.engine(), custom("custom-id")).await;
        world.engine().unlink(&context(), &caller, Unlink::any(ProviderId::CUSTOM)).await.unwrap();
        assert!(world.engine().verify(by_device.tokens.access.reveal()).await.is_ok());
        assert!(world.engine().verify(by_custom.tokens.access.reveal()).await.is_err());
        // Unlinking what opened the caller's own session ends that one as well.
        world.engine().link(&context(), &caller, Link::new(custom("custom-id"))).await.unwrap();
        let unlink = Unlink::exactly(ProviderId::DEVICE, DEVICE);
        world.engine().unlink(&context(), &caller, unlink).await.unwrap();
        assert!(world.engine().verify(by_device.tokens.access.reveal()).await.is_err());
    });
}

#[test]
fn security_39_a_login_that_is_too_old_must_be_renewed() {
    block_on(async {
        let policy = Policy { access_lifetime: TimeDelta::minutes(30), ..Policy::recommended() };
        let world = Harness::with_policy(policy);
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        world.clock().advance(TimeDelta::minutes(10));
        let engine = world.engine();
        let link = engine.link(&context(), &caller, Link::new(custom("custom-id"))).await;
        assert_eq!(refusal(link), Refusal::RecentLoginRequired);
        let unlink = engine.unlink(&context(), &caller, Unlink::any(ProviderId::CUSTOM)).await;
        assert_eq!(refusal(unlink), Refusal::RecentLoginRequired);
        let delete = engine.delete_account(&context(), &caller).await;
        assert_eq!(refusal(delete), Refusal::RecentLoginRequired);
    });
}

#[test]
fn a_proof_whose_session_has_ended_is_none() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        let operator = Operator::vouched_for("test");
        let ban = authcore::BanRequest::permanent();
        world.engine().ban(&operator, player.account.id, ban).await.unwrap();
        let (engine, context) = (world.engine(), context());
        let mut update = ProfileUpdate::default();
        update.display_name = Some("Ann".into());
        let answers = [
            engine.link(&context, &caller, Link::new(custom("custom-id"))).await.map(drop),
            engine.unlink(&context, &caller, Unlink::any(ProviderId::CUSTOM)).await.map(drop),
            engine.update_profile(&context, &caller, update).await.map(drop),
            engine.account(&context, &caller).await.map(drop),
            engine.find_accounts(&context, &caller, FindAccounts::default()).await.map(drop),
            engine.sessions(&caller).await.map(drop),
            engine.logout(&context, &caller, Logout::ThisSession).await,
            engine.logout(&context, &caller, Logout::Everywhere).await,
            engine.delete_account(&context, &caller).await,
        ];
        for answer in answers {
            assert_eq!(refusal(answer), Refusal::AccessTokenInvalid);
        }
        engine.unban(&operator, player.account.id, authcore::UnbanRequest::new()).await.unwrap();
        assert!(!log_in(engine, device(DEVICE)).await.created, "the account is still there");
    });
}

#[test]
fn a_new_password_on_link_ends_the_other_sessions_under_the_safe_policy() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let first = log_in(world.engine(), email("me@example.com", PASSWORD)).await;
        let thief = log_in(world.engine(), email("me@example.com", PASSWORD)).await;
        let caller = who(world.engine(), &first).await;
        let link = Link::new(email("me@example.com", "a better horse battery"));
        world.engine().link(&context(), &caller, link).await.unwrap();
        assert!(world.engine().verify(first.tokens.access.reveal()).await.is_ok());
        assert!(world.engine().verify(thief.tokens.access.reveal()).await.is_err());
        let old = try_log_in(world.engine(), email("me@example.com", PASSWORD)).await;
        assert_eq!(refusal(old), Refusal::WrongPassword);
    });
}

#[test]
fn every_change_is_told_and_a_plain_login_is_not() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        world.engine().link(&context(), &caller, Link::new(custom("custom-id"))).await.unwrap();
        world.engine().unlink(&context(), &caller, Unlink::any(ProviderId::CUSTOM)).await.unwrap();
        let operator = Operator::vouched_for("test");
        let events = world.engine().events(&operator, EventCursor::START, 100).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|stored| &stored.event.kind).collect();
        assert!(
            matches!(
                kinds.as_slice(),
                [
                    EventKind::AccountCreated,
                    EventKind::IdentityLinked { .. },
                    EventKind::IdentityLinked { .. },
                    EventKind::IdentityUnlinked { .. },
                ]
            ),
            "{kinds:?}"
        );
        let rest = world.engine().events(&operator, events[1].cursor, 1).await.unwrap();
        assert_eq!(rest[0], events[2]);
        assert_eq!(world.engine().prune_events(&operator, events[2].cursor).await.unwrap(), 3);
        assert_eq!(world.engine().events(&operator, EventCursor::START, 9).await.unwrap().len(), 1);
    });
}
