//! Bans that outlive their account (gamebase ).

use authcore::account::ProviderId;
use authcore::lifecycle::{BanEnd, BanSource, BanState, BanStatus, Expiry, WithdrawalCause};
use authcore::{BanRequest, Link, Policy, Refusal, UnbanRequest, Unlink};
use chrono::TimeDelta;

use super::*;

fn carrying() -> Policy {
    Policy { carry_ban: Some(TimeDelta::days(100)), ..with_release() }
}

/// Withdraws a player who is banned like this.
async fn banned_and_gone(world: &Harness, ban: BanRequest) -> AccountId {
    let player = log_in(world.engine(), at("facebook", "ann")).await;
    let id = player.account.id;
    let proof = who(world.engine(), &player).await;
    world.engine().link(&context(), &proof, Link::new(at("google", "ann"))).await.unwrap();
    world.engine().ban(&operator(), id, ban).await.unwrap();
    world.engine().withdraw_account(&operator(), id, WithdrawalCause::Operator).await.unwrap();
    id
}

async fn starts_banned(world: &Harness, provider: &str) -> AccountId {
    let refused = refusal(try_log_in(world.engine(), at(provider, "ann")).await);
    let Refusal::Banned(info) = refused else { panic!("{refused}") };
    assert_eq!(valid(world, info.account).await, 'B');
    assert_eq!(kept(world, info.account).await.activity.sessions, [], "there is no session");
    let told = events(world, info.account).await;
    assert!(matches!(
        &told[..],
        [EventKind::AccountCreated, EventKind::IdentityLinked { .. }, EventKind::Banned]
    ));
    info.account
}

#[test]
fn gamebase_x4_by_default_a_withdrawn_players_ban_is_forgotten() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        banned_and_gone(&world, BanRequest::permanent()).await;
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
    });
}

#[test]
fn gamebase_x4_a_new_account_of_each_identity_starts_banned() {
    block_on(async {
        let world = world(carrying()).await;
        let ban = BanRequest::permanent().from_source(BanSource::AppGuard).with_flag("leaderboard");
        let gone = banned_and_gone(&world, ban).await;
        for provider in ["facebook", "google"] {
            let id = starts_banned(&world, provider).await;
            assert_ne!(id, gone);
            let ban = account(&world, id).await.ban.ban().unwrap().clone();
            assert_eq!((ban.source, ban.expiry), (BanSource::AppGuard, Expiry::Never));
            let again = refusal(try_log_in(world.engine(), at(provider, "ann")).await);
            assert!(matches!(again, Refusal::Banned(info) if info.account == id));
        }
    });
}

#[test]
fn gamebase_x4_only_while_the_ban_would_have_lasted() {
    block_on(async {
        let world = world(carrying()).await;
        let end = now(&world) + TimeDelta::days(10);
        banned_and_gone(&world, BanRequest::until(end)).await;
        world.clock().set(end - MOMENT);
        let id = starts_banned(&world, "facebook").await;
        assert_eq!(account(&world, id).await.ban.ban().unwrap().expiry, Expiry::At(end));
        world.clock().set(end);
        assert_eq!(log_in(world.engine(), at("facebook", "ann")).await.account.id, id);
        assert!(log_in(world.engine(), at("google", "ann")).await.created);
    });
}

#[test]
fn gamebase_x4_and_no_longer_than_the_policy_remembers() {
    block_on(async {
        let world = world(carrying()).await;
        banned_and_gone(&world, BanRequest::permanent()).await;
        world.clock().advance(TimeDelta::days(100) - MOMENT);
        starts_banned(&world, "facebook").await;
        world.clock().advance(MOMENT);
        assert!(log_in(world.engine(), at("google", "ann")).await.created);
    });
}

#[test]
fn gamebase_x4_a_pending_deadline_carries_the_ban_too_written_or_not() {
    block_on(async {
        for sweeps in [false, true] {
            let world = world(carrying()).await;
            let (player, due) = pending(&world, "ann").await;
            let id = player.account.id;
            world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
            world.clock().set(due);
            if sweeps {
                world.engine().sweep(10).await.unwrap();
            }
            assert_ne!(starts_banned(&world, "facebook").await, id);
            assert_eq!(valid(&world, id).await, 'D');
        }
    });
}

#[test]
fn gamebase_x4_a_ban_that_was_over_by_then_is_not_carried() {
    block_on(async {
        let world = world(carrying()).await;
        let (player, due) = pending(&world, "ann").await;
        let ban = BanRequest::until(due - MOMENT);
        world.engine().ban(&operator(), player.account.id, ban).await.unwrap();
        world.clock().set(due);
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
        let past = &account(&world, player.account.id).await.records.past_bans;
        assert_eq!(past[0].end, BanEnd::Expired { at: due - MOMENT });
    });
}

#[test]
fn gamebase_x4_a_carried_ban_that_was_lifted_does_not_come_back() {
    block_on(async {
        let world = world(carrying()).await;
        banned_and_gone(&world, BanRequest::permanent()).await;
        let id = starts_banned(&world, "facebook").await;
        world.engine().unban(&operator(), id, UnbanRequest::new()).await.unwrap();
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let who = who(world.engine(), &player).await;
        world.engine().withdraw(&context(), &who).await.unwrap();
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
    });
}

#[test]
fn gamebase_x3_who_withdraws_while_suspended_is_remembered_as_banned() {
    block_on(async {
        for carry_ban in [None, Some(TimeDelta::days(100))] {
            let world = world(Policy { carry_ban, ..with_release() }).await;
            let player = suspended(&world, "ann").await;
            let proof = who(world.engine(), &player).await;
            world.engine().withdraw(&context(), &proof).await.unwrap();
            let records = world.engine().bans(&operator(), player.account.id).await.unwrap();
            assert_eq!(records[0].status, BanStatus::Withdrawn);
            let end = Expiry::At(now(&world) + TimeDelta::days(10));
            assert_eq!(records[0].ban.expiry, end);
            if carry_ban.is_some() {
                let id = starts_banned(&world, "facebook").await;
                assert_eq!(account(&world, id).await.ban.ban().unwrap().expiry, end);
            } else {
                assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
            }
        }
    });
}

#[test]
fn gamebase_x3_who_deletes_the_account_while_suspended_is_remembered_as_banned() {
    block_on(async {
        let world = world(carrying()).await;
        let player = suspended(&world, "ann").await;
        let proof = who(world.engine(), &player).await;
        world.engine().delete_account(&context(), &proof).await.unwrap();
        assert_eq!(valid(&world, player.account.id).await, 'D', "a tombstone remembers the ban");
        let end = Expiry::At(now(&world) + TimeDelta::days(10));
        let id = starts_banned(&world, "facebook").await;
        assert_eq!(account(&world, id).await.ban.ban().unwrap().expiry, end);
    });
}

#[test]
fn gamebase_x4_who_deletes_an_account_in_good_standing_is_not_remembered() {
    block_on(async {
        let world = world(carrying()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let proof = who(world.engine(), &player).await;
        world.engine().delete_account(&context(), &proof).await.unwrap();
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
    });
}

#[test]
fn gamebase_x3_a_ban_while_suspended_is_carried_when_an_operator_withdraws() {
    block_on(async {
        let world = world(carrying()).await;
        let id = suspended(&world, "ann").await.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        world.engine().withdraw_account(&operator(), id, WithdrawalCause::Server).await.unwrap();
        let id = starts_banned(&world, "facebook").await;
        assert_eq!(account(&world, id).await.ban.ban().unwrap().expiry, Expiry::Never);
    });
}

#[test]
fn gamebase_x4_an_account_deleted_at_its_provider_carries_its_ban() {
    block_on(async {
        let world = world(carrying()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let id = player.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        let key = &player.account.identities[0].key;
        world.engine().provider_account_deleted(&operator(), key).await.unwrap();
        assert_ne!(starts_banned(&world, "facebook").await, id);
    });
}

#[test]
fn first_logins_that_race_for_a_carried_ban_make_one_banned_account() {
    block_on(async {
        let world = world(carrying()).await;
        banned_and_gone(&world, BanRequest::permanent()).await;
        let banned = std::thread::scope(|scope| {
            let logins = [(); 4].map(|()| {
                scope.spawn(|| block_on(try_log_in(world.engine(), at("facebook", "ann"))))
            });
            logins.map(|login| match refusal(login.join().unwrap()) {
                Refusal::Banned(info) => info.account,
                refused => panic!("{refused}"),
            })
        });
        assert!(banned.iter().all(|id| *id == banned[0]), "{banned:?}");
    });
}

#[test]
fn gamebase_x4_a_device_that_its_date_freed_brings_its_ban_along() {
    block_on(async {
        let policy = Policy { device_follows_login: true, ..carrying() };
        let world = world(policy).await;
        let with_device = |subject: &str| {
            authcore::Login::new(at("facebook", subject)).with_device_link("a-device-of-16-bytes")
        };
        let ann = world.engine().login(&context(), with_device("ann")).await.unwrap();
        let proof = who(world.engine(), &ann).await;
        world.engine().request_withdrawal(&context(), &proof).await.unwrap();
        let ban = BanRequest::permanent();
        world.engine().ban(&operator(), ann.account.id, ban).await.unwrap();
        world.clock().advance(world.engine().policy().withdrawal_grace);
        let refused = refusal(world.engine().login(&context(), with_device("new")).await);
        assert!(matches!(refused, Refusal::Banned(info) if info.account != ann.account.id));
    });
}

/// A suspended player who has linked and unlinked a second login since.
async fn suspended_without_google(world: &Harness) -> LoggedIn {
    let player = suspended(world, "ann").await;
    let proof = who(world.engine(), &player).await;
    world.engine().link(&context(), &proof, Link::new(at("google", "ann"))).await.unwrap();
    let unlink = Unlink::any(ProviderId::new("google").unwrap());
    world.engine().unlink(&context(), &proof, unlink).await.unwrap();
    player
}

#[test]
fn gamebase_x4_an_identity_that_leaves_a_suspended_account_brings_the_suspension_along() {
    block_on(async {
        let world = world(carrying()).await;
        let player = suspended_without_google(&world).await;
        let again = log_in(world.engine(), at("google", "ann")).await;
        assert!(again.created);
        assert_eq!(again.account.ban, account(&world, player.account.id).await.ban);
        assert_eq!(valid(&world, again.account.id).await, 'P');
    });
}

#[test]
fn gamebase_x4_an_identity_that_left_a_suspended_account_comes_back_banned_once_it_is_withdrawn() {
    block_on(async {
        let world = world(carrying()).await;
        let player = suspended_without_google(&world).await;
        let proof = who(world.engine(), &player).await;
        world.engine().withdraw(&context(), &proof).await.unwrap();
        starts_banned(&world, "google").await;
    });
}

#[test]
fn gamebase_x4_an_identity_that_left_comes_back_banned_once_the_suspended_account_is_deleted() {
    block_on(async {
        let world = world(carrying()).await;
        let player = suspended_without_google(&world).await;
        let proof = who(world.engine(), &player).await;
        world.engine().delete_account(&context(), &proof).await.unwrap();
        starts_banned(&world, "google").await;
    });
}

#[test]
fn gamebase_x4_x5_an_identity_with_a_carried_ban_is_not_linked_to_a_clean_account() {
    block_on(async {
        let world = world(carrying()).await;
        let gone = banned_and_gone(&world, BanRequest::permanent()).await;
        let clean = log_in(world.engine(), at("facebook", "clean")).await;
        let proof = who(world.engine(), &clean).await;
        let link = || Link::new(at("google", "ann"));
        let refused = refusal(world.engine().link(&context(), &proof, link()).await);
        assert!(matches!(refused, Refusal::Banned(info) if info.account == gone));
        world.clock().advance(TimeDelta::days(100));
        let clean = log_in(world.engine(), at("facebook", "clean")).await;
        let proof = who(world.engine(), &clean).await;
        world.engine().link(&context(), &proof, link()).await.unwrap();
    });
}

#[test]
fn gamebase_x4_who_only_names_a_banned_players_email_address_is_not_told_of_the_ban() {
    block_on(async {
        let world = world(carrying()).await;
        let email = || authcore::Credential::Email {
            email: "ann@example.com".into(),
            password: "a password of no words".into(),
        };
        let ann = log_in(world.engine(), email()).await.account.id;
        world.engine().ban(&operator(), ann, BanRequest::permanent()).await.unwrap();
        let cause = WithdrawalCause::Operator;
        world.engine().withdraw_account(&operator(), ann, cause).await.unwrap();
        let clean = log_in(world.engine(), at("facebook", "clean")).await;
        let proof = who(world.engine(), &clean).await;
        let refused = refusal(world.engine().link(&context(), &proof, Link::new(email())).await);
        let provider = ProviderId::EMAIL;
        assert_eq!(refused, Refusal::IdentityTaken { provider, ticket: None });
    });
}

#[test]
fn gamebase_x4_x5_a_ban_whose_account_left_by_its_date_is_found_before_that_is_written() {
    block_on(async {
        for subject in ["ann", "new<ann"] {
            let world = world(carrying()).await;
            let (player, due) = pending(&world, "ann").await;
            let id = player.account.id;
            world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
            world.clock().set(due);
            let clean = log_in(world.engine(), at("google", "clean")).await;
            let proof = who(world.engine(), &clean).await;
            let link = Link::new(at("facebook", subject));
            let refused = refusal(world.engine().link(&context(), &proof, link).await);
            assert!(matches!(refused, Refusal::Banned(info) if info.account == id));
            let refused = refusal(try_log_in(world.engine(), at("facebook", subject)).await);
            assert!(matches!(refused, Refusal::Banned(info) if info.account != id));
        }
    });
}

#[test]
fn gamebase_x4_a_carried_ban_is_found_by_a_former_subject() {
    block_on(async {
        let world = world(carrying()).await;
        let gone = banned_and_gone(&world, BanRequest::permanent()).await;
        let clean = log_in(world.engine(), at("facebook", "clean")).await;
        let proof = who(world.engine(), &clean).await;
        let link = Link::new(at("google", "new<ann"));
        let refused = refusal(world.engine().link(&context(), &proof, link).await);
        assert!(matches!(refused, Refusal::Banned(info) if info.account == gone));
        let refused = refusal(try_log_in(world.engine(), at("google", "new<ann")).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!(valid(&world, info.account).await, 'B');
    });
}

#[test]
fn gamebase_x4_x23_a_login_deleted_at_its_provider_takes_the_ban_along() {
    block_on(async {
        let world = world(Policy { provider_delete_unlinks: true, ..carrying() }).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let proof = who(world.engine(), &player).await;
        let link = Link::new(at("google", "ann"));
        let linked = world.engine().link(&context(), &proof, link).await.unwrap();
        let ban = BanRequest::permanent();
        world.engine().ban(&operator(), player.account.id, ban).await.unwrap();
        let key = &linked.identities[1].key;
        world.engine().provider_account_deleted(&operator(), key).await.unwrap();
        assert_eq!(valid(&world, player.account.id).await, 'B');
        starts_banned(&world, "google").await;
    });
}

#[test]
fn gamebase_x4_an_identity_that_left_is_free_when_the_suspension_ended_well() {
    block_on(async {
        let world = world(carrying()).await;
        let player = suspended_without_google(&world).await;
        pay(&world, player.account.id, "one", 500).await;
        let paid = pay(&world, player.account.id, "two", 500).await;
        assert_eq!(paid.ban, BanState::None);
        let again = log_in(world.engine(), at("google", "ann")).await;
        assert_eq!((again.created, again.account.ban), (true, BanState::None));
    });
}
