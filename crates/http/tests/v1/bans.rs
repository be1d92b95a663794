//! Bans and grace bans.

use authcore::lifecycle::{Amount, ReleaseRule};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, UNKNOWN, custom, gamebase, keys};

fn in_language(server: &Server, languages: &str) -> Answer {
    let call = server.post("/v1/login").with("Accept-Language", languages);
    call.send(json!({ "credential": custom("ann-at-work") }))
}

#[test]
fn a_ban_tells_the_player_what_it_is_and_operators_why() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let body = json!({
        "until": server.now() + TimeDelta::days(1),
        "message": "Ask us.",
        "reason": "speed hack",
        "source": "app_guard",
        "flags": ["leaderboard"],
    });
    let call = server.operator("POST", &format!("accounts/{}/ban", ann.account));
    let account = call.with("X-Operator", "kim").send(body).ok();
    assert_eq!(account["standing"], "banned");
    let ban = &account["ban"];
    assert_eq!((&ban["registrar"], &ban["reason"]), (&json!("kim"), &json!("speed hack")));
    assert_eq!((&ban["source"], &ban["flags"]), (&json!("app_guard"), &json!(["leaderboard"])));

    let answer = server.log_in(custom("ann-at-work"));
    let error = answer.refused(403, "banned");
    let ban = &error["ban"];
    assert_eq!(
        keys(ban),
        ["account", "message", "since", "support_contact", "support_url", "until"]
    );
    assert_eq!(ban["message"], "Ask us.");
    assert_eq!(ban["account"], ann.account.as_str());
    assert_eq!(ban["support_contact"], "help@game.example");
    for hidden in ["speed hack", "kim", "leaderboard"] {
        assert!(!answer.text().contains(hidden), "{hidden}");
    }
    let until: DateTime<Utc> = serde_json::from_value(ban["until"].clone()).unwrap();
    assert_eq!(until, server.now() + TimeDelta::days(1));
    server.is_dead(&ann);
    server.wait(24 * 60 * 60);
    assert_eq!(server.player(custom("ann-at-work")).account, ann.account);
    assert_eq!(server.seen(&ann)["past_bans"].as_array().unwrap().len(), 1);
}

#[test]
fn a_templates_words_come_in_the_language_that_the_client_prefers() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.to(&ann, "ban", json!({ "template": 1 })).ok();
    let (english, german) = ("You are banned.", "Du bist gesperrt.");
    for (languages, words) in [
        ("de", german),
        ("de-AT", german),
        ("de-AT,de;q=0.9,en;q=0.8", german),
        ("de,en;q=0.5", german),
        ("en;q=0.5, de", german),
        ("en;q=0.5,de;q=0.9", german),
        ("en-GB,en;q=0.9,de;q=0.8", english),
        ("ko", english),
        ("*", english),
        ("", english),
        (";q=,,;;", english),
    ] {
        let error = in_language(&server, languages).refused(403, "banned");
        assert_eq!(error["ban"]["message"], words, "{languages}");
    }
}

#[test]
fn a_ban_is_replaced_only_when_asked_for_and_lifted_with_a_reason() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.to(&ann, "unban", json!({})).refused(400, "not_banned");
    server.to(&ann, "ban", json!({ "message": "one" })).ok();
    server.to(&ann, "ban", json!({ "message": "two" })).refused(409, "already_banned");
    server.to(&ann, "ban", json!({ "message": "two", "replace": true })).ok();
    let error = server.log_in(custom("ann-at-work")).refused(403, "banned");
    assert_eq!((&error["ban"]["message"], &error["ban"]["until"]), (&json!("two"), &Value::Null));
    let account = server.to(&ann, "unban", json!({ "reason": "appeal", "source": "console" })).ok();
    assert_eq!((&account["standing"], &account["ban"]), (&json!("normal"), &Value::Null));
    let past = account["past_bans"].as_array().unwrap();
    assert_eq!(past.len(), 2);
    server.log_in(custom("ann-at-work")).ok();
}

#[test]
fn a_ban_that_cannot_be_is_refused() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let ban = |body: Value| server.to(&ann, "ban", body);
    ban(json!({ "until": server.now() })).invalid("ban_expiry", json!("future"));
    ban(json!({ "template": 2 })).invalid("ban_template", json!("unknown"));
    assert_eq!(
        ban(json!({ "message": "a".repeat(100_000) })).refused(400, "invalid")["field"],
        "ban_message"
    );
    assert_eq!(
        ban(json!({ "reason": "a".repeat(100_000) })).refused(400, "invalid")["field"],
        "ban_reason"
    );
    let flags: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    assert_eq!(ban(json!({ "flags": flags })).refused(400, "invalid")["field"], "ban_flags");
    ban(json!({ "until": "tomorrow" })).refused(400, "bad_body");
    ban(json!({ "source": "nowhere" })).refused(400, "bad_body");
    let nobody = server.operator("POST", &format!("accounts/{UNKNOWN}/ban")).go();
    nobody.refused(404, "account_not_found");
    server.is_alive(&ann);
}

#[test]
fn many_are_banned_at_once_and_those_that_are_not_are_named() {
    let server = Server::start();
    let (ann, bob) = (server.player(custom("ann-at-work")), server.player(custom("bob-at-work")));
    let accounts = json!([ann.account, UNKNOWN, bob.account]);
    let answer = server
        .operator("POST", "bans")
        .send(json!({ "accounts": accounts, "ban": { "message": "all" } }))
        .ok();
    assert_eq!(answer, json!({ "failed": [{ "account": UNKNOWN, "code": "account_not_found" }] }));
    server.is_dead(&ann);
    server.log_in(custom("bob-at-work")).refused(403, "banned");
    let answer =
        server.operator("POST", "unbans").send(json!({ "accounts": accounts, "reason": "x" })).ok();
    assert_eq!(answer, json!({ "failed": [{ "account": UNKNOWN, "code": "account_not_found" }] }));
    server.log_in(custom("ann-at-work")).ok();
    server.operator("POST", "bans").send(json!({ "accounts": [] })).refused(400, "bad_body");
    let ids = json!({ "accounts": ["no id"], "ban": {} });
    server.operator("POST", "bans").send(ids).refused(400, "bad_body");
}

#[test]
fn gamebase_3_13_ten_thousand_are_banned_at_once_and_no_more() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let id = |number: usize| format!("00000000-0000-7000-8000-{number:012}");
    let mut accounts: Vec<_> = (1..10_000).map(id).collect();
    accounts.push(ann.account.clone());
    let ban = json!({ "accounts": accounts, "ban": {} });
    let failed = server.operator("POST", "bans").send(ban).ok();
    assert_eq!(failed["failed"].as_array().unwrap().len(), 9_999, "and one is banned");
    assert_eq!(server.seen(&ann)["standing"], "banned");
    accounts.push(id(10_000));
    let more = server.operator("POST", "unbans").send(json!({ "accounts": accounts }));
    assert_eq!(more.refused(400, "invalid")["rule"], json!({ "items": { "max": 10_000 } }));
}

#[test]
fn times_of_bans_are_written_as_all_others() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let until = "2100-01-01T00:00:00Z";
    let ban = json!({ "until": until, "reason": "speed hack", "flags": ["leaderboard"] });
    let banned = server.to(&ann, "ban", ban).ok();
    let since = &ann.login["account"]["created_at"];
    let by = "holder of the operator key";
    let record = json!({
        "since": since, "until": until, "message": "", "template": null, "reason": "speed hack",
        "source": "app_server", "registrar": by, "flags": ["leaderboard"],
    });
    assert_eq!(banned["ban"], record);
    let mut past = record;
    past["end"] = json!({
        "kind": "released", "at": since, "source": "app_server", "by": by, "reason": "appeal",
    });
    let released = server.to(&ann, "unban", json!({ "reason": "appeal" })).ok();
    assert_eq!(released["past_bans"], json!([past]));
}

fn purchase(server: &Server, who: &Player, what: &str, order: &str) -> Answer {
    let body = json!({ "purchase": order, "amount": 5000, "currency": "KRW" });
    server.to(who, what, body)
}

#[test]
fn refunds_suspend_and_payments_release() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    purchase(&server, &ann, "payments", "order-0").refused(400, "no_grace_ban");
    assert_eq!(purchase(&server, &ann, "refunds", "order-1").ok()["standing"], "normal");
    let twice = purchase(&server, &ann, "refunds", "order-1").ok();
    assert_eq!(twice["refunds"]["count"], 1);
    let account = purchase(&server, &ann, "refunds", "order-2").ok();
    assert_eq!(account["standing"], "grace_banned");

    let login = server.player(custom("ann-at-work")).login;
    let grace = &login["account"]["grace_ban"];
    assert_eq!(keys(grace), ["currency", "deadline", "message", "paid", "rule", "since"]);
    assert_eq!((&grace["message"], &grace["currency"]), (&json!("Buy twice more."), &json!("KRW")));
    assert_eq!(grace["paid"], json!({ "amount": 0, "count": 0 }));

    let account = purchase(&server, &ann, "payments", "order-3").ok();
    assert_eq!(account["grace_ban"]["paid"], json!({ "amount": 5000, "count": 1 }));
    let account = purchase(&server, &ann, "payments", "order-3").ok();
    assert_eq!(account["grace_ban"]["paid"]["count"], 1);
    let account = purchase(&server, &ann, "payments", "order-4").ok();
    assert_eq!((&account["standing"], &account["grace_ban"]), (&json!("normal"), &Value::Null));
}

#[test]
fn gamebase_1_8_payments_beyond_all_bounds_are_added_up_to_the_most_there_is() {
    let mut policy = gamebase();
    let lockdown = policy.lockdown.as_mut().unwrap();
    lockdown.release.as_mut().unwrap().rule = ReleaseRule::Count { count: 9 };
    let server = Server::under(policy);
    let ann = server.player(custom("ann-at-work"));
    purchase(&server, &ann, "refunds", "order-1").ok();
    purchase(&server, &ann, "refunds", "order-2").ok();
    let pay = |order: &str| {
        let most = Amount::minor(u64::MAX);
        let body = json!({ "purchase": order, "amount": most, "currency": "KRW" });
        server.to(&ann, "payments", body).ok()["grace_ban"]["paid"].clone()
    };
    assert_eq!(pay("order-3"), json!({ "amount": u64::MAX, "count": 1 }));
    assert_eq!(pay("order-4"), json!({ "amount": u64::MAX, "count": 2 }));
}

#[test]
fn a_grace_ban_that_nobody_paid_for_becomes_a_ban() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    purchase(&server, &ann, "refunds", "order-1").ok();
    purchase(&server, &ann, "refunds", "order-2").ok();
    server.wait(3 * 24 * 60 * 60);
    let error = in_language(&server, "de").refused(403, "banned");
    assert!(error["ban"]["message"].as_str().unwrap().starts_with("Du bist gesperrt."), "{error}");
    assert_eq!(server.seen(&ann)["ban"]["source"], "purchase_abuse");
}

#[test]
fn a_purchase_that_cannot_be_is_refused() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    for what in ["payments", "refunds"] {
        let report = |purchase: &str, amount: Value, currency: &str| {
            let body = json!({ "purchase": purchase, "amount": amount, "currency": currency });
            server.to(&ann, what, body)
        };
        report("order-1", json!(-1), "KRW").refused(400, "bad_body");
        report("order-1", json!(1.5), "KRW").refused(400, "bad_body");
    }
    let report = |purchase: &str, currency: &str| {
        let body = json!({ "purchase": purchase, "amount": 1, "currency": currency });
        server.to(&ann, "refunds", body).refused(400, "invalid")["field"].clone()
    };
    assert_eq!(report("", "KRW"), "purchase");
    assert_eq!(report("order-1", "USD"), "currency");
}
