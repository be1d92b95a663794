//! One account of two, as brainCloud does it.

use authcore::Policy;
use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, custom, device, guest, identities, keys};

fn merge(server: &Server, path: &str, who: &Player, credential: &Value) -> Answer {
    server.post(path).by(who).send(json!({ "credential": credential }))
}

#[test]
fn a_merge_moves_everything_and_its_preview_nothing() {
    let server = Server::under(Policy::braincloud());
    let bob = server.player(custom("bob-at-work"));
    let ann = server.player(device("a-phone-of-ann"));

    let preview = merge(&server, "/v1/merge/preview", &ann, &custom("bob-at-work")).ok();
    assert_eq!(keys(&preview), ["report"]);
    let members = [
        "devices",
        "guests",
        "identities",
        "merged",
        "password",
        "sessions_ended",
        "survivor",
        "username_moves",
    ];
    assert_eq!(keys(&preview["report"]), members);
    assert_eq!(identities(&server.seen(&bob)).len(), 1);
    server.is_alive(&ann);

    let merged = merge(&server, "/v1/merge", &ann, &custom("bob-at-work")).ok();
    assert_eq!(keys(&merged), ["account", "report", "session", "tokens"]);
    assert_eq!(merged["report"]["survivor"], preview["report"]["survivor"]);
    assert_eq!(merged["account"]["id"], merged["report"]["survivor"]);
    assert_eq!(identities(&merged["account"]).len(), 2);
    let gone = &merged["report"]["merged"];
    let gone = gone.as_str().unwrap();
    server.operator("GET", &format!("accounts/{gone}")).go().refused(404, "account_not_found");
    let access = merged["tokens"]["access"].as_str().unwrap_or(&ann.access);
    server.get("/v1/account").bearer(access).go().ok();
    let again = server.player(custom("bob-at-work"));
    assert_eq!(again.account, merged["account"]["id"]);
}

#[test]
fn a_merge_with_oneself_has_nothing_to_report() {
    let server = Server::under(Policy::braincloud());
    let ann = server.player(custom("ann-at-work"));
    let merged = merge(&server, "/v1/merge", &ann, &custom("ann-at-work")).ok();
    assert_eq!((&merged["report"], &merged["tokens"]), (&Value::Null, &Value::Null));
    let preview = merge(&server, "/v1/merge/preview", &ann, &custom("ann-at-work")).ok();
    assert_eq!(preview, json!({ "report": null }));
}

#[test]
fn a_merge_is_refused_with_the_reason() {
    let server = Server::under(Policy::braincloud());
    let ann = server.player(custom("ann-at-work"));
    let bob = server.player(custom("bob-at-work"));
    for path in ["/v1/merge", "/v1/merge/preview"] {
        let refused = |credential: Value| merge(&server, path, &ann, &credential);
        refused(custom("nobody-at-work")).refused(404, "identity_unknown");
        refused(custom("bob-at-work")).refused(409, "already_linked");
        refused(guest("a-guest-key-of-16-bytes")).refused(400, "not_linkable");
    }
    server.to(&bob, "ban", json!({})).ok();
    merge(&server, "/v1/merge", &ann, &custom("bob-at-work")).refused(403, "banned");
}
