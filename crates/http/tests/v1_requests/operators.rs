//! Operators' calls.

use std::num::NonZeroU32;

use authcore::Policy;
use authcore::lifecycle::{Amount, BanPeriod, ReleaseRule};
use authcore::policy::{GraceRelease, Lockdown, RefundTrigger};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::requests::uuid;
use crate::server::Server;

fn path_of(player: &Value) -> String {
    format!("accounts/{}", player["account"]["id"].as_str().unwrap())
}

#[test]
fn gamebase_3_13_ten_thousand_are_banned_at_once_and_no_more() {
    let server = Server::start(Policy::gamebase());
    let player = server.log_in("a-device-of-ann");
    let mut accounts: Vec<_> = (1..10_000).map(|number| json!(uuid(number))).collect();
    accounts.push(player["account"]["id"].clone());
    let ban = json!({ "accounts": accounts, "ban": {} });
    let failed = server.operate("POST", "bans", ban).ok();
    assert_eq!(failed["failed"].as_array().unwrap().len(), 9_999, "and one is banned");
    assert_eq!(server.operate("GET", &path_of(&player), Value::Null).ok()["standing"], "banned");
    accounts.push(json!(uuid(10_000)));
    let more = server.operate("POST", "unbans", json!({ "accounts": accounts }));
    more.refused(400, "invalid");
    assert_eq!(more.json["error"]["rule"], json!({ "items": { "max": 10_000 } }));
}

#[test]
fn security_118_nobody_is_an_operator_without_the_key() {
    let server = Server::start(Policy::gamebase());
    let path = "/v1/operator/end-all-sessions";
    for token in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a key for operator",
        "Bearer a key for operatorS",
        "Basic a key for operators",
    ] {
        let headers = [("authorization", token)];
        server.send("POST", path, &headers, "").refused(401, "operator_key_required");
    }
    server.send("POST", path, &[], "not even read").refused(401, "operator_key_required");
    let right = ("authorization", "Bearer a key for operators");
    server.send("POST", path, &[right, right], "").refused(401, "operator_key_required");
    server.send("POST", path, &[right], "").ok();
}

#[test]
fn times_of_bans_are_written_as_all_others() {
    let server = Server::start(Policy::gamebase());
    let player = server.log_in("a-device-of-ann");
    let path = path_of(&player);
    let ban = json!({ "until": "2100-01-01T00:00:00Z", "reason": "speed hack", "flags": ["leaderboard"] });
    let banned = server.operate("POST", &format!("{path}/ban"), ban).ok();
    let since = player["account"]["created_at"].clone();
    let record = json!({
        "since": since, "until": "2100-01-01T00:00:00Z", "message": "", "template": null,
        "reason": "speed hack", "source": "app_server", "registrar": "holder of the operator key",
        "flags": ["leaderboard"],
    });
    assert_eq!(banned["ban"], record);
    let unban = json!({ "reason": "appeal" });
    let mut past =
        server.operate("POST", &format!("{path}/unban"), unban).ok()["past_bans"][0].clone();
    let end = past.as_object_mut().unwrap().remove("end").unwrap();
    assert_eq!(past, record);
    let by = "holder of the operator key";
    assert_eq!(
        end,
        json!({ "kind": "released", "at": since, "source": "app_server", "by": by, "reason": "appeal" })
    );
}

#[test]
fn a_tombstone_can_be_looked_at() {
    let server = Server::start(Policy::gamebase());
    let player = server.log_in("a-device-of-ann");
    let path = path_of(&player);
    server.operate("POST", &format!("{path}/withdraw"), json!({})).ok();
    let tombstone = server.operate("GET", &path, Value::Null).ok();
    assert_eq!(tombstone["standing"], "withdrawn");
    assert_eq!(tombstone["created_at"], player["account"]["created_at"]);
    assert_eq!(tombstone["withdrawal"]["cause"], "operator");
    assert_eq!(tombstone["identities"], json!([]));
    let nobody = server.operate("GET", &format!("accounts/{}", uuid(1)), Value::Null);
    nobody.refused(404, "account_not_found");
}

#[test]
fn gamebase_1_8_payments_beyond_all_bounds_are_added_up_to_the_most_there_is() {
    let release = GraceRelease {
        period: TimeDelta::days(3),
        rule: ReleaseRule::Count { count: 9 },
        message: String::new(),
    };
    let lockdown = Lockdown {
        trigger: RefundTrigger::Count(NonZeroU32::MIN),
        currency: "USD".into(),
        ban: BanPeriod::Permanent,
        template: None,
        release: Some(release),
    };
    let server = Server::start(Policy { lockdown: Some(lockdown), ..Policy::gamebase() });
    let path = path_of(&server.log_in("a-device-of-ann"));
    let purchase = |order: &str| json!({ "purchase": order, "amount": Amount::minor(u64::MAX), "currency": "USD" });
    server.operate("POST", &format!("{path}/refunds"), purchase("order-0")).ok();
    server.operate("POST", &format!("{path}/payments"), purchase("order-1")).ok();
    let twice = server.operate("POST", &format!("{path}/payments"), purchase("order-2")).ok();
    assert_eq!(twice["grace_ban"]["paid"], json!({ "amount": u64::MAX, "count": 2 }));
}
