//! The tokens of Facebook's Limited Login, against a server that plays Facebook (providers.md 3.6).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore::account::ProviderId;
use authcore::verifier::NonceScope;
use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeFacebookLimited, FakeIdp, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{
    ConfigError, Facebook, FacebookApp, FacebookConfig, FacebookLimited, FacebookLimitedConfig,
    NoncePolicy, Nonces, Outbound,
};
use chrono::{DateTime, Utc};
use serde_json::json;

fn nonces() -> Nonces {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    Nonces::derive(&master, "chess").unwrap()
}

fn config() -> FacebookLimitedConfig {
    FacebookLimitedConfig::new(vec![FakeFacebookLimited::APP.into()], nonces())
}

/// Without a nonce, so that a token can be made before the login.
fn without_nonce() -> FacebookLimitedConfig {
    let mut config = config();
    config.nonce = NoncePolicy::Off;
    config.reject_reuse = true;
    config
}

struct UnderTest(FakeFacebookLimited);

impl Provider for UnderTest {
    type Verifier = FacebookLimited;

    const ROW: Row = Row::id_token(FakeFacebookLimited::SUBJECT);

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<FacebookLimited, ConfigError> {
        FacebookLimited::new(without_nonce(), outbound)
    }

    fn broken(
        &self,
        outbound: &Outbound,
    ) -> Vec<(&'static str, Result<FacebookLimited, ConfigError>)> {
        let with = |change: fn(&mut FacebookLimitedConfig)| {
            let mut config = config();
            change(&mut config);
            FacebookLimited::new(config, outbound)
        };
        vec![
            ("app_ids", with(|config| config.app_ids.clear())),
            ("app_ids", with(|config| config.app_ids.push(String::new()))),
            ("issuers", with(|config| config.issuers.clear())),
            ("provider", with(|config| config.provider = Some("Face Book".into()))),
            ("keys_url", with(|config| config.keys_url = "http://limited.facebook.com/".into())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeFacebookLimited::token(now), &self.0.issuer.signer(), now)
    }
}

#[tokio::test]
async fn facebook_limited_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeFacebookLimited::new())).await;
}

/// Facebook, a verifier of it, and an engine.
async fn start(config: FacebookLimitedConfig) -> (FakeIdp, FakeFacebookLimited, World) {
    let facebook = FakeFacebookLimited::new();
    let fake = FakeIdp::start(facebook.hosts()).await;
    let world = World::new(FacebookLimited::new(config, &fake.outbound()).unwrap()).await;
    (fake, facebook, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeFacebookLimited::SUBJECT.into())
}

#[tokio::test]
async fn a_token_for_another_app_is_refused() {
    let (_fake, facebook, world) = start(without_nonce()).await;
    let signer = facebook.issuer.signer();
    for other in [json!("999"), json!("123"), json!("12345"), json!(1234), json!(["1234", "999"])] {
        let token = FakeFacebookLimited::token(world.now()).claim("aud", other.clone());
        let outcome = world.login(&token.signed(&signer)).await;
        assert_eq!(outcome, rejected("wrong_audience"), "{other}");
    }
}

#[tokio::test]
async fn both_issuers_are_one_player() {
    let (_fake, facebook, world) = start(without_nonce()).await;
    let signer = facebook.issuer.signer();
    let by =
        |issuer: &str| FakeFacebookLimited::token(world.now()).claim("iss", issuer).signed(&signer);
    assert_eq!(world.login(&by("https://www.facebook.com")).await, accepted());
    let first = world.account().id;
    assert_eq!(world.login(&by("https://facebook.com")).await, accepted());
    assert_eq!(world.account().id, first);
    let other = world.login(&by("https://limited.facebook.com")).await;
    assert_eq!(other, rejected("wrong_issuer"));
}

#[tokio::test]
async fn a_nonce_of_ours_is_required_and_used_once() {
    let (_fake, facebook, world) = start(config()).await;
    let signer = facebook.issuer.signer();
    let provider = ProviderId::new("facebook_limited").unwrap();
    let nonce = nonces().issue(&NonceScope::login(&provider, ""), world.now(), [1; 16]);
    let token = || FakeFacebookLimited::token(world.now());
    assert_eq!(world.login(&token().signed(&signer)).await, rejected("nonce_missing"));
    let mutated = token().claim("nonce", format!("{nonce}A")).signed(&signer);
    assert_eq!(world.login(&mutated).await, rejected("nonce_mismatch"));
    let bound = token().claim("nonce", nonce).signed(&signer);
    assert_eq!(world.login(&bound).await, accepted());
    assert_eq!(world.login(&bound).await, Outcome::UsedUp);
}

#[tokio::test]
async fn beside_access_tokens_it_has_no_name_and_no_nonces_of_its_own() {
    let facebook = FakeFacebookLimited::new();
    let fake = FakeIdp::start(facebook.hosts()).await;
    let built = |limited: FacebookLimitedConfig| {
        let app = FacebookApp { id: FakeFacebookLimited::APP.into(), secret: "secret".into() };
        let mut config = FacebookConfig::new(vec![app]);
        config.limited = Some(limited);
        Facebook::new(config, &fake.outbound())
    };
    for name in ["facebook", "facebook_limited"] {
        let mut named = config();
        named.provider = Some(name.into());
        assert_eq!(built(named).err().map(|error| error.field()), Some("limited.provider"));
    }
    let world = World::new(built(config()).unwrap()).await;
    let login = async |of: &str| {
        let provider = ProviderId::new(of).unwrap();
        let nonce = nonces().issue(&NonceScope::login(&provider, ""), world.now(), [2; 16]);
        let token = FakeFacebookLimited::token(world.now()).claim("nonce", nonce);
        world.login(&token.signed(&facebook.issuer.signer())).await
    };
    assert_eq!(login("facebook_limited").await, rejected("nonce_mismatch"));
    assert_eq!(login("facebook").await, accepted());
}

#[tokio::test]
async fn an_access_token_is_refused_without_asking_anybody() {
    let (fake, _facebook, world) = start(config()).await;
    for bad in ["EAAaccess", "", "1234|app-secret"] {
        let outcome = world.login(bad).await;
        assert!(outcome == rejected("malformed") || outcome == Outcome::Refused("invalid"));
    }
    assert_eq!(fake.connections(), 0);
}
