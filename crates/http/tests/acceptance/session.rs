//! Refresh, logout, bans and deletion (S1 to S10), also across a restart.

use authcore::Policy;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::server::{NOBODY, Player, Server, claims, server_key};

const DEVICE: &str = "a-device-of-mine";
/// Seconds: a younger refresh token does not rotate, and a former one still counts.
const GRACE: i64 = 10;
const REFRESH: &str = "/v2/account/session/refresh";
const SESSION_INVALID: &str = "Session token invalid.";
const REFRESH_INVALID: &str = "Refresh token invalid.";

fn refresh_with_vars(server: &Server, token: &str, vars: &Value) -> Player {
    server.post(REFRESH, &server_key(), json!({"token": token, "vars": vars})).player()
}

#[test]
fn s1_refresh_keeps_who_and_since_when() {
    let server = Server::start();
    let body = json!({"id": DEVICE, "vars": {"a": "b"}});
    let first = server.authenticate("device?username=before", body).player();
    server.wait(GRACE);
    server.put("/v2/account", &first.bearer(), json!({"username": "after"})).done();
    assert_eq!(first.username(), "before");
    let answer = server.refresh(&first.refresh_token);
    assert_eq!(answer.json.get("created"), None);
    let second = answer.player();
    assert_ne!(second.token, first.token);
    assert_ne!(second.refresh_token, first.refresh_token);
    for (old, new, lifetime) in [
        (first.claims(), second.claims(), 60),
        (claims(&first.refresh_token), claims(&second.refresh_token), 3600),
    ] {
        for kept in ["tid", "uid", "iat", "vrs"] {
            assert_eq!(new[kept], old[kept], "{kept}");
        }
        assert_eq!(new["usn"], "after");
        assert_eq!(new["exp"], server.now().timestamp() + lifetime);
    }
    server.is_alive(&second);
    server.is_alive(&first);
}

#[test]
fn s1_a_refresh_brings_an_ended_session_token_back_to_life() {
    let server = Server::start();
    let first = server.device(DEVICE);
    server.wait(59);
    server.is_alive(&first);
    server.wait(1);
    server.is_dead(&first);
    server.is_alive(&server.refresh(&first.refresh_token).player());
}

#[test]
fn s2_refresh_with_vars_replaces_and_without_keeps() {
    let server = Server::start();
    let body = json!({"id": DEVICE, "vars": {"a": "b", "c": "d"}});
    let first = server.authenticate("device", body).player();
    let kept = refresh_with_vars(&server, &first.refresh_token, &json!({}));
    assert_eq!(kept.claims()["vrs"], json!({"a": "b", "c": "d"}));
    server.wait(1);
    let replaced = refresh_with_vars(&server, &kept.refresh_token, &json!({"e": "f"}));
    assert_eq!(replaced.claims()["vrs"], json!({"e": "f"}));
    server.wait(1);
    let last = server.refresh(&replaced.refresh_token).player();
    assert_eq!(last.claims()["vrs"], json!({"e": "f"}));
    let body = json!({"token": last.refresh_token, "vars": {"a": 1}});
    server.post(REFRESH, &server_key(), body).refused_somehow(400, 3);
}

#[test]
fn s3_what_is_no_refresh_token_is_refused() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.refresh_is_dead(&player.token);
    server.refresh_is_dead("garbage");
    server.refresh_is_dead(&format!("{}\n", player.refresh_token));
    for empty in [json!({}), json!({"token": ""}), json!({"token": null})] {
        let answer = server.post(REFRESH, &server_key(), empty);
        answer.refused(400, 3, "Refresh token is required.");
    }
    let body = json!({"token": player.refresh_token});
    let ask = |auth: &str| server.post(REFRESH, auth, body.clone());
    ask(&player.bearer()).refused(401, 16, "Server key invalid");
    ask(NOBODY).refused(401, 16, "Server key required");
    assert_eq!(ask(&server_key()).status, 200);
}

#[test]
fn s3_11_2_a_refresh_token_ends_after_an_hour() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.wait(3599);
    let next = server.refresh(&player.refresh_token).player();
    server.wait(3600);
    server.refresh_is_dead(&next.refresh_token);
}

#[test]
fn differs_11_3_a_refresh_token_younger_than_the_grace_stays() {
    let server = Server::start();
    let first = server.device(DEVICE);
    server.wait(GRACE - 1);
    let second = server.refresh(&first.refresh_token).player();
    assert_eq!(second.refresh_token, first.refresh_token);
    assert_eq!(second.claims()["exp"], server.now().timestamp() + 60);
    server.wait(1);
    let third = server.refresh(&first.refresh_token).player();
    assert_ne!(third.refresh_token, first.refresh_token);
    for player in [&first, &second, &third] {
        server.is_alive(player);
    }
}

#[test]
fn differs_11_3_an_old_refresh_token_within_the_grace_gets_the_same_successor() {
    let server = Server::start();
    let first = server.device(DEVICE);
    server.wait(GRACE);
    let second = server.refresh(&first.refresh_token).player();
    assert_ne!(second.refresh_token, first.refresh_token);
    server.wait(GRACE - 1);
    let again = server.refresh(&first.refresh_token).player();
    assert_eq!(again.token, second.token);
    assert_eq!(again.refresh_token, second.refresh_token);
    server.is_alive(&again);
    server.refresh(&again.refresh_token).ok();
}

#[test]
fn differs_11_3_an_old_refresh_token_after_the_grace_is_refused_and_its_session_ends() {
    let server = Server::start();
    let other = server.device(DEVICE);
    let first = server.device(DEVICE);
    server.wait(GRACE);
    let second = server.refresh(&first.refresh_token).player();
    server.wait(GRACE);
    server.is_alive(&second);
    server.refresh_is_dead(&first.refresh_token);
    server.is_dead(&second);
    server.refresh_is_dead(&second.refresh_token);
    // The player's other sessions go on.
    server.is_alive(&other);
}

#[test]
fn differs_11_3_refreshing_does_not_carry_a_session_past_its_absolute_end() {
    let policy = Policy { session_absolute: TimeDelta::hours(2), ..Policy::nakama() };
    let server = Server::with(policy, |builder| builder);
    let first = server.device(DEVICE);
    let end = server.now().timestamp() + 7200;
    server.wait(3000);
    let second = server.refresh(&first.refresh_token).player();
    server.wait(3000);
    let third = server.refresh(&second.refresh_token).player();
    assert!(claims(&third.refresh_token)["exp"].as_i64().unwrap() <= end);
    server.wait(1199);
    let last = server.refresh(&third.refresh_token).player();
    assert!(last.claims()["exp"].as_i64().unwrap() <= end);
    server.wait(1);
    server.is_dead(&last);
    server.refresh_is_dead(&last.refresh_token);
}

#[test]
fn differs_11_3_an_account_has_ten_sessions_and_the_oldest_gives_way() {
    let server = Server::start();
    let sessions: Vec<_> = (0..11).map(|_| server.device(DEVICE)).collect();
    let (oldest, others) = sessions.split_first().unwrap();
    server.is_dead(oldest);
    server.refresh_is_dead(&oldest.refresh_token);
    for session in others {
        server.is_alive(session);
    }
}

#[test]
fn s4_logging_out_the_refresh_token_leaves_the_session_token() {
    let server = Server::start();
    let first = server.device(DEVICE);
    server.wait(GRACE);
    let second = server.refresh(&first.refresh_token).player();
    assert_ne!(second.refresh_token, first.refresh_token);
    server.logout(&first, json!({"refresh_token": first.refresh_token})).done();
    server.is_alive(&first);
    server.is_alive(&second);
    server.refresh_is_dead(&first.refresh_token);
    server.refresh_is_dead(&second.refresh_token);
    let other = server.device(DEVICE);
    server.refresh(&other.refresh_token).ok();
}

#[test]
fn s5_logging_out_the_session_token() {
    let server = Server::start();
    let (player, other) = (server.device(DEVICE), server.device(DEVICE));
    server.logout(&player, json!({"token": player.token})).done();
    server.is_dead(&player);
    server.is_alive(&other);
    // The refresh token is not ended, but what it yields opens no door (11.4).
    server.is_dead(&server.refresh(&player.refresh_token).player());
}

#[test]
fn s5_logging_out_both_tokens() {
    let server = Server::start();
    let (player, other) = (server.device(DEVICE), server.device(DEVICE));
    let body = json!({"token": player.token, "refresh_token": player.refresh_token});
    server.logout(&player, body).done();
    server.is_dead(&player);
    server.refresh_is_dead(&player.refresh_token);
    server.is_alive(&other);
    server.refresh(&other.refresh_token).ok();
}

#[test]
fn s6_logging_out_everywhere_ends_all_in_the_same_moment() {
    let server = Server::start();
    let someone = server.device("a-device-of-another");
    for nothing in [json!({}), json!({"token": "", "refresh_token": ""}), json!({"token": null})] {
        let sessions = [server.device(DEVICE), server.device(DEVICE), server.device(DEVICE)];
        let [first, second, third] = &sessions;
        server.wait(GRACE);
        let newest = server.refresh(&second.refresh_token).player();
        assert_ne!(newest.refresh_token, second.refresh_token);
        server.logout(first, nothing).done();
        for dead in [first, second, third, &newest] {
            server.is_dead(dead);
            server.refresh_is_dead(&dead.refresh_token);
        }
        server.is_alive(&server.device(DEVICE));
    }
    server.is_alive(&someone);
}

#[test]
fn s7_a_logout_with_a_wrong_token_ends_nothing() {
    let server = Server::start();
    let mut player = server.device(DEVICE);
    let ended = player.clone();
    let other = server.custom("a-custom-id");
    server.wait(60);
    player = server.device(DEVICE);
    let others = server.custom("a-custom-id");
    for (body, message) in [
        (json!({"token": others.token}), SESSION_INVALID),
        (json!({"token": ended.token}), SESSION_INVALID),
        (json!({"token": player.refresh_token}), SESSION_INVALID),
        (json!({"token": "garbage"}), SESSION_INVALID),
        (json!({"token": others.token, "refresh_token": player.refresh_token}), SESSION_INVALID),
        (json!({"refresh_token": others.refresh_token}), REFRESH_INVALID),
        (json!({"refresh_token": player.token}), REFRESH_INVALID),
        (json!({"token": player.token, "refresh_token": others.refresh_token}), REFRESH_INVALID),
    ] {
        server.logout(&player, body).refused(400, 3, message);
    }
    server.is_alive(&player);
    server.is_alive(&others);
    server.refresh(&player.refresh_token).ok();
    server.refresh(&others.refresh_token).ok();
    server.wait(3540);
    let player = server.device(DEVICE);
    let answer = server.logout(&player, json!({"refresh_token": other.refresh_token}));
    answer.refused(400, 3, REFRESH_INVALID);
    let answer = server.logout(&player, json!({"refresh_token": ended.refresh_token}));
    answer.refused(400, 3, REFRESH_INVALID);
    server.is_alive(&player);
}

#[test]
fn s8_a_ban_ends_all_in_the_same_moment_and_an_unban_revives_nothing() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": "a-custom-id"})).done();
    server.ban(&player.id());
    server.is_dead(&player);
    server.refresh_is_dead(&player.refresh_token);
    server.authenticate_device(DEVICE).refused(403, 7, "User account banned.");
    let answer = server.authenticate("custom?create=false", json!({"id": "a-custom-id"}));
    answer.refused(403, 7, "User account banned.");
    server.unban(&player.id());
    server.is_dead(&player);
    server.refresh_is_dead(&player.refresh_token);
    let again = server.device(DEVICE);
    assert_eq!((again.created, again.id()), (false, player.id()));
    server.is_alive(&again);
}

#[test]
fn s9_a_deleted_account_is_gone_in_the_same_moment() {
    let server = Server::start();
    let body = json!({"id": DEVICE});
    let player = server.authenticate("device?username=alice", body.clone()).player();
    server
        .link(&player, "email", json!({"email": "ann@example.com", "password": "correct horse"}))
        .done();
    server.delete("/v2/account", &player.bearer()).done();
    server.is_dead(&player);
    server.refresh_is_dead(&player.refresh_token);
    let answer = server.delete("/v2/account", &player.bearer());
    answer.refused(401, 16, "Auth token invalid");
    let again = server.authenticate("device?username=alice", body).player();
    assert!(again.created);
    assert_ne!(again.id(), player.id());
    assert!(server.email("ann@example.com", "another horse").created);
    server.is_dead(&player);
}

#[test]
fn s10_with_a_single_session_a_new_login_ends_the_one_before() {
    let policy = Policy { sessions_per_account: 1, ..Policy::nakama() };
    let server = Server::with(policy, |builder| builder);
    let first = server.device(DEVICE);
    let second = server.device(DEVICE);
    server.is_dead(&first);
    server.refresh_is_dead(&first.refresh_token);
    server.is_alive(&second);
    server.is_alive(&server.refresh(&second.refresh_token).player());
}

#[test]
fn differs_11_5_what_was_ended_stays_so_after_a_restart_and_the_rest_lives() {
    let server = Server::start();
    let live = server.device(DEVICE);
    let one = server.device(DEVICE);
    server.logout(&one, json!({"token": one.token, "refresh_token": one.refresh_token})).done();
    let everywhere = server.custom("logged-out-everywhere");
    server.logout(&everywhere, json!({})).done();
    let banned = server.custom("banned-for-good");
    server.ban(&banned.id());
    let unbanned = server.custom("banned-for-a-while");
    server.ban(&unbanned.id());
    server.unban(&unbanned.id());
    let deleted = server.custom("deleted-account");
    server.delete("/v2/account", &deleted.bearer()).done();
    let half = server.custom("half-logged-out");
    server.logout(&half, json!({"refresh_token": half.refresh_token})).done();
    let stale = server.custom("refreshed-before");
    server.wait(GRACE);
    let rotated = server.refresh(&stale.refresh_token).player();
    assert_ne!(rotated.refresh_token, stale.refresh_token);

    let server = server.restart();
    for dead in [&one, &everywhere, &banned, &unbanned, &deleted] {
        server.is_dead(dead);
        server.refresh_is_dead(&dead.refresh_token);
    }
    server.authenticate_custom("banned-for-good").refused(403, 7, "User account banned.");
    server.is_alive(&half);
    server.refresh_is_dead(&half.refresh_token);
    server.is_alive(&live);
    server.is_alive(&server.refresh(&live.refresh_token).player());
    assert_eq!(server.device(DEVICE).id(), live.id());
    server.wait(GRACE);
    server.is_alive(&rotated);
    server.refresh_is_dead(&stale.refresh_token);
    server.is_dead(&rotated);
}

#[test]
fn differs_11_5_what_was_ended_stays_so_after_its_tokens_are_over_and_a_sweep() {
    let server = Server::start();
    let first = server.device(DEVICE);
    server.wait(1800);
    let second = server.refresh(&first.refresh_token).player();
    server.logout(&second, json!({"refresh_token": first.refresh_token})).done();
    server.wait(1900);
    server.sweep();
    server.refresh_is_dead(&second.refresh_token);
    let live = server.device(DEVICE);
    server.sweep();
    server.is_alive(&live);
}

#[test]
fn differs_11_5_what_was_ended_is_so_for_another_server_of_the_same_store_too() {
    let here = Server::start();
    let there = here.second();
    let player = here.device(DEVICE);
    there.is_alive(&player);
    here.logout(&player, json!({})).done();
    there.is_dead(&player);
    there.refresh_is_dead(&player.refresh_token);
    let player = there.device(DEVICE);
    here.ban(&player.id());
    there.is_dead(&player);
    there.authenticate_device(DEVICE).refused(403, 7, "User account banned.");
    there.unban(&player.id());
    let player = here.device(DEVICE);
    there.delete("/v2/account", &player.bearer()).done();
    here.is_dead(&player);
    here.refresh_is_dead(&player.refresh_token);
}
