//! What a client is told when a provider lets nobody in.

use authcore::Policy;
use authcore::verifier::VerifyError;
use authcore_verifiers::verifier_fn;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::server::{Answer, Player, Server, custom};

/// The portal's credentials are its players' names; some say what is wrong with it instead.
fn server() -> Server {
    let portal = verifier_fn("portal", |credential, context| async move {
        match credential.reveal() {
            "!down" => Err(VerifyError::Unavailable {
                retry_after: Some(TimeDelta::seconds(7)),
                source: "the portal is on fire".into(),
            }),
            "!old" => Err(VerifyError::Expired),
            "!banned" => Err(VerifyError::Denied("vac_banned")),
            "cheater" => Ok(context.identity("cheater").with_flags(["vac_banned"])),
            "child" => Ok(context.identity("child").borrowed_from("parent")),
            name => Ok(context.identity(name)),
        }
    });
    Server::with(Policy::recommended(), |builder| builder.verifier(portal.unwrap()))
}

fn portal(credential: &str) -> Value {
    json!({ "provider": "portal", "credential": credential })
}

/// The answers to everything that asks a provider.
fn everywhere(server: &Server, player: &Player, credential: &str) -> Vec<(&'static str, Answer)> {
    let body = || json!({ "credential": portal(credential) });
    let unlink = server.call("DELETE", "/v1/links/portal").by(player);
    vec![
        ("login", server.log_in(portal(credential))),
        ("link", server.post("/v1/links").by(player).send(body())),
        ("merge", server.post("/v1/merge").by(player).send(body())),
        ("unlink", unlink.send(json!({ "exactly": credential }))),
    ]
}

#[test]
fn security_97_a_provider_that_is_down_is_told_with_when_to_come_again() {
    let server = server();
    let ann = server.player(custom("ann-at-work"));
    for (asked, answer) in everywhere(&server, &ann, "!down") {
        let error = answer.refused(503, "provider_unavailable");
        assert_eq!((&error["provider"], &error["retry_after"]), (&json!("portal"), &json!(7)));
        assert_eq!(answer.header("retry-after"), Some("7"), "{asked}");
        assert!(!answer.text().contains("fire"), "{asked}: {}", answer.text());
        assert_eq!(error["gamebase"]["code"], 3012);
    }
    // Its good credentials, and everybody else's, go on.
    server.player(portal("bob"));
    server.player(custom("ann-at-work"));
}

#[test]
fn a_credential_that_is_over_is_told_from_one_that_is_not_good() {
    let server = server();
    let ann = server.player(custom("ann-at-work"));
    for (_, answer) in everywhere(&server, &ann, "!old") {
        let error = answer.refused(401, "credential_expired");
        // The three systems do not tell them apart.
        assert_eq!(error["braincloud"]["reason_code"], 40307);
    }
}

#[test]
fn an_identity_that_a_policy_refuses_is_told_which() {
    let server = server();
    let ann = server.player(custom("ann-at-work"));
    for (_, answer) in everywhere(&server, &ann, "!banned") {
        let error = answer.refused(403, "identity_denied");
        assert_eq!(error["policy"], "vac_banned");
    }
}

#[test]
fn what_holds_for_the_player_at_the_provider_is_told_with_the_login() {
    let server = server();
    for (who, flags, owner) in [
        ("ann", json!([]), Value::Null),
        ("cheater", json!(["vac_banned"]), Value::Null),
        ("child", json!([]), json!("parent")),
    ] {
        let login = server.player(portal(who)).login;
        assert_eq!((&login["flags"], &login["owner"]), (&flags, &owner), "{who}");
    }
}
