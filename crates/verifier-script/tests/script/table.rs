//! A script that has tokens verified is held to every case of the table.

use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeOidc, Host, Outcome, World};
use authcore_verifier_script::{Script, ScriptConfig, ScriptService};
use authcore_verifiers::{
    ConfigError, KeyLocation, KeySource, Outbound, Reason, SignatureAlgorithm, TokenRules,
    TokenVerifier,
};
use chrono::{DateTime, Utc};

use crate::{accepted, body, credential, refused, rejected};

const BY_TOKEN: &str = "let claims = verify_token(`studio`, data.authenticationToken);
    #{ valid: claims.iss.starts_with(`https://`), externalIdOverride: claims.sub }";

fn config(
    text: &str,
    outbound: &Outbound,
    reject_reuse: bool,
) -> Result<ScriptConfig, ConfigError> {
    let mut config = ScriptConfig::new("portal", &body(text));
    let keys = KeyLocation::of_issuer("issuer", FakeOidc::ISSUER)?;
    let keys = KeySource::new(outbound.to("portal"), keys);
    let mut rules =
        TokenRules::new(vec![FakeOidc::ISSUER.into()], vec![FakeOidc::AUDIENCE.into()])?;
    rules.algorithms = vec![SignatureAlgorithm::Es256];
    rules.reject_reuse = reject_reuse;
    config.tokens.insert("studio".into(), TokenVerifier::new(rules, keys)?);
    Ok(config)
}

struct UnderTest(FakeOidc);

impl Provider for UnderTest {
    type Verifier = Script;

    const ROW: Row = Row::id_token("player-7");

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Script, ConfigError> {
        Script::new(config(BY_TOKEN, outbound, true)?, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Script, ConfigError>)> {
        let with = |change: fn(&mut ScriptConfig)| {
            let mut config = config(BY_TOKEN, outbound, true)?;
            change(&mut config);
            Script::new(config, outbound)
        };
        vec![
            ("provider", with(|config| config.provider = "No Name".into())),
            ("script", with(|config| config.script = "fn verify(data) {".into())),
            ("script", with(|config| config.script = "fn check(data) { true }".into())),
            ("script", with(|config| config.script = "fn verify() { true }".into())),
            (
                "services",
                with(|config| {
                    config.services.insert("a".into(), ScriptService::new("http://a.example"));
                }),
            ),
            ("secrets", with(|config| drop(config.secrets.insert("a".into(), "".into())))),
            ("parallel", with(|config| config.parallel = 0)),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let token = table::id_token(case, FakeOidc::token(now), &self.0.issuer.signer(), now);
        credential("whoever", &token)
    }
}

#[tokio::test]
async fn a_script_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeOidc::new())).await;
}

async fn start(text: &str) -> (FakeIdp, FakeOidc, World) {
    let oidc = FakeOidc::new();
    let fake = FakeIdp::start(oidc.hosts()).await;
    let outbound = fake.outbound();
    let script = Script::new(config(text, &outbound, false).unwrap(), &outbound).unwrap();
    (fake, oidc, World::new(script).await)
}

#[tokio::test]
async fn a_token_that_is_not_good_is_not_for_a_script_to_catch() {
    let caught = "try { verify_token(`studio`, data.authenticationToken); } catch { } true";
    let (_fake, oidc, world) = start(caught).await;
    let good = FakeOidc::token(world.now());
    let login = async |token: &str| world.login(&credential("player-7", token)).await;
    assert_eq!(login(&good.clone().signed(&oidc.issuer.signer())).await, accepted("player-7"));
    let other = good.clone().claim("aud", "another").signed(&oidc.issuer.signer());
    assert_eq!(login(&other).await, rejected(Reason::WrongAudience));
    let late = world.now().timestamp() - 60;
    let over = good.claim("iat", late - 60).claim("exp", late).signed(&oidc.issuer.signer());
    assert_eq!(login(&over).await, Outcome::Expired);
    for bad in ["", "a.b.c", "{", "null"] {
        assert_eq!(login(bad).await, rejected(Reason::Malformed), "{bad}");
    }
}

#[tokio::test]
async fn braincloud_7_script_helpers_verify_a_token_and_give_its_claims() {
    let (_fake, oidc, world) = start(
        "let claims = verify_token(`studio`, data.authenticationToken);
         claims.sub == data.externalId && claims.exp - claims.iat == 3600
             && claims.roles == [`player`, `tester`] && claims.plan.level >= 2 && claims.none == ()",
    )
    .await;
    let token = |level: i64| {
        let token = FakeOidc::token(world.now()).claim("plan", serde_json::json!({"level": level}));
        let token = token.claim("roles", serde_json::json!(["player", "tester"]));
        credential("player-7", &token.signed(&oidc.issuer.signer()))
    };
    assert_eq!(world.login(&token(2)).await, accepted("player-7"));
    assert_eq!(world.login(&token(1)).await, refused());
    // Nobody can tell which number it was.
    let odd = FakeOidc::token(world.now()).claim("plan", 9_223_372_036_854_775_808_u64);
    let odd = credential("player-7", &odd.signed(&oidc.issuer.signer()));
    assert_eq!(world.login(&odd).await, rejected(Reason::Malformed));
}

#[tokio::test]
async fn j13_a_token_that_is_verified_twice_in_a_run_is_used_once() {
    let oidc = FakeOidc::new();
    let fake = FakeIdp::start(oidc.hosts()).await;
    let outbound = fake.outbound();
    let twice = format!("verify_token(`studio`, data.authenticationToken); {BY_TOKEN}");
    let script = Script::new(config(&twice, &outbound, true).unwrap(), &outbound).unwrap();
    let world = World::new(script).await;
    let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
    assert_eq!(world.login(&credential("a", &token)).await, accepted("player-7"));
    assert_eq!(world.login(&credential("a", &token)).await, Outcome::UsedUp);
}

#[tokio::test]
async fn x13_keys_are_fetched_once_for_all_runs() {
    let (fake, oidc, world) = start(BY_TOKEN).await;
    let token = FakeOidc::token(world.now()).signed(&oidc.issuer.signer());
    for _ in 0..3 {
        assert_eq!(world.login(&credential("a", &token)).await, accepted("player-7"));
    }
    assert_eq!(fake.asked(FakeOidc::KEYS), 1);
}
