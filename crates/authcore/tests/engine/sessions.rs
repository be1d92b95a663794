use authcore::event::{EventCursor, EventKind, SessionEnd};
use authcore::refusal::{Field, Rule};
use authcore::{Logout, Operator, Policy, Refresh, Refusal, RequestContext};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use crate::{block_on, context, device, log_in, refusal, who};

const DEVICE: &str = "0123456789";

async fn refresh(
    world: &Harness,
    token: &authcore::Secret,
) -> Result<authcore::Refreshed, authcore::Error> {
    world.engine().refresh(&context(), Refresh::new(token.reveal())).await
}

#[test]
fn nakama_s1_a_refresh_keeps_session_and_login_time_and_picks_up_the_new_name() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let who = who(world.engine(), &player).await;
        world.engine().set_username(&context(), &who, "renamed").await.unwrap();
        world.clock().advance(TimeDelta::seconds(30));
        let next = refresh(&world, &player.tokens.refresh).await.unwrap();
        assert_eq!(next.session.id, player.session.id);
        assert_eq!(next.session.authenticated_at, player.session.authenticated_at);
        assert_ne!(next.tokens.access.reveal(), player.tokens.access.reveal());
        let claims = world.engine().verify_stateless(next.tokens.access.reveal()).unwrap();
        assert_eq!(claims.username.as_deref(), Some("renamed"));
        assert_eq!(claims.expires_at, player.tokens.access_expires_at + TimeDelta::seconds(30));
    });
}

#[test]
fn security_57_reuse_after_the_grace_window_ends_the_session_and_is_told() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let player = log_in(world.engine(), device(DEVICE)).await;
        world.clock().advance(TimeDelta::seconds(10));
        let next = refresh(&world, &player.tokens.refresh).await.unwrap();
        world.clock().advance(TimeDelta::seconds(10));
        let reused = refusal(refresh(&world, &player.tokens.refresh).await);
        assert_eq!(reused, Refusal::RefreshTokenReused);
        let successor = refusal(refresh(&world, &next.tokens.refresh).await);
        assert_eq!(successor, Refusal::RefreshTokenInvalid, "the whole family is dead");
        let access = refusal(world.engine().verify(next.tokens.access.reveal()).await);
        assert_eq!(access, Refusal::AccessTokenInvalid);
        let operator = Operator::vouched_for("test");
        let events = world.engine().events(&operator, EventCursor::START, 10).await.unwrap();
        let reason = SessionEnd::RefreshReused;
        let ended = EventKind::SessionEnded { session: player.session.id, reason };
        assert_eq!(events.last().unwrap().event.kind, ended);
    });
}

#[test]
fn security_59_a_lost_answer_gets_the_very_same_pair_again() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        world.clock().advance(TimeDelta::seconds(10));
        let first = refresh(&world, &player.tokens.refresh).await.unwrap();
        world.clock().advance(TimeDelta::milliseconds(9_999));
        let second = refresh(&world, &player.tokens.refresh).await.unwrap();
        assert_eq!(first.tokens.access.reveal(), second.tokens.access.reveal());
        assert_eq!(first.tokens.refresh.reveal(), second.tokens.refresh.reveal());
        let kept = refresh(&world, &second.tokens.refresh).await.unwrap();
        assert_eq!(kept.tokens.refresh.reveal(), second.tokens.refresh.reveal());
        assert_ne!(kept.tokens.access.reveal(), second.tokens.access.reveal());
        world.clock().advance(TimeDelta::milliseconds(1));
        let third = refresh(&world, &second.tokens.refresh).await.unwrap();
        assert_ne!(third.tokens.refresh.reveal(), second.tokens.refresh.reveal());
    });
}

#[test]
fn security_59_another_device_gets_no_second_pair() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mut phone = RequestContext::new();
        phone.device_id = Some("phone".into());
        let mut thief = RequestContext::new();
        thief.device_id = Some("thief".into());
        let login = authcore::Login::new(device(DEVICE));
        let player = world.engine().login(&phone, login).await.unwrap();
        let token = player.tokens.refresh.reveal();
        world.clock().advance(TimeDelta::seconds(10));
        world.engine().refresh(&phone, Refresh::new(token)).await.unwrap();
        world.engine().refresh(&phone, Refresh::new(token)).await.unwrap();
        let stolen = refusal(world.engine().refresh(&thief, Refresh::new(token)).await);
        assert_eq!(stolen, Refusal::RefreshTokenReused);
    });
}

#[test]
fn security_60_a_session_ends_idle_and_at_the_latest_at_its_absolute_end() {
    block_on(async {
        let policy = Policy {
            session_idle: TimeDelta::minutes(20),
            session_absolute: TimeDelta::minutes(50),
            ..Policy::recommended()
        };
        let world = Harness::with_policy(policy);
        let mut token = log_in(world.engine(), device(DEVICE)).await.tokens.refresh;
        for _ in 0..2 {
            world.clock().advance(TimeDelta::minutes(19));
            token = refresh(&world, &token).await.unwrap().tokens.refresh;
        }
        // 38 minutes are over; the idle end would be at 58, the absolute one is at 50.
        world.clock().advance(TimeDelta::minutes(12));
        assert_eq!(refusal(refresh(&world, &token).await), Refusal::RefreshTokenInvalid);
        let idle = log_in(world.engine(), device(DEVICE)).await.tokens.refresh;
        world.clock().advance(TimeDelta::minutes(20));
        assert_eq!(refusal(refresh(&world, &idle).await), Refusal::RefreshTokenInvalid);
    });
}

#[test]
fn security_49_an_access_token_ends_with_its_lifetime() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let token = player.tokens.access.reveal();
        world.clock().advance(TimeDelta::milliseconds(59_999));
        assert!(world.engine().verify(token).await.is_ok());
        world.clock().advance(TimeDelta::milliseconds(1));
        assert_eq!(refusal(world.engine().verify(token).await), Refusal::AccessTokenInvalid);
        assert!(world.engine().verify_stateless(token).is_err());
    });
}

#[test]
fn nakama_s2_vars_are_replaced_or_kept_and_the_hosts_stay() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mut login = authcore::Login::new(device(DEVICE));
        login.vars.insert("mine".into(), "1".into());
        login.server_vars.insert("host".into(), "h".into());
        let player = world.engine().login(&context(), login).await.unwrap();
        let kept = refresh(&world, &player.tokens.refresh).await.unwrap();
        assert_eq!(kept.session.client_vars, player.session.client_vars);
        let mut request = Refresh::new(kept.tokens.refresh.reveal());
        request.vars.insert("other".into(), "2".into());
        request.vars.insert("host".into(), "forged".into());
        let replaced = world.engine().refresh(&context(), request).await.unwrap();
        let claims = world.engine().verify_stateless(replaced.tokens.access.reveal()).unwrap();
        assert_eq!(claims.vars.get("mine"), None);
        assert_eq!(claims.vars["other"], "2");
        assert_eq!(claims.vars["host"], "h", "a client cannot overwrite what the host put there");
    });
}

#[test]
fn the_safe_policy_lets_no_client_rewrite_vars() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let mut request = Refresh::new(player.tokens.refresh.reveal());
        request.vars.insert("role".into(), "admin".into());
        let next = world.engine().refresh(&context(), request).await.unwrap();
        assert!(next.session.client_vars.is_empty());
    });
}

#[test]
fn nakama_s3_what_is_no_refresh_token_is_refused() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        for token in [
            &player.tokens.access,
            &"garbage".into(),
            &format!("{}\n", player.tokens.refresh.reveal()).into(),
        ] {
            assert_eq!(refusal(refresh(&world, token).await), Refusal::RefreshTokenInvalid);
        }
        let empty = refusal(refresh(&world, &"".into()).await);
        let rule = Rule::Required;
        assert_eq!(empty, Refusal::Invalid { field: Field::RefreshToken, rule });
    });
}

#[test]
fn nakama_s4_ending_the_refresh_tokens_leaves_the_access_tokens() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        let newer = refresh(&world, &player.tokens.refresh).await.unwrap();
        let logout = Logout::Tokens { access: None, refresh: Some(player.tokens.refresh.clone()) };
        world.engine().logout(&context(), &caller, logout).await.unwrap();
        assert!(world.engine().verify(newer.tokens.access.reveal()).await.is_ok());
        let dead = refusal(refresh(&world, &newer.tokens.refresh).await);
        assert_eq!(dead, Refusal::RefreshTokenInvalid, "newer ones of the chain too");
    });
}

#[test]
fn nakama_s5_ending_the_access_tokens_leaves_the_refresh_tokens() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let player = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &player).await;
        let logout = Logout::Tokens { access: Some(player.tokens.access.clone()), refresh: None };
        world.engine().logout(&context(), &caller, logout).await.unwrap();
        assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
        let next = refresh(&world, &player.tokens.refresh).await.unwrap();
        assert!(
            world.engine().verify(next.tokens.access.reveal()).await.is_err(),
            "dead on arrival"
        );
    });
}

#[test]
fn nakama_s6_everywhere_ends_all_sessions_within_the_same_moment() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let first = log_in(world.engine(), device(DEVICE)).await;
        let second = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &first).await;
        world.engine().logout(&context(), &caller, Logout::Everywhere).await.unwrap();
        for player in [&first, &second] {
            assert!(world.engine().verify(player.tokens.access.reveal()).await.is_err());
            assert!(refresh(&world, &player.tokens.refresh).await.is_err());
        }
        let third = log_in(world.engine(), device(DEVICE)).await;
        assert!(world.engine().verify(third.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn nakama_s7_tokens_that_are_not_ones_own_end_nothing() {
    block_on(async {
        let world = Harness::with_policy(Policy::nakama());
        let mine = log_in(world.engine(), device(DEVICE)).await;
        let other = log_in(world.engine(), device("another-device")).await;
        let caller = who(world.engine(), &mine).await;
        let cases = [
            (Some(&other.tokens.access), None, Field::AccessToken),
            (None, Some(&other.tokens.refresh), Field::RefreshToken),
            (Some(&mine.tokens.access), Some(&other.tokens.refresh), Field::RefreshToken),
            (Some(&mine.tokens.refresh), None, Field::AccessToken),
        ];
        for (access, refresh, field) in cases {
            let logout = Logout::Tokens { access: access.cloned(), refresh: refresh.cloned() };
            let refused = refusal(world.engine().logout(&context(), &caller, logout).await);
            assert_eq!(refused, Refusal::Invalid { field, rule: Rule::NotYours });
        }
        for player in [&mine, &other] {
            assert!(world.engine().verify(player.tokens.access.reveal()).await.is_ok());
            assert!(refresh(&world, &player.tokens.refresh).await.is_ok());
        }
    });
}

#[test]
fn gamebase_4_8_logout_ends_this_session_only() {
    for policy in [Policy::recommended(), Policy::gamebase()] {
        block_on(async {
            let world = Harness::with_policy(policy);
            let first = log_in(world.engine(), device(DEVICE)).await;
            let second = log_in(world.engine(), device(DEVICE)).await;
            let caller = who(world.engine(), &first).await;
            world.engine().logout(&context(), &caller, Logout::ThisSession).await.unwrap();
            assert!(world.engine().verify(first.tokens.access.reveal()).await.is_err());
            assert!(refresh(&world, &first.tokens.refresh).await.is_err());
            assert!(world.engine().verify(second.tokens.access.reveal()).await.is_ok());
        });
    }
}

#[test]
fn gamebase_4_7_session_extension_in_time_goes_on_and_too_late_ends() {
    block_on(async {
        let idle = Policy::gamebase().session_idle;
        let world = Harness::with_policy(Policy::gamebase());
        let player = log_in(world.engine(), device(DEVICE)).await;
        world.clock().advance(idle - TimeDelta::milliseconds(1));
        let next = refresh(&world, &player.tokens.refresh).await.unwrap();
        world.clock().advance(idle);
        let late = refusal(refresh(&world, &next.tokens.refresh).await);
        assert_eq!(late, Refusal::RefreshTokenInvalid);
        let access = refusal(world.engine().verify(next.tokens.access.reveal()).await);
        assert_eq!(access, Refusal::AccessTokenInvalid);
    });
}

#[test]
fn nakama_s10_one_session_an_account_kicks_the_older_one() {
    block_on(async {
        let policy = Policy { sessions_per_account: 1, ..Policy::nakama() };
        let world = Harness::with_policy(policy);
        let first = log_in(world.engine(), device(DEVICE)).await;
        let second = log_in(world.engine(), device(DEVICE)).await;
        assert!(world.engine().verify(first.tokens.access.reveal()).await.is_err());
        assert!(refresh(&world, &first.tokens.refresh).await.is_err());
        assert!(world.engine().verify(second.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn security_37_an_operator_ends_one_players_or_everybodys_sessions() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let operator = Operator::vouched_for("test");
        let one = log_in(world.engine(), device(DEVICE)).await;
        let two = log_in(world.engine(), device("another-device")).await;
        world.engine().end_sessions(&operator, one.account.id).await.unwrap();
        assert!(world.engine().verify(one.tokens.access.reveal()).await.is_err());
        assert!(world.engine().verify(two.tokens.access.reveal()).await.is_ok());
        world.engine().end_all_sessions(&operator).await.unwrap();
        assert!(world.engine().verify(two.tokens.access.reveal()).await.is_err());
        assert!(refresh(&world, &two.tokens.refresh).await.is_err());
        let again = log_in(world.engine(), device(DEVICE)).await;
        assert!(world.engine().verify(again.tokens.access.reveal()).await.is_ok());
        let created = log_in(world.engine(), device("a-third-device")).await;
        assert!(world.engine().verify(created.tokens.access.reveal()).await.is_ok());
    });
}

#[test]
fn a_refresh_after_the_cap_pushed_the_session_out_is_refused() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let first = log_in(world.engine(), device(DEVICE)).await;
        for _ in 0..10 {
            log_in(world.engine(), device(DEVICE)).await;
        }
        let refused = refusal(refresh(&world, &first.tokens.refresh).await);
        assert_eq!(refused, Refusal::RefreshTokenInvalid);
    });
}

#[test]
fn security_37_a_player_sees_their_sessions_and_ends_one() {
    block_on(async {
        let world = Harness::with_policy(Policy::recommended());
        let mut phone = RequestContext::new();
        phone.device_name = Some("phone".into());
        let login = authcore::Login::new(device(DEVICE));
        let lost = world.engine().login(&phone, login).await.unwrap();
        let here = log_in(world.engine(), device(DEVICE)).await;
        let caller = who(world.engine(), &here).await;
        let sessions = world.engine().sessions(&caller).await.unwrap();
        let names: Vec<_> = sessions.iter().map(|session| session.device_name.as_deref()).collect();
        assert_eq!(names, [Some("phone"), None]);
        let logout = Logout::Session(sessions[0].id);
        world.engine().logout(&context(), &caller, logout.clone()).await.unwrap();
        assert!(world.engine().verify(lost.tokens.access.reveal()).await.is_err());
        assert_eq!(world.engine().sessions(&caller).await.unwrap().len(), 1);
        world.engine().logout(&context(), &caller, logout).await.unwrap();
        assert!(world.engine().verify(here.tokens.access.reveal()).await.is_ok());
    });
}
