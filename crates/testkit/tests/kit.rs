//! The kit in tests of either kind, and what its parts promise.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use authcore::{Clock as _, Error, Login, Policy, Refusal, RequestContext};
use authcore_testkit::{Harness, ManualClock, email, guest, run};
use chrono::TimeDelta;

#[test]
fn a_clock_stops_at_the_ends_of_time() {
    for (step, ahead) in [(TimeDelta::MIN, false), (TimeDelta::MAX, true)] {
        let clock = ManualClock::default();
        let before = clock.now();
        clock.advance(step);
        clock.advance(step);
        assert_eq!(clock.now() > before, ahead);
        assert!((clock.now() - before).num_days().abs() > 90_000_000, "{}", clock.now());
    }
}

#[test]
fn a_banned_player_cannot_log_in() {
    let world = Harness::new();
    let ann = world.guest("ann");
    world.ban(&ann);
    let refused = world.login(guest("ann"));
    assert!(matches!(refused, Err(Error::Refused(Refusal::Banned(_)))));
}

#[test]
fn a_ban_with_an_end_lets_the_player_in_again() {
    let world = Harness::new();
    let ann = world.guest("ann");
    world.ban_for(&ann, TimeDelta::hours(2));
    world.clock().advance(TimeDelta::minutes(119));
    assert!(world.login(guest("ann")).is_err());
    world.clock().advance(TimeDelta::minutes(1));
    assert_eq!(world.guest("ann").account.id, ann.account.id);
}

#[test]
fn a_guest_who_links_is_the_same_player() {
    let world = Harness::new();
    let ann = world.guest("ann");
    world.link(&ann, email("ann")).unwrap();
    let again = world.login(email("ann")).unwrap();
    assert_eq!((again.created, again.account.id), (false, ann.account.id));
}

#[test]
fn names_are_players_and_worlds_are_apart() {
    let world = Harness::new();
    let (ann, ben) = (world.guest("ann"), world.guest("ben of the two names"));
    assert_ne!(ann.account.id, ben.account.id);
    assert_eq!(world.guest("ann").account.id, ann.account.id);
    assert!(Harness::new().guest("ann").created);
}

#[test]
fn the_same_test_makes_the_same_ids() {
    let id = || Harness::new().guest("ann").account.id;
    assert_eq!(id(), id());
    assert_ne!(id(), Harness::with_seed(1).guest("ann").account.id);
}

#[test]
fn time_goes_both_ways() {
    let world = Harness::new();
    let ann = world.guest("ann");
    world.clock().advance(TimeDelta::minutes(10));
    assert!(world.verify(&ann).is_err());
    world.clock().advance(TimeDelta::minutes(-1));
    assert!(world.verify(&ann).is_ok());
}

#[test]
fn a_policy_of_its_own() {
    let world = Harness::with_policy(Policy { sessions_per_account: 1, ..Policy::recommended() });
    let first = world.guest("ann");
    let second = world.guest("ann");
    assert!(world.verify(&first).is_err());
    assert!(world.verify(&second).is_ok());
}

/// Calls of the kit that block, beside calls of the engine that are awaited.
async fn both_ways() {
    let world = Harness::new();
    let ann = world.guest("ann");
    let login = Login::new(guest("ann"));
    let again = world.engine().login(&RequestContext::new(), login).await.unwrap();
    assert_eq!(again.account.id, ann.account.id);
    world.ban(&ann);
    assert!(world.engine().verify(again.tokens.access.reveal()).await.is_err());
}

#[tokio::test]
async fn it_works_inside_a_runtime() {
    both_ways().await;
}

#[test]
fn it_works_without_a_runtime() {
    run(both_ways());
}
