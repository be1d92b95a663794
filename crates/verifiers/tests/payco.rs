//! PAYCO's codes and tokens, against a server that plays PAYCO (providers.md 4.3).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakePayco, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Outbound, Payco, PaycoConfig, Reason};
use chrono::{DateTime, Utc};
use serde_json::json;

const GOOD: &str = r#"{"code":"good"}"#;

fn config() -> PaycoConfig {
    let (id, secret) = FakePayco::CLIENT;
    PaycoConfig::new(id, secret.into())
}

struct UnderTest<const CODE: bool>;

impl<const CODE: bool> Provider for UnderTest<CODE> {
    type Verifier = Payco;

    const ROW: Row = if CODE {
        Row::code("p1")
    } else {
        let refused = Expected::Rejected(Reason::Revoked);
        // It tells no reason.
        Row { expired: refused, wrong_audience: refused, ..Row::access_token("p1", refused) }
    };

    fn hosts(&self) -> Vec<Host> {
        FakePayco::new().hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Payco, ConfigError> {
        let mut config = config();
        config.allow_unbound = !CODE;
        Payco::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Payco, ConfigError>)> {
        let with = |change: fn(&mut PaycoConfig)| {
            let mut config = config();
            change(&mut config);
            Payco::new(config, outbound)
        };
        vec![
            ("client_id", with(|config| config.client_id.clear())),
            ("client_secret", with(|config| config.client_secret = "".into())),
            ("token_url", with(|config| config.token_url = "http://id.payco.com".into())),
            ("id_url", with(|config| config.id_url.clear())),
            ("member_url", with(|config| config.member_url.clear())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let kind = if CODE { "code" } else { "access_token" };
        json!({kind: table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn payco_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<true>).await;
    table::check(&UnderTest::<false>).await;
}

async fn start(config: PaycoConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(FakePayco::new().hosts()).await;
    let world = World::new(Payco::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

#[tokio::test]
async fn access_tokens_are_taken_only_where_the_configuration_says_so() {
    let (fake, world) = start(config()).await;
    assert_eq!(world.login(r#"{"access_token":"good"}"#).await, rejected("wrong_type"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn x18_both_answers_are_of_one_player() {
    let mut weak = config();
    weak.allow_unbound = true;
    let (_fake, world) = start(weak).await;
    let swapped = world.login(r#"{"access_token":"swapped"}"#).await;
    assert_eq!(swapped, rejected("subject_mismatch"));
}

#[tokio::test]
async fn success_is_the_boolean_true_in_both_answers() {
    let member = json!({"member": {"idNo": "p1"}});
    for (path, body, outcome) in [
        (
            FakePayco::ID,
            json!({"header": {"successful": false}, "idNo": "p1"}),
            rejected("revoked"),
        ),
        (
            FakePayco::ID,
            json!({"header": {"successful": "true"}, "idNo": "p1"}),
            Outcome::Unavailable(None),
        ),
        (FakePayco::ID, json!({"idNo": "p1"}), Outcome::Unavailable(None)),
        (
            FakePayco::MEMBER,
            json!({"header": {"isSuccessful": false}, "data": member}),
            rejected("revoked"),
        ),
        (
            FakePayco::MEMBER,
            json!({"header": {"isSuccessful": 1}, "data": member}),
            Outcome::Unavailable(None),
        ),
        (FakePayco::MEMBER, json!({"header": {"isSuccessful": true}}), rejected("revoked")),
    ] {
        let (fake, world) = start(config()).await;
        fake.inject(path, Fault::StatusBody(200, body.to_string()));
        assert_eq!(world.login(GOOD).await, outcome, "{body}");
    }
    for (status, outcome) in
        [(401, Outcome::Faulty), (403, Outcome::Faulty), (404, Outcome::Unavailable(None))]
    {
        let (fake, world) = start(config()).await;
        fake.inject(FakePayco::ID, Fault::Status(status));
        assert_eq!(world.login(GOOD).await, outcome, "{status}");
    }
}
