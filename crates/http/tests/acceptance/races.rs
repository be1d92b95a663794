//! Many at once: where Nakama answers 500 or loses identities, nothing goes wrong here (18c).

use std::collections::HashSet;

use authcore::Policy;
use authcore::password::{HasherConfig, ThreadedHasher};
use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, at_once};

const ROUNDS: usize = 5;
const PASSWORD: &str = "correct horse";
const KEPT: &str =
    "Cannot unlink last account identifier. Check profile exists and is not last link.";

/// Eight first logins at once, several times over: all are let in, and one of them made the account.
fn first_logins(how: &str, body: impl Fn(usize) -> Value + Sync) {
    let server = Server::start();
    for round in 0..ROUNDS {
        let answers = at_once(8, |_| server.authenticate(how, body(round)));
        let players: Vec<_> = answers.into_iter().map(Answer::player).collect();
        assert_eq!(players.iter().filter(|player| player.created).count(), 1);
        let ids: HashSet<_> = players.iter().map(Player::id).collect();
        assert_eq!(ids.len(), 1);
        for player in &players {
            server.is_alive(player);
        }
    }
}

#[test]
fn differs_18c_first_logins_of_one_device() {
    first_logins("device", |round| json!({"id": format!("device-of-round-{round}")}));
}

#[test]
fn differs_18c_first_logins_of_one_custom_id() {
    first_logins("custom", |round| json!({"id": format!("custom-of-round-{round}")}));
}

#[test]
fn differs_18c_first_logins_of_one_email() {
    first_logins(
        "email",
        |round| json!({"email": format!("round{round}@example.com"), "password": PASSWORD}),
    );
}

#[test]
fn differs_18c_first_logins_of_one_device_with_one_username() {
    let server = Server::start();
    for round in 0..ROUNDS {
        let how = format!("device?username=name-{round}");
        let body = json!({"id": format!("device-of-round-{round}")});
        let answers = at_once(8, |_| server.authenticate(&how, body.clone()));
        let created = answers.into_iter().map(Answer::player).filter(|player| player.created);
        assert_eq!(created.count(), 1);
    }
}

#[test]
fn a8_first_logins_of_many_devices_with_one_username() {
    let server = Server::start();
    for round in 0..ROUNDS {
        let how = format!("device?username=name-{round}");
        let answers = at_once(8, |which| {
            server.authenticate(&how, json!({"id": format!("device-{round}-of-{which}")}))
        });
        one_gets_it(&answers, "Username is already in use.");
    }
}

/// One is let through, and all others get this text.
#[track_caller]
fn one_gets_it(answers: &[Answer], message: &str) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in lost {
        answer.refused(409, 6, message);
    }
}

/// Eight players link the same at once.
fn links(kind: &str, message: &str, body: impl Fn(usize) -> Value + Sync) {
    let server = Server::start();
    let players: Vec<_> =
        (0..8).map(|which| server.device(&format!("device-number-{which}"))).collect();
    for round in 0..ROUNDS {
        let answers =
            at_once(8, |which| server.link(players.get(which).unwrap(), kind, body(round)));
        one_gets_it(&answers, message);
    }
}

#[test]
fn differs_18c_links_of_one_custom_id() {
    links(
        "custom",
        "Custom ID is already in use.",
        |round| json!({"id": format!("custom-of-round-{round}")}),
    );
}

#[test]
fn differs_18c_links_of_one_device() {
    links(
        "device",
        "Device ID already in use.",
        |round| json!({"id": format!("device-of-round-{round}")}),
    );
}

#[test]
fn differs_18c_links_of_one_email() {
    links(
        "email",
        "Email is already in use.",
        |round| json!({"email": format!("round{round}@example.com"), "password": PASSWORD}),
    );
}

/// Unlinks all of these at once: all but one go.
fn unlinks(first: &str, second: &str, third: Option<&str>) {
    let server = Server::start();
    for round in 0..ROUNDS {
        let body = |kind: &str, which: usize| match kind {
            "email" => json!({"email": format!("round{round}@example.com"), "password": PASSWORD}),
            _ => json!({"id": format!("{kind}-{which}-of-round-{round}")}),
        };
        let logins: Vec<_> = [Some(first), Some(second), third]
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(which, kind)| (kind, body(kind, which)))
            .collect();
        let (kind, login) = logins.first().unwrap();
        let player = server.authenticate(kind, login.clone()).player();
        for (kind, login) in logins.iter().skip(1) {
            server.link(&player, kind, login.clone()).done();
        }
        let answers = at_once(logins.len(), |which| {
            let (kind, login) = logins.get(which).unwrap();
            server.unlink(&player, kind, login.clone())
        });
        let kept: Vec<_> = answers.iter().zip(&logins).filter(|(a, _)| a.status != 200).collect();
        assert_eq!(kept.len(), 1, "{answers:?}");
        for (answer, (kind, login)) in kept {
            answer.refused(403, 7, KEPT);
            assert_eq!(server.authenticate(kind, login.clone()).player().id(), player.id());
        }
    }
}

#[test]
fn differs_18c_unlinks_of_two_devices() {
    unlinks("device", "device", None);
}

#[test]
fn differs_18c_unlinks_of_three_devices() {
    unlinks("device", "device", Some("device"));
}

#[test]
fn differs_18c_unlinks_of_a_custom_id_and_the_last_device() {
    unlinks("custom", "device", None);
}

#[test]
fn differs_18c_unlinks_of_an_email_a_device_and_a_custom_id() {
    unlinks("email", "device", Some("custom"));
}

#[test]
fn t13_5_a_client_that_refreshes_several_times_at_once_stays_in() {
    let server = Server::start();
    for _ in 0..ROUNDS {
        let first = server.device("a-device-of-mine");
        // Old enough to rotate.
        server.wait(10);
        let answers = at_once(8, |_| server.refresh(&first.refresh_token));
        for next in answers.into_iter().map(Answer::player) {
            assert_eq!(next.claims()["tid"], first.claims()["tid"]);
            assert_ne!(next.refresh_token, first.refresh_token);
            server.is_alive(&next);
            server.refresh(&next.refresh_token).ok();
        }
    }
}

#[test]
fn s6_logins_beside_a_logout_everywhere_end_or_live_whole() {
    let server = Server::start();
    for _ in 0..ROUNDS {
        let first = server.device("a-device-of-mine");
        let answers = at_once(4, |which| match which {
            0 => server.logout(&first, json!({})),
            _ => server.authenticate_device("a-device-of-mine"),
        });
        let (logout, logins) = answers.split_first().unwrap();
        logout.done();
        server.is_dead(&first);
        for player in logins.iter().map(|answer| answer.clone().player()) {
            let alive = server.account(&player).status == 200;
            assert_eq!(server.refresh(&player.refresh_token).status == 200, alive);
        }
    }
}

#[test]
fn s8_logins_beside_a_ban_do_not_outlive_it() {
    let server = Server::start();
    let id = server.device("a-device-of-mine").id();
    for _ in 0..ROUNDS {
        let answers = at_once(4, |which| {
            if which == 0 {
                server.ban(&id);
                return None;
            }
            Some(server.authenticate_device("a-device-of-mine"))
        });
        for answer in answers.into_iter().flatten() {
            if answer.status == 200 {
                server.is_dead(&answer.player());
            } else {
                answer.refused(403, 7, "User account banned.");
            }
        }
        server.unban(&id);
    }
}

#[test]
fn s9_logins_beside_a_deletion_are_all_answered() {
    let server = Server::start();
    for _ in 0..ROUNDS {
        let first = server.device("a-device-of-mine");
        let answers = at_once(4, |which| match which {
            0 => server.delete("/v2/account", &first.bearer()),
            _ => server.authenticate_device("a-device-of-mine"),
        });
        let (deleted, logins) = answers.split_first().unwrap();
        deleted.done();
        for player in logins.iter().map(|answer| answer.clone().player()) {
            let alive = server.account(&player).status == 200;
            assert_eq!(alive, player.id() != first.id());
        }
    }
}

#[test]
fn differs_6_7_too_many_passwords_at_once_are_told_to_come_back() {
    let config = HasherConfig { threads: 1, queue: 4, ..HasherConfig::default() };
    let hasher = ThreadedHasher::start(&config).unwrap();
    let server = Server::with(Policy::nakama(), |builder| builder.hasher(hasher));
    let answers = at_once(64, |which| {
        server.authenticate_email(&format!("player{which}@example.com"), PASSWORD)
    });
    let (let_in, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    for answer in &refused {
        answer.refused(429, 8, "Try again later.");
    }
    assert!(!let_in.is_empty() && !refused.is_empty(), "{} {}", let_in.len(), refused.len());
    for player in let_in.into_iter().map(Answer::player) {
        assert!(player.created);
    }
    // The storm is over.
    assert!(server.email("after-the-storm@example.com", PASSWORD).created);
}
