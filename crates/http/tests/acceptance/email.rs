//! Email and password, and username and password (E1 to E7).

use serde_json::json;

use crate::server::Server;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "correct horse";

#[test]
fn e1_email_shapes_and_lengths() {
    let server = Server::start();
    let ask = |email: &str| server.authenticate_email(email, PASSWORD);
    let (length, shape, characters) = (
        "Invalid email address, must be 10-255 bytes.",
        "Invalid email address format.",
        "Invalid email address, no spaces or control characters allowed.",
    );
    ask("abc@de.fg").refused(400, 3, length);
    assert!(ask("abcd@de.fg").player().created);
    assert!(ask(&format!("{}@example.com", "a".repeat(243))).player().created);
    ask(&format!("{}@example.com", "a".repeat(244))).refused(400, 3, length);
    ask("someone@localhost").refused(400, 3, shape);
    ask("nobody.example.com").refused(400, 3, shape);
    for bad in ["so me@example.com", "some\t@example.com", "some\u{1}@example.com"] {
        ask(bad).refused(400, 3, characters);
    }
    assert!(ask("a@@@@..com.x").player().created);
}

#[test]
fn e1_6_1_the_order_of_checks() {
    let server = Server::start();
    let ask = |email: &str, password: &str| server.authenticate_email(email, password);
    ask("a b", "short").refused(
        400,
        3,
        "Invalid email address, no spaces or control characters allowed.",
    );
    ask("a@b", "short").refused(400, 3, "Invalid email address format.");
    ask("a@b.c", "short").refused(400, 3, "Invalid email address, must be 10-255 bytes.");
    ask(EMAIL, "short").refused(400, 3, "Password must be at least 8 characters long.");
    ask("", "short").refused(400, 3, "Password must be at least 8 characters long.");
    ask("", PASSWORD).refused(400, 3, "Username is required when email address is not supplied.");
    let answer =
        server.authenticate("email?username=a%09b", json!({"email": EMAIL, "password": PASSWORD}));
    answer.refused(400, 3, "Username invalid, no spaces or control characters allowed.");
}

#[test]
fn e2_email_is_compared_without_case() {
    let server = Server::start();
    let first = server.email("Mixed@Example.COM", PASSWORD);
    let again = server.email("mixed@example.com", PASSWORD);
    assert!(first.created && !again.created);
    assert_eq!(first.id(), again.id());
    assert_eq!(server.account(&again).ok()["email"], "mixed@example.com");
    // Code point by code point, not as words of a language.
    let kelvin = server.email("\u{212a}elvin@example.com", PASSWORD);
    assert_eq!(server.email("kelvin@example.com", PASSWORD).id(), kelvin.id());
    let dotted = server.email("\u{130}stanbul@example.com", PASSWORD);
    assert_eq!(server.email("istanbul@example.com", PASSWORD).id(), dotted.id());
}

#[test]
fn e3_a_wrong_password_is_wrong_whatever_create_says() {
    let server = Server::start();
    let first = server.email(EMAIL, PASSWORD);
    for how in ["email", "email?create=true", "email?create=false"] {
        let answer = server.authenticate(how, json!({"email": EMAIL, "password": "wrong horse"}));
        answer.refused(401, 16, "Invalid credentials.");
    }
    let answer = server.authenticate(
        "email?create=true&username=other",
        json!({"email": EMAIL, "password": PASSWORD}),
    );
    let again = answer.player();
    assert_eq!((again.id(), again.username()), (first.id(), first.username()));
    let unknown = json!({"email": "who@example.com", "password": PASSWORD});
    server.authenticate("email?create=false", unknown).refused(404, 5, "User account not found.");
}

#[test]
fn e4_without_email_the_username_logs_in() {
    let server = Server::start();
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let first = server.authenticate("email?username=alice", body).player();
    for body in [
        json!({"email": "", "password": PASSWORD}),
        json!({"email": null, "password": PASSWORD}),
        json!({"password": PASSWORD}),
    ] {
        let again = server.authenticate("email?username=alice", body).player();
        assert!(!again.created);
        assert_eq!(again.id(), first.id());
    }
}

#[test]
fn e5_a_username_login_makes_no_account() {
    let server = Server::start();
    let body = json!({"email": EMAIL, "password": PASSWORD});
    server.authenticate("email?username=alice", body).ok();
    server.authenticate("device?username=nopass", json!({"id": "a-device-of-mine"})).ok();
    let ask =
        |query: &str| server.authenticate(&format!("email{query}"), json!({"password": PASSWORD}));
    ask("?username=Alice").refused(404, 5, "User account not found.");
    ask("?username=nobody&create=true").refused(404, 5, "User account not found.");
    ask("?username=nopass").refused(401, 16, "Invalid credentials.");
    ask("").refused(400, 3, "Username is required when email address is not supplied.");
    let wrong = server.authenticate("email?username=alice", json!({"password": "wrong horse"}));
    wrong.refused(401, 16, "Invalid credentials.");
}

#[test]
fn e6_passwords_have_at_least_8_bytes() {
    let server = Server::start();
    let ask = |email: &str, password: &str| server.authenticate_email(email, password);
    for short in ["", "1234567"] {
        ask(EMAIL, short).refused(400, 3, "Password must be at least 8 characters long.");
    }
    server.authenticate("email", json!({"email": EMAIL})).refused(
        400,
        3,
        "Password must be at least 8 characters long.",
    );
    assert!(ask(EMAIL, "12345678").player().created);
}

#[test]
fn differs_6_5_a_long_password_counts_in_full() {
    let server = Server::start();
    let long = "p".repeat(100);
    assert!(server.authenticate_email(EMAIL, &long).player().created);
    let other = format!("{}q", "p".repeat(99));
    server.authenticate_email(EMAIL, &other).refused(401, 16, "Invalid credentials.");
    server.authenticate_email(EMAIL, &"p".repeat(72)).refused(401, 16, "Invalid credentials.");
    assert!(!server.email(EMAIL, &long).created);
}

#[test]
fn e7_a_ban_is_told_before_the_password_is_checked() {
    let server = Server::start();
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let player = server.authenticate("email?username=alice", body).player();
    server.ban(&player.id());
    for password in [PASSWORD, "wrong horse"] {
        let answer = server.authenticate_email(EMAIL, password);
        answer.refused(403, 7, "User account banned.");
        let answer = server.authenticate("email?username=alice", json!({"password": password}));
        answer.refused(403, 7, "User account banned.");
    }
}

#[test]
fn e3_6_7_seven_wrong_passwords_do_not_lock_a_player_out() {
    let server = Server::start();
    server.email(EMAIL, PASSWORD);
    for _ in 0..7 {
        server.authenticate_email(EMAIL, "wrong horse").refused(401, 16, "Invalid credentials.");
    }
    assert!(!server.email(EMAIL, PASSWORD).created);
}

#[test]
fn differs_6_7_many_wrong_passwords_must_wait() {
    let server = Server::start();
    server.email(EMAIL, PASSWORD);
    let refused = (0..20)
        .map(|_| server.authenticate_email(EMAIL, "wrong horse"))
        .find(|answer| answer.status != 401)
        .unwrap();
    refused.refused(429, 8, "Try again later.");
    server.authenticate_email(EMAIL, PASSWORD).refused(429, 8, "Try again later.");
    assert!(server.email("other@example.com", PASSWORD).created);
    server.wait(600);
    assert!(!server.email(EMAIL, PASSWORD).created);
}

#[test]
fn differs_4_7_the_length_of_a_password_is_counted_in_characters() {
    let server = Server::start();
    let ask = |password: &str| server.authenticate_email(EMAIL, password);
    ask("日本語").refused(400, 3, "Password must be at least 8 characters long.");
    ask(&"p".repeat(257)).refused(400, 3, "Password must be at most 256 characters long.");
    assert!(ask(&"語".repeat(256)).player().created);
    assert!(!server.email(EMAIL, &"語".repeat(256)).created);
}
