use authcore::{BanRequest, Operator, Policy, Refresh, Refusal, UnbanRequest};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use crate::{block_on, context, device, log_in, refusal, try_log_in};

const DEVICE: &str = "0123456789";

#[test]
fn nakama_s8_a_ban_ends_sessions_for_good() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("test");
        let player = log_in(world.engine(), device(DEVICE)).await;
        let id = player.account.id;
        let ban = BanRequest::permanent().with_message("cheating");
        world.engine().ban(&operator, id, ban).await.unwrap();
        let context = context();
        let refresh =
            || world.engine().refresh(&context, Refresh::new(player.tokens.refresh.reveal()));
        assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
        assert_eq!(refusal(refresh().await), Refusal::RefreshTokenInvalid);
        let Refusal::Banned(ban) = refusal(try_log_in(world.engine(), device(DEVICE)).await) else {
            panic!("not banned");
        };
        assert_eq!(&*ban.message, "cheating");
        world.engine().unban(&operator, id, UnbanRequest::new()).await.unwrap();
        assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
        assert_eq!(refusal(refresh().await), Refusal::RefreshTokenInvalid);
        log_in(world.engine(), device(DEVICE)).await;
    });
}

#[test]
fn a_temporary_ban_ends_by_itself_at_the_next_touch() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("test");
        let player = log_in(world.engine(), device(DEVICE)).await;
        let end = player.account.created_at + TimeDelta::hours(1);
        world.engine().ban(&operator, player.account.id, BanRequest::until(end)).await.unwrap();
        world.clock().set(end - TimeDelta::milliseconds(1));
        assert!(try_log_in(world.engine(), device(DEVICE)).await.is_err());
        world.clock().set(end);
        let back = log_in(world.engine(), device(DEVICE)).await;
        assert_eq!(back.account.ban, authcore::lifecycle::BanState::None);
        let lookup = authcore::store::Lookup::Id(back.account.id);
        let kept = world.store().load(&lookup).await.unwrap().unwrap().account;
        assert_eq!(kept, back.account, "what time did is written");
    });
}

#[test]
fn a_permanent_ban_after_a_temporary_one_stays() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("test");
        let player = log_in(world.engine(), device(DEVICE)).await;
        let end = player.account.created_at + TimeDelta::hours(1);
        let engine = world.engine();
        engine.ban(&operator, player.account.id, BanRequest::until(end)).await.unwrap();
        engine
            .ban(&operator, player.account.id, BanRequest::permanent().replacing())
            .await
            .unwrap();
        world.clock().set(end + TimeDelta::days(1000));
        assert!(matches!(refusal(try_log_in(engine, device(DEVICE)).await), Refusal::Banned(_)));
    });
}

#[test]
fn unknown_accounts_are_told() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let operator = Operator::vouched_for("test");
        let nobody = authcore::account::AccountId::from_bytes([9; 16]);
        let ban = world.engine().ban(&operator, nobody, BanRequest::permanent()).await;
        assert_eq!(refusal(ban), Refusal::AccountNotFound);
        assert_eq!(
            refusal(world.engine().unban(&operator, nobody, UnbanRequest::new()).await),
            Refusal::AccountNotFound
        );
        let long = BanRequest::permanent().with_message("x".repeat(1025));
        let refused = refusal(world.engine().ban(&operator, nobody, long).await);
        assert!(matches!(refused, Refusal::Invalid { .. }));
    });
}

#[test]
fn sweeping_changes_nothing_that_can_be_seen() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let wrong = crate::email("nobody@example.com", "wrong password");
        let login = authcore::Login::new(wrong).without_creating();
        assert_eq!(
            refusal(world.engine().login(&context(), login).await),
            Refusal::AccountNotFound
        );
        assert_eq!(world.engine().sweep(100).await.unwrap().removed, 0);
        world.clock().advance(TimeDelta::hours(1));
        assert_eq!(world.engine().sweep(100).await.unwrap().removed, 1);
    });
}
