//! Who a request comes from.

use std::sync::Arc;

use authcore::{Credential, Engine, Login, MasterKey, Policy, RequestContext};
use authcore_http::v1::{V1Config, router};
use authcore_store_memory::MemoryStore;
use authcore_testkit::{CheapHasher, SeededRandom};
use serde_json::{Value, json};

use crate::server::{KEY, Player, Server, UNKNOWN, custom, gamebase, identity};

/// Every route that wants a player, with a body that it understands.
fn routes() -> Vec<(&'static str, &'static str, Value)> {
    let credential = || json!({ "credential": custom("ann-at-home") });
    vec![
        ("POST", "/v1/logout", json!({})),
        ("GET", "/v1/account", json!({})),
        ("PATCH", "/v1/account", json!({ "display_name": "Ann" })),
        ("DELETE", "/v1/account", json!({})),
        ("GET", "/v1/account/export", json!({})),
        ("GET", "/v1/sessions", json!({})),
        ("GET", "/v1/links", json!({})),
        ("POST", "/v1/links", credential()),
        ("DELETE", "/v1/links/custom", json!({})),
        ("POST", "/v1/links/forced", json!({ "ticket": "x" })),
        ("POST", "/v1/change-login", json!({ "ticket": "x" })),
        ("POST", "/v1/merge", credential()),
        ("POST", "/v1/merge/preview", credential()),
        ("POST", "/v1/withdrawal", json!({})),
        ("DELETE", "/v1/withdrawal", json!({})),
        ("POST", "/v1/withdrawal/now", json!({})),
        ("GET", "/v1/transfer-account", json!({})),
        ("POST", "/v1/transfer-account", json!({})),
        ("PUT", "/v1/transfer-account", json!({ "renew": "password" })),
    ]
}

/// None of the routes lets this one in.
#[track_caller]
fn is_out(server: &Server, authorization: &str) {
    for (method, path, body) in routes() {
        let call = server.call(method, path).with("Authorization", authorization);
        call.send(body).refused(401, "access_token_invalid");
    }
}

#[test]
fn no_route_of_players_is_open_without_a_token() {
    let server = Server::start();
    for (method, path, body) in routes() {
        server.call(method, path).send(body).refused(401, "access_token_invalid");
    }
    let ann = server.player(custom("ann-at-work"));
    is_out(&server, "Bearer garbage");
    is_out(&server, "Bearer ");
    is_out(&server, &format!("Basic {}", ann.access));
    is_out(&server, &ann.access);
    is_out(&server, &format!("Bearer {}", ann.refresh));
    is_out(&server, &format!("Bearer {KEY}"));
}

#[test]
fn two_tokens_are_none() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let doubled = |path: &str, token: &str| {
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}{bearer}\r\n");
        server.raw(request.as_bytes())
    };
    doubled("/v1/account", &ann.access).refused(401, "access_token_invalid");
    doubled("/v1/operator/events", KEY).refused(401, "operator_key_required");
}

#[test]
fn a_token_that_is_over_is_out() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    server.wait(10 * 60 - 1);
    server.is_alive(&ann);
    server.wait(1);
    is_out(&server, &format!("Bearer {}", ann.access));
}

#[test]
fn tokens_of_banned_and_withdrawn_and_deleted_accounts_are_out() {
    let server = Server::start();
    let player = |name: &str| server.player(custom(name));
    let bearer = |player: &Player| format!("Bearer {}", player.access);
    let banned = player("banned-at-work");
    server.to(&banned, "ban", json!({})).ok();
    is_out(&server, &bearer(&banned));
    let withdrawn = player("withdrawn-at-work");
    server.to(&withdrawn, "withdraw", json!({})).done();
    is_out(&server, &bearer(&withdrawn));
    let deleted = player("deleted-at-work");
    server.call("DELETE", "/v1/account").by(&deleted).go().done();
    is_out(&server, &bearer(&deleted));
    let renew = |path: &str, player: &Player| {
        server.post(&format!("/v1/{path}")).send(json!({ "token": player.refresh }))
    };
    renew("resume", &banned).refused(403, "banned");
    renew("resume", &withdrawn).refused(404, "withdrawn");
    renew("resume", &deleted).refused(404, "account_not_found");
    for player in [&banned, &withdrawn, &deleted] {
        renew("refresh", player).refused(401, "refresh_token_invalid");
    }
}

#[test]
fn tokens_of_another_game_are_out() {
    let key = || MasterKey::new(b"a signing key of two games at once").unwrap();
    let server = Server::with(gamebase(), |builder| builder.signing_key(key()));
    let ann = server.player(custom("ann-at-work"));
    // The same time and the same random bytes make the same ids.
    let other = Engine::builder_on("another", Arc::new(MemoryStore::new()))
        .signing_key(key())
        .clock(server.clock().clone())
        .hasher(CheapHasher::new())
        .random(SeededRandom::new(0))
        .policy(gamebase());
    let login = Login::new(Credential::Custom("ann-at-work".into()));
    let player = server.runtime.block_on(async {
        let other = other.open().await.unwrap();
        other.login(&RequestContext::new(), login).await.unwrap()
    });
    assert_eq!(player.account.id.to_string(), ann.account);
    assert_eq!(json!(player.session.id), ann.login["session"]["id"]);
    is_out(&server, &format!("Bearer {}", player.tokens.access.reveal()));
}

/// Every route of operators, with a body that it understands.
fn of_operators() -> Vec<(&'static str, String, Value)> {
    let of_ann = || json!({ "identity": identity("custom", "ann-at-work") });
    let mut routes = Vec::new();
    for (method, what, body) in [
        ("GET", "", json!({})),
        ("GET", "/export", json!({})),
        ("POST", "/ban", json!({})),
        ("POST", "/unban", json!({})),
        ("POST", "/payments", json!({ "purchase": "x", "amount": 1, "currency": "KRW" })),
        ("POST", "/refunds", json!({ "purchase": "x", "amount": 1, "currency": "KRW" })),
        ("POST", "/withdraw", json!({})),
        ("POST", "/restore", json!({})),
        ("POST", "/end-sessions", json!({})),
        ("POST", "/identities", of_ann()),
        ("DELETE", "/identities/1", json!({})),
        ("POST", "/transfer-account/unblock", json!({})),
        ("POST", "/transfer-account/reissue", json!({})),
    ] {
        routes.push((method, format!("/v1/operator/accounts/{UNKNOWN}{what}"), body));
    }
    for (method, what, body) in [
        ("POST", "bans", json!({ "accounts": [], "ban": {} })),
        ("POST", "unbans", json!({ "accounts": [] })),
        ("POST", "look-up", json!({})),
        ("POST", "identities/move", json!({})),
        ("POST", "identities/consent-revoked", of_ann()),
        ("POST", "identities/account-deleted", of_ann()),
        ("POST", "transfer-accounts/validate", json!({ "id": "x" })),
        ("PUT", "closure", json!({ "begins_at": "2020-01-01T00:00:00Z" })),
        ("DELETE", "closure", json!({})),
        ("POST", "kickout", json!({ "revoke_tokens": true })),
        ("POST", "end-all-sessions", json!({})),
        ("GET", "events", json!({})),
    ] {
        routes.push((method, format!("/v1/operator/{what}"), body));
    }
    routes
}

#[test]
fn no_route_of_operators_is_open_without_the_key() {
    let server = Server::start();
    let ann = server.player(custom("ann-at-work"));
    let near = KEY.to_uppercase();
    let longer = format!("{KEY}x");
    let basic = format!("Basic {KEY}");
    for (method, path, body) in of_operators() {
        let call = || server.call(method, &path);
        let none = call().send(body.clone());
        none.refused(401, "operator_key_required");
        for wrong in
            ["wrong", "", &near, &longer, KEY.trim_end_matches('s'), &ann.access, &ann.refresh]
        {
            let answer = call().bearer(wrong).send(body.clone());
            answer.refused(401, "operator_key_required");
        }
        for authorization in ["", "Bearer", KEY, &basic] {
            let answer = call().with("Authorization", authorization).bytes(Some(b"not even read"));
            answer.refused(401, "operator_key_required");
        }
    }
    server.is_alive(&ann);
}

#[test]
fn security_118_without_a_key_there_are_no_routes_of_operators() {
    let routes = |engine| router(engine, V1Config::default());
    let server = Server::serving(Policy::recommended(), |builder| builder, routes);
    for (method, path, body) in of_operators() {
        let answer = server.call(method, &path).bearer(KEY).send(body);
        answer.refused(404, "not_found");
    }
    server.call("GET", "/v1/operator/events").bearer("").go().refused(404, "not_found");
}
