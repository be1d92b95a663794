//! Apple's ID tokens and notices, against a server that plays Apple (providers.md 3.1).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore::account::ProviderId;
use authcore::verifier::{NonceScope, VerifyError};
use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeApple, FakeIdp, Fault, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{
    Apple, AppleConfig, AppleEvent, ConfigError, NoncePolicy, Nonces, Outbound,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

fn config() -> AppleConfig {
    AppleConfig::new(vec![FakeApple::AUDIENCE.into(), "com.example.game.web".into()])
}

struct UnderTest(FakeApple);

impl Provider for UnderTest {
    type Verifier = Apple;

    const ROW: Row = Row::id_token(FakeApple::SUBJECT);

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Apple, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Apple::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Apple, ConfigError>)> {
        let with = |change: fn(&mut AppleConfig)| {
            let mut config = config();
            change(&mut config);
            Apple::new(config, outbound)
        };
        vec![
            ("audiences", with(|config| config.audiences.clear())),
            ("audiences", with(|config| config.audiences.push(String::new()))),
            ("issuers", with(|config| config.issuers.clear())),
            ("keys_url", with(|config| config.keys_url = "http://appleid.apple.com/".into())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeApple::token(now), &self.0.issuer.signer(), now)
    }
}

#[tokio::test]
async fn apple_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeApple::new())).await;
}

/// Apple, a verifier of it, and an engine.
async fn start(config: AppleConfig) -> (FakeIdp, FakeApple, World) {
    let apple = FakeApple::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let world = World::new(Apple::new(config, &fake.outbound()).unwrap()).await;
    (fake, apple, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeApple::SUBJECT.into())
}

#[tokio::test]
async fn cve_2026_30863_a_token_for_another_app_is_refused() {
    let (_fake, apple, world) = start(config()).await;
    let signer = apple.issuer.signer();
    let with = |audience: serde_json::Value| {
        FakeApple::token(world.now()).claim("aud", audience).signed(&signer)
    };
    for ours in ["com.example.game", "com.example.game.web"] {
        assert_eq!(world.login(&with(json!(ours))).await, accepted());
    }
    for other in ["com.other.game", "com.example.game.other", "com.example", "", "COM.EXAMPLE.GAME"]
    {
        assert_eq!(world.login(&with(json!(other))).await, rejected("wrong_audience"), "{other}");
    }
    let none = FakeApple::token(world.now()).without("aud").signed(&signer);
    assert_eq!(world.login(&none).await, rejected("wrong_audience"));
}

#[tokio::test]
async fn cve_2026_31813_the_issuer_is_not_taken_from_the_token() {
    let (fake, apple, world) = start(config()).await;
    let signer = apple.issuer.signer();
    for issuer in [
        "https://appleid.apple.com/",
        "https://appleid.apple.com.evil.example",
        "https://evil.example",
    ] {
        let token = FakeApple::token(world.now()).claim("iss", issuer).signed(&signer);
        assert_eq!(world.login(&token).await, rejected("wrong_issuer"), "{issuer}");
    }
    assert!(fake.journal().iter().all(|asked| asked.host == "appleid.apple.com"));
}

#[tokio::test]
async fn booleans_may_be_text_and_no_email_address_is_taken() {
    let (_fake, apple, world) = start(config()).await;
    for value in [json!(true), json!(false), json!("true"), json!("false")] {
        let token = FakeApple::token(world.now())
            .claim("email_verified", value.clone())
            .claim("is_private_email", value)
            .signed(&apple.issuer.signer());
        assert_eq!(world.login(&token).await, accepted());
        assert_eq!(world.account().identities.len(), 1);
    }
}

#[tokio::test]
async fn a_nonce_comes_as_it_is_or_as_its_digest_or_not_where_it_is_not_supported() {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let nonces = Nonces::derive(&master, "chess").unwrap();
    let apple_id = ProviderId::new("apple").unwrap();
    for (required, without) in [(false, accepted()), (true, rejected("nonce_missing"))] {
        let mut config = config();
        config.nonce = if required {
            NoncePolicy::Required(nonces.clone())
        } else {
            NoncePolicy::IfPresent(nonces.clone())
        };
        let (_fake, apple, world) = start(config).await;
        let signer = apple.issuer.signer();
        let issue =
            |random| nonces.issue(&NonceScope::login(&apple_id, ""), world.now(), [random; 16]);
        let present =
            |token: String, nonce: &str| json!({"token": token, "nonce": nonce}).to_string();

        let raw = issue(1);
        let token = FakeApple::token(world.now()).claim("nonce", raw.clone()).signed(&signer);
        assert_eq!(world.login(&present(token.clone(), &raw)).await, accepted());
        assert_eq!(world.login(&present(token, &raw)).await, Outcome::UsedUp);

        let hashed = issue(2);
        let token = FakeApple::token(world.now()).claim("nonce", sha256(&hashed)).signed(&signer);
        assert_eq!(world.login(&present(token, &hashed)).await, accepted());

        let unbound = issue(3);
        let token = FakeApple::token(world.now()).signed(&signer);
        assert_eq!(world.login(&present(token, &unbound)).await, rejected("nonce_missing"));
        let old = FakeApple::token(world.now()).claim("nonce_supported", false).signed(&signer);
        assert_eq!(world.login(&present(old, &unbound)).await, without);
    }
}

fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[tokio::test]
async fn a_notice_is_no_id_token() {
    let (_fake, apple, world) = start(config()).await;
    let signer = apple.issuer.signer();
    let notice = FakeApple::notice("consent-revoked", world.now());
    assert_eq!(world.login(&notice.clone().signed(&signer)).await, rejected("subject_missing"));
    let with_subject = notice.claim("sub", FakeApple::SUBJECT).signed(&signer);
    assert_eq!(world.login(&with_subject).await, rejected("wrong_type"));
}

#[tokio::test]
async fn gamebase_3_19_a_notice_is_read_when_apple_signed_it_for_us() {
    let apple = FakeApple::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let verifier = Apple::new(config(), &fake.outbound()).unwrap();
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let signer = apple.issuer.signer();
    for (name, event) in [
        ("consent-revoked", AppleEvent::ConsentRevoked),
        ("account-delete", AppleEvent::AccountDeleted),
        ("email-disabled", AppleEvent::Other),
        ("email-enabled", AppleEvent::Other),
        ("of-tomorrow", AppleEvent::Other),
    ] {
        let payload = FakeApple::notice(name, now).signed(&signer);
        let notice = verifier.notice(&payload, now).await.unwrap();
        assert_eq!(notice.event, event);
        assert_eq!(notice.once.single_use, authcore_verifiers::single_use("apple notice", "n1"));
        assert_eq!(notice.identity.provider().as_str(), "apple");
        assert_eq!(notice.identity.subject(), FakeApple::SUBJECT);
    }
    let object = json!({"type": "account-delete", "sub": "s"});
    let payload = FakeApple::notice("", now).claim("events", object).signed(&signer);
    assert_eq!(verifier.notice(&payload, now).await.unwrap().event, AppleEvent::AccountDeleted);

    let notice = || FakeApple::notice("account-delete", now);
    let old = (now - TimeDelta::hours(2)).timestamp();
    for (payload, why) in [
        (notice().claim("aud", "com.other.game").signed(&signer), "wrong_audience"),
        (notice().claim("iss", "https://evil.example").signed(&signer), "wrong_issuer"),
        (notice().signed(&signer.stranger()), "bad_signature"),
        (notice().unsigned(&signer)[1].clone(), "alg_not_allowed"),
        (notice().hmac_with_public_key(&signer), "alg_not_allowed"),
        (notice().claim("events", "no json").signed(&signer), "malformed"),
        (notice().claim("events", r#"{"type":"account-delete"}"#).signed(&signer), "malformed"),
        (notice().claim("events", r#"{"type":"x","sub":""}"#).signed(&signer), "subject_missing"),
        (FakeApple::token(now).signed(&signer), "wrong_type"),
        ("x".into(), "malformed"),
    ] {
        let error = verifier.notice(&payload, now).await.unwrap_err();
        assert!(matches!(error, VerifyError::Rejected(found) if found == why), "{why}: {error}");
    }
    let over = notice().claim("iat", old).claim("exp", old + 60).signed(&signer);
    assert!(matches!(verifier.notice(&over, now).await, Err(VerifyError::Expired)));

    let without_keys = Apple::new(config(), &fake.outbound()).unwrap();
    fake.inject(FakeApple::KEYS, Fault::Status(500));
    let payload = notice().signed(&signer);
    let error = without_keys.notice(&payload, now).await.unwrap_err();
    assert!(matches!(error, VerifyError::Unavailable { .. }));
}
