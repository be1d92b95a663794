//! The account's lifecycle (gamebase 4.2), row by row through the engine.

use authcore::lifecycle::{BanState, Withdrawal, WithdrawalCause};
use authcore::{BanRequest, Policy, Refusal, UnbanRequest};
use chrono::TimeDelta;

use super::*;

#[test]
fn gamebase_4_2_none_to_y_by_guest_login_and_by_idp_login() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        for credential in [guest(GUEST), at("facebook", "ann")] {
            let player = log_in(world.engine(), credential).await;
            assert!(player.created);
            assert_eq!(valid(&world, player.account.id).await, 'Y');
            let told = events(&world, player.account.id).await;
            assert_eq!(told[0], EventKind::AccountCreated);
        }
    });
}

#[test]
fn gamebase_4_2_y_to_t_by_request_and_back_by_cancel_of_player_and_operator() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, _) = pending(&world, "ann").await;
        let id = player.account.id;
        assert_eq!(valid(&world, id).await, 'T');
        let who = who(world.engine(), &player).await;
        world.engine().cancel_withdrawal(&context(), &who).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
        world.engine().request_withdrawal(&context(), &who).await.unwrap();
        world.engine().restore_pending(&operator(), id).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
        let told = events(&world, id).await;
        let tail = &told[told.len() - 4..];
        assert_eq!(
            tail,
            [
                EventKind::WithdrawalRequested,
                EventKind::WithdrawalCancelled,
                EventKind::WithdrawalRequested,
                EventKind::WithdrawalCancelled
            ]
        );
    });
}

#[test]
fn gamebase_4_2_y_t_p_b_m_to_d_by_withdrawal_of_operator_or_server() {
    block_on(async {
        let world = world(with_release()).await;
        let normal = log_in(world.engine(), at("facebook", "y")).await.account.id;
        let pending = pending(&world, "t").await.0.account.id;
        let suspended = suspended(&world, "p").await.account.id;
        let banned = log_in(world.engine(), at("facebook", "b")).await.account.id;
        world.engine().ban(&operator(), banned, BanRequest::permanent()).await.unwrap();
        let lost = lost(&world, "m").await.0.account.id;
        for (id, letter) in
            [(normal, 'Y'), (pending, 'T'), (suspended, 'P'), (banned, 'B'), (lost, 'M')]
        {
            assert_eq!(valid(&world, id).await, letter);
            let cause = WithdrawalCause::Server;
            world.engine().withdraw_account(&operator(), id, cause).await.unwrap();
            assert_eq!(valid(&world, id).await, 'D');
            assert_eq!(events(&world, id).await.last(), Some(&EventKind::Withdrawn { cause }));
        }
    });
}

#[test]
fn gamebase_4_2_y_and_t_and_p_to_d_by_the_player() {
    block_on(async {
        let world = world(with_release()).await;
        let normal = log_in(world.engine(), at("facebook", "y")).await;
        let pending = pending(&world, "t").await.0;
        let suspended = suspended(&world, "p").await;
        for player in [normal, pending, suspended] {
            let who = who(world.engine(), &player).await;
            world.engine().withdraw(&context(), &who).await.unwrap();
            assert_eq!(valid(&world, player.account.id).await, 'D');
        }
    });
}

#[test]
fn gamebase_4_2_y_to_b_by_ban_and_back_by_release() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let id = log_in(world.engine(), at("facebook", "ann")).await.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        assert_eq!(valid(&world, id).await, 'B');
        world.engine().unban(&operator(), id, UnbanRequest::new()).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
    });
}

#[test]
fn gamebase_4_2_y_to_b_by_lockdown_without_release() {
    block_on(async {
        let world = world(without_release()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let banned = lock_down(&world, player.account.id).await;
        assert_eq!(standing(&banned).gamebase_code(), 'B');
        assert!(!is_alive(&world, &player).await);
    });
}

#[test]
fn gamebase_4_2_y_to_p_by_lockdown_with_release() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        assert_eq!(valid(&world, player.account.id).await, 'P');
        assert!(is_alive(&world, &player).await);
    });
}

#[test]
fn gamebase_4_2_y_to_m_when_the_last_identity_is_taken_and_back_by_an_operator() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, _) = lost(&world, "ann").await;
        let id = player.account.id;
        assert_eq!(valid(&world, id).await, 'M');
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::Lost));
        assert!(!is_alive(&world, &player).await);
        let donor = log_in(world.engine(), at("google", "ann")).await;
        let key = &donor.account.identities[0].key;
        world.engine().move_identity(&operator(), key, id).await.unwrap();
        assert_eq!(valid(&world, id).await, 'Y');
        assert_eq!(log_in(world.engine(), at("google", "ann")).await.account.id, id);
        assert_eq!(valid(&world, donor.account.id).await, 'M');
    });
}

#[test]
fn gamebase_4_2_t_to_d_at_the_deadline() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        world.clock().set(due - MOMENT);
        assert_eq!(valid(&world, player.account.id).await, 'T');
        world.clock().set(due);
        assert_eq!(valid(&world, player.account.id).await, 'D');
        let done = Withdrawal::Done { at: due, cause: WithdrawalCause::GraceExpired };
        assert_eq!(account(&world, player.account.id).await.withdrawal, done);
    });
}

#[test]
fn gamebase_4_2_t_request_again_stays_t() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        world.clock().advance(TimeDelta::minutes(1));
        let who = who(world.engine(), &player).await;
        let refused = refusal(world.engine().request_withdrawal(&context(), &who).await);
        assert_eq!(refused, Refusal::WithdrawalPending);
        assert_eq!(account(&world, player.account.id).await.due_at(), Some(due));
    });
}

#[test]
fn gamebase_4_2_t_to_p_by_lockdown_and_p_to_t_when_the_conditions_are_met() {
    block_on(async {
        let world = world(with_release()).await;
        let (player, due) = pending(&world, "ann").await;
        let id = player.account.id;
        let locked = lock_down(&world, id).await;
        assert_eq!(standing(&locked).gamebase_code(), 'P');
        assert!(matches!(locked.withdrawal, Withdrawal::Pending { due: date, .. } if date == due));
        pay(&world, id, "one", 500).await;
        pay(&world, id, "two", 500).await;
        assert_eq!(valid(&world, id).await, 'T');
        world.clock().set(due);
        assert_eq!(valid(&world, id).await, 'D');
    });
}

#[test]
fn gamebase_4_2_p_to_y_when_the_conditions_are_met() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        pay(&world, id, "one", 500).await;
        pay(&world, id, "two", 500).await;
        assert_eq!(valid(&world, id).await, 'Y');
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::GraceBanReleased));
    });
}

#[test]
fn gamebase_4_2_p_to_b_at_the_deadline_with_the_lockdowns_period() {
    block_on(async {
        let world = world(with_release()).await;
        let id = suspended(&world, "ann").await.account.id;
        let deadline = now(&world) + TimeDelta::days(3);
        world.clock().set(deadline - MOMENT);
        assert_eq!(valid(&world, id).await, 'P');
        world.clock().set(deadline);
        let banned = account(&world, id).await;
        let ban = banned.ban.ban().unwrap();
        assert_eq!(ban.since, deadline);
        assert!(!ban.expiry.is_over(deadline + TimeDelta::days(10) - MOMENT));
        assert!(ban.expiry.is_over(deadline + TimeDelta::days(10)));
    });
}

#[test]
fn gamebase_4_2_p_to_b_by_an_operator_closes_the_grace_record_and_release_is_never_back_to_p() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        let id = player.account.id;
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        assert_eq!(valid(&world, id).await, 'B');
        assert_eq!(account(&world, id).await.ban.grace(), None);
        assert!(!is_alive(&world, &player).await);
        world.engine().unban(&operator(), id, UnbanRequest::new()).await.unwrap();
        assert_eq!(account(&world, id).await.ban, BanState::None);
    });
}

#[test]
fn gamebase_4_2_p_request_pending_adds_the_flag() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        let who = who(world.engine(), &player).await;
        world.engine().request_withdrawal(&context(), &who).await.unwrap();
        let both = account(&world, player.account.id).await;
        assert_eq!(standing(&both).gamebase_code(), 'P');
        assert!(matches!(both.withdrawal, Withdrawal::Pending { .. }));
        let again = refusal(world.engine().request_withdrawal(&context(), &who).await);
        assert_eq!(again, Refusal::WithdrawalPending);
    });
}

#[test]
fn gamebase_4_2_b_expired_and_login_gives_y_or_t() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let normal = log_in(world.engine(), at("facebook", "y")).await.account.id;
        let pending = pending(&world, "t").await.0.account.id;
        let end = now(&world) + TimeDelta::hours(1);
        for (id, subject, letter) in [(normal, "y", 'Y'), (pending, "t", 'T')] {
            world.engine().ban(&operator(), id, BanRequest::until(end)).await.unwrap();
            assert_eq!(valid(&world, id).await, 'B');
            world.clock().set(end);
            log_in(world.engine(), at("facebook", subject)).await;
            assert_eq!(valid(&world, id).await, letter);
            world.clock().set(end - TimeDelta::hours(1));
        }
    });
}

#[test]
fn gamebase_4_2_m_ban_request_and_grace_fail() {
    block_on(async {
        let world = world(with_release()).await;
        let id = lost(&world, "ann").await.0.account.id;
        let ban = world.engine().ban(&operator(), id, BanRequest::permanent()).await;
        assert_eq!(refusal(ban), Refusal::Missing);
        assert_eq!(standing(&lock_down(&world, id).await).gamebase_code(), 'M');
    });
}

#[test]
fn gamebase_4_2_m_to_d_by_a_deadline_inherited_from_t() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        let id = player.account.id;
        craft(&world, id, |account| account.identities.clear()).await;
        assert_eq!(valid(&world, id).await, 'M');
        world.clock().set(due);
        assert_eq!(valid(&world, id).await, 'D');
        assert_eq!(world.engine().sweep(10).await.unwrap().settled, 1);
        let cause = WithdrawalCause::GraceExpired;
        assert_eq!(events(&world, id).await.last(), Some(&EventKind::Withdrawn { cause }));
    });
}

#[test]
fn gamebase_4_2_d_anything_stays_d() {
    block_on(async {
        let world = world(with_release()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let (engine, id) = (world.engine(), player.account.id);
        let proof = who(engine, &player).await;
        engine.withdraw(&context(), &proof).await.unwrap();
        let before = kept(&world, id).await;
        let op = operator();
        let refused = [
            refusal(engine.withdraw(&context(), &proof).await),
            refusal(engine.request_withdrawal(&context(), &proof).await),
            refusal(engine.cancel_withdrawal(&context(), &proof).await),
            refusal(engine.restore_pending(&op, id).await),
            refusal(engine.withdraw_account(&op, id, WithdrawalCause::Operator).await),
            refusal(engine.ban(&op, id, BanRequest::permanent()).await),
            refusal(engine.unban(&op, id, UnbanRequest::new()).await),
            refusal(engine.record_payment(&op, id, usd("one", 1)).await),
            refusal(engine.record_refund(&op, id, usd("one", 1)).await),
            refusal(engine.unlink_identity(&op, id, authcore::account::Ordinal::FIRST).await),
        ];
        assert!(refused.iter().all(|refused| *refused == Refusal::Withdrawn), "{refused:?}");
        assert_eq!(kept(&world, id).await, before);
    });
}
