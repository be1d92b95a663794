//! Which logins belong together.

use authcore::Policy;
use serde_json::{Value, json};

use crate::server::{
    Answer, Player, Server, custom, device, gamebase, guest, identities, keys, text,
};

const KEY: &str = "a-guest-key-of-16-bytes";
const PHONE: &str = "a-phone-of-somebody";

fn link(server: &Server, who: &Player, credential: &Value) -> Answer {
    server.post("/v1/links").by(who).send(json!({ "credential": credential }))
}

fn unlink(server: &Server, who: &Player, provider: &str) -> Answer {
    server.call("DELETE", &format!("/v1/links/{provider}")).by(who).go()
}

fn pair(provider: &str, subject: &str) -> (String, String) {
    (provider.into(), subject.into())
}

/// Ann, a ticket of hers for a phone, and Bob, who owns it.
fn with_ticket(server: &Server) -> (Player, String, Player) {
    let bob = server.player(device(PHONE));
    link(server, &bob, &custom("bob-at-work")).ok();
    let ann = server.player(custom("ann-at-work"));
    let ticket = link(server, &ann, &device(PHONE)).ticket();
    (ann, ticket, bob)
}

#[test]
fn a_guest_links_a_login_and_is_no_guest_any_more() {
    let server = Server::start();
    let ann = server.player(guest(KEY));
    let account = link(&server, &ann, &custom("ann-at-work")).ok();
    assert_eq!(identities(&account), [pair("custom", "ann-at-work")]);
    let listed = server.get("/v1/links").by(&ann).go().ok();
    assert_eq!(listed["identities"], account["identities"]);
    assert_eq!(keys(&listed["identities"][0]), ["linked_at", "ordinal", "provider", "subject"]);
}

#[test]
fn a_link_is_refused_with_the_reason() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    link(&server, &ann, &custom("ann-at-work")).refused(409, "already_linked");
    link(&server, &ann, &custom("ann-at-home")).refused(409, "already_linked");
    link(&server, &ann, &guest(KEY)).refused(400, "not_linkable");
    link(&server, &ann, &device("short"))
        .invalid("device_id", json!({ "bytes": { "min": 10, "max": 128 } }));
    let nowhere = json!({ "provider": "nowhere", "credential": "x" });
    link(&server, &ann, &nowhere).refused(400, "provider_not_configured");
}

#[test]
fn another_accounts_login_comes_with_a_ticket_that_takes_it() {
    let server = Server::start();
    let (ann, first, bob) = with_ticket(&server);
    let error = link(&server, &ann, &device(PHONE)).refused(409, "identity_taken");
    let ticket = text(&error["ticket"]["secret"]);
    assert_eq!(error["ticket"]["owner"], bob.account.as_str());
    assert_eq!(error["ticket"]["owner_standing"], "normal");

    let forced = |body: Value| server.post("/v1/links/forced").by(&ann).send(body);
    forced(json!({ "ticket": "garbage" })).refused(404, "ticket_unknown");
    forced(json!({ "ticket": first })).refused(404, "ticket_unknown");
    let other = json!({ "ticket": ticket, "credential": device("another-phone") });
    forced(other).refused(400, "ticket_other_identity");
    let other = json!({ "ticket": ticket, "credential": custom("bob-at-work") });
    forced(other).refused(400, "ticket_other_provider");
    let account = forced(json!({ "ticket": ticket })).ok();
    assert_eq!(identities(&account), [pair("custom", "ann-at-work"), pair("device", PHONE)]);
    forced(json!({ "ticket": ticket })).refused(400, "ticket_used");
    assert_eq!(server.player(device(PHONE)).account, ann.account);
    assert_eq!(identities(&server.seen(&bob)), [pair("custom", "bob-at-work")]);
}

#[test]
fn a_ticket_is_its_owners_and_for_a_while() {
    let server = Server::start();
    let (ann, ticket, bob) = with_ticket(&server);
    let forced = |who: &Player| {
        let body = json!({ "ticket": ticket, "credential": device(PHONE) });
        server.post("/v1/links/forced").by(who).send(body)
    };
    forced(&bob).refused(404, "ticket_unknown");
    server.wait(9 * 60);
    let ann_later = server.player(custom("ann-at-work"));
    assert_eq!(ann_later.account, ann.account);
    server.wait(60);
    forced(&ann_later).refused(400, "ticket_expired");
}

#[test]
fn an_account_that_gave_its_last_login_is_missing() {
    let server = Server::start();
    let (bob, ann) = (server.player(device(PHONE)), server.player(custom("ann-at-work")));
    let ticket = link(&server, &ann, &device(PHONE)).ticket();
    server.post("/v1/links/forced").by(&ann).send(json!({ "ticket": ticket })).ok();
    server.is_dead(&bob);
    assert_eq!(server.seen(&bob)["standing"], "missing");
}

#[test]
fn where_orphans_are_forbidden_the_last_login_stays() {
    let server = Server::under(Policy { forbid_orphaning: true, ..gamebase() });
    let (bob, ann) = (server.player(device(PHONE)), server.player(custom("ann-at-work")));
    let ticket = link(&server, &ann, &device(PHONE)).ticket();
    let forced = server.post("/v1/links/forced").by(&ann).send(json!({ "ticket": ticket }));
    forced.refused(400, "would_orphan");
    server.is_alive(&bob);
}

#[test]
fn a_ticket_changes_the_login_instead() {
    let server = Server::start();
    let (ann, ticket, bob) = with_ticket(&server);
    let change = |who: &Player, ticket: &str| {
        server.post("/v1/change-login").by(who).send(json!({ "ticket": ticket }))
    };
    change(&ann, "garbage").refused(404, "ticket_unknown");
    let changed = change(&ann, &ticket).player();
    assert_eq!((&changed.account, &changed.login["created"]), (&bob.account, &json!(false)));
    server.is_alive(&changed);
    server.is_dead(&ann);
    let ann = server.player(custom("ann-at-work"));
    assert_eq!(identities(&ann.login["account"]), [pair("custom", "ann-at-work")]);
    change(&ann, &ticket).refused(400, "ticket_used");
}

#[test]
fn a_login_is_taken_away_but_neither_the_last_nor_the_one_in_use() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    unlink(&server, &ann, "custom").refused(403, "last_identity");
    unlink(&server, &ann, "email").refused(403, "not_linked");
    for id in ["the-first-phone", "the-second-phone"] {
        link(&server, &ann, &device(id)).ok();
    }
    unlink(&server, &ann, "custom").refused(400, "logged_in_identity");
    let exactly = |id: &str| {
        let call = server.call("DELETE", "/v1/links/device").by(&ann);
        call.send(json!({ "exactly": id }))
    };
    exactly("the-third-phone").refused(403, "not_linked");
    let account = exactly("the-first-phone").ok();
    assert_eq!(
        identities(&account),
        [pair("custom", "ann-at-work"), pair("device", "the-second-phone")]
    );
    unlink(&server, &ann, "device").invalid("device_id", json!("required"));
    unlink(&server, &ann, "Nobody").refused(404, "not_found");
}

#[test]
fn what_leaves_only_devices_must_be_confirmed() {
    let server = Server::under(Policy::braincloud());
    let ann = server.player(device(PHONE));
    link(&server, &ann, &custom("ann-at-work")).ok();
    let error = unlink(&server, &ann, "custom").refused(400, "confirm_anonymous");
    assert_eq!(error["braincloud"]["reason_code"], 40210);
    let call = server.call("DELETE", "/v1/links/custom").by(&ann);
    let account = call.send(json!({ "confirmed": true })).ok();
    assert_eq!(identities(&account), [pair("device", PHONE)]);
    let bob = server.player(custom("bob-at-work"));
    link(&server, &bob, &device("a-phone-of-bob")).ok();
    let call = server.call("DELETE", "/v1/links/device").by(&bob);
    call.send(json!({ "exactly": PHONE })).refused(400, "foreign_identity");
}

#[test]
fn what_is_sensitive_needs_a_recent_login() {
    let policy = Policy { step_up: Some(chrono::TimeDelta::minutes(5)), ..gamebase() };
    let server = Server::under(policy);
    let ann = server.player(custom("ann-at-work"));
    server.wait(5 * 60);
    link(&server, &ann, &device(PHONE)).refused(403, "recent_login_required");
    let ann = server.player(custom("ann-at-work"));
    link(&server, &ann, &device(PHONE)).ok();
    assert_eq!(text(&ann.login["account"]["id"]), ann.account);
}
