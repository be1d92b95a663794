//! Steam's session tickets, against a server that plays Steam (providers.md 3.8).

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeSteam, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Outbound, Reason, Steam, SteamConfig};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn config() -> SteamConfig {
    SteamConfig::new(FakeSteam::APP, FakeSteam::KEY.into(), FakeSteam::IDENTITY)
}

struct UnderTest(FakeSteam);

const OPAQUE: Expected = Expected::DoesNotApply("a ticket names no algorithm");

impl Provider for UnderTest {
    type Verifier = Steam;

    const ROW: Row = Row {
        good: Expected::Accepted(FakeSteam::SUBJECT),
        expired: Expected::Rejected(Reason::BadSignature),
        not_yet_valid: Expected::DoesNotApply("a ticket has no beginning"),
        wrong_audience: Expected::Rejected(Reason::WrongApp),
        wrong_issuer: Expected::DoesNotApply("a ticket names no issuer"),
        wrong_key: Expected::Rejected(Reason::BadSignature),
        tampered: Expected::Rejected(Reason::BadSignature),
        algorithm_none: OPAQUE,
        hmac_with_public_key: OPAQUE,
        replayed: Expected::UsedUp,
        missing_subject: Expected::Unavailable,
        oversized: Expected::Refused("invalid"),
        provider_down: Expected::Unavailable,
        provider_slow: Expected::Unavailable,
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Steam, ConfigError> {
        Steam::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Steam, ConfigError>)> {
        let with = |change: fn(&mut SteamConfig)| {
            let mut config = config();
            change(&mut config);
            Steam::new(config, outbound)
        };
        vec![
            ("app_id", with(|config| config.app_id = 0)),
            ("publisher_key", with(|config| config.publisher_key = "".into())),
            ("identity", with(|config| config.identity.clear())),
            ("url", with(|config| config.url = "http://partner.steam-api.com".into())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        match case {
            // Steam tells of these three alike.
            Case::Expired | Case::WrongKey | Case::Tampered => "14000000ac".into(),
            Case::WrongAudience => FakeSteam::FOREIGN.into(),
            Case::MissingSubject => {
                let answer = json!({"response": {"params": {"result": "OK",
                    "vacbanned": false, "publisherbanned": false}}});
                self.0.set("14000000dd", answer);
                "14000000dd".into()
            }
            Case::Oversized => "ab".repeat(10_000),
            _ => FakeSteam::TICKET.into(),
        }
    }
}

#[tokio::test]
async fn steam_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeSteam::new())).await;
}

/// Steam, a verifier of it, and an engine.
async fn start(config: SteamConfig) -> (FakeIdp, FakeSteam, World) {
    let steam = FakeSteam::new();
    let fake = FakeIdp::start(steam.hosts()).await;
    let world = World::new(Steam::new(config, &fake.outbound()).unwrap()).await;
    (fake, steam, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeSteam::SUBJECT.into())
}

/// A good answer with this in place of one of its parts.
fn with(part: &str, value: impl Into<Value>) -> Value {
    let mut answer = FakeSteam::params(FakeSteam::SUBJECT);
    answer["response"]["params"][part] = value.into();
    answer
}

#[tokio::test]
async fn the_identity_is_always_sent_and_a_ticket_for_another_service_is_refused() {
    let (fake, _steam, world) = start(config()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
    let asked = fake.journal();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, FakeSteam::AUTHENTICATE));
    let wanted = "key=0123PUBLISHERKEY&appid=480&ticket=14000000ab&identity=chess";
    assert_eq!(asked[0].query, wanted);

    let mut other = config();
    other.identity = "another-service".into();
    let (_fake, _steam, world) = start(other).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, rejected("bad_signature"));
}

#[tokio::test]
async fn what_is_no_ticket_is_refused_without_asking_anybody() {
    let (fake, _steam, world) = start(config()).await;
    for bad in ["abc", "zz", "14 0", "14&key=x0", "{\"token\":7}", "{\"token\":\"\"}", "{"] {
        assert_eq!(world.login(bad).await, rejected("malformed"), "{bad}");
    }
    assert_eq!(world.login(&"ab".repeat(4097)).await, rejected("too_large"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn a_ticket_is_good_once_also_in_capitals_and_for_a_day() {
    let (_fake, _steam, world) = start(config()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
    assert_eq!(world.login("14000000AB").await, Outcome::UsedUp);
    world.clock().advance(TimeDelta::hours(23));
    assert_eq!(world.login(FakeSteam::TICKET).await, Outcome::UsedUp);
}

#[tokio::test]
async fn an_id_that_the_client_sends_is_compared_and_selects_nobody() {
    let (_fake, _steam, world) = start(config()).await;
    let present = |id: &str| json!({"token": FakeSteam::TICKET, "steam_id": id}).to_string();
    let other = world.login(&present("76561198000000009")).await;
    assert_eq!(other, rejected("subject_mismatch"));
    assert_eq!(world.login(&present(FakeSteam::SUBJECT)).await, accepted());
}

#[tokio::test]
async fn each_answer_of_steam_has_its_class() {
    let (_fake, steam, world) = start(config()).await;
    let unavailable = Outcome::Unavailable(None);
    for (answer, outcome) in [
        (FakeSteam::error(101), rejected("bad_signature")),
        (FakeSteam::error(102), rejected("wrong_app")),
        (FakeSteam::error(100), rejected("malformed")),
        (FakeSteam::error(3), rejected("malformed")),
        (FakeSteam::error(999), rejected("bad_signature")),
        (with("result", "Expired"), rejected("bad_signature")),
        (with("steamid", 76_561_198_000_000_001_u64), unavailable.clone()),
        (with("steamid", "1"), unavailable.clone()),
        (with("steamid", "7656119800000000x"), unavailable.clone()),
        (json!({"response": {}}), unavailable.clone()),
        (json!({}), unavailable.clone()),
        (json!([]), unavailable),
    ] {
        steam.set("aa", answer.clone());
        assert_eq!(world.login("aa").await, outcome, "{answer}");
    }
}

#[tokio::test]
async fn borrowers_and_the_banned_are_let_in_unless_the_policy_says_otherwise() {
    let mut strict = config();
    (strict.require_owner, strict.refuse_banned) = (true, true);
    for (part, value, why, flags, owner) in [
        (
            "ownersteamid",
            json!("76561198000000009"),
            "not_owner",
            &[][..],
            Some("76561198000000009"),
        ),
        ("ownersteamid", json!(null), "not_owner", &[], None),
        ("vacbanned", json!(true), "vac_banned", &["vac_banned"], None),
        ("publisherbanned", json!(true), "publisher_banned", &["publisher_banned"], None),
    ] {
        let (_fake, steam, world) = start(strict.clone()).await;
        steam.set(FakeSteam::TICKET, with(part, value.clone()));
        assert_eq!(world.login(FakeSteam::TICKET).await, Outcome::Denied(why.into()));
        let (_fake, steam, world) = start(config()).await;
        steam.set(FakeSteam::TICKET, with(part, value));
        assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
        let player = world.player();
        assert_eq!((&player.flags[..], player.owner.as_deref()), (flags, owner));
    }
    let (_fake, _steam, world) = start(config()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
    assert_eq!((world.player().flags.len(), world.player().owner), (0, None));
}

#[tokio::test]
async fn a_key_that_steam_refuses_is_ours_to_mend_and_in_no_text() {
    let mut wrong = config();
    wrong.publisher_key = "hunter2hunter2".into();
    assert!(!format!("{wrong:?}").contains("hunter2"));
    let (fake, _steam, world) = start(wrong.clone()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, Outcome::Faulty);
    let verifier = Steam::new(wrong, &fake.outbound()).unwrap();
    assert!(!format!("{verifier:?}").contains("hunter2"));
}

#[tokio::test]
async fn h6_an_error_of_the_transport_has_no_url() {
    use std::error::Error;
    use std::fmt::Write as _;
    let (fake, _steam, world) = start(config()).await;
    fake.inject("", Fault::Reset);
    let login = authcore::Secret::from(FakeSteam::TICKET);
    assert!(!format!("{login:?}").contains(FakeSteam::TICKET));
    assert!(matches!(world.login(FakeSteam::TICKET).await, Outcome::Unavailable(_)));
    let outbound = fake.outbound();
    let endpoint = authcore_verifiers::Endpoint::parse("https://partner.steam-api.com/").unwrap();
    let call = authcore_verifiers::Call::starting(world.now());
    let request = outbound.to("steam");
    let request = request.get(&endpoint).query(&[("key", FakeSteam::KEY)]);
    let fault = request.send(&call, authcore_verifiers::Cap::Profile).await.unwrap_err();
    let mut told = format!("{fault} {fault:?}");
    let mut source = fault.source();
    while let Some(error) = source {
        write!(told, " {error} {error:?}").unwrap();
        source = error.source();
    }
    assert!(!told.contains(FakeSteam::KEY), "{told}");
}

#[tokio::test]
async fn name_avatar_and_friends_are_asked_for_when_configured_and_fail_no_login() {
    let mut more = config();
    (more.profile, more.friends) = (true, true);
    let (fake, _steam, world) = start(more.clone()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
    assert_eq!((fake.asked(FakeSteam::SUMMARIES), fake.asked(FakeSteam::FRIENDS)), (1, 1));

    let (_fake, steam, world) = start(more.clone()).await;
    *steam.friends.lock().unwrap() = None;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted());

    for path in [FakeSteam::SUMMARIES, FakeSteam::FRIENDS] {
        let (fake, _steam, world) = start(more.clone()).await;
        fake.inject(path, Fault::Status(500));
        assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
    }
}

#[tokio::test]
async fn x18_the_name_of_another_player_is_not_taken() {
    for (steam_id, taken) in [(FakeSteam::SUBJECT, true), ("76561198000000009", false)] {
        let mut more = config();
        more.profile = true;
        let (fake, _steam, world) = start(more).await;
        let player = json!({"steamid": steam_id, "personaname": "Mallory"});
        let body = json!({"response": {"players": [player]}}).to_string();
        fake.inject(FakeSteam::SUMMARIES, Fault::StatusBody(200, body));
        assert_eq!(world.login(FakeSteam::TICKET).await, accepted());
        let account = format!("{:?}", world.account());
        assert_eq!(account.contains("Mallory"), taken, "{account}");
    }
}
