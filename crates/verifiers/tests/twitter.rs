//! X's codes and tokens, against a server that plays X (providers.md 4.4).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeTwitter, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Outbound, Reason, Twitter, TwitterConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

const CODE: &str = r#"{"code":"good","code_verifier":"v"}"#;

fn config() -> TwitterConfig {
    let (id, secret) = FakeTwitter::CLIENT;
    let mut config = TwitterConfig::new(id, secret.into());
    config.redirect_uri = "https://game.example/back".into();
    let (key, secret) = FakeTwitter::CONSUMER;
    config.consumer = Some((key.into(), secret.into()));
    config
}

fn oauth1(token: &str) -> String {
    json!({"oauth_token": token, "oauth_token_secret": FakeTwitter::TOKEN_SECRET}).to_string()
}

struct UnderTest<const OAUTH1: bool>;

impl<const OAUTH1: bool> Provider for UnderTest<OAUTH1> {
    type Verifier = Twitter;

    const ROW: Row = if OAUTH1 {
        let refused = Expected::Rejected(Reason::Revoked);
        Row {
            expired: refused,
            // The request is signed with our secret, so it fails.
            wrong_audience: refused,
            ..Row::access_token("12", refused)
        }
    } else {
        Row::code("12")
    };

    fn hosts(&self) -> Vec<Host> {
        FakeTwitter::new().hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Twitter, ConfigError> {
        Twitter::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Twitter, ConfigError>)> {
        let with = |change: fn(&mut TwitterConfig)| {
            let mut config = config();
            change(&mut config);
            Twitter::new(config, outbound)
        };
        let neither = |config: &mut TwitterConfig| (config.client, config.consumer) = (None, None);
        vec![
            ("client_id", with(neither)),
            ("client_id", with(|config| config.client = Some((String::new(), "s".into())))),
            ("client_secret", with(|config| config.client = Some(("id".into(), "".into())))),
            ("redirect_uri", with(|config| config.redirect_uri.clear())),
            ("consumer_key", with(|config| config.consumer = Some((String::new(), "s".into())))),
            ("consumer_secret", with(|config| config.consumer = Some(("k".into(), "".into())))),
            ("token_url", with(|config| config.token_url = "http://api.x.com".into())),
            ("profile_url", with(|config| config.profile_url.clear())),
            ("credentials_url", with(|config| config.credentials_url.clear())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let opaque = table::opaque(case);
        if OAUTH1 { oauth1(&opaque) } else { json!({"code": opaque}).to_string() }
    }
}

#[tokio::test]
async fn x_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<false>).await;
    table::check(&UnderTest::<true>).await;
}

async fn start(config: TwitterConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(FakeTwitter::new().hosts()).await;
    let world = World::new(Twitter::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted("12".into())
}

#[tokio::test]
async fn both_generations_lead_to_one_player() {
    let (_fake, world) = start(config()).await;
    assert_eq!(world.login(CODE).await, accepted());
    let first = world.account().id;
    assert_eq!(world.login(&oauth1("good")).await, accepted());
    assert_eq!(world.account().id, first);
}

#[tokio::test]
async fn a_code_is_exchanged_with_our_secret_in_a_header() {
    let (fake, world) = start(config()).await;
    assert_eq!(world.login(CODE).await, accepted());
    let asked = fake.journal();
    let form = "grant_type=authorization_code&code=good\
        &redirect_uri=https%3A%2F%2Fgame.example%2Fback&code_verifier=v";
    assert_eq!(asked[0].text(), form);
    assert!(asked[0].header("authorization").starts_with("Basic "));
    assert_eq!(asked[1].header("authorization"), "Bearer good");
}

#[tokio::test]
async fn each_credential_needs_its_client_and_an_access_token_a_word_of_the_configuration() {
    let unbound = r#"{"access_token":"good"}"#;
    let (fake, world) = start(config()).await;
    assert_eq!(world.login(unbound).await, rejected("wrong_type"));
    let mut old_only = config();
    old_only.client = None;
    let (_, world) = start(old_only).await;
    assert_eq!(world.login(CODE).await, rejected("wrong_type"));
    let mut new_only = config();
    new_only.consumer = None;
    let (_, world) = start(new_only).await;
    assert_eq!(world.login(&oauth1("good")).await, rejected("wrong_type"));
    assert_eq!(fake.connections(), 0);
    let mut weak = config();
    weak.allow_unbound = true;
    let (_fake, world) = start(weak).await;
    assert_eq!(world.login(unbound).await, accepted());
}

#[tokio::test]
async fn oauth_1_signs_reserved_characters_and_never_the_same_nonce() {
    let (fake, world) = start(config()).await;
    for _ in 0..2 {
        assert_eq!(world.login(&oauth1("a/b+%")).await, accepted());
    }
    let wrong = json!({"oauth_token": "good", "oauth_token_secret": "wrong"}).to_string();
    assert_eq!(world.login(&wrong).await, rejected("revoked"));
    for asked in fake.journal() {
        let sent = format!("{} {} {}", asked.header("authorization"), asked.query, asked.text());
        assert!(!sent.contains("secret"), "{sent}");
    }
    let empty = json!({"oauth_token": "", "oauth_token_secret": "s"}).to_string();
    assert_eq!(world.login(&empty).await, rejected("malformed"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_fault_of_ours() {
    let (_fake, world) = start(config()).await;
    world.clock().advance(TimeDelta::minutes(10));
    assert_eq!(world.login(&oauth1("good")).await, Outcome::Faulty);
}

#[tokio::test]
async fn each_number_of_x_has_its_class() {
    for (status, code, outcome) in [
        (401, 89, rejected("revoked")),
        (401, 32, Outcome::Faulty),
        (400, 215, Outcome::Faulty),
        (401, 135, Outcome::Faulty),
        (403, 453, Outcome::Faulty),
        (400, 88, Outcome::Unavailable(None)),
        (404, 34, Outcome::Unavailable(None)),
    ] {
        let (fake, world) = start(config()).await;
        let body = json!({"errors": [{"code": code, "message": "no"}]}).to_string();
        fake.inject(FakeTwitter::CREDENTIALS, Fault::StatusBody(status, body));
        assert_eq!(world.login(&oauth1("good")).await, outcome, "{code}");
    }
}
