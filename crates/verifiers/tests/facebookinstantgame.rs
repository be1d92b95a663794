//! The signed player info of Facebook Instant Games (providers.md 3.7).

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use authcore::account::ProviderId;
use authcore::verifier::NonceScope;
use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeFacebookInstantGame as Fake, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{
    ConfigError, FacebookInstantGame, FacebookInstantGameConfig, NoncePolicy, Nonces, Outbound,
    Reason,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn config() -> FacebookInstantGameConfig {
    FacebookInstantGameConfig::new(Fake::SECRET.into())
}

struct UnderTest;

impl Provider for UnderTest {
    type Verifier = FacebookInstantGame;

    const ROW: Row = Row {
        good: Expected::Accepted(Fake::SUBJECT),
        expired: Expected::Expired,
        not_yet_valid: Expected::Rejected(Reason::NotYetValid),
        wrong_audience: Expected::Rejected(Reason::BadSignature),
        wrong_issuer: Expected::DoesNotApply("it names no issuer"),
        wrong_key: Expected::Rejected(Reason::BadSignature),
        tampered: Expected::Rejected(Reason::BadSignature),
        algorithm_none: Expected::Rejected(Reason::AlgNotAllowed),
        hmac_with_public_key: Expected::DoesNotApply("there is no public key"),
        replayed: Expected::UsedUp,
        missing_subject: Expected::Rejected(Reason::SubjectMissing),
        oversized: Expected::Refused("invalid"),
        // Nobody is asked.
        provider_down: Expected::Accepted(Fake::SUBJECT),
        provider_slow: Expected::Accepted(Fake::SUBJECT),
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        Vec::new()
    }

    fn verifier(&self, _: &Outbound) -> Result<FacebookInstantGame, ConfigError> {
        FacebookInstantGame::new(config())
    }

    fn broken(
        &self,
        _: &Outbound,
    ) -> Vec<(&'static str, Result<FacebookInstantGame, ConfigError>)> {
        let empty = FacebookInstantGame::new(FacebookInstantGameConfig::new("".into()));
        vec![("app_secret", empty)]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let mut info = Fake::info(now);
        match case {
            Case::Expired => info["issued_at"] = (now - TimeDelta::hours(1)).timestamp().into(),
            Case::NotYetValid => info["issued_at"] = (now + TimeDelta::hours(1)).timestamp().into(),
            Case::WrongAudience => return Fake::signed(&info, "secret of another app"),
            Case::WrongKey => return Fake::signed(&info, ""),
            Case::Tampered => {
                let honest = Fake::signed(&info, Fake::SECRET);
                info["player_id"] = "mallory".into();
                let (tag, _) = honest.split_once('.').unwrap();
                return format!("{tag}.{}", URL_SAFE_NO_PAD.encode(info.to_string()));
            }
            Case::AlgorithmNone => info["algorithm"] = "none".into(),
            Case::MissingSubject => drop(info.as_object_mut().unwrap().remove("player_id")),
            Case::Oversized => info["filler"] = "x".repeat(20_000).into(),
            _ => {}
        }
        Fake::signed(&info, Fake::SECRET)
    }
}

#[tokio::test]
async fn facebookinstantgame_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest).await;
}

async fn start(config: FacebookInstantGameConfig) -> World {
    World::new(FacebookInstantGame::new(config).unwrap()).await
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(Fake::SUBJECT.into())
}

#[tokio::test]
async fn the_signature_is_over_the_encoded_info_and_the_algorithm_is_never_looked_up() {
    let world = start(config()).await;
    let info = Fake::info(world.now());
    let encoded = URL_SAFE_NO_PAD.encode(info.to_string());
    let over_json = Fake::tag(info.to_string().as_bytes(), Fake::SECRET);
    assert_eq!(world.login(&format!("{over_json}.{encoded}")).await, rejected("bad_signature"));
    for algorithm in ["none", "HMAC-SHA1", "hmac-sha256", "HMAC-SHA512", "", "HS256"] {
        let mut info = info.clone();
        info["algorithm"] = algorithm.into();
        let signed = Fake::signed(&info, Fake::SECRET);
        assert_eq!(world.login(&signed).await, rejected("alg_not_allowed"), "{algorithm}");
    }
}

#[tokio::test]
async fn what_is_no_signed_player_info_is_refused() {
    let world = start(config()).await;
    let good = Fake::signed(&Fake::info(world.now()), Fake::SECRET);
    let (tag, info) = good.split_once('.').unwrap();
    let signed_text = |text: &str| {
        let text = URL_SAFE_NO_PAD.encode(text);
        format!("{}.{text}", Fake::tag(text.as_bytes(), Fake::SECRET))
    };
    for (bad, why) in [
        (tag.to_owned(), "malformed"),
        (format!("{tag}{info}"), "malformed"),
        (format!("{tag}=.{info}"), "malformed"),
        (format!("!.{info}"), "malformed"),
        (format!(".{info}"), "bad_signature"),
        (format!("{}.{info}", &tag[..20]), "bad_signature"),
        (format!("{good}.{info}"), "bad_signature"),
        (format!("{tag}."), "bad_signature"),
        (signed_text("no json"), "malformed"),
        (signed_text("[]"), "malformed"),
        (
            signed_text(r#"{"algorithm":"HMAC-SHA256","issued_at":"1","player_id":"20"}"#),
            "malformed",
        ),
        (signed_text(r#"{"algorithm":"HMAC-SHA256","issued_at":1,"player_id":20}"#), "malformed"),
    ] {
        assert_eq!(world.login(&bad).await, rejected(why), "{bad}");
    }
}

#[tokio::test]
async fn it_is_good_for_ten_minutes_and_once() {
    let world = start(config()).await;
    let at = |seconds: i64| {
        let mut info = Fake::info(world.now());
        info["issued_at"] = (world.now().timestamp() + seconds).into();
        Fake::signed(&info, Fake::SECRET)
    };
    assert_eq!(world.login(&at(-599)).await, accepted());
    assert_eq!(world.login(&at(-599)).await, Outcome::UsedUp);
    assert_eq!(world.login(&at(-600)).await, Outcome::Expired);
    assert_eq!(world.login(&at(60)).await, accepted());
    assert_eq!(world.login(&at(61)).await, rejected("not_yet_valid"));
    let with = |issued: Value| {
        let mut info = Fake::info(world.now());
        info["issued_at"] = issued;
        Fake::signed(&info, Fake::SECRET)
    };
    assert_eq!(world.login(&with(json!(i64::MAX))).await, rejected("malformed"));
    assert_eq!(world.login(&with(json!(i64::MIN))).await, rejected("malformed"));
}

#[tokio::test]
async fn the_request_payload_is_a_nonce_of_ours_when_configured() {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let nonces = Nonces::derive(&master, "chess").unwrap();
    let provider = ProviderId::new("facebookinstantgame").unwrap();
    for (required, without) in [(true, rejected("nonce_missing")), (false, accepted())] {
        let mut config = config();
        config.nonce = if required {
            NoncePolicy::Required(nonces.clone())
        } else {
            NoncePolicy::IfPresent(nonces.clone())
        };
        let world = start(config).await;
        let with = |payload: &str| {
            let mut info = Fake::info(world.now());
            info["request_payload"] = payload.into();
            Fake::signed(&info, Fake::SECRET)
        };
        let nonce = nonces.issue(&NonceScope::login(&provider, ""), world.now(), [1; 16]);
        assert_eq!(world.login(&with("made up")).await, rejected("nonce_mismatch"));
        assert_eq!(world.login(&with(&nonce)).await, accepted());
        assert_eq!(world.login(&with(&nonce)).await, Outcome::UsedUp);
        assert_eq!(world.login(&with("")).await, without);
    }
}

#[tokio::test]
async fn the_secret_is_in_no_text() {
    let config = FacebookInstantGameConfig::new("hunter2".into());
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!format!("{:?}", FacebookInstantGame::new(config).unwrap()).contains("hunter2"));
}
