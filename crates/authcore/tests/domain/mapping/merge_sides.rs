//! braincloud 8.3: which of two accounts survives a merge, and which may not be merged.

use authcore::account::AccountId;
use authcore::lifecycle::{Amount, Ban, BanEnd, BanSource, BanState, Expiry, PastBan, Refunds};
use authcore::mapping::{MergeRule, MergeSide, Survivor};
use authcore::{Clock, Merge, Policy, Refusal};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::super::{at, block_on, context, log_in, refusal, world, world_with};
use super::{Player, account, alive, ban, edit, grace_ban, player, request_withdrawal, snapshot};

async fn survivor(world: &Harness, player: &Player) -> AccountId {
    let request = Merge::new(at("facebook", "bob"));
    let merged = world.engine().merge(&context(), &player.who, request).await.unwrap();
    merged.account.id
}

async fn refused(world: &Harness, player: &Player) -> Refusal {
    let request = Merge::new(at("facebook", "bob"));
    refusal(world.engine().merge(&context(), &player.who, request).await)
}

#[test]
fn braincloud_8_3_the_account_with_more_logins_survives() {
    block_on(async {
        for (anns, bobs) in [(2, 1), (1, 2)] {
            let world = world(Policy::braincloud()).await;
            for _ in 0..bobs {
                log_in(world.engine(), at("facebook", "bob")).await;
            }
            for _ in 1..anns {
                log_in(world.engine(), at("google", "ann")).await;
            }
            let ann = player(world.engine(), at("google", "ann")).await;
            assert_eq!(survivor(&world, &ann).await == ann.id(), anns > bobs);
        }
    });
}

#[test]
fn braincloud_8_3_of_two_with_as_many_logins_the_older_one_survives() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await;
        world.clock().advance(TimeDelta::milliseconds(1));
        let ann = player(world.engine(), at("google", "ann")).await;
        assert_eq!(survivor(&world, &ann).await, bob.account.id);
    });
}

#[test]
fn braincloud_8_3_on_a_tie_the_current_one_is_kept() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        assert_eq!(survivor(&world, &ann).await, ann.id());
    });
}

#[test]
fn braincloud_8_3_a_game_decides_by_its_own_rule() {
    /// The account with more experience points survives, which the game keeps in the metadata.
    #[derive(Debug)]
    struct Experience;

    impl MergeRule for Experience {
        fn survivor(&self, current: &MergeSide<'_>, other: &MergeSide<'_>) -> Survivor {
            let points = |side: &MergeSide<'_>| side.account.profile.metadata.len();
            if points(other) > points(current) { Survivor::Other } else { Survivor::Current }
        }
    }

    block_on(async {
        for points in [0, 10] {
            let world = world_with(Policy::braincloud(), |it| it.merge_rule(Experience)).await;
            let bob = log_in(world.engine(), at("facebook", "bob")).await.account.id;
            edit(&world, bob, |bob| bob.profile.metadata = "9".repeat(points).into()).await;
            log_in(world.engine(), at("google", "ann")).await;
            let ann = player(world.engine(), at("google", "ann")).await;
            edit(&world, ann.id(), |ann| ann.profile.metadata = "9".repeat(5).into()).await;
            let expected = if points > 5 { bob } else { ann.id() };
            assert_eq!(survivor(&world, &ann).await, expected);
        }
    });
}

#[test]
fn security_71_a_banned_account_is_not_merged_away() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await.account.id;
        ban(&world, bob).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        let Refusal::Banned(info) = refused(&world, &ann).await else { panic!() };
        assert_eq!(info.account, bob);
        assert!(alive(world.engine(), &ann.login).await);
        // Nor may a banned caller go on as somebody else.
        edit(&world, bob, |bob| bob.ban = BanState::None).await;
        ban(&world, ann.id()).await;
        assert_eq!(refused(&world, &ann).await, Refusal::AccessTokenInvalid);
    });
}

#[test]
fn security_71_a_suspended_account_is_not_merged_away() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await.account.id;
        grace_ban(&world, bob).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        assert_eq!(refused(&world, &ann).await, Refusal::DonorNotNormal(bob));
        // As the survivor it keeps its suspension.
        log_in(world.engine(), at("facebook", "bob")).await;
        assert_eq!(survivor(&world, &ann).await, bob);
        assert!(account(&world, bob).await.ban.grace().is_some());
    });
}

#[test]
fn security_71_what_counts_against_the_player_is_added_up() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await.account.id;
        let ann = player(world.engine(), at("google", "ann")).await;
        let now = world.clock().now();
        let past = |days| PastBan {
            ban: Ban {
                since: now - TimeDelta::days(days),
                expiry: Expiry::Never,
                message: Box::default(),
                template: None,
                reason: Box::default(),
                source: BanSource::Console,
                registrar: "test".into(),
                flags: vec![],
            },
            end: BanEnd::Expired { at: now },
        };
        let refunds = |count| Refunds { count, amount: Amount::minor(100) };
        edit(&world, bob, |bob| {
            bob.records.refunds = refunds(2);
            bob.records.past_bans = vec![past(2)];
        })
        .await;
        edit(&world, ann.id(), |ann| {
            ann.records.refunds = refunds(1);
            ann.records.past_bans = vec![past(3), past(1)];
        })
        .await;
        let id = survivor(&world, &ann).await;
        let kept = account(&world, id).await.records;
        assert_eq!(kept.refunds, Refunds { count: 3, amount: Amount::minor(200) });
        assert_eq!(kept.past_bans, [past(3), past(2), past(1)]);
    });
}

#[test]
fn braincloud_8_3_the_survivors_pending_withdrawal_stays() {
    block_on(async {
        let world = world(Policy::braincloud()).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        request_withdrawal(&world, ann.id()).await;
        let before = account(&world, ann.id()).await.withdrawal;
        assert_eq!(survivor(&world, &ann).await, ann.id());
        assert_eq!(account(&world, ann.id()).await.withdrawal, before);
    });
}

#[test]
fn an_account_does_not_grow_beyond_its_bounds_by_a_merge() {
    block_on(async {
        let world = world(Policy { identities_per_account: 1, ..Policy::braincloud() }).await;
        let bob = log_in(world.engine(), at("facebook", "bob")).await.account.id;
        let ann = player(world.engine(), at("google", "ann")).await;
        assert_eq!(refused(&world, &ann).await, Refusal::TooManyIdentities { most: 1 });
        assert!(snapshot(&world, bob).await.is_some());
    });
}

#[test]
fn security_39_a_merge_needs_a_recent_login() {
    block_on(async {
        let policy = Policy { step_up: Some(TimeDelta::minutes(5)), ..Policy::braincloud() };
        let world = world(policy).await;
        log_in(world.engine(), at("facebook", "bob")).await;
        let ann = player(world.engine(), at("google", "ann")).await;
        world.clock().advance(TimeDelta::minutes(5));
        assert_eq!(refused(&world, &ann).await, Refusal::RecentLoginRequired);
        let request = Merge::new(at("facebook", "bob"));
        let preview = world.engine().merge_preview(&context(), &ann.who, request).await;
        assert_eq!(refusal(preview), Refusal::RecentLoginRequired);
    });
}
