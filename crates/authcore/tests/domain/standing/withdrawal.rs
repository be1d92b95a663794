//! Withdrawal, at once and pending (gamebase 3.6, 3.15).

use authcore::lifecycle::{BanStatus, Withdrawal, WithdrawalCause};
use authcore::{BanRequest, Link, Policy, Refusal, UnbanRequest};
use chrono::TimeDelta;

use super::*;

#[test]
fn gamebase_3602_pending_already_and_3603_not_pending() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let who = who(world.engine(), &player).await;
        let engine = world.engine();
        let cancel = engine.cancel_withdrawal(&context(), &who).await;
        assert_eq!(refusal(cancel), Refusal::WithdrawalNotPending);
        engine.request_withdrawal(&context(), &who).await.unwrap();
        let again = engine.request_withdrawal(&context(), &who).await;
        assert_eq!(refusal(again), Refusal::WithdrawalPending);
        engine.cancel_withdrawal(&context(), &who).await.unwrap();
        let restore = engine.restore_pending(&operator(), player.account.id).await;
        assert_eq!(refusal(restore), Refusal::WithdrawalNotPending);
    });
}

#[test]
fn gamebase_3601_withdrawn_already_and_cancel_is_impossible_once_final() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let who = who(world.engine(), &player).await;
        world.clock().set(due);
        let cancel = world.engine().cancel_withdrawal(&context(), &who).await;
        assert_eq!(refusal(cancel), Refusal::Withdrawn);
        let withdraw = world.engine().withdraw(&context(), &who).await;
        assert_eq!(refusal(withdraw), Refusal::Withdrawn);
        let restore = world.engine().restore_pending(&operator(), player.account.id).await;
        assert_eq!(refusal(restore), Refusal::Withdrawn);
    });
}

#[test]
fn gamebase_x2_4_2_t_to_b_a_ban_during_a_pending_withdrawal_keeps_both() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let id = player.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        let both = account(&world, id).await;
        assert_eq!(standing(&both).gamebase_code(), 'B');
        assert!(matches!(both.withdrawal, Withdrawal::Pending { due: date, .. } if date == due));
        world.engine().unban(&operator(), id, UnbanRequest::new()).await.unwrap();
        assert_eq!(valid(&world, id).await, 'T', "the deadline is ahead");
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        world.clock().set(due);
        assert_eq!(valid(&world, id).await, 'D', "the deadline wins");
        assert!(log_in(world.engine(), at("facebook", "ann")).await.created);
    });
}

#[test]
fn gamebase_x2_4_2_b_to_d_at_the_deadline_whatever_the_ban() {
    block_on(async {
        let bans: [fn(DateTime<Utc>) -> BanRequest; 2] =
            [|_| BanRequest::permanent(), |due| BanRequest::until(due + MOMENT)];
        for ban in bans {
            let world = world(Policy::gamebase()).await;
            let (player, due) = pending(&world, "ann").await;
            let id = player.account.id;
            world.engine().ban(&operator(), id, ban(due)).await.unwrap();
            world.clock().set(due - MOMENT);
            assert_eq!(valid(&world, id).await, 'B');
            world.clock().set(due);
            world.engine().sweep(10).await.unwrap();
            assert_eq!(valid(&world, id).await, 'D');
            let left = kept(&world, id).await.account;
            assert!(left.identities.is_empty() && left.ban.ban().is_none());
            let done = Withdrawal::Done { at: due, cause: WithdrawalCause::GraceExpired };
            assert_eq!(left.withdrawal, done);
            let records = world.engine().bans(&operator(), id).await.unwrap();
            let statuses: Vec<_> = records.iter().map(|record| record.status).collect();
            assert_eq!(statuses, [BanStatus::Withdrawn], "the ban stays as history");
        }
    });
}

#[test]
fn gamebase_x2_a_grace_ban_and_a_pending_withdrawal_at_once_the_earlier_date_comes_first() {
    block_on(async {
        let world = world(with_release()).await;
        let (player, due) = pending(&world, "ann").await;
        let id = player.account.id;
        lock_down(&world, id).await;
        assert_eq!(valid(&world, id).await, 'P');
        world.clock().set(due - MOMENT);
        assert_eq!(valid(&world, id).await, 'B');
        world.clock().set(due);
        let gone = account(&world, id).await;
        assert_eq!(standing(&gone).gamebase_code(), 'D');
        assert_eq!(gone.records.past_bans.len(), 1, "the ban that it had become by then");
    });
}

#[test]
fn gamebase_x2_an_operator_takes_a_banned_players_request_back() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let id = player.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        world.engine().restore_pending(&operator(), id).await.unwrap();
        world.clock().set(due);
        assert_eq!(valid(&world, id).await, 'B');
    });
}

#[test]
fn gamebase_x38_a_banned_player_cannot_ask_and_is_told_of_the_ban() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let engine = world.engine();
        let proof = who(engine, &player).await;
        engine.ban(&operator(), player.account.id, BanRequest::permanent()).await.unwrap();
        assert!(engine.verify(player.tokens.access.reveal()).await.is_err(), "no session");
        for refused in [
            refusal(engine.request_withdrawal(&context(), &proof).await),
            refusal(engine.cancel_withdrawal(&context(), &proof).await),
            refusal(engine.withdraw(&context(), &proof).await),
        ] {
            assert!(matches!(refused, Refusal::Banned(_)), "{refused:?}");
        }
        assert_eq!(valid(&world, player.account.id).await, 'B');
    });
}

#[test]
fn gamebase_x41_a_login_does_not_take_the_request_back() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(account(&world, player.account.id).await.due_at(), Some(due));
    });
}

#[test]
fn gamebase_x42_other_grace_days_hold_for_new_requests_only() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let policy = Policy { withdrawal_grace: TimeDelta::days(1), ..Policy::gamebase() };
        let engine = world.engine().with_policy(policy).unwrap();
        world.clock().advance(TimeDelta::days(2));
        log_in(&engine, at("facebook", "ann")).await;
        assert_eq!(account(&world, player.account.id).await.due_at(), Some(due));
        let other = log_in(&engine, at("facebook", "bob")).await;
        let proof = who(&engine, &other).await;
        let asked = engine.request_withdrawal(&context(), &proof).await.unwrap();
        assert_eq!(asked.due_at(), Some(now(&world) + TimeDelta::days(1)));
    });
}

#[test]
fn gamebase_x15_a_player_who_is_suspended_or_leaving_may_link() {
    block_on(async {
        let world = world(with_release()).await;
        let (leaving, _) = pending(&world, "t").await;
        let suspended = suspended(&world, "p").await;
        for (player, subject) in [(leaving, "t"), (suspended, "p")] {
            let who = who(world.engine(), &player).await;
            let link = Link::new(at("google", subject));
            let linked = world.engine().link(&context(), &who, link).await.unwrap();
            assert_eq!(linked.identities.len(), 2);
        }
    });
}

#[test]
fn what_time_has_freed_is_free_for_a_link_and_a_username_before_anybody_wrote_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let proof = who(world.engine(), &player).await;
        world.engine().set_username(&context(), &proof, "annie").await.unwrap();
        world.clock().set(due);
        let other = log_in(world.engine(), at("google", "bob")).await;
        let proof = who(world.engine(), &other).await;
        world.engine().set_username(&context(), &proof, "annie").await.unwrap();
        let link = Link::new(at("facebook", "ann"));
        let linked = world.engine().link(&context(), &proof, link).await.unwrap();
        assert_eq!(linked.identities.len(), 2);
        assert!(kept(&world, player.account.id).await.account.withdrawal.is_done());
    });
}

#[test]
fn a_sweep_writes_what_time_has_done_once_and_goes_on_where_it_stopped() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let mut ids = Vec::new();
        for subject in ["a", "b", "c"] {
            ids.push(pending(&world, subject).await.0.account.id);
        }
        assert_eq!(world.engine().sweep(2).await.unwrap().settled, 0);
        world.clock().advance(TimeDelta::days(7));
        let first = world.engine().sweep(2).await.unwrap();
        assert!(first.is_full(2));
        assert_eq!(first.settled, 2);
        assert_eq!(world.engine().sweep(2).await.unwrap().settled, 1);
        assert_eq!(world.engine().sweep(2).await.unwrap().settled, 0);
        for id in ids {
            let told = events(&world, id).await;
            let ends = told.iter().filter(|kind| matches!(kind, EventKind::Withdrawn { .. }));
            assert_eq!(ends.count(), 1);
        }
    });
}

#[test]
fn two_sweeps_at_once_write_each_account_once() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let seeded = |builder| builder;
        let store = std::sync::Arc::clone(world.store());
        let other = Harness::seeded(7, store, Policy::gamebase(), seeded).await;
        let mut ids = Vec::new();
        for number in 0..8 {
            ids.push(pending(&world, &format!("player-{number}")).await.0.account.id);
        }
        world.clock().advance(TimeDelta::days(7));
        other.clock().advance(TimeDelta::days(7));
        let settled = std::thread::scope(|scope| {
            let sweeps = [&world, &other].map(|node| {
                scope.spawn(move || block_on(node.engine().sweep(100)).unwrap().settled)
            });
            sweeps.map(|sweep| sweep.join().unwrap()).iter().sum::<u64>()
        });
        assert_eq!(settled, 8);
        for id in ids {
            assert_eq!(events(&world, id).await.len(), 5, "made, linked, in, asked, gone");
        }
    });
}

#[test]
fn what_a_host_says_of_deletions_holds_for_a_request_to_be_withdrawn() {
    use authcore::{Authenticated, Hooks, Intent, RequestContext};

    #[derive(Debug)]
    struct Keeps(bool);

    #[async_trait::async_trait]
    impl Hooks for Keeps {
        async fn before_delete(
            &self,
            _: &RequestContext,
            _: &Authenticated,
        ) -> Result<(), Refusal> {
            if self.0 { Err(Refusal::Disabled) } else { Ok(()) }
        }

        fn veto(&self, _: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
            if matches!(intent, Intent::Delete(_)) { Err(Refusal::Disabled) } else { Ok(()) }
        }
    }

    block_on(async {
        for before in [true, false] {
            let world = super::super::world_with(Policy::gamebase(), |builder| {
                builder.hooks(Keeps(before))
            })
            .await;
            let player = log_in(world.engine(), at("facebook", "ann")).await;
            let proof = who(world.engine(), &player).await;
            let refused = world.engine().request_withdrawal(&context(), &proof).await;
            assert_eq!(refusal(refused), Refusal::Disabled);
            assert_eq!(valid(&world, player.account.id).await, 'Y');
        }
    });
}
