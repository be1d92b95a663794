//! A check of the game's own, end to end (braincloud 7).

use authcore::Policy;
use authcore_verifiers::{ExternalAnswer, external_fn};
use serde_json::{Value, json};

use crate::server::{Answer, Server, custom, identities, identity};

/// The game's portal knows everybody whose token is `ok`, Ann by a number, and why others are not let in.
fn server() -> Server {
    let portal = external_fn("portal", |request| async move {
        let token = request.authentication_token.reveal();
        if token == "broken" {
            return Err(std::io::Error::other("the portal is on fire"));
        }
        let number = (request.external_id == "ann").then(|| "number-7".to_owned());
        Ok(ExternalAnswer {
            valid: token == "ok",
            external_id_override: number,
            auth_payload: Some(r#"{"level":7}"#.into()),
            extra_error: (token == "late").then(|| r#"{"renew_at":"the portal"}"#.into()),
            ..ExternalAnswer::default()
        })
    });
    Server::with(Policy::braincloud(), |builder| builder.verifier(portal.unwrap()))
}

fn credential(id: &str, token: &str) -> Value {
    json!({ "provider": "portal", "external_id": id, "token": token })
}

fn log_in(server: &Server, id: &str, token: &str) -> Answer {
    server.log_in(credential(id, token))
}

#[test]
fn braincloud_7_a_player_of_the_portal_is_let_in_and_told_what_it_has_to_say() {
    let server = server();
    let bob = log_in(&server, "bob", "ok").player();
    assert_eq!((&bob.login["created"], &bob.login["provider"]), (&json!(true), &json!("portal")));
    assert_eq!(bob.login["payload"], json!({ "level": 7 }));
    assert_eq!(identities(&bob.login["account"]), [("portal".into(), "bob".into())]);
    let again = log_in(&server, "bob", "ok").player();
    assert_eq!((&again.account, &again.login["created"]), (&bob.account, &json!(false)));
}

#[test]
fn braincloud_7_the_portals_own_id_takes_the_place_of_what_the_client_sent() {
    let server = server();
    let ann = log_in(&server, "ann", "ok").player();
    assert_eq!(identities(&ann.login["account"]), [("portal".into(), "number-7".into())]);
    assert_eq!(log_in(&server, "number-7", "ok").player().account, ann.account);
    let body = json!({ "identities": [identity("portal", "number-7")] });
    let found = server.operator("POST", "look-up").send(body).ok();
    assert_eq!(found["accounts"][0]["id"], ann.account.as_str());
}

#[test]
fn braincloud_7_a_no_of_the_portal_comes_with_what_it_has_to_say() {
    let server = server();
    let late = log_in(&server, "bob", "late").refused(401, "credential_rejected");
    assert_eq!(late["extra"], json!({ "renew_at": "the portal" }));
    for token in ["wrong", ""] {
        let wrong = log_in(&server, "bob", token).refused(401, "credential_rejected");
        assert_eq!(wrong.get("extra"), None);
    }
    let broken = log_in(&server, "bob", "broken");
    broken.refused(401, "credential_rejected");
    assert!(!broken.text().contains("fire"), "{}", broken.text());
    let nobody = json!({ "provider": "portal", "external_id": "", "token": "ok" });
    server.log_in(nobody).refused(401, "credential_rejected");
    let tokenless = json!({ "provider": "portal", "external_id": "bob" });
    server.log_in(tokenless).refused(401, "credential_rejected");
}

#[test]
fn braincloud_7_the_portals_login_is_linked_merged_and_taken_away() {
    let server = server();
    let ann = server.player(custom("ann-at-work"));
    let link = |token: &str| {
        let body = json!({ "credential": credential("ann", token) });
        server.post("/v1/links").by(&ann).send(body)
    };
    let late = link("late").refused(401, "credential_rejected");
    assert_eq!(late["extra"], json!({ "renew_at": "the portal" }));
    assert_eq!(identities(&link("ok").ok()).len(), 2);
    assert_eq!(log_in(&server, "ann", "ok").player().account, ann.account);
    let ann = server.player(custom("ann-at-work"));
    let unlinked = server.call("DELETE", "/v1/links/portal").by(&ann).go().ok();
    assert_eq!(identities(&unlinked), [("custom".into(), "ann-at-work".into())]);
}
