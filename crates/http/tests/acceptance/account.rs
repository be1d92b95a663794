//! The caller's account, and other players (G1, G2, 12).

use serde_json::{Value, json};

use crate::server::{Player, Server};

const DEVICE: &str = "a-device-of-mine";

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn update(server: &Server, player: &Player, body: Value) -> crate::server::Answer {
    server.put("/v2/account", &player.bearer(), body)
}

#[test]
fn g1_the_shape_of_an_account() {
    let server = Server::start();
    let player = server.authenticate("device?username=alice", json!({"id": DEVICE})).player();
    server.link(&player, "device", json!({"id": "a-second-device"})).done();
    server.link(&player, "custom", json!({"id": "a-custom-id"})).done();
    let email = json!({"email": "Ann@Example.com", "password": "correct horse"});
    server.link(&player, "email", email).done();
    let account = server.account(&player).ok();
    assert_eq!(keys(&account), ["custom_id", "devices", "email", "user", "wallet"]);
    assert_eq!(account["custom_id"], "a-custom-id");
    assert_eq!(account["devices"], json!([{"id": DEVICE}, {"id": "a-second-device"}]));
    assert_eq!(account["email"], "ann@example.com");
    assert_eq!(account["wallet"], "{}");
    let user = &account["user"];
    let expected = ["create_time", "id", "lang_tag", "metadata", "update_time", "username"];
    assert_eq!(keys(user), expected);
    assert_eq!((&user["id"], &user["username"]), (&json!(player.id()), &json!("alice")));
    assert_eq!((&user["lang_tag"], &user["metadata"]), (&json!("en"), &json!("{}")));
    for time in ["create_time", "update_time"] {
        assert_eq!(user[time], "2026-01-01T00:00:00Z");
    }
}

#[test]
fn g1_the_shape_of_a_new_account() {
    let server = Server::start();
    let account = server.account(&server.custom("a-custom-id")).ok();
    assert_eq!(keys(&account), ["custom_id", "user", "wallet"]);
}

#[test]
fn g1_9_2_a_link_moves_the_update_time() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.wait(2);
    server.link(&player, "custom", json!({"id": "a-custom-id"})).done();
    let account = server.account(&player).ok();
    assert_eq!(account["user"]["create_time"], "2026-01-01T00:00:00Z");
    assert_eq!(account["user"]["update_time"], "2026-01-01T00:00:02Z");
}

#[test]
fn g2_update_what_the_player_says() {
    let server = Server::start();
    let player = server.device(DEVICE);
    let fields = json!({
        "display_name": "Ann", "avatar_url": "https://example.com/a.png", "lang_tag": "de",
        "location": "Köln", "timezone": "Europe/Berlin", "username": "ann",
    });
    update(&server, &player, fields.clone()).done();
    let user = server.account(&player).ok()["user"].clone();
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(user[name], *value);
    }
    // What is not said stays.
    update(&server, &player, json!({"location": "Bonn", "timezone": null})).done();
    let user = server.account(&player).ok()["user"].clone();
    assert_eq!((&user["location"], &user["timezone"]), (&json!("Bonn"), &json!("Europe/Berlin")));
    let nothing = json!({"display_name": "", "avatar_url": "", "location": "", "timezone": ""});
    update(&server, &player, nothing).done();
    let user = server.account(&player).ok()["user"].clone();
    let expected = ["create_time", "id", "lang_tag", "metadata", "update_time", "username"];
    assert_eq!(keys(&user), expected);
}

#[test]
fn g2_update_refusals() {
    let server = Server::start();
    server.authenticate("device?username=taken", json!({"id": "a-device-of-another"})).ok();
    let player = server.authenticate("device?username=alice", json!({"id": DEVICE})).player();
    let ask = |body| update(&server, &player, body);
    ask(json!({})).refused(400, 3, "No fields to update.");
    ask(json!({"username": null, "location": null})).refused(400, 3, "No fields to update.");
    let taken = "rpc error: code = AlreadyExists desc = Username is already in use.";
    ask(json!({"username": "taken"})).refused(400, 3, taken);
    ask(json!({"username": "alice"})).done();
    ask(json!({"username": "Taken"})).done();
    let length = "Username invalid, must be 1-128 bytes.";
    ask(json!({"username": ""})).refused(400, 3, length);
    ask(json!({"username": "n".repeat(129)})).refused(400, 3, length);
    let characters = "Username invalid, no spaces or control characters allowed.";
    ask(json!({"username": "a\tb"})).refused(400, 3, characters);
    ask(json!({"username": "a[]"})).refused(400, 3, characters);
    let fault = "Error while trying to update account.";
    ask(json!({"lang_tag": ""})).refused(500, 13, fault);
    for (name, most) in [
        ("display_name", 255),
        ("avatar_url", 512),
        ("lang_tag", 18),
        ("location", 255),
        ("timezone", 255),
    ] {
        ask(json!({name: "ü".repeat(most)})).done();
        ask(json!({name: "u".repeat(most + 1)})).refused(500, 13, fault);
    }
}

#[test]
fn g2_11_6_a_new_username_ends_no_session() {
    let server = Server::start();
    let player = server.authenticate("device?username=alice", json!({"id": DEVICE})).player();
    update(&server, &player, json!({"username": "bob"})).done();
    server.is_alive(&player);
    assert_eq!(server.device(DEVICE).username(), "bob");
    // The old name is free again.
    assert!(
        server.authenticate("custom?username=alice", json!({"id": "a-custom-id"})).player().created
    );
}

#[test]
fn differs_12_5_a_public_user_shows_no_ids_at_providers() {
    let server = Server::start();
    let player = server.device(DEVICE);
    server.link(&player, "custom", json!({"id": "a-custom-id"})).done();
    let email = json!({"email": "ann@example.com", "password": "correct horse"});
    server.link(&player, "email", email).done();
    let other = server.device("a-device-of-another");
    let answer = server.get(&format!("/v2/user?ids={}", player.id()), &other.bearer());
    for secret in [DEVICE, "a-custom-id", "ann@example.com", "devices", "custom", "email", "_id\""]
    {
        assert!(!answer.text().contains(secret), "{secret}: {}", answer.text());
    }
    let users = answer.ok();
    assert_eq!(users["users"][0]["id"], player.id());
    let expected = ["create_time", "id", "lang_tag", "metadata", "update_time", "username"];
    assert_eq!(keys(&users["users"][0]), expected);
}

#[test]
fn t12_5_users_by_id_and_by_username() {
    let server = Server::start();
    let alice = server.authenticate("device?username=alice", json!({"id": DEVICE})).player();
    let bob = server.authenticate("custom?username=bob", json!({"id": "a-custom-id"})).player();
    let find = |query: &str| {
        let users = server.get(&format!("/v2/user{query}"), &alice.bearer()).ok();
        let mut names: Vec<String> = users["users"]
            .as_array()
            .unwrap_or(&Vec::new())
            .iter()
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(find(&format!("?ids={}&usernames=bob", alice.id())), ["alice", "bob"]);
    assert_eq!(find(&format!("?ids={}&ids={}&", alice.id(), bob.id())), ["alice", "bob"]);
    assert_eq!(find("?usernames=Bob&usernames=nobody"), [""; 0]);
    assert_eq!(find(&format!("?ids={}", bob.id().to_uppercase())), ["bob"]);
    let twice =
        format!("?ids={0}&ids={1}&ids={0}&usernames=bob", bob.id(), bob.id().to_uppercase());
    assert_eq!(find(&twice), ["bob"]);
    server.ban(&bob.id());
    assert_eq!(find("?usernames=bob"), ["bob"]);
    server.get("/v2/user", &alice.bearer()).done();
    server.get("/v2/user?ids=01234567-89ab-cdef-0123-456789abcdef", &alice.bearer()).done();
}

#[test]
fn t12_5_what_is_no_id_is_refused() {
    let server = Server::start();
    let player = server.device(DEVICE);
    let plain = player.id().replace('-', "");
    for bad in ["garbage", "", &plain] {
        let answer = server.get(&format!("/v2/user?ids={bad}"), &player.bearer());
        answer.refused(400, 3, &format!("ID '{bad}' is not a valid system ID."));
    }
}

#[test]
fn differs_12_5_there_is_no_system_user_and_nobody_is_found_by_facebook_id() {
    let server = Server::start();
    let player = server.device(DEVICE);
    for query in ["ids=00000000-0000-0000-0000-000000000000", "usernames=", "facebook_ids=1"] {
        server.get(&format!("/v2/user?{query}"), &player.bearer()).done();
    }
}

#[test]
fn differs_12_5_at_most_100_users_are_looked_up() {
    let server = Server::start();
    let player = server.device(DEVICE);
    let find = |count| {
        let names: Vec<_> = (0..count).map(|number| format!("usernames=n{number}")).collect();
        server.get(&format!("/v2/user?{}", names.join("&")), &player.bearer())
    };
    find(100).done();
    find(101).refused_somehow(400, 3);
}
