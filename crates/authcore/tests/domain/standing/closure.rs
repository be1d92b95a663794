//! A closed game, and kickouts (gamebase 3.17, 3.18).

use authcore::refusal::{Field, Rule};
use authcore::{
    BanRequest, Closure, Error, Kickout, Link, Login, Logout, Policy, Refusal, RequestContext,
    TestDevice, Unlink,
};
use chrono::TimeDelta;

use super::*;

fn closed(world: &Harness) -> Closure {
    Closure {
        begins_at: now(world),
        ends_at: Some(now(world) + TimeDelta::hours(1)),
        message: "back soon".into(),
        url: "https://status".into(),
        test_devices: vec![
            TestDevice::Id("one-of-ours".into()),
            TestDevice::Address("192.0.2.7".parse().unwrap()),
        ],
    }
}

fn test_devices() -> [RequestContext; 2] {
    let mut by_id = RequestContext::new();
    by_id.device_id = Some("one-of-ours".into());
    [by_id, RequestContext::from_address("192.0.2.7".parse().unwrap())]
}

fn is_closed<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    match refusal(result) {
        Refusal::NotPlayable(told) => &*told.message == "back soon",
        _ => false,
    }
}

#[test]
fn gamebase_3_17_a_closed_game_refuses_each_call_of_a_player_before_all_else() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let (engine, context) = (world.engine(), context());
        let proof = who(engine, &player).await;
        engine.set_closure(Some(closed(&world)));
        let before = kept(&world, player.account.id).await;
        // Checked before the credential, which is bad.
        assert!(is_closed(engine.login(&context, Login::new(at("facebook", "bad"))).await));
        assert!(is_closed(engine.link(&context, &proof, Link::new(at("google", "bad"))).await));
        let unlink = Unlink::any(authcore::account::ProviderId::DEVICE);
        assert!(is_closed(engine.unlink(&context, &proof, unlink).await));
        assert!(is_closed(engine.refresh(&context, Refresh::new("no token")).await));
        assert!(is_closed(engine.withdraw(&context, &proof).await));
        assert!(is_closed(engine.delete_account(&context, &proof).await));
        assert!(is_closed(engine.set_username(&context, &proof, "a name").await));
        assert!(is_closed(engine.request_withdrawal(&context, &proof).await));
        assert!(is_closed(engine.cancel_withdrawal(&context, &proof).await));
        assert_eq!(kept(&world, player.account.id).await, before);
        let view = engine.with_policy(Policy::nakama()).unwrap();
        assert!(is_closed(view.login(&context, Login::new(at("facebook", "ann"))).await));
        engine.logout(&context, &proof, Logout::ThisSession).await.unwrap();
    });
}

#[test]
fn gamebase_3_17_it_opens_at_its_end_or_when_it_is_told_to() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        world.engine().set_closure(Some(closed(&world)));
        world.clock().advance(TimeDelta::hours(1) - MOMENT);
        assert!(is_closed(try_log_in(world.engine(), at("facebook", "ann")).await));
        world.clock().advance(MOMENT);
        log_in(world.engine(), at("facebook", "ann")).await;
        let for_good = Closure { ends_at: None, ..closed(&world) };
        world.engine().set_closure(Some(for_good));
        world.clock().advance(TimeDelta::days(1000));
        assert!(is_closed(try_log_in(world.engine(), at("facebook", "ann")).await));
        world.engine().set_closure(None);
        log_in(world.engine(), at("facebook", "ann")).await;
    });
}

#[test]
fn gamebase_x34_a_test_device_plays_during_maintenance_and_is_banned_like_any_other() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        world.engine().set_closure(Some(closed(&world)));
        for context in test_devices() {
            let login = || Login::new(at("facebook", "ann"));
            let player = world.engine().login(&context, login()).await.unwrap();
            let id = player.account.id;
            world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
            let refused = refusal(world.engine().login(&context, login()).await);
            assert!(matches!(refused, Refusal::Banned(_)));
            let unban = authcore::UnbanRequest::new();
            world.engine().unban(&operator(), id, unban).await.unwrap();
        }
    });
}

#[test]
fn gamebase_4_8_maintenance_starts_and_sessions_are_kept() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        world.engine().set_closure(Some(closed(&world)));
        let _proof = who(world.engine(), &player).await;
        assert!(is_closed(try_log_in(world.engine(), at("facebook", "ann")).await));
        world.engine().set_closure(None);
        assert!(is_alive(&world, &player).await);
    });
}

#[test]
fn gamebase_x11_4_7_4_8_kickout_leaves_tokens_valid_unless_it_revokes_them() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await;
        let id = ann.account.id;
        let before = kept(&world, id).await;
        world.engine().kickout(&operator(), Kickout::of(id, "a test")).await.unwrap();
        assert_eq!(kept(&world, id).await, before);
        let told = EventKind::Kickout { reason: "a test".into() };
        assert_eq!(events(&world, id).await.last(), Some(&told));
        assert!(is_alive(&world, &ann).await);
        let revoking = Kickout::of(id, "a test").revoking_tokens();
        world.engine().kickout(&operator(), revoking).await.unwrap();
        assert_eq!(events(&world, id).await.last(), Some(&told));
        assert!(!is_alive(&world, &ann).await && is_alive(&world, &bob).await);
    });
}

#[test]
fn gamebase_3_18_everybody_is_kicked_out() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let ann = log_in(world.engine(), at("facebook", "ann")).await;
        let nobody = AccountId::from_bytes([0; 16]);
        world.engine().kickout(&operator(), Kickout::everybody("a test")).await.unwrap();
        assert!(is_alive(&world, &ann).await);
        let revoking = Kickout::everybody("a test").revoking_tokens();
        world.engine().kickout(&operator(), revoking).await.unwrap();
        assert!(!is_alive(&world, &ann).await);
        assert_eq!(events(&world, nobody).await.len(), 2);
    });
}

#[test]
fn gamebase_3_18_a_reason_has_at_most_a_hundred_characters() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let reason = |length| Kickout::everybody("\u{e9}".repeat(length));
        world.engine().kickout(&operator(), reason(100)).await.unwrap();
        let rule = Rule::AtMost { characters: 100 };
        let refused = refusal(world.engine().kickout(&operator(), reason(101)).await);
        assert_eq!(refused, Refusal::Invalid { field: Field::KickoutReason, rule });
        let nobody = Kickout::of(AccountId::from_bytes([9; 16]), "");
        let refused = refusal(world.engine().kickout(&operator(), nobody).await);
        assert_eq!(refused, Refusal::AccountNotFound);
    });
}
