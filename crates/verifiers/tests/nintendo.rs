//! Nintendo's ID tokens, against a server that plays Nintendo (providers.md 3.11).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeNintendo, FakeOidc, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Nintendo, NintendoConfig, Outbound};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

fn config() -> NintendoConfig {
    NintendoConfig::new(vec![FakeNintendo::APPLICATION.into(), "0100abcd12341000".into()])
}

struct UnderTest(FakeNintendo);

impl Provider for UnderTest {
    type Verifier = Nintendo;

    const ROW: Row = Row::id_token(FakeNintendo::SUBJECT);

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Nintendo, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Nintendo::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Nintendo, ConfigError>)> {
        let with = |change: fn(&mut NintendoConfig)| {
            let mut config = config();
            change(&mut config);
            Nintendo::new(config, outbound)
        };
        vec![
            ("application_ids", with(|config| config.application_ids.clear())),
            ("application_ids", with(|config| config.application_ids.push(String::new()))),
            ("audiences", with(|config| config.audiences.clear())),
            ("issuers", with(|config| config.issuers.clear())),
            ("keys_url", with(|config| config.keys_url = "http://nintendo.example/".into())),
            ("max_age", with(|config| config.max_age = TimeDelta::zero())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeNintendo::token(now), &self.0.issuer.signer(), now)
    }
}

#[tokio::test]
async fn nintendo_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeNintendo::new())).await;
}

async fn start() -> (FakeIdp, FakeNintendo, World) {
    let (nintendo, attacker) = (FakeNintendo::new(), FakeOidc::new());
    let fake = FakeIdp::start([nintendo.hosts(), attacker.hosts()].concat()).await;
    let world = World::new(Nintendo::new(config(), &fake.outbound()).unwrap()).await;
    (fake, nintendo, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

#[tokio::test]
async fn the_application_is_ours_and_the_audience_does_not_say_so() {
    let (_fake, nintendo, world) = start().await;
    let signer = nintendo.issuer.signer();
    let with = |value| FakeNintendo::token(world.now()).claim("nintendo", value).signed(&signer);
    let accepted = Outcome::Accepted(FakeNintendo::SUBJECT.into());
    assert_eq!(world.login(&with(json!({"ai": "0100abcd12341000"}))).await, accepted);
    for other in [
        json!({"ai": "0100eeee12340000"}),
        json!({"ai": "0100abcd1234"}),
        json!({"ai": ["0100abcd12340000"]}),
        json!({}),
        json!("0100abcd12340000"),
        json!(null),
    ] {
        assert_eq!(world.login(&with(other.clone())).await, rejected("wrong_app"), "{other}");
    }
    let without = FakeNintendo::token(world.now()).without("nintendo").signed(&signer);
    assert_eq!(world.login(&without).await, rejected("wrong_app"));
}

#[tokio::test]
async fn an_access_token_of_the_same_issuer_is_no_id_token() {
    let (_fake, nintendo, world) = start().await;
    let signer = nintendo.issuer.signer();
    for typ in [json!("token"), json!("ID_TOKEN"), json!(null)] {
        let token = FakeNintendo::token(world.now()).claim("typ", typ).signed(&signer);
        assert_eq!(world.login(&token).await, rejected("wrong_type"));
    }
    let without = FakeNintendo::token(world.now()).without("typ").signed(&signer);
    assert_eq!(world.login(&without).await, rejected("wrong_type"));
}

#[tokio::test]
async fn j4_a_key_url_of_the_token_s_own_is_never_asked() {
    let (fake, nintendo, world) = start().await;
    let attacker = nintendo.issuer.signer().stranger();
    let elsewhere = format!("{}/keys", FakeOidc::ISSUER);
    let forged = FakeNintendo::token(world.now()).header("jku", elsewhere).signed(&attacker);
    assert_eq!(world.login(&forged).await, rejected("bad_signature"));
    assert!(fake.journal().iter().all(|asked| asked.path == FakeNintendo::KEYS));
}

#[tokio::test]
async fn a_token_of_three_hours_ago_is_too_old() {
    let (_fake, nintendo, world) = start().await;
    let signer = nintendo.issuer.signer();
    let issued = |ago: TimeDelta| {
        let at = (world.now() - ago).timestamp();
        FakeNintendo::token(world.now()).claim("iat", at).signed(&signer)
    };
    let accepted = Outcome::Accepted(FakeNintendo::SUBJECT.into());
    assert_eq!(world.login(&issued(TimeDelta::hours(3))).await, accepted);
    assert_eq!(world.login(&issued(TimeDelta::minutes(181))).await, rejected("too_old"));
}
