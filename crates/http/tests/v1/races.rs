//! Many at once.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::server::{Answer, Server, at_once, custom, device, guest, identities};

const ROUNDS: usize = 4;

/// One is let through; all others get this code, or are to come back because there were too many at once.
#[track_caller]
fn one_gets_it(answers: &[Answer], code: &str) {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in lost {
        match answer.status {
            429 => answer.refused(429, "try_again_later"),
            status => answer.refused(status, code),
        };
    }
}

#[test]
fn one_of_eight_forced_links_uses_the_ticket() {
    let server = Server::start();
    for round in 0..ROUNDS {
        let phone = format!("a-phone-of-round-{round}");
        let bob = server.player(device(&phone));
        let ann = server.player(custom(&format!("ann-of-round-{round}")));
        let body = json!({ "credential": device(&phone) });
        let ticket = server.post("/v1/links").by(&ann).send(body).ticket();
        let answers = at_once(8, |_| {
            server.post("/v1/links/forced").by(&ann).send(json!({ "ticket": ticket }))
        });
        one_gets_it(&answers, "ticket_used");
        assert_eq!(identities(&server.seen(&ann)).len(), 2);
        assert_eq!(server.seen(&bob)["standing"], "missing");
    }
}

#[test]
fn one_of_sixteen_transfers_uses_the_transfer_account() {
    let server = Server::start();
    for round in 0..ROUNDS {
        let ann = server.player(guest(&format!("a-guest-key-of-round-{round}")));
        let info = server.post("/v1/transfer-account").by(&ann).go().ok();
        let answers = at_once(16, |which| {
            let body = json!({
                "id": info["id"],
                "password": info["password"],
                "guest": format!("the-guest-key-of-{round}-{which}"),
            });
            server.post("/v1/transfer").send(body)
        });
        one_gets_it(&answers, "transfer_used");
        assert_eq!(identities(&server.seen(&ann)).len(), 1);
        server.is_dead(&ann);
    }
}

#[test]
fn no_token_outlives_a_ban_that_was_acknowledged() {
    let server = Server::start();
    for round in 0..ROUNDS {
        let name = format!("ann-of-round-{round}");
        let ann = server.player(custom(&name));
        let banned = AtomicBool::new(false);
        let answers = at_once(8, |which| {
            if which == 0 {
                server.to(&ann, "ban", json!({})).ok();
                banned.store(true, Ordering::SeqCst);
                return Vec::new();
            }
            let mut answers = Vec::new();
            // Until the ban is known, and once more after it.
            loop {
                let known = banned.load(Ordering::SeqCst);
                answers.push(server.log_in(custom(&name)));
                if known {
                    return answers;
                }
            }
        });
        for answers in answers {
            let Some((last, before)) = answers.split_last() else { continue };
            last.refused(403, "banned");
            for answer in before.iter().filter(|answer| answer.status == 200) {
                server.is_dead(&answer.clone().player());
            }
        }
    }
}

#[test]
fn first_logins_of_one_player_make_one_account() {
    let server = Server::start();
    let players = at_once(8, |_| server.player(custom("ann-at-work")));
    let made = players.iter().filter(|player| player.login["created"] == true);
    assert_eq!(made.count(), 1);
    for player in &players {
        assert_eq!(player.account, players[0].account);
    }
}
