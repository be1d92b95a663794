//! EOS Connect's ID tokens, against a server that plays both of Epic's families (providers.md 3.12b).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeEpic, FakeIdp, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Eos, EosConfig, Outbound};
use chrono::{DateTime, Utc};
use serde_json::json;

fn config() -> EosConfig {
    let mut config = EosConfig::new(vec![FakeEpic::CLIENT.into()]);
    config.deployment_id = Some(FakeEpic::DEPLOYMENT.into());
    config
}

struct UnderTest(FakeEpic);

impl Provider for UnderTest {
    type Verifier = Eos;

    const ROW: Row = Row::id_token("puid-1");

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Eos, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Eos::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Eos, ConfigError>)> {
        let with = |change: fn(&mut EosConfig)| {
            let mut config = config();
            change(&mut config);
            Eos::new(config, outbound)
        };
        vec![
            ("client_ids", with(|config| config.client_ids.clear())),
            ("client_ids", with(|config| config.client_ids.push(String::new()))),
            ("deployment_id", with(|config| config.deployment_id = Some(String::new()))),
            ("issuer", with(|config| config.issuer.clear())),
            ("keys_url", with(|config| config.keys_url = "http://api.epicgames.dev/".into())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        table::id_token(case, FakeEpic::connect_token(now), &self.0.connect.signer(), now)
    }
}

#[tokio::test]
async fn eos_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeEpic::new())).await;
}

async fn start(config: EosConfig) -> (FakeIdp, FakeEpic, World) {
    let epic = FakeEpic::new();
    let fake = FakeIdp::start(epic.hosts()).await;
    let world = World::new(Eos::new(config, &fake.outbound()).unwrap()).await;
    (fake, epic, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted("puid-1".into())
}

#[tokio::test]
async fn a_token_of_the_other_family_is_nobody_s() {
    let (fake, epic, world) = start(config()).await;
    let theirs = FakeEpic::account_token(world.now()).signed(&epic.accounts.signer());
    let outcome = world.login(&theirs).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    // Nor is one that says what ours says, by their key.
    let forged = FakeEpic::connect_token(world.now()).signed(&epic.accounts.signer());
    assert_eq!(world.login(&forged).await, rejected("bad_signature"));
    assert_eq!((fake.asked(FakeEpic::CONNECT_KEYS), fake.asked(FakeEpic::ACCOUNT_KEYS)), (1, 0));
}

#[tokio::test]
async fn an_issuer_is_below_epic_s_by_a_slash_and_not_by_its_beginning() {
    let (_fake, epic, world) = start(config()).await;
    let signer = epic.connect.signer();
    let with =
        |issuer: &str| FakeEpic::connect_token(world.now()).claim("iss", issuer).signed(&signer);
    for good in ["https://api.epicgames.dev", "https://api.epicgames.dev/auth/v1/oauth"] {
        assert_eq!(world.login(&with(good)).await, accepted(), "{good}");
    }
    for bad in [
        "https://api.epicgames.dev.evil.example",
        "https://api.epicgames.dev.evil.example/auth/v1/oauth",
        "https://api.epicgames.device/auth",
        "http://api.epicgames.dev/auth",
        "https://api.epicgames.de",
        "",
    ] {
        assert_eq!(world.login(&with(bad)).await, rejected("wrong_issuer"), "{bad}");
    }
}

#[tokio::test]
async fn the_deployment_is_ours_where_one_is_named() {
    let (_fake, epic, world) = start(config()).await;
    let signer = epic.connect.signer();
    let token = || FakeEpic::connect_token(world.now());
    assert_eq!(world.login(&token().signed(&signer)).await, accepted());
    for other in [json!("deployment-2"), json!(null), json!(["deployment-1"]), json!("")] {
        let token = token().claim("pfdid", other).signed(&signer);
        assert_eq!(world.login(&token).await, rejected("wrong_app"));
    }
    let without = token().without("pfdid").signed(&signer);
    assert_eq!(world.login(&without).await, rejected("wrong_app"));
    let mut any = config();
    any.deployment_id = None;
    let (_fake, epic, world) = start(any).await;
    let without =
        FakeEpic::connect_token(world.now()).without("pfdid").signed(&epic.connect.signer());
    assert_eq!(world.login(&without).await, accepted());
}
