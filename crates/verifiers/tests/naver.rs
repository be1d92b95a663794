//! NAVER's codes and tokens, against a server that plays NAVER (providers.md 4.2).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeNaver, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Naver, NaverConfig, Outbound, Reason};
use chrono::{DateTime, Utc};
use serde_json::json;

const GOOD: &str = r#"{"code":"good","state":"s"}"#;

fn config() -> NaverConfig {
    let (id, secret) = FakeNaver::CLIENT;
    NaverConfig::new(id, secret.into())
}

struct UnderTest<const CODE: bool>;

impl<const CODE: bool> Provider for UnderTest<CODE> {
    type Verifier = Naver;

    const ROW: Row = if CODE {
        Row::code("n1")
    } else {
        Row {
            // It does not tell an end from any other.
            expired: Expected::Rejected(Reason::Revoked),
            wrong_audience: Expected::DoesNotApply("it does not say which app a token is of"),
            ..Row::access_token("n1", Expected::Rejected(Reason::Revoked))
        }
    };

    fn hosts(&self) -> Vec<Host> {
        FakeNaver::new().hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Naver, ConfigError> {
        let mut config = config();
        config.allow_unbound = !CODE;
        Naver::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Naver, ConfigError>)> {
        let with = |change: fn(&mut NaverConfig)| {
            let mut config = config();
            change(&mut config);
            Naver::new(config, outbound)
        };
        vec![
            ("client_id", with(|config| config.client_id.clear())),
            ("client_secret", with(|config| config.client_secret = "".into())),
            ("token_url", with(|config| config.token_url = "http://nid.naver.com".into())),
            ("profile_url", with(|config| config.profile_url.clear())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let kind = if CODE { "code" } else { "access_token" };
        json!({kind: table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn naver_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<true>).await;
    table::check(&UnderTest::<false>).await;
}

async fn start(config: NaverConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(FakeNaver::new().hosts()).await;
    let world = World::new(Naver::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

#[tokio::test]
async fn a_token_that_names_no_app_is_taken_only_where_the_configuration_says_so() {
    let (fake, world) = start(config()).await;
    assert_eq!(world.login(r#"{"access_token":"good"}"#).await, rejected("wrong_type"));
    assert_eq!(world.login("good").await, rejected("malformed"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn a_code_goes_with_its_state_and_our_secret_and_the_token_in_a_header() {
    let (fake, world) = start(config()).await;
    assert_eq!(world.login(GOOD).await, Outcome::Accepted("n1".into()));
    let asked = fake.journal();
    let form = "grant_type=authorization_code&code=good&state=s\
        &client_id=the-client&client_secret=the-secret";
    assert_eq!((asked[0].text().as_str(), asked[0].query.as_str()), (form, ""));
    assert_eq!(asked[1].header("authorization"), "Bearer good");
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_failure_with_status_200_is_a_failure() {
    let mut weak = config();
    weak.allow_unbound = true;
    let (_fake, world) = start(weak).await;
    assert_eq!(world.login(r#"{"access_token":"200"}"#).await, rejected("revoked"));
    for (status, body, outcome) in [
        (200, json!({"resultcode": "00", "message": "success"}), rejected("subject_missing")),
        (200, json!({"resultcode": "00", "response": {"id": ""}}), rejected("subject_missing")),
        (200, json!({"resultcode": "028", "response": {"id": "n2"}}), rejected("revoked")),
        (200, json!({"response": {"id": "n2"}}), Outcome::Unavailable(None)),
        (200, json!({"resultcode": 0, "response": {"id": "n2"}}), Outcome::Unavailable(None)),
        (202, json!({"resultcode": "00", "response": {"id": "n2"}}), Outcome::Unavailable(None)),
        (403, json!({"resultcode": "403"}), Outcome::Faulty),
        (404, json!({"resultcode": "404"}), Outcome::Unavailable(None)),
        // A code that no page of NAVER's has.
        (200, json!({"resultcode": "77"}), Outcome::Unavailable(None)),
    ] {
        let (fake, world) = start(config()).await;
        fake.inject(FakeNaver::PROFILE, Fault::StatusBody(status, body.to_string()));
        assert_eq!(world.login(GOOD).await, outcome, "{status} {body}");
    }
}

#[tokio::test]
async fn a_client_that_naver_does_not_know_is_a_fault_of_ours() {
    let mut other = config();
    other.client_secret = "wrong".into();
    let (_fake, world) = start(other).await;
    assert_eq!(world.login(GOOD).await, Outcome::Faulty);
}

#[tokio::test]
async fn h7_an_exchange_is_not_tried_again() {
    for fault in [Fault::Status(503), Fault::Reset, Fault::Truncated] {
        let (fake, world) = start(config()).await;
        fake.inject("/oauth2.0", fault.clone());
        assert!(matches!(world.login(GOOD).await, Outcome::Unavailable(_)), "{fault:?}");
        assert_eq!(fake.journal().len(), 1, "{fault:?}");
    }
}
