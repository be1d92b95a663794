//! LINE's tokens, against a server that plays LINE (providers.md 4.1).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeLine, Fault, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{ConfigError, Line, LineConfig, NoncePolicy, Nonces, Outbound, Reason};
use chrono::{DateTime, Utc};
use serde_json::json;

fn config() -> LineConfig {
    LineConfig::new([("japan".to_owned(), FakeLine::JAPAN.to_owned())].into())
}

const ASKED_ABOUT: usize = 0;
const LOCAL: usize = 1;
const ACCESS_TOKEN: usize = 2;

struct UnderTest<const KIND: usize>(FakeLine);

const REMOTE: Row = Row {
    // LINE says of each of these that it is no good token.
    algorithm_none: Expected::Rejected(Reason::BadSignature),
    hmac_with_public_key: Expected::Rejected(Reason::BadSignature),
    ..Row::id_token("U1")
};

impl<const KIND: usize> Provider for UnderTest<KIND> {
    type Verifier = Line;

    const ROW: Row = match KIND {
        ACCESS_TOKEN => Row::access_token("U1", Expected::Rejected(Reason::Malformed)),
        LOCAL => Row::id_token("U1"),
        _ => REMOTE,
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Line, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        config.local = KIND == LOCAL;
        Line::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Line, ConfigError>)> {
        let with = |change: fn(&mut LineConfig)| {
            let mut config = config();
            change(&mut config);
            Line::new(config, outbound)
        };
        vec![
            ("channels", with(|config| config.channels.clear())),
            ("channels", with(|config| drop(config.channels.insert("x".into(), String::new())))),
            ("issuer", with(|config| config.issuer.clear())),
            ("verify_url", with(|config| config.verify_url = "http://api.line.me/".into())),
            ("profile_url", with(|config| config.profile_url.clear())),
            ("keys_url", with(|config| config.keys_url.clear())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        match KIND {
            ACCESS_TOKEN => json!({"access_token": table::opaque(case)}).to_string(),
            _ => table::id_token(case, FakeLine::token(now), &self.0.issuer.signer(), now),
        }
    }
}

#[tokio::test]
async fn line_s_id_tokens_are_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<ASKED_ABOUT>(FakeLine::new())).await;
    table::check(&UnderTest::<LOCAL>(FakeLine::new())).await;
}

#[tokio::test]
async fn line_s_access_tokens_are_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<ACCESS_TOKEN>(FakeLine::new())).await;
}

async fn start(config: LineConfig) -> (FakeIdp, FakeLine, World) {
    let line = FakeLine::new();
    let fake = FakeIdp::start(line.hosts()).await;
    let world = World::new(Line::new(config, &fake.outbound()).unwrap()).await;
    (fake, line, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted("U1".into())
}

#[tokio::test]
async fn a_token_is_for_the_channel_of_the_region_that_the_client_names() {
    for local in [false, true] {
        let mut config = config();
        config.local = local;
        config.channels.insert("thailand".into(), FakeLine::THAILAND.into());
        let (_fake, line, world) = start(config).await;
        let signer = line.issuer.signer();
        let present = |region: &str, channel: &str| {
            let token = FakeLine::token(world.now()).claim("aud", channel).signed(&signer);
            json!({"token": token, "region": region}).to_string()
        };
        assert_eq!(world.login(&present("japan", FakeLine::JAPAN)).await, accepted());
        assert_eq!(world.login(&present("thailand", FakeLine::THAILAND)).await, accepted());
        let crossed = present("japan", FakeLine::THAILAND);
        assert_eq!(world.login(&crossed).await, rejected("wrong_audience"));
        assert_eq!(world.login(&present("mars", FakeLine::JAPAN)).await, rejected("malformed"));
        let nowhere = FakeLine::token(world.now()).signed(&signer);
        assert_eq!(world.login(&nowhere).await, rejected("malformed"));
        let access = |region: &str| json!({"access_token": "thai", "region": region}).to_string();
        assert_eq!(world.login(&access("thailand")).await, accepted());
        assert_eq!(world.login(&access("japan")).await, rejected("wrong_app"));
    }
}

#[tokio::test]
async fn cve_2025_30168_an_access_token_of_another_app_is_refused_before_its_profile_is_read() {
    let (fake, _line, world) = start(config()).await;
    let other = world.login(r#"{"access_token":"other-app"}"#).await;
    assert_eq!((other, fake.asked(FakeLine::PROFILE)), (rejected("wrong_app"), 0));
    assert_eq!(world.login(r#"{"access_token":"over"}"#).await, Outcome::Expired);
    let both = r#"{"access_token":"good","token":"a.b.c"}"#;
    assert_eq!(world.login(both).await, rejected("malformed"));
}

#[tokio::test]
async fn each_text_of_line_has_its_class() {
    for (text, outcome) in [
        ("IdToken expired.", Outcome::Expired),
        ("access token expired", Outcome::Expired),
        ("Invalid IdToken Audience.", rejected("wrong_audience")),
        ("Invalid IdToken Issuer.", rejected("wrong_issuer")),
        ("Invalid IdToken Nonce.", rejected("nonce_mismatch")),
        ("Invalid IdToken Subject Identifier.", rejected("subject_mismatch")),
        ("Invalid IdToken.", rejected("bad_signature")),
        ("JWS verification failed", rejected("bad_signature")),
        ("JWS format error", rejected("malformed")),
        ("IdToken expired. Really.", rejected("malformed")),
    ] {
        let (fake, line, world) = start(config()).await;
        let body = json!({"error": "invalid_request", "error_description": text}).to_string();
        fake.inject("", Fault::StatusBody(400, body));
        let token = FakeLine::token(world.now()).signed(&line.issuer.signer());
        assert_eq!(world.login(&token).await, outcome, "{text}");
    }
    let (fake, line, world) = start(config()).await;
    let token = FakeLine::token(world.now()).signed(&line.issuer.signer());
    for (status, outcome) in
        [(401, rejected("revoked")), (403, Outcome::Faulty), (418, Outcome::Unavailable(None))]
    {
        fake.inject("", Fault::Status(status));
        assert_eq!(world.login(&token).await, outcome, "{status}");
    }
}

#[tokio::test]
async fn claims_that_line_sends_back_are_looked_at_here_as_well() {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let mut bound = config();
    bound.nonce = NoncePolicy::Required(Nonces::derive(&master, "chess").unwrap());
    let (_fake, line, world) = start(bound).await;
    let signer = line.issuer.signer();
    let token = FakeLine::token(world.now());
    assert_eq!(world.login(&token.clone().signed(&signer)).await, rejected("nonce_missing"));
    let made_up = token.claim("nonce", "made up").signed(&signer);
    assert_eq!(world.login(&made_up).await, rejected("nonce_mismatch"));

    let (fake, line, world) = start(config()).await;
    let token = FakeLine::token(world.now()).signed(&line.issuer.signer());
    let body = json!({"iss": "https://access.line.me", "aud": "1440", "sub": "U1"}).to_string();
    fake.inject("", Fault::StatusBody(200, body));
    assert_eq!(world.login(&token).await, rejected("wrong_audience"));
}

#[tokio::test]
async fn what_is_no_token_is_not_sent_to_line() {
    let (fake, _line, world) = start(config()).await;
    for bad in ["opaque", "a.b", "a.b.", "a.b.c.d", "a.b.c&client_id=1440", "{\"region\":1}"] {
        assert_eq!(world.login(bad).await, rejected("malformed"), "{bad}");
    }
    assert_eq!(fake.connections(), 0);
}
