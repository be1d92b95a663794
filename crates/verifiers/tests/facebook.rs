//! Facebook's access tokens, against a server that plays Facebook (providers.md 3.5).

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeFacebook, FakeIdp, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Facebook, FacebookApp, FacebookConfig, Outbound, Reason};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

fn app(id: &str, secret: &str) -> FacebookApp {
    FacebookApp { id: id.into(), secret: secret.into() }
}

fn config() -> FacebookConfig {
    FacebookConfig::new(vec![app(FakeFacebook::APP, FakeFacebook::SECRET)])
}

struct UnderTest(FakeFacebook);

const OPAQUE: Expected = Expected::DoesNotApply("an access token names no algorithm");

impl Provider for UnderTest {
    type Verifier = Facebook;

    const ROW: Row = Row {
        good: Expected::Accepted(FakeFacebook::SUBJECT),
        expired: Expected::Expired,
        not_yet_valid: Expected::DoesNotApply("an access token has no beginning"),
        wrong_audience: Expected::Rejected(Reason::WrongApp),
        wrong_issuer: Expected::DoesNotApply("an access token names no issuer"),
        wrong_key: Expected::Rejected(Reason::Revoked),
        tampered: Expected::Rejected(Reason::Revoked),
        algorithm_none: OPAQUE,
        hmac_with_public_key: OPAQUE,
        replayed: Expected::DoesNotApply("an access token is good until it ends"),
        missing_subject: Expected::Rejected(Reason::SubjectMissing),
        oversized: Expected::Refused("invalid"),
        provider_down: Expected::Unavailable,
        provider_slow: Expected::Unavailable,
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Facebook, ConfigError> {
        Facebook::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Facebook, ConfigError>)> {
        let with = |apps: Vec<FacebookApp>| Facebook::new(FacebookConfig::new(apps), outbound);
        let mut plain = config();
        plain.graph_url = "http://graph.facebook.com/v22.0".into();
        vec![
            ("apps", with(Vec::new())),
            ("apps", with(vec![app("", "secret")])),
            ("apps", with(vec![app("1", "")])),
            ("graph_url", Facebook::new(plain, outbound)),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let mut inspected = FakeFacebook::inspected(now);
        match case {
            Case::Expired => {
                inspected["is_valid"] = false.into();
                inspected["expires_at"] = (now.timestamp() - 3600).into();
            }
            Case::WrongAudience => inspected["app_id"] = "999".into(),
            Case::MissingSubject => drop(inspected.as_object_mut().unwrap().remove("user_id")),
            // Facebook does not know them.
            Case::WrongKey | Case::Tampered => return "EAAforged".into(),
            Case::Oversized => return "E".repeat(20_000),
            _ => {}
        }
        self.0.know("EAAtoken", inspected)
    }
}

#[tokio::test]
async fn facebook_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeFacebook::new())).await;
}

/// Facebook, a verifier of it, and an engine.
async fn start(config: FacebookConfig) -> (FakeIdp, FakeFacebook, World) {
    let facebook = FakeFacebook::new();
    let fake = FakeIdp::start(facebook.hosts()).await;
    let world = World::new(Facebook::new(config, &fake.outbound()).unwrap()).await;
    (fake, facebook, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeFacebook::SUBJECT.into())
}

/// What is said of a good token, with this in place of one of its parts.
fn with(world: &World, part: &str, value: impl Into<Value>) -> Value {
    let mut inspected = FakeFacebook::inspected(world.now());
    inspected[part] = value.into();
    inspected
}

#[tokio::test]
async fn a_token_of_another_app_is_refused_although_me_would_answer_for_it() {
    let (fake, facebook, world) = start(config()).await;
    let token = facebook.know("EAAother", with(&world, "app_id", "999"));
    assert_eq!(world.login(&token).await, rejected("wrong_app"));
    // One that Facebook itself refuses to tell our app of.
    let token = facebook.know("EAAsecond", with(&world, "app_id", FakeFacebook::OTHER_APP));
    assert_eq!(world.login(&token).await, rejected("wrong_app"));
    assert_eq!(fake.asked(FakeFacebook::ME), 0);
}

#[tokio::test]
async fn cve_2022_39231_an_app_id_is_equal_and_not_contained() {
    let (_fake, facebook, world) = start(config()).await;
    for other in ["123", "12", "1", "12340", "01234", "1234 ", ""] {
        let token = facebook.know("EAAtoken", with(&world, "app_id", other));
        assert_eq!(world.login(&token).await, rejected("wrong_app"), "{other}");
    }
}

#[tokio::test]
async fn each_of_our_apps_is_asked_about_its_own_tokens() {
    let mut two = config();
    two.apps.push(app(FakeFacebook::OTHER_APP, FakeFacebook::OTHER_SECRET));
    let (fake, facebook, world) = start(two).await;
    let token = facebook.know("EAAsecond", with(&world, "app_id", FakeFacebook::OTHER_APP));
    assert_eq!(world.login(&token).await, accepted());
    assert_eq!(fake.asked(FakeFacebook::DEBUG), 2);
}

#[tokio::test]
async fn the_proof_of_the_secret_is_sent_and_the_token_in_the_header() {
    let (fake, facebook, world) = start(config()).await;
    let token = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
    assert_eq!(world.login(&token).await, accepted());
    let asked = fake.journal();
    assert_eq!(asked[0].query, "input_token=EAAtoken&access_token=1234%7Capp-secret-of-1234");
    assert_eq!(asked[1].header("authorization"), "Bearer EAAtoken");
    assert!(asked[1].query.starts_with("appsecret_proof=") && !asked[1].query.contains("EAA"));
    let forever = facebook.know("EAAforever", with(&world, "expires_at", 0));
    assert_eq!(world.login(&forever).await, accepted());
}

#[tokio::test]
async fn only_a_users_token_of_the_same_user_counts() {
    let (_fake, facebook, world) = start(config()).await;
    for (part, value, outcome) in [
        ("type", json!("PAGE"), rejected("wrong_type")),
        ("type", json!("APP"), rejected("wrong_type")),
        ("user_id", json!("78"), rejected("subject_mismatch")),
        ("user_id", json!(""), rejected("subject_missing")),
        ("expires_at", json!(world.now().timestamp()), Outcome::Expired),
        ("is_valid", json!(false), rejected("revoked")),
        ("is_valid", json!("true"), Outcome::Unavailable(None)),
        ("app_id", json!(null), rejected("wrong_app")),
        ("app_id", json!(1234), Outcome::Unavailable(None)),
    ] {
        let token = facebook.know("EAAtoken", with(&world, part, value.clone()));
        assert_eq!(world.login(&token).await, outcome, "{part} {value}");
    }
}

#[tokio::test]
async fn each_error_of_the_graph_has_its_class() {
    for (code, subcode, outcome) in [
        (190, 463, Outcome::Expired),
        (190, 460, rejected("revoked")),
        (190, 467, rejected("revoked")),
        (190, 458, rejected("revoked")),
        (102, 0, rejected("revoked")),
        (100, 0, Outcome::Faulty),
        (104, 0, Outcome::Faulty),
        (1, 0, Outcome::Unavailable(None)),
        (2, 0, Outcome::Unavailable(None)),
        (4, 0, Outcome::Unavailable(None)),
        (17, 0, Outcome::Unavailable(None)),
        (32, 0, Outcome::Unavailable(None)),
        (613, 0, Outcome::Unavailable(None)),
    ] {
        let (_fake, facebook, world) = start(config()).await;
        let token = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
        *facebook.me.lock().unwrap() = (400, FakeFacebook::error(code, subcode));
        assert_eq!(world.login(&token).await, outcome, "{code} {subcode}");
    }
    // The same, told of the token itself.
    let (_fake, facebook, world) = start(config()).await;
    let mut over = with(&world, "is_valid", false);
    over["error"] = json!({"code": 190, "subcode": 463, "message": "Session has expired"});
    let token = facebook.know("EAAtoken", over);
    assert_eq!(world.login(&token).await, Outcome::Expired);
}

#[tokio::test]
async fn a_secret_that_facebook_refuses_is_ours_to_mend_and_in_no_text() {
    let wrong = FacebookConfig::new(vec![app(FakeFacebook::APP, "hunter2")]);
    assert!(!format!("{wrong:?}").contains("hunter2"));
    let (_fake, facebook, world) = start(wrong).await;
    let token = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
    assert_eq!(world.login(&token).await, Outcome::Faulty);
}

#[tokio::test]
async fn what_is_no_access_token_is_refused_without_asking_anybody() {
    let (fake, _facebook, world) = start(config()).await;
    for (bad, why) in [
        ("EAA token", "malformed"),
        ("1234|app-secret-of-1234", "malformed"),
        ("EAA\u{e9}", "malformed"),
        ("eyJh.eyJz.c2ln", "wrong_type"),
    ] {
        assert_eq!(world.login(bad).await, rejected(why), "{bad}");
    }
    assert_eq!(world.login(&"E".repeat(4097)).await, rejected("too_large"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn p6_friends_are_read_by_cursor_and_fail_no_login() {
    let mut more = config();
    more.friends = true;
    let page = |after: &str, next: Option<&str>| {
        json!({"data": [{"id": "78", "name": "Gus"}],
            "paging": {"cursors": {"before": "b", "after": after}, "next": next}})
    };
    let elsewhere = Some("https://elsewhere.example/me/friends?access_token=EAA");
    for (pages, asked) in [
        (vec![page("c1", None)], 1),
        (vec![page("c1", elsewhere), page("c2", None)], 2),
        // It goes round, and is left.
        (vec![page("c0", elsewhere)], 2),
        (vec![json!({"data": "no list"})], 1),
    ] {
        let (fake, facebook, world) = start(more.clone()).await;
        let token = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
        *facebook.friends.lock().unwrap() = pages;
        assert_eq!(world.login(&token).await, accepted());
        assert_eq!(fake.asked(FakeFacebook::FRIENDS), asked);
        assert!(fake.journal().iter().all(|asked| asked.host == "graph.facebook.com"));
    }
}

#[tokio::test]
async fn x18_both_answers_are_of_one_user() {
    let (fake, facebook, world) = start(config()).await;
    let token = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
    let other = json!({"id": "78", "name": "Bob"}).to_string();
    fake.inject(FakeFacebook::ME, Fault::StatusBody(200, other));
    assert_eq!(world.login(&token).await, rejected("subject_mismatch"));
    fake.heal();
    assert_eq!(world.login(&token).await, accepted());
}
