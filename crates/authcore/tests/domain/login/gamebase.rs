//! Login as Gamebase has it (gamebase 3.2, 3.3, 4.1, 4.2, 4.7, 4.8, X-26, X-27).

use authcore::account::ProviderId;
use authcore::event::{EventCursor, EventKind};
use authcore::{BanRequest, Clock, Link, Logout, Policy, Refusal};
use chrono::TimeDelta;

use super::{activity, context, lives, provider, refusal, rewrite, who, withdraw};
use crate::domain::{at, block_on, guest, log_in, operator, try_log_in, world};

const KEY: &str = "a-guest-key-of-16-bytes";

#[test]
fn gamebase_3_2_and_4_2_an_unknown_guest_key_makes_a_member_and_a_known_one_enters_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let first = log_in(world.engine(), guest(KEY)).await;
        let again = log_in(world.engine(), guest(KEY)).await;
        assert_eq!((first.created, again.created), (true, false));
        assert_eq!(first.account.id, again.account.id);
        assert_eq!(first.provider, Some(ProviderId::GUEST));
        let other = log_in(world.engine(), guest("another-key-of-16-bytes")).await;
        assert_ne!(other.account.id, first.account.id);
        let events = world.engine().events(&operator(), EventCursor::START, 2).await.unwrap();
        assert_eq!(events[0].event.kind, EventKind::AccountCreated);
        let provider = ProviderId::GUEST;
        let ordinal = first.account.identities[0].ordinal;
        assert_eq!(events[1].event.kind, EventKind::IdentityLinked { ordinal, provider });
    });
}

#[test]
fn gamebase_3_3_and_4_2_no_owner_makes_a_member_and_each_identity_enters_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        assert!(ann.created);
        let link = Link::new(at("google", "ann"));
        engine.link(&context(), &who(engine, &ann).await, link).await.unwrap();
        for name in ["facebook", "google"] {
            let again = log_in(engine, at(name, "ann")).await;
            assert_eq!((again.account.id, again.created), (ann.account.id, false));
            assert_eq!(again.provider, Some(provider(name)), "the last logged-in provider");
        }
    });
}

#[test]
fn gamebase_3_3_a_provider_that_is_not_configured_and_a_bad_credential() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let got = refusal(try_log_in(world.engine(), at("weibo", "ann")).await);
        assert_eq!(got, Refusal::ProviderNotConfigured(provider("weibo")));
        let got = refusal(try_log_in(world.engine(), at("google", "bad")).await);
        let provider = provider("google");
        assert_eq!(got, Refusal::CredentialRejected { provider, extra: None });
    });
}

#[test]
fn gamebase_x26_the_previous_login_is_absent_at_the_first_one() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let start = world.clock().now();
        let first = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!((first.login_count, first.previous_login_at), (1, None));
        world.clock().advance(TimeDelta::hours(1));
        let second = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!((second.login_count, second.previous_login_at), (2, Some(start)));
        world.clock().advance(TimeDelta::hours(1));
        let third = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(third.previous_login_at, Some(start + TimeDelta::hours(1)));
    });
}

#[test]
fn gamebase_x27_a_failed_login_does_not_count() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let before = activity(&world, ann.account.id).await;
        engine.ban(&operator(), ann.account.id, BanRequest::permanent()).await.unwrap();
        world.clock().advance(TimeDelta::hours(1));
        assert!(try_log_in(engine, at("facebook", "ann")).await.is_err());
        let after = activity(&world, ann.account.id).await;
        assert_eq!((after.login_count, after.last_login), (before.login_count, before.last_login));
    });
}

#[test]
fn gamebase_4_1_d_a_withdrawn_members_identity_makes_a_new_member() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        for credential in [at("facebook", "ann"), guest(KEY)] {
            let old = log_in(world.engine(), credential.clone()).await;
            withdraw(&world, old.account.id).await;
            let new = log_in(world.engine(), credential).await;
            assert!(new.created);
            assert_ne!(new.account.id, old.account.id);
        }
    });
}

#[test]
fn gamebase_4_1_y_and_t_a_normal_and_a_withdrawing_member_get_in() {
    block_on(async {
        use authcore::lifecycle::{Standing, Withdrawal, standing};

        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(standing(&ann.account), Standing::Normal);
        let since = world.clock().now();
        let due = since + TimeDelta::days(7);
        let pending = Withdrawal::Pending { since, due };
        rewrite(&world, ann.account.id, |account| account.withdrawal = pending).await;
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(again.account.withdrawal, pending, "the game is told");
    });
}

#[test]
fn gamebase_4_7_a_login_opens_and_a_logout_and_a_ban_end_a_session() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let ann = log_in(engine, at("facebook", "ann")).await;
        let current = who(engine, &ann).await;
        engine.logout(&context(), &current, Logout::ThisSession).await.unwrap();
        assert!(!lives(engine, &ann).await);
        let again = log_in(engine, at("facebook", "ann")).await;
        assert!(lives(engine, &again).await);
        engine.ban(&operator(), ann.account.id, BanRequest::permanent()).await.unwrap();
        assert!(!lives(engine, &again).await);
    });
}

#[test]
fn gamebase_4_8_a_login_keeps_the_members_other_sessions() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let engine = world.engine();
        let first = log_in(engine, at("facebook", "ann")).await;
        let bob = log_in(engine, at("facebook", "bob")).await;
        let second = log_in(engine, at("facebook", "ann")).await;
        for player in [&first, &second, &bob] {
            assert!(lives(engine, player).await);
        }
        assert_ne!(first.tokens.access.reveal(), second.tokens.access.reveal());
    });
}
