//! The member gate (gamebase 4.1).

use authcore::lifecycle::{BanState, Withdrawal};
use authcore::{BanRequest, Policy, Refusal};
use chrono::TimeDelta;

use super::*;

#[test]
fn gamebase_4_1_y_succeeds() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let first = log_in(world.engine(), at("facebook", "ann")).await;
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(first.account.id, again.account.id);
    });
}

#[test]
fn gamebase_4_1_t_before_its_date_succeeds_and_is_told() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        world.clock().set(due - MOMENT);
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(again.account.id, player.account.id);
        assert!(
            matches!(again.account.withdrawal, Withdrawal::Pending { due: date, .. } if date == due)
        );
    });
}

#[test]
fn gamebase_4_1_t_at_its_date_becomes_d_first_and_the_login_makes_a_new_account() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, due) = pending(&world, "ann").await;
        world.clock().set(due);
        let newcomer = log_in(world.engine(), at("facebook", "ann")).await;
        assert!(newcomer.created);
        assert_ne!(newcomer.account.id, player.account.id);
        assert_eq!(valid(&world, player.account.id).await, 'D');
        assert!(
            kept(&world, player.account.id).await.account.withdrawal.is_done(),
            "it is written"
        );
        assert!(matches!(
            events(&world, player.account.id).await.last(),
            Some(EventKind::Withdrawn { .. })
        ));
    });
}

#[test]
fn gamebase_4_1_p_before_its_deadline_succeeds_and_is_told() {
    block_on(async {
        let world = world(with_release()).await;
        suspended(&world, "ann").await;
        world.clock().advance(TimeDelta::days(3) - MOMENT);
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        let grace = again.account.ban.grace().unwrap();
        assert_eq!(&*grace.message, "pay up");
        assert_eq!(grace.deadline, now(&world) + MOMENT);
    });
}

#[test]
fn gamebase_4_1_p_past_its_deadline_becomes_b_first() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        let deadline = now(&world) + TimeDelta::days(3);
        world.clock().set(deadline);
        let refused = refusal(try_log_in(world.engine(), at("facebook", "ann")).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!((info.account, info.since), (player.account.id, deadline));
    });
}

#[test]
fn gamebase_4_1_p_whose_rule_was_met_is_y_after_the_deadline() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        pay(&world, player.account.id, "one", 500).await;
        pay(&world, player.account.id, "two", 500).await;
        world.clock().advance(TimeDelta::days(4));
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(again.account.ban, BanState::None);
    });
}

#[test]
fn gamebase_4_1_b_temporary_at_its_end_is_released_and_the_login_succeeds() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let end = now(&world) + TimeDelta::hours(1);
        world.engine().ban(&operator(), player.account.id, BanRequest::until(end)).await.unwrap();
        world.clock().set(end - MOMENT);
        let refused = refusal(try_log_in(world.engine(), at("facebook", "ann")).await);
        assert!(matches!(refused, Refusal::Banned(_)));
        world.clock().set(end);
        let again = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(again.account.id, player.account.id);
    });
}

#[test]
fn gamebase_4_1_b_otherwise_is_refused_with_ban_info() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let ban = BanRequest::permanent().with_message("cheating").for_reason("report 17");
        world.engine().ban(&operator(), player.account.id, ban).await.unwrap();
        let refused = refusal(try_log_in(world.engine(), at("facebook", "ann")).await);
        let Refusal::Banned(info) = refused else { panic!("{refused}") };
        assert_eq!(info.account, player.account.id);
        assert_eq!(&*info.message, "cheating");
        assert!(!format!("{info:?}").contains("report 17"));
    });
}

#[test]
fn gamebase_4_1_d_login_makes_a_new_account_and_x35_the_old_id_stays_its_own() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        for credential in [at("facebook", "ann"), guest(GUEST)] {
            let player = log_in(world.engine(), credential.clone()).await;
            let who = who(world.engine(), &player).await;
            world.engine().withdraw(&context(), &who).await.unwrap();
            let newcomer = log_in(world.engine(), credential).await;
            assert!(newcomer.created);
            assert_ne!(newcomer.account.id, player.account.id);
            assert_eq!(valid(&world, player.account.id).await, 'D');
        }
    });
}

#[test]
fn gamebase_4_1_d_and_m_no_token_is_good() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let (player, _) = lost(&world, "ann").await;
        assert_eq!(valid(&world, player.account.id).await, 'M');
        assert!(!is_alive(&world, &player).await);
        let player = log_in(world.engine(), at("facebook", "bob")).await;
        let who = who(world.engine(), &player).await;
        world.engine().withdraw(&context(), &who).await.unwrap();
        assert!(!is_alive(&world, &player).await);
    });
}

#[test]
fn gamebase_x27_a_refused_login_is_no_login_and_x26_the_first_has_none_before_it() {
    block_on(async {
        let world = world(Policy::gamebase()).await;
        let player = log_in(world.engine(), at("facebook", "ann")).await;
        let id = player.account.id;
        let first = kept(&world, id).await.activity;
        assert_eq!((first.login_count, first.previous_login_at), (1, None));
        world.engine().ban(&operator(), id, BanRequest::permanent()).await.unwrap();
        world.clock().advance(TimeDelta::hours(1));
        assert!(try_log_in(world.engine(), at("facebook", "ann")).await.is_err());
        assert_eq!(kept(&world, id).await.activity, first);
        world.engine().unban(&operator(), id, authcore::UnbanRequest::new()).await.unwrap();
        log_in(world.engine(), at("facebook", "ann")).await;
        let second = kept(&world, id).await.activity;
        assert_eq!(second.previous_login_at, first.last_login.map(|login| login.at));
    });
}

#[test]
fn gamebase_x12_a_suspended_player_verifies_with_the_grace_ban() {
    block_on(async {
        let world = world(with_release()).await;
        let player = suspended(&world, "ann").await;
        let token = player.tokens.access.reveal();
        let (_, account) = world.engine().verify_with_account(token).await.unwrap();
        assert_eq!(standing(&account).gamebase_code(), 'P');
        assert!(account.ban.grace().is_some());
    });
}

#[test]
fn gamebase_x25_sessions_last_as_the_policy_says_and_each_refresh_renews_them() {
    block_on(async {
        let policy = Policy { session_idle: TimeDelta::days(30), ..Policy::gamebase() };
        let world = world(policy).await;
        let idle = log_in(world.engine(), at("facebook", "ann")).await;
        let used = log_in(world.engine(), at("facebook", "ann")).await;
        assert_eq!(idle.session.idle_expires_at, now(&world) + TimeDelta::days(30));
        world.clock().advance(TimeDelta::days(29));
        let refresh = Refresh::new(used.tokens.refresh.reveal());
        let used = world.engine().refresh(&context(), refresh).await.unwrap();
        world.clock().advance(TimeDelta::days(1));
        let refresh = |tokens: &authcore::TokenPair| Refresh::new(tokens.refresh.reveal());
        assert!(world.engine().refresh(&context(), refresh(&idle.tokens)).await.is_err());
        assert!(world.engine().refresh(&context(), refresh(&used.tokens)).await.is_ok());
    });
}
