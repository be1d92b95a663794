//! Google's ID tokens, against a server that plays Google (providers.md 3.3).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore::verifier::NonceScope;
use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeGoogle, FakeIdp, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{ConfigError, Google, GoogleConfig, NoncePolicy, Nonces, Outbound};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

const ANDROID: &str = "1-and.apps.googleusercontent.com";

fn config() -> GoogleConfig {
    let mut config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
    config.authorized_parties = vec![ANDROID.into()];
    config
}

struct UnderTest(FakeGoogle);

impl Provider for UnderTest {
    type Verifier = Google;

    const ROW: Row = Row::id_token("1080");

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Google, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Google::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Google, ConfigError>)> {
        let with = |change: fn(&mut GoogleConfig)| {
            let mut config = config();
            change(&mut config);
            Google::new(config, outbound)
        };
        vec![
            ("audiences", with(|config| config.audiences.clear())),
            ("audiences", with(|config| config.audiences.push(String::new()))),
            ("issuers", with(|config| config.issuers.clear())),
            ("keys_url", with(|config| config.keys_url = "http://www.googleapis.com/".into())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeGoogle::token(now), &self.0.issuer.signer(), now)
    }
}

#[tokio::test]
async fn google_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeGoogle::new())).await;
}

/// Google, a verifier of it, and an engine.
async fn start(config: GoogleConfig) -> (FakeIdp, FakeGoogle, World) {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let world = World::new(Google::new(config, &fake.outbound()).unwrap()).await;
    (fake, google, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted("1080".into())
}

#[tokio::test]
async fn both_issuers_are_one_player_and_others_are_nobody() {
    let (_fake, google, world) = start(config()).await;
    let signer = google.issuer.signer();
    let token = || FakeGoogle::token(world.now());
    assert_eq!(world.login(&token().signed(&signer)).await, accepted());
    let first = world.account().id;
    let short = token().claim("iss", "accounts.google.com").signed(&signer);
    assert_eq!(world.login(&short).await, accepted());
    assert_eq!(world.account().id, first);
    for other in [
        "https://securetoken.google.com/game",
        "https://accounts.google.com/",
        "https://accounts.google.com.evil.example",
        "http://accounts.google.com",
    ] {
        let token = token().claim("iss", other).signed(&signer);
        assert_eq!(world.login(&token).await, rejected("wrong_issuer"), "{other}");
    }
}

#[tokio::test]
async fn audiences_and_authorized_parties_are_ours() {
    let (_fake, google, world) = start(config()).await;
    let signer = google.issuer.signer();
    let with = |aud: serde_json::Value, azp: Option<&str>| {
        let token = FakeGoogle::token(world.now()).claim("aud", aud).without("azp");
        azp.map_or(token.clone(), |azp| token.claim("azp", azp)).signed(&signer)
    };
    let ours = FakeGoogle::AUDIENCE;
    for (aud, azp) in [(json!(ours), None), (json!(ours), Some(ANDROID)), (json!([ours]), None)] {
        assert_eq!(world.login(&with(aud.clone(), azp)).await, accepted(), "{aud} {azp:?}");
    }
    for (aud, azp) in [
        (json!(ours), Some("2-other.apps.googleusercontent.com")),
        (json!(ANDROID), Some(ANDROID)),
        (json!([ours, "other"]), Some(ANDROID)),
        (json!([ours, ours]), None),
        (json!([]), None),
        (json!(null), None),
        (json!(&ours[1..]), None),
        (json!(format!("{ours}x")), None),
    ] {
        let outcome = world.login(&with(aud.clone(), azp)).await;
        assert_eq!(outcome, rejected("wrong_audience"), "{aud} {azp:?}");
    }
}

#[tokio::test]
async fn a_hosted_domain_is_taken_from_the_claim() {
    let mut config = config();
    config.hosted_domains = vec!["studio.example".into()];
    let (_fake, google, world) = start(config).await;
    let signer = google.issuer.signer();
    let token = || FakeGoogle::token(world.now());
    let denied = Outcome::Denied("hosted_domain".into());
    assert_eq!(world.login(&token().signed(&signer)).await, denied);
    let other = token().claim("hd", "other.example").signed(&signer);
    assert_eq!(world.login(&other).await, denied);
    let ours = token().claim("hd", "studio.example").signed(&signer);
    assert_eq!(world.login(&ours).await, accepted());
}

#[tokio::test]
async fn what_is_no_id_token_is_refused_without_asking_anybody() {
    let (fake, google, world) = start(config()).await;
    let signer = google.issuer.signer();
    let token = || FakeGoogle::token(world.now());
    let empty_signature = token().unsigned(&signer)[0].clone();
    for bad in ["ya29.access", "4/0AX4-code", "a.b.c", "{}", "{\"token\":7}", &empty_signature] {
        assert_eq!(world.login(bad).await, rejected("malformed"), "{bad}");
    }
    let access = token().header("typ", "at+jwt").signed(&signer);
    assert_eq!(world.login(&access).await, rejected("wrong_type"));
    let critical = token().header("crit", json!(["exp"])).signed(&signer);
    assert_eq!(world.login(&critical).await, rejected("malformed"));
    let nameless = token().header("kid", "").signed(&signer);
    assert_eq!(world.login(&nameless).await, rejected("unknown_key"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn x16_clocks_may_differ_by_the_skew_and_no_more() {
    let (_fake, google, world) = start(config()).await;
    let signer = google.issuer.signer();
    let now = world.now();
    let token = |iat: i64, exp: i64| {
        let at = |seconds| (now + TimeDelta::seconds(seconds)).timestamp();
        FakeGoogle::token(now).claim("iat", at(iat)).claim("exp", at(exp)).signed(&signer)
    };
    assert_eq!(world.login(&token(30, 3600)).await, accepted());
    assert_eq!(world.login(&token(31, 3600)).await, rejected("not_yet_valid"));
    assert_eq!(world.login(&token(-60, -29)).await, accepted());
    assert_eq!(world.login(&token(-60, -30)).await, Outcome::Expired);
    assert_eq!(world.login(&token(-3630, 10)).await, accepted());
    assert_eq!(world.login(&token(-3631, 10)).await, rejected("too_old"));
    // Beyond the year 2106.
    assert_eq!(world.login(&token(0, 2_600_000_000)).await, accepted());
    for name in ["exp", "iat", "nbf"] {
        let text = FakeGoogle::token(now).claim(name, "1767229200").signed(&signer);
        assert_eq!(world.login(&text).await, rejected("malformed"), "{name}");
    }
    for name in ["exp", "iat"] {
        let without = FakeGoogle::token(now).without(name).signed(&signer);
        assert_eq!(world.login(&without).await, rejected("malformed"), "{name}");
    }
}

#[tokio::test]
async fn j12_a_nonce_is_ours_for_this_provider_and_login_and_used_once() {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let nonces = Nonces::derive(&master, "chess").unwrap();
    let mut required = config();
    required.nonce = NoncePolicy::Required(nonces.clone());
    let (_fake, google, world) = start(required).await;
    let signer = google.issuer.signer();
    let provider = |name| authcore::account::ProviderId::new(name).unwrap();
    let token = |nonce: &str| FakeGoogle::token(world.now()).claim("nonce", nonce).signed(&signer);
    let issue = |name, binding: &str, random| {
        nonces.issue(&NonceScope::login(&provider(name), binding), world.now(), [random; 16])
    };
    let present =
        |token: String, binding: &str| json!({"token": token, "binding": binding}).to_string();

    let plain = FakeGoogle::token(world.now()).signed(&signer);
    assert_eq!(world.login(&plain).await, rejected("nonce_missing"));
    assert_eq!(world.login(&token("made up")).await, rejected("nonce_mismatch"));

    let bound = issue("google", "of this login", 1);
    assert_eq!(world.login(&token(&bound)).await, rejected("nonce_mismatch"));
    let other = present(token(&bound), "of another");
    assert_eq!(world.login(&other).await, rejected("nonce_mismatch"));
    assert_eq!(world.login(&present(token(&bound), "of this login")).await, accepted());
    // Another token with the same nonce is as bad as the same token.
    let again = FakeGoogle::token(world.now()).claim("nonce", bound).claim("x", 1).signed(&signer);
    assert_eq!(world.login(&present(again, "of this login")).await, Outcome::UsedUp);

    let late = issue("google", "", 2);
    world.clock().advance(TimeDelta::minutes(10));
    assert_eq!(world.login(&token(&late)).await, rejected("nonce_mismatch"));
    let foreign = issue("apple", "", 3);
    assert_eq!(world.login(&token(&foreign)).await, rejected("nonce_mismatch"));
}

#[tokio::test]
async fn the_keys_are_asked_for_and_nothing_else() {
    let (fake, google, world) = start(config()).await;
    let token = FakeGoogle::token(world.now()).signed(&google.issuer.signer());
    assert_eq!(world.login(&token).await, accepted());
    assert_eq!(world.account().identities[0].key.issuer(), "");
    let asked = fake.journal();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, FakeGoogle::KEYS));
    assert!(asked[0].header("user-agent").starts_with("authcore/"));
    assert_eq!(asked[0].header("accept"), "application/json");
    assert_eq!((asked[0].header("cookie"), asked[0].text().as_str()), ("", ""));
}
