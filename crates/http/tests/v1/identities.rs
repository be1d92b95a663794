//! What operators do to identities.

use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, UNKNOWN, custom, device, guest, identities, identity};

const KEY: &str = "a-guest-key-of-16-bytes";

fn pair(provider: &str, subject: &str) -> (String, String) {
    (provider.into(), subject.into())
}

fn look_up(server: &Server, body: Value) -> Vec<String> {
    let answer = server.operator("POST", "look-up").send(body).ok();
    let accounts = answer["accounts"].as_array().unwrap();
    accounts.iter().map(|account| account["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn accounts_are_found_by_id_and_by_identity_each_once() {
    let server = Server::start();
    let (ann, bob) =
        (server.player(custom("ann-at-work")), server.player(device("a-phone-of-bob")));
    let by_identity = json!({ "identities": [identity("custom", "ann-at-work")] });
    assert_eq!(look_up(&server, by_identity), [ann.account.as_str()]);
    let both = json!({
        "ids": [ann.account, UNKNOWN, bob.account],
        "identities": [identity("custom", "ann-at-work"), identity("custom", "nobody")],
    });
    let mut found = look_up(&server, both);
    found.sort();
    let mut all = vec![ann.account, bob.account];
    all.sort();
    assert_eq!(found, all);
    assert_eq!(look_up(&server, json!({})), Vec::<String>::new());
    let many = json!({ "ids": vec![UNKNOWN; 301] });
    let answer = server.operator("POST", "look-up").send(many);
    answer.invalid("count", json!({ "items": { "max": 300 } }));
}

#[test]
fn an_identity_names_no_more_than_it_needs() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let short = json!({ "provider": "custom", "subject": "ann-at-work" });
    assert_eq!(look_up(&server, json!({ "identities": [short] })), [ann.account]);
    for bad in [
        json!({ "provider": "custom", "subject": "ann-at-work", "more": 1 }),
        json!({ "provider": "custom" }),
        json!({ "provider": "No Provider", "subject": "x" }),
        json!("ann-at-work"),
    ] {
        let answer = server.operator("POST", "look-up").send(json!({ "identities": [bad] }));
        answer.refused(400, "bad_body");
    }
}

#[test]
fn an_identity_waits_for_its_first_login() {
    let server = Server::start();
    let ann = server.player(guest(KEY));
    let register = |who: &Player, identity: Value| {
        server.to(who, "identities", json!({ "identity": identity }))
    };
    let account = register(&ann, identity("custom", "ann-at-work")).ok();
    assert!(identities(&account).contains(&pair("custom", "ann-at-work")));
    assert_eq!(server.player(custom("ann-at-work")).account, ann.account);

    register(&ann, identity("custom", "ann-at-home")).refused(409, "already_linked");
    register(&ann, identity("guest", KEY)).refused(400, "not_linkable");
    register(&ann, identity("nowhere", "ann")).refused(400, "provider_not_configured");
    let bob = server.player(device("a-phone-of-bob"));
    register(&bob, identity("custom", "ann-at-work")).refused(409, "identity_taken");
    let path = format!("accounts/{UNKNOWN}/identities");
    let body = json!({ "identity": identity("custom", "nobody") });
    server.operator("POST", &path).send(body).refused(404, "account_not_found");
}

#[test]
fn an_identity_moves_to_a_guest() {
    let server = Server::start();
    let (old, new) = (server.player(custom("ann-at-work")), server.player(guest(KEY)));
    let r#move = |subject: &str, to: &str| {
        let body = json!({ "identity": identity("custom", subject), "to": to });
        server.operator("POST", "identities/move").send(body)
    };
    r#move("nobody", &new.account).refused(404, "identity_unknown");
    r#move("ann-at-work", UNKNOWN).refused(404, "account_not_found");
    r#move("ann-at-work", &old.account).refused(400, "nothing_to_change");
    let bob = server.player(device("a-phone-of-bob"));
    r#move("ann-at-work", &bob.account).refused(400, "receiver_not_eligible");
    let account = r#move("ann-at-work", &new.account).ok();
    assert_eq!(identities(&account), [pair("custom", "ann-at-work")]);
    server.is_dead(&old);
    assert_eq!(server.seen(&old)["standing"], "missing");
    assert_eq!(server.player(custom("ann-at-work")).account, new.account);
    server.to(&new, "ban", json!({})).ok();
    r#move("ann-at-work", &old.account).refused(400, "donor_not_normal");
}

#[test]
fn an_identity_is_taken_away_by_its_number() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let body = json!({ "credential": device("a-phone-of-ann") });
    let account = server.post("/v1/links").by(&ann).send(body).ok();
    let ordinal = account["identities"][0]["ordinal"].as_u64().unwrap();
    let unlink = |who: &str, ordinal: &str| {
        server.operator("DELETE", &format!("accounts/{who}/identities/{ordinal}")).go()
    };
    unlink(&ann.account, "99").invalid("identity", json!("unknown"));
    unlink(UNKNOWN, "1").refused(404, "account_not_found");
    unlink("no-id", "1").refused(400, "bad_path");
    for bad in ["first", "-1", "1.5", "99999999999999999999"] {
        unlink(&ann.account, bad).refused(400, "bad_path");
    }
    let account = unlink(&ann.account, &ordinal.to_string()).ok();
    assert_eq!(identities(&account), [pair("device", "a-phone-of-ann")]);
    server.is_dead(&ann);
    let ordinal = account["identities"][0]["ordinal"].as_u64().unwrap();
    unlink(&ann.account, &ordinal.to_string()).refused(403, "last_identity");
}

#[test]
fn what_a_provider_reports_ends_sessions_or_the_account() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let report = |what: &str, subject: &str| -> Answer {
        let body = json!({ "identity": identity("custom", subject) });
        server.operator("POST", &format!("identities/{what}")).send(body)
    };
    for what in ["consent-revoked", "account-deleted"] {
        report(what, "nobody").refused(404, "identity_unknown");
    }
    assert_eq!(report("consent-revoked", "ann-at-work").ok(), json!({ "account": ann.account }));
    server.is_dead(&ann);
    let again = server.player(custom("ann-at-work"));
    assert_eq!(again.account, ann.account);
    assert_eq!(report("account-deleted", "ann-at-work").ok(), json!({ "account": ann.account }));
    server.is_dead(&again);
    assert_eq!(server.seen(&ann)["withdrawal"]["cause"], "provider");
}
