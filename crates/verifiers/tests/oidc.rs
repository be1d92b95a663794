//! Any OpenID provider, against a server that plays one (providers.md 5.1).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeOidc, Fault, Host, Outcome, Signer, World};
use authcore_verifiers::{ConfigError, Oidc, OidcConfig, Outbound, SignatureAlgorithm};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

fn config() -> OidcConfig {
    let mut config = OidcConfig::new("studio", FakeOidc::ISSUER, vec![FakeOidc::AUDIENCE.into()]);
    config.algorithms = vec![SignatureAlgorithm::Es256, SignatureAlgorithm::EdDsa];
    config
}

struct UnderTest(FakeOidc);

impl Provider for UnderTest {
    type Verifier = Oidc;

    const ROW: Row = Row::id_token("player-7");

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Oidc, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Oidc::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Oidc, ConfigError>)> {
        let with = |change: fn(&mut OidcConfig)| {
            let mut config = config();
            change(&mut config);
            Oidc::new(config, outbound)
        };
        vec![
            ("provider", with(|config| config.provider = "No Name".into())),
            ("issuer", with(|config| config.issuer = "id.studio.example".into())),
            ("issuer", with(|config| config.issuer = "http://id.studio.example".into())),
            ("issuer", with(|config| config.issuer = "https://id.example/{tenant}/v2".into())),
            ("audiences", with(|config| config.audiences.clear())),
            ("algorithms", with(|config| config.algorithms.clear())),
            ("keys_url", with(|config| config.keys_url = Some("keys".into()))),
            ("max_age", with(|config| config.max_age = TimeDelta::zero())),
            ("max_age", with(|config| config.max_age = TimeDelta::days(2))),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeOidc::token(now), &self.0.issuer.signer(), now)
    }
}

#[tokio::test]
async fn oidc_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeOidc::new())).await;
}

async fn start(config: OidcConfig) -> (FakeIdp, FakeOidc, World) {
    let oidc = FakeOidc::new();
    let fake = FakeIdp::start(oidc.hosts()).await;
    let world = World::new(Oidc::new(config, &fake.outbound()).unwrap()).await;
    (fake, oidc, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted("player-7".into())
}

#[tokio::test]
async fn who_a_player_is_includes_the_issuer() {
    let (_fake, oidc, world) = start(config()).await;
    let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
    assert_eq!(world.login(&token).await, accepted());
    let account = world.account();
    let key = &account.identities[0].key;
    assert_eq!((key.provider().as_str(), key.issuer()), ("studio", FakeOidc::ISSUER));
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_or_with_keys_elsewhere_is_not_believed() {
    for (name, value) in [
        ("issuer", json!("https://id.studio.example/realm/")),
        ("issuer", json!("https://evil.example")),
        ("issuer", json!(null)),
        ("jwks_uri", json!("https://evil.example/realm/keys")),
        ("jwks_uri", json!("http://id.studio.example/realm/keys")),
        ("jwks_uri", json!("https://id.studio.example:8443/realm/keys")),
        ("jwks_uri", json!("https://user@id.studio.example/realm/keys")),
        ("jwks_uri", json!(["https://id.studio.example/realm/keys"])),
    ] {
        let (fake, oidc, world) = start(config()).await;
        oidc.document.lock().unwrap()[name] = value.clone();
        let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
        let outcome = world.login(&token).await;
        assert_eq!(outcome, Outcome::Unavailable(None), "{name} {value}");
        assert_eq!(fake.asked(FakeOidc::KEYS), 0);
    }
    let (fake, oidc, world) = start(config()).await;
    fake.inject("", Fault::Status(404));
    let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
    assert_eq!(world.login(&token).await, Outcome::Unavailable(None));
}

#[tokio::test]
async fn keys_at_a_url_of_the_configuration_need_no_discovery() {
    let mut config = config();
    config.keys_url = Some("https://id.studio.example/realm/keys".into());
    let (fake, oidc, world) = start(config).await;
    let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
    assert_eq!(world.login(&token).await, accepted());
    assert_eq!((fake.asked(FakeOidc::DISCOVERY), fake.asked(FakeOidc::KEYS)), (0, 1));
}

#[tokio::test]
async fn cve_2026_30949_tokens_of_sibling_clients_are_not_ours() {
    let mut config = config();
    config.other_audiences = vec!["account".into()];
    let (_fake, oidc, world) = start(config).await;
    let signer = oidc.issuer.signer();
    let token = || FakeOidc::token(world.now());
    let sibling = token().claim("azp", "sibling").signed(&signer);
    assert_eq!(world.login(&sibling).await, rejected("wrong_audience"));
    let shared = || token().claim("aud", json!([FakeOidc::AUDIENCE, "account"]));
    assert_eq!(world.login(&shared().signed(&signer)).await, rejected("wrong_audience"));
    let sibling = shared().claim("azp", "sibling").signed(&signer);
    assert_eq!(world.login(&sibling).await, rejected("wrong_audience"));
    let ours = shared().claim("azp", FakeOidc::AUDIENCE).signed(&signer);
    assert_eq!(world.login(&ours).await, accepted());
}

#[tokio::test]
async fn a_required_claim_has_exactly_its_text() {
    let mut config = config();
    config.required_claims = [("tier".to_owned(), "gold".to_owned())].into();
    let (_fake, oidc, world) = start(config).await;
    let signer = oidc.issuer.signer();
    let token = || FakeOidc::token(world.now());
    for other in [json!("silver"), json!(null), json!(["gold"])] {
        let outcome = world.login(&token().claim("tier", other).signed(&signer)).await;
        assert_eq!(outcome, Outcome::Denied("required_claim".into()));
    }
    assert_eq!(world.login(&token().claim("tier", "gold").signed(&signer)).await, accepted());
}

#[tokio::test]
async fn a_key_verifies_its_own_algorithm_only() {
    let (_fake, oidc, world) = start(config()).await;
    oidc.issuer.rotate(Signer::eddsa("o2"));
    let signer = oidc.issuer.signer();
    let token = || FakeOidc::token(world.now());
    assert_eq!(world.login(&token().signed(&signer)).await, accepted());
    let crossed = token().header("alg", "ES256").signed(&signer);
    assert_eq!(world.login(&crossed).await, rejected("alg_not_allowed"));
    let unlisted = token().header("alg", "RS256").signed(&signer);
    assert_eq!(world.login(&unlisted).await, rejected("alg_not_allowed"));
}
