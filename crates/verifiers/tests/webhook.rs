//! A service of the game's own, asked by signed requests (providers.md 5.2, braincloud 7).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{Certificate, FakeIdp, FakeWebhook, Fault, Host, Outcome, Service, World};
use authcore_verifiers::{ConfigError, Outbound, Reason, Webhook, WebhookConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

const GOOD: &str = r#"{"externalId":"ann","authenticationToken":"ok"}"#;

fn config() -> WebhookConfig {
    let secret = FakeWebhook::SECRET.into();
    WebhookConfig::new("hangame", FakeWebhook::URL, "chess", vec![secret])
}

/// An answer in the words of the contract.
fn told(more: &Value) -> String {
    let mut answer = json!({"v": 1, "request_id": "$ID"});
    let members = more.as_object().unwrap().clone();
    answer.as_object_mut().unwrap().extend(members);
    answer.to_string()
}

struct UnderTest(FakeWebhook);

impl Provider for UnderTest {
    type Verifier = Webhook;

    const ROW: Row = Row {
        good: Expected::Accepted("ann"),
        expired: Expected::Expired,
        not_yet_valid: Expected::Rejected(Reason::NotYetValid),
        wrong_audience: Expected::Rejected(Reason::WrongAudience),
        wrong_issuer: Expected::Rejected(Reason::WrongIssuer),
        wrong_key: Expected::Faulty,
        tampered: Expected::Faulty,
        algorithm_none: Expected::Unavailable,
        hmac_with_public_key: Expected::DoesNotApply("there is no public key"),
        replayed: Expected::Rejected(Reason::Replayed),
        missing_subject: Expected::Unavailable,
        oversized: Expected::Refused("invalid"),
        provider_down: Expected::Unavailable,
        provider_slow: Expected::Unavailable,
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Webhook, ConfigError> {
        Webhook::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Webhook, ConfigError>)> {
        let with = |change: fn(&mut WebhookConfig)| {
            let mut config = config();
            change(&mut config);
            Webhook::new(config, outbound)
        };
        vec![
            ("provider", with(|config| config.provider = "No Name".into())),
            ("url", with(|config| config.url = "http://players.studio.example/check".into())),
            ("app_id", with(|config| config.app_id.clear())),
            ("secrets", with(|config| config.secrets.clear())),
            ("secrets", with(|config| config.secrets = vec![FakeWebhook::SECRET.into(); 3])),
            ("secrets", with(|config| config.secrets.push("whsec_c2hvcnQ=".into()))),
            ("secrets", with(|config| config.secrets.push("0123456789abcdef01234567".into()))),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let invalid = |reason: &str| told(&json!({"result": "invalid", "reason": reason}));
        let mut service = self.0.service();
        *service = FakeWebhook::new().service().clone();
        match case {
            Case::Expired => service.answer = told(&json!({"result": "expired"})),
            Case::NotYetValid => service.answer = invalid("not_yet_valid"),
            Case::WrongAudience => service.answer = invalid("wrong_audience"),
            Case::WrongIssuer => service.answer = invalid("wrong_issuer"),
            Case::WrongKey => service.signs_with = Some(FakeWebhook::NEXT_SECRET.into()),
            Case::Tampered => service.rewritten = true,
            Case::AlgorithmNone => service.signs_with = None,
            Case::Replayed => service.second_answer = Some(invalid("replayed")),
            Case::MissingSubject => service.answer = told(&json!({"result": "ok"})),
            Case::Oversized => {
                let id = "x".repeat(20_000);
                return json!({"externalId": id, "authenticationToken": "ok"}).to_string();
            }
            _ => {}
        }
        GOOD.into()
    }
}

#[tokio::test]
async fn a_webhook_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeWebhook::new())).await;
}

async fn start(config: WebhookConfig) -> (FakeIdp, FakeWebhook, World) {
    let webhook = FakeWebhook::new();
    let fake = FakeIdp::start(webhook.hosts()).await;
    let world = World::new(Webhook::new(config, &fake.outbound()).unwrap()).await;
    (fake, webhook, world)
}

fn accepted(subject: &str) -> Outcome {
    Outcome::Accepted(subject.into())
}

async fn answered(answer: &str) -> Outcome {
    let (_fake, webhook, world) = start(config()).await;
    webhook.service().answer = answer.into();
    world.login(GOOD).await
}

#[tokio::test]
async fn the_request_is_what_the_page_says() {
    let (fake, _webhook, world) = start(config()).await;
    assert_eq!(world.login(GOOD).await, accepted("ann"));
    assert_eq!(world.login(GOOD).await, accepted("ann"));
    let asked = fake.journal();
    let (first, id) = (&asked[0], asked[0].header("webhook-id"));
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", FakeWebhook::PATH));
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("webhook-timestamp"), world.now().timestamp().to_string());
    let body: Value = serde_json::from_slice(&first.body).unwrap();
    let expected = json!({
        "v": 1, "type": "credential.verify", "request_id": id, "app_id": "chess",
        "provider": "hangame", "credential": {"externalId": "ann", "authenticationToken": "ok"},
    });
    assert_eq!(body, expected);
    let suffix = id.strip_prefix("req_").unwrap();
    assert!(suffix.len() == 26 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_ne!(asked[1].header("webhook-id"), id);
}

#[tokio::test]
async fn a_credential_that_is_no_object_goes_there_as_text() {
    let (fake, webhook, world) = start(config()).await;
    webhook.service().answer = told(&json!({"result": "ok", "subject": "u-1"}));
    assert_eq!(world.login("ticket 7").await, accepted("u-1"));
    let body: Value = serde_json::from_slice(&fake.journal()[0].body).unwrap();
    assert_eq!(body["credential"], "ticket 7");
    // Nobody is named by a bare yes to it.
    webhook.service().answer = "true".into();
    assert_eq!(world.login("ticket 7").await, Outcome::Faulty);
    let twice = r#"{"externalId":"ann","externalId":"bob"}"#;
    assert_eq!(world.login(twice).await, Outcome::Rejected("malformed".into()));
}

#[tokio::test]
async fn braincloud_7_an_answer_is_a_boolean_or_an_object() {
    let no = || Outcome::Rejected("the external check said no".into());
    assert_eq!(answered("true").await, accepted("ann"));
    assert_eq!(answered(r#"{"valid":true}"#).await, accepted("ann"));
    let override_id = r#"{"valid":true,"externalIdOverride":"7"}"#;
    assert_eq!(answered(override_id).await, accepted("7"));
    assert_eq!(answered("false").await, no());
    assert_eq!(answered(r#"{"valid":false,"extraErrorJson":{"a":1}}"#).await, no());
    for bad in ["1", "null", "{}", r#""true""#, r#"{"valid":"true"}"#, "[true]"] {
        assert_eq!(answered(bad).await, Outcome::Faulty, "{bad}");
    }
    for bad in ["", "tru", r#"{"valid":false,"valid":true}"#] {
        assert_eq!(answered(bad).await, Outcome::Unavailable(None), "{bad}");
    }
}

#[tokio::test]
async fn an_answer_may_tell_issuer_profile_and_end() {
    let (_fake, webhook, world) = start(config()).await;
    let answer = |end: i64| {
        told(&json!({
            "result": "ok", "subject": "u-1", "issuer": "acct.example", "friends": ["u-2"],
            "profile": {"name": "N", "email": "e@example.com", "avatar": "https://a.example/n"},
            "expires_at": end, "more": 1,
        }))
    };
    webhook.service().answer = answer(world.now().timestamp() + 1);
    assert_eq!(world.login(GOOD).await, accepted("u-1"));
    let account = world.account();
    assert_eq!(account.identities[0].key.issuer(), "acct.example");
    webhook.service().answer = answer(i64::MAX);
    assert_eq!(world.login(GOOD).await, Outcome::Unavailable(None));
}

#[tokio::test]
async fn an_answer_may_refuse_for_other_reasons() {
    let verdict = async |more: Value| answered(&told(&more)).await;
    let rejected = |reason: &str| Outcome::Rejected(reason.into());
    assert_eq!(verdict(json!({"result": "invalid"})).await, rejected("revoked"));
    let unknown = json!({"result": "invalid", "reason": "of our own"});
    assert_eq!(verdict(unknown).await, rejected("revoked"));
    let denied = verdict(json!({"result": "denied", "reason": "age"})).await;
    assert_eq!(denied, Outcome::Denied("webhook".into()));
    let later = verdict(json!({"result": "unavailable", "retry_after": 7})).await;
    assert_eq!(later, Outcome::Unavailable(Some(TimeDelta::seconds(7))));
    for bad in [
        json!({"result": "ok", "subject": "u-1", "v": 2}),
        json!({"result": "ok", "subject": "u-1", "request_id": "req_other"}),
        json!({"result": "ok", "subject": "a\nb"}),
        json!({"result": "ok", "subject": 7}),
        json!({"result": "maybe", "subject": "u-1"}),
    ] {
        assert_eq!(verdict(bad.clone()).await, Outcome::Unavailable(None), "{bad}");
    }
}

#[tokio::test]
async fn an_answer_that_is_old_or_to_another_request_or_our_own_is_none() {
    let with = async |change: fn(&mut Service)| {
        let (_fake, webhook, world) = start(config()).await;
        change(&mut webhook.service());
        world.login(GOOD).await
    };
    for within in
        [|service: &mut Service| service.ahead = 300, |service: &mut Service| service.ahead = -300]
    {
        assert_eq!(with(within).await, accepted("ann"));
    }
    assert_eq!(with(|service| service.ahead = 301).await, Outcome::Faulty);
    assert_eq!(with(|service| service.ahead = -301).await, Outcome::Faulty);
    let other = |service: &mut Service| {
        service.answer_id = Some("res_aaaaaaaaaaaaaaaaaaaaaaaaaa".into());
    };
    assert_eq!(with(other).await, Outcome::Faulty);
    assert_eq!(with(|service| service.reflects = true).await, Outcome::Faulty);
    assert_eq!(with(|service| service.secrets.clear()).await, Outcome::Faulty);
}

#[tokio::test]
async fn a_secret_is_changed_without_a_failure() {
    let both = vec![FakeWebhook::NEXT_SECRET.into(), FakeWebhook::SECRET.into()];
    let mut during = config();
    during.secrets = both;
    let (_fake, webhook, world) = start(during).await;
    // The service still has the old secret only, then both, then the new one only.
    for secrets in [
        vec![FakeWebhook::SECRET],
        vec![FakeWebhook::SECRET, FakeWebhook::NEXT_SECRET],
        vec![FakeWebhook::NEXT_SECRET],
    ] {
        let secrets: Vec<String> = secrets.into_iter().map(Into::into).collect();
        let mut service = webhook.service().clone();
        service.signs_with = secrets.last().cloned();
        service.secrets = secrets;
        *webhook.service() = service;
        assert_eq!(world.login(GOOD).await, accepted("ann"));
    }
    // Afterwards the old one is nobody's.
    let (_fake, webhook, world) = start(config()).await;
    webhook.service().secrets = vec![FakeWebhook::NEXT_SECRET.into()];
    assert_eq!(world.login(GOOD).await, Outcome::Faulty);
}

#[tokio::test]
async fn a_status_that_is_about_us_is_a_fault_of_ours() {
    for (status, faulty) in [(401, true), (403, true), (404, true), (400, false), (204, false)] {
        let (fake, _webhook, world) = start(config()).await;
        fake.inject("", Fault::Status(status));
        let outcome = world.login(GOOD).await;
        let expected = if faulty { Outcome::Faulty } else { Outcome::Unavailable(None) };
        assert_eq!(outcome, expected, "{status}");
    }
    let (fake, _webhook, world) = start(config()).await;
    fake.inject("", Fault::Redirect(307, FakeWebhook::URL.into()));
    assert_eq!(world.login(GOOD).await, Outcome::Faulty);
}

#[tokio::test]
async fn only_a_request_that_never_arrived_is_sent_again() {
    for fault in [Fault::Status(503), Fault::Reset, Fault::Truncated] {
        let (fake, _webhook, world) = start(config()).await;
        fake.inject("", fault.clone());
        assert!(matches!(world.login(GOOD).await, Outcome::Unavailable(_)), "{fault:?}");
        assert_eq!(fake.journal().len(), 1, "{fault:?}");
    }
    let webhook = FakeWebhook::new();
    let fake = FakeIdp::presenting(Certificate::UnknownAuthority, webhook.hosts()).await;
    let world = World::new(Webhook::new(config(), &fake.outbound()).unwrap()).await;
    assert!(matches!(world.login(GOOD).await, Outcome::Unavailable(_)));
    assert_eq!((fake.connections(), fake.journal().len()), (2, 0));
}
