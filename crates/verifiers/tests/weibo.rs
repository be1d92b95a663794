//! Weibo's tokens, against a server that plays Weibo (providers.md 4.6).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeWeibo, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Outbound, Reason, Weibo, WeiboConfig};
use chrono::{DateTime, Utc};
use serde_json::json;

const GOOD: &str = r#"{"access_token":"good"}"#;

fn config() -> WeiboConfig {
    WeiboConfig::new(vec![FakeWeibo::APP.into()])
}

struct UnderTest;

impl Provider for UnderTest {
    type Verifier = Weibo;

    const ROW: Row = Row::access_token("1073", Expected::Rejected(Reason::Revoked));

    fn hosts(&self) -> Vec<Host> {
        FakeWeibo::default().hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Weibo, ConfigError> {
        Weibo::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Weibo, ConfigError>)> {
        let with = |change: fn(&mut WeiboConfig)| {
            let mut config = config();
            change(&mut config);
            Weibo::new(config, outbound)
        };
        vec![
            ("app_keys", with(|config| config.app_keys.clear())),
            ("app_keys", with(|config| config.app_keys.push(String::new()))),
            (
                "token_info_url",
                with(|config| config.token_info_url = "http://api.weibo.com".into()),
            ),
            ("profile_url", with(|config| config.profile_url = Some(String::new()))),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        json!({"access_token": table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn weibo_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest).await;
}

async fn start(config: WeiboConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(FakeWeibo::default().hosts()).await;
    let world = World::new(Weibo::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

#[tokio::test]
async fn cve_2025_30168_a_token_that_is_of_no_app_or_of_another_is_not_ours() {
    // The other app's key is one of which ours is the beginning (CVE-2022-39231).
    let (fake, world) = start(config()).await;
    for token in ["no-app", "other-app"] {
        let credential = json!({"access_token": token}).to_string();
        assert_eq!(world.login(&credential).await, rejected("wrong_app"), "{token}");
    }
    assert_eq!(fake.asked(FakeWeibo::PROFILE), 0);
}

#[tokio::test]
async fn x18_the_profile_is_that_of_the_token() {
    let (_fake, world) = start(config()).await;
    let swapped = world.login(r#"{"access_token":"swapped"}"#).await;
    assert_eq!(swapped, rejected("subject_mismatch"));
}

#[tokio::test]
async fn a_profile_is_read_only_where_there_is_an_address() {
    let mut without = config();
    without.profile_url = None;
    let (fake, world) = start(without).await;
    assert_eq!(world.login(GOOD).await, Outcome::Accepted("1073".into()));
    assert_eq!((fake.journal().len(), fake.asked(FakeWeibo::PROFILE)), (1, 0));
    assert_eq!(
        (fake.journal()[0].query.as_str(), fake.journal()[0].text().as_str()),
        ("", "access_token=good")
    );
    assert_eq!(world.login(r#"{"code":"good"}"#).await, rejected("wrong_type"));
}

#[tokio::test]
async fn each_number_of_weibo_has_its_class_with_any_status() {
    for (code, outcome) in [
        (21314, rejected("revoked")),
        (21317, rejected("revoked")),
        (21332, rejected("revoked")),
        (21327, Outcome::Expired),
        (21321, Outcome::Faulty),
        (21324, Outcome::Faulty),
        (10023, Outcome::Unavailable(None)),
        (10024, Outcome::Unavailable(None)),
        (1, Outcome::Unavailable(None)),
    ] {
        for status in [200, 400, 403] {
            let (fake, world) = start(config()).await;
            let body = json!({"error": "no", "error_code": code}).to_string();
            fake.inject("", Fault::StatusBody(status, body));
            assert_eq!(world.login(GOOD).await, outcome, "{code} {status}");
        }
    }
}
