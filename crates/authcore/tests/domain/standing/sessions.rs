//! What each event does to sessions (gamebase 4.8).

use authcore::lifecycle::WithdrawalCause;
use authcore::{BanRequest, Policy, UnbanRequest};
use chrono::TimeDelta;

use super::*;

/// Two sessions of one player, and one of another.
struct Three {
    caller: LoggedIn,
    other: LoggedIn,
    stranger: LoggedIn,
}

impl Three {
    async fn in_world(world: &Harness) -> Self {
        let caller = log_in(world.engine(), at("facebook", "ann")).await;
        let other = log_in(world.engine(), at("facebook", "ann")).await;
        let stranger = log_in(world.engine(), at("facebook", "bob")).await;
        Self { caller, other, stranger }
    }

    fn id(&self) -> AccountId {
        self.caller.account.id
    }

    /// Whether the caller's, the player's other and the stranger's session are alive.
    async fn alive(&self, world: &Harness) -> [bool; 3] {
        [
            is_alive(world, &self.caller).await,
            is_alive(world, &self.other).await,
            is_alive(world, &self.stranger).await,
        ]
    }
}

const ALL_ENDED: [bool; 3] = [false, false, true];
const ALL_KEPT: [bool; 3] = [true, true, true];

#[test]
fn gamebase_4_8_login_keeps_the_others() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(three.alive(&world).await, ALL_KEPT);
    });
}

#[test]
fn gamebase_4_8_withdraw_and_waes_and_wacs_end_all() {
    block_on(async {
        for cause in [None, Some(WithdrawalCause::Server), Some(WithdrawalCause::Operator)] {
            let world = world(Policy::gamebase()).await;
            let three = Three::in_world(&world).await;
            if let Some(cause) = cause {
                world.engine().withdraw_account(&operator(), three.id(), cause).await.unwrap();
            } else {
                let who = who(world.engine(), &three.caller).await;
                world.engine().withdraw(&context(), &who).await.unwrap();
            }
            assert_eq!(three.alive(&world).await, ALL_ENDED);
        }
    });
}

#[test]
fn gamebase_4_8_pending_expiry_ends_all_at_its_moment() {
    block_on(async {
        let policy = Policy {
            withdrawal_grace: TimeDelta::days(1),
            access_lifetime: TimeDelta::minutes(60),
            ..Policy::gamebase()
        };
        let world = world(policy).await;
        let asking = log_in(world.engine(), at("facebook", "ann")).await;
        let proof = who(world.engine(), &asking).await;
        world.engine().request_withdrawal(&context(), &proof).await.unwrap();
        let due = now(&world) + TimeDelta::days(1);
        world.clock().set(due - TimeDelta::minutes(1));
        let three = Three::in_world(&world).await;
        assert_eq!(three.id(), asking.account.id);
        world.clock().set(due - MOMENT);
        assert_eq!(three.alive(&world).await, ALL_KEPT);
        world.clock().set(due);
        assert_eq!(three.alive(&world).await, ALL_ENDED);
        world.engine().sweep(10).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_ENDED);
    });
}

#[test]
fn gamebase_4_8_request_and_cancel_pending_keep_all() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        let who = who(world.engine(), &three.caller).await;
        world.engine().request_withdrawal(&context(), &who).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_KEPT);
        world.engine().cancel_withdrawal(&context(), &who).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_KEPT);
    });
}

#[test]
fn gamebase_4_8_ban_ends_all_and_release_revives_none() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        world.engine().ban(&operator(), three.id(), BanRequest::permanent()).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_ENDED);
        assert!(try_log_in(world.engine(), at("facebook", "ann")).await.is_err(), "no new ones");
        world.engine().unban(&operator(), three.id(), UnbanRequest::new()).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_ENDED);
        log_in(world.engine(), at("facebook", "ann")).await;
    });
}

#[test]
fn gamebase_4_8_a_ban_that_runs_out_revives_none() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        let end = now(&world) + TimeDelta::minutes(1);
        world.engine().ban(&operator(), three.id(), BanRequest::until(end)).await.unwrap();
        world.clock().set(end);
        assert_eq!(three.alive(&world).await, ALL_ENDED);
    });
}

#[test]
fn gamebase_4_8_enter_p_keeps_all_and_p_to_b_ends_all() {
    block_on(async {
        let mut policy = with_release();
        if let Some(release) =
            policy.lockdown.as_mut().and_then(|lockdown| lockdown.release.as_mut())
        {
            release.period = TimeDelta::minutes(5);
        }
        let world = world(policy).await;
        let three = Three::in_world(&world).await;
        lock_down(&world, three.id()).await;
        assert_eq!(three.alive(&world).await, ALL_KEPT);
        world.clock().advance(TimeDelta::minutes(5) - MOMENT);
        assert_eq!(three.alive(&world).await, ALL_KEPT);
        world.clock().advance(MOMENT);
        assert_eq!(three.alive(&world).await, ALL_ENDED);
    });
}

#[test]
fn gamebase_4_7_4_8_consent_revoked_ends_all() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        let key = &three.caller.account.identities[0].key;
        world.engine().provider_consent_revoked(&operator(), key).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_ENDED);
    });
}

#[test]
fn gamebase_4_8_kickout_that_revokes_ends_all_in_scope() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let three = Three::in_world(&world).await;
        let one = authcore::Kickout::of(three.id(), "").revoking_tokens();
        world.engine().kickout(&operator(), one).await.unwrap();
        assert_eq!(three.alive(&world).await, ALL_ENDED);
        let all = authcore::Kickout::everybody("").revoking_tokens();
        world.engine().kickout(&operator(), all).await.unwrap();
        assert_eq!(three.alive(&world).await, [false; 3]);
    });
}
