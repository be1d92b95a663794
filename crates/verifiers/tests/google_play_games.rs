//! The authorization codes of Google Play Games, against a server that plays Google (providers.md 3.4).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeGooglePlayGames as Fake, FakeIdp, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, GooglePlayGames, GooglePlayGamesConfig, Outbound, Reason};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

fn config() -> GooglePlayGamesConfig {
    GooglePlayGamesConfig::new(Fake::CLIENT, Fake::SECRET.into(), Fake::APPLICATION)
}

fn player() -> Value {
    Fake::player(Fake::PLAYER, None)
}

struct UnderTest(Fake);

const OPAQUE: Expected = Expected::DoesNotApply("a code names no algorithm");

impl Provider for UnderTest {
    type Verifier = GooglePlayGames;

    const ROW: Row = Row {
        good: Expected::Accepted(Fake::PLAYER),
        expired: Expected::Rejected(Reason::Revoked),
        not_yet_valid: Expected::DoesNotApply("a code has no beginning"),
        wrong_audience: Expected::Rejected(Reason::WrongApp),
        wrong_issuer: Expected::DoesNotApply("a code names no issuer"),
        wrong_key: Expected::Rejected(Reason::Revoked),
        tampered: Expected::Rejected(Reason::Revoked),
        algorithm_none: OPAQUE,
        hmac_with_public_key: OPAQUE,
        // By Google, which knows each code once.
        replayed: Expected::Rejected(Reason::Revoked),
        missing_subject: Expected::Rejected(Reason::SubjectMissing),
        oversized: Expected::Refused("invalid"),
        provider_down: Expected::Unavailable,
        provider_slow: Expected::Unavailable,
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<GooglePlayGames, ConfigError> {
        GooglePlayGames::new(config(), outbound)
    }

    fn broken(
        &self,
        outbound: &Outbound,
    ) -> Vec<(&'static str, Result<GooglePlayGames, ConfigError>)> {
        let with = |change: fn(&mut GooglePlayGamesConfig)| {
            let mut config = config();
            change(&mut config);
            GooglePlayGames::new(config, outbound)
        };
        vec![
            ("client_id", with(|config| config.client_id.clear())),
            ("client_secret", with(|config| config.client_secret = "".into())),
            ("application_id", with(|config| config.application_id.clear())),
            ("application_id", with(|config| config.application_id = "42/../43".into())),
            ("provider", with(|config| config.provider = "Play Games".into())),
            ("token_url", with(|config| config.token_url = "http://oauth2.googleapis.com".into())),
            ("games_url", with(|config| config.games_url = "games.googleapis.com".into())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let code = format!("4/{case:?}");
        match case {
            // Google tells of these alike.
            Case::Expired | Case::WrongKey | Case::Tampered => "4/unknown".into(),
            Case::WrongAudience => self.0.code(&code, "43", player()),
            Case::MissingSubject => self.0.code(&code, Fake::APPLICATION, Fake::player("", None)),
            Case::Oversized => "4".repeat(20_000),
            _ => self.0.code(&code, Fake::APPLICATION, player()),
        }
    }
}

#[tokio::test]
async fn google_play_games_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(Fake::new())).await;
}

/// Google, a verifier of it, and an engine.
async fn start() -> (FakeIdp, Fake, World) {
    let google = Fake::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let world = World::new(GooglePlayGames::new(config(), &fake.outbound()).unwrap()).await;
    (fake, google, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(Fake::PLAYER.into())
}

#[tokio::test]
async fn a_code_is_exchanged_in_a_form_and_tied_to_our_game() {
    let (fake, google, world) = start().await;
    let code = google.code("4/0AX", Fake::APPLICATION, player());
    assert_eq!(world.login(&code).await, accepted());
    let asked = fake.journal();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, [Fake::TOKEN, Fake::VERIFY, Fake::ME]);
    let form = asked[0].text();
    for part in ["code=4%2F0AX", "grant_type=authorization_code", "redirect_uri=", "client_secret="]
    {
        assert!(form.contains(part), "{form}");
    }
    assert!(asked.iter().all(|asked| asked.query.is_empty()));
    assert_eq!(asked[1].header("authorization"), "Bearer ya29.4/0AX");
    // Google knows each code once.
    assert_eq!(world.login(&code).await, rejected("revoked"));
}

#[tokio::test]
async fn a_code_of_another_client_or_game_is_refused() {
    let (fake, google, world) = start().await;
    assert_eq!(world.login("4/of-another-client").await, rejected("revoked"));
    let code = google.code("4/other", "43", player());
    assert_eq!(world.login(&code).await, rejected("wrong_app"));
    assert_eq!(fake.asked(Fake::ME), 0);
}

#[tokio::test]
async fn an_access_token_is_refused_since_any_client_could_have_got_it() {
    let (fake, _google, world) = start().await;
    for (bad, why) in [
        ("ya29.access", "wrong_type"),
        ("eyJh.eyJz.c2ln", "wrong_type"),
        ("4/a b", "malformed"),
        ("4/a\n", "malformed"),
    ] {
        assert_eq!(world.login(bad).await, rejected(why), "{bad}");
    }
    assert_eq!(world.login(&"4".repeat(2049)).await, rejected("too_large"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn nakama_7_2_a_player_of_before_keeps_the_account_under_the_new_id() {
    let (_fake, google, world) = start().await;
    let before = google.code("4/1", Fake::APPLICATION, Fake::player("g1", None));
    assert_eq!(world.login(&before).await, Outcome::Accepted("g1".into()));
    let first = world.account().id;
    let after = google.code("4/2", Fake::APPLICATION, Fake::player(Fake::PLAYER, Some("g1")));
    assert_eq!(world.login(&after).await, accepted());
    assert_eq!((world.account().id, world.account().identities.len()), (first, 1));
    // From now on the id of before is nobody's.
    let again = google.code("4/3", Fake::APPLICATION, Fake::player("g1", None));
    assert_eq!(world.login(&again).await, Outcome::Accepted("g1".into()));
    assert_ne!(world.account().id, first);
}

#[tokio::test]
async fn an_exchange_that_broke_off_is_not_tried_again() {
    for fault in [Fault::Reset, Fault::Truncated, Fault::Status(503)] {
        let (fake, google, world) = start().await;
        let code = google.code("4/1", Fake::APPLICATION, player());
        fake.inject(Fake::TOKEN, fault);
        assert!(matches!(world.login(&code).await, Outcome::Unavailable(_)));
        assert_eq!(fake.asked(Fake::TOKEN), 1);
    }
}

#[tokio::test]
async fn each_answer_of_google_has_its_class() {
    let error = |name: &str| json!({ "error": name });
    let unavailable = Outcome::Unavailable(None);
    for (what, status, body, outcome) in [
        ("token", 400, error("invalid_grant"), rejected("revoked")),
        ("token", 401, error("invalid_client"), Outcome::Faulty),
        ("token", 400, error("unauthorized_client"), Outcome::Faulty),
        ("token", 400, error("redirect_uri_mismatch"), Outcome::Faulty),
        ("token", 400, error("temporarily_unavailable"), unavailable.clone()),
        ("token", 400, error("invalid_request"), rejected("malformed")),
        ("token", 400, json!([]), unavailable.clone()),
        ("token", 200, json!({"token_type": "Bearer"}), unavailable.clone()),
        ("verify", 401, json!({}), rejected("wrong_app")),
        ("verify", 403, json!({}), Outcome::Faulty),
        ("verify", 404, json!({}), Outcome::Faulty),
        ("verify", 200, json!({}), unavailable.clone()),
        ("verify", 200, json!({"player_id": "a_2"}), rejected("subject_mismatch")),
        ("me", 401, json!({}), rejected("wrong_app")),
        ("me", 403, json!({}), Outcome::Faulty),
        ("me", 400, json!({}), unavailable.clone()),
        ("me", 200, json!({"playerId": 7}), unavailable.clone()),
        ("me", 200, json!({"playerId": "a_2"}), rejected("subject_mismatch")),
        ("me", 200, json!({"playerId": ""}), rejected("subject_missing")),
    ] {
        let (_fake, google, world) = start().await;
        let code = google.code("4/1", Fake::APPLICATION, player());
        google.answer(what, status, body.clone());
        assert_eq!(world.login(&code).await, outcome, "{what} {status} {body}");
    }
}

#[tokio::test]
async fn a_secret_that_google_refuses_is_ours_to_mend_and_in_no_text() {
    let google = Fake::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let mut wrong = config();
    wrong.client_secret = "hunter2".into();
    assert!(!format!("{wrong:?}").contains("hunter2"));
    let verifier = GooglePlayGames::new(wrong, &fake.outbound()).unwrap();
    assert!(!format!("{verifier:?}").contains("hunter2"));
    let world = World::new(verifier).await;
    let code = google.code("4/1", Fake::APPLICATION, player());
    assert_eq!(world.login(&code).await, Outcome::Faulty);
}

#[tokio::test]
async fn x18_both_answers_are_of_one_player() {
    for path in [Fake::VERIFY, Fake::ME] {
        let (fake, google, world) = start().await;
        let other = json!({"player_id": "a_2", "playerId": "a_2"}).to_string();
        fake.inject(path, Fault::StatusBody(200, other));
        let code = google.code("4/0AX", Fake::APPLICATION, player());
        assert_eq!(world.login(&code).await, rejected("subject_mismatch"), "{path}");
    }
}
