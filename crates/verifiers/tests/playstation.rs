//! Codes of the `PlayStation` Network, against a server that plays it (providers.md 3.10).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakePlayStation, Fault, Host, Outcome, World};
use authcore_verifiers::{
    ConfigError, Outbound, PlayStation, PlayStationConfig, PlayStationIdToken,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

const GOOD: &str = r#"{"code":"good"}"#;

/// By ID token.
fn config() -> PlayStationConfig {
    let (id, secret) = FakePlayStation::CLIENT;
    let (back, token_url) = ("https://game.example/back", FakePlayStation::TOKEN_URL);
    let mut config = PlayStationConfig::new(id, secret.into(), back, token_url, "256");
    let token = PlayStationIdToken::new(FakePlayStation::ISSUER, FakePlayStation::KEYS_URL);
    config.id_token = Some(token);
    config
}

/// By asking about access tokens.
fn asking() -> PlayStationConfig {
    let mut config = config();
    config.id_token = None;
    config.introspection_url = Some(FakePlayStation::INTROSPECTION_URL.into());
    config
}

/// The first moment of 2026, when the tests play.
fn start_of_2026() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

struct UnderTest;

impl Provider for UnderTest {
    type Verifier = PlayStation;

    const ROW: Row = Row::code(FakePlayStation::SUBJECT);

    fn hosts(&self) -> Vec<Host> {
        let network = FakePlayStation::new(start_of_2026());
        *network.id_token.lock().unwrap() = None;
        network.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<PlayStation, ConfigError> {
        PlayStation::new(asking(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<PlayStation, ConfigError>)> {
        let with = |change: fn(&mut PlayStationConfig)| {
            let mut config = config();
            change(&mut config);
            PlayStation::new(config, outbound)
        };
        let with_token = |change: fn(&mut PlayStationIdToken)| {
            let mut config = config();
            config.id_token.iter_mut().for_each(change);
            PlayStation::new(config, outbound)
        };
        vec![
            ("client_id", with(|config| config.client_id.clear())),
            ("client_secret", with(|config| config.client_secret = "".into())),
            ("redirect_uri", with(|config| config.redirect_uri.clear())),
            ("environment", with(|config| config.environment.clear())),
            ("token_url", with(|config| config.token_url = "http://network.example".into())),
            ("introspection_url", with(|config| config.introspection_url = Some(String::new()))),
            ("keys_url", with(|config| config.id_token = None)),
            ("keys_url", with_token(|token| token.keys_url.clear())),
            ("issuer", with_token(|token| token.issuer.clear())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        json!({"code": table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn playstation_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest).await;
}

async fn start(config: PlayStationConfig) -> (FakeIdp, FakePlayStation, World) {
    let network = FakePlayStation::new(start_of_2026());
    let fake = FakeIdp::start(network.hosts()).await;
    let world = World::new(PlayStation::new(config, &fake.outbound()).unwrap()).await;
    (fake, network, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

#[tokio::test]
async fn the_player_is_who_the_id_token_speaks_of_in_this_environment() {
    let (fake, _network, world) = start(config()).await;
    let accepted = Outcome::Accepted(FakePlayStation::SUBJECT.into());
    assert_eq!(world.login(GOOD).await, accepted);
    let account = world.account();
    let key = &account.identities[0].key;
    assert_eq!((key.tenant(), key.provider().as_str()), ("256", "playstation"));
    assert_eq!(fake.asked("/introspect"), 0);
    let form = String::from_utf8(fake.journal()[0].body.to_vec()).unwrap();
    assert!(form.contains("redirect_uri=https%3A%2F%2Fgame.example%2Fback"), "{form}");
    assert!(!form.contains(FakePlayStation::CLIENT.1), "the secret is in the header");
}

#[tokio::test]
async fn an_id_token_is_held_to_the_rules_of_one() {
    let now = start_of_2026();
    let old = now.timestamp() - 7200;
    let token = || FakePlayStation::token(now);
    for (token, outcome) in [
        // Of a test environment.
        (token().claim("iss", "https://network.example/qa"), rejected("wrong_issuer")),
        (token().claim("aud", "another-client"), rejected("wrong_audience")),
        (token().without("sub"), rejected("subject_missing")),
        (token().claim("iat", old).claim("exp", old + 60), Outcome::Expired),
        (token().header("alg", "ES256"), rejected("alg_not_allowed")),
    ] {
        let (_fake, network, world) = start(config()).await;
        let signed = token.signed(&network.issuer.signer());
        *network.id_token.lock().unwrap() = Some(signed);
        assert_eq!(world.login(GOOD).await, outcome);
    }
    let (_fake, network, world) = start(config()).await;
    let forged = token().signed(&network.issuer.signer().stranger());
    *network.id_token.lock().unwrap() = Some(forged);
    assert_eq!(world.login(GOOD).await, rejected("bad_signature"));
}

#[tokio::test]
async fn without_an_id_token_the_network_is_asked_or_nobody_is_let_in() {
    let (_fake, network, world) = start(config()).await;
    *network.id_token.lock().unwrap() = None;
    assert_eq!(world.login(GOOD).await, Outcome::Denied("missing_scope".into()));

    let mut both = config();
    both.introspection_url = Some(FakePlayStation::INTROSPECTION_URL.into());
    let (fake, network, world) = start(both).await;
    *network.id_token.lock().unwrap() = None;
    assert_eq!(world.login(GOOD).await, Outcome::Accepted(FakePlayStation::SUBJECT.into()));
    assert_eq!(fake.asked("/introspect"), 1);
}

#[tokio::test]
async fn an_access_token_is_ours_active_and_of_somebody() {
    let known = |change: fn(&mut Value)| {
        let (id, subject) = (FakePlayStation::CLIENT.0, FakePlayStation::SUBJECT);
        let mut known = json!({"active": true, "client_id": id, "sub": subject});
        change(&mut known);
        known
    };
    for (said, outcome) in [
        (known(|it| it["client_id"] = "another".into()), rejected("wrong_app")),
        (known(|it| it["client_id"] = Value::Null), Outcome::Unavailable(None)),
        (json!({"active": true, "sub": "1"}), rejected("wrong_app")),
        (known(|it| it["active"] = false.into()), rejected("revoked")),
        (known(|it| it["active"] = "true".into()), Outcome::Unavailable(None)),
        (known(|it| it["sub"] = "".into()), rejected("subject_missing")),
        (known(|it| it["exp"] = 1.into()), Outcome::Expired),
        (known(|it| it["exp"] = 1_767_225_601.into()), accepted()),
    ] {
        let (_fake, network, world) = start(asking()).await;
        *network.id_token.lock().unwrap() = None;
        *network.known.lock().unwrap() = said.clone();
        assert_eq!(world.login(GOOD).await, outcome, "{said}");
    }
    for (status, outcome) in [(401, Outcome::Faulty), (403, Outcome::Faulty)] {
        let (fake, network, world) = start(asking()).await;
        *network.id_token.lock().unwrap() = None;
        fake.inject("/introspect", Fault::Status(status));
        assert_eq!(world.login(GOOD).await, outcome, "{status}");
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakePlayStation::SUBJECT.into())
}

#[tokio::test]
async fn an_access_token_of_a_client_is_refused_unasked() {
    let (fake, _network, world) = start(asking()).await;
    assert_eq!(world.login(r#"{"access_token":"good"}"#).await, rejected("wrong_type"));
    assert_eq!(fake.connections(), 0);
}
