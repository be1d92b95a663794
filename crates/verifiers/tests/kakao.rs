//! Kakao's tokens, against a server that plays Kakao (providers.md 4.5).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeIdp, FakeKakao, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Kakao, KakaoConfig, Outbound, Reason};
use chrono::{DateTime, Utc};
use serde_json::json;

const PLAYER: &str = "9007199254740993";
const GOOD: &str = r#"{"access_token":"good"}"#;

fn config() -> KakaoConfig {
    let keys = vec![FakeKakao::NATIVE_KEY.into(), FakeKakao::REST_KEY.into()];
    KakaoConfig::new(FakeKakao::APP, keys)
}

struct UnderTest<const ID_TOKEN: bool>(FakeKakao);

impl<const ID_TOKEN: bool> Provider for UnderTest<ID_TOKEN> {
    type Verifier = Kakao;

    const ROW: Row = if ID_TOKEN {
        Row::id_token(PLAYER)
    } else {
        Row::access_token(PLAYER, Expected::Rejected(Reason::Revoked))
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Kakao, ConfigError> {
        let mut config = config();
        config.reject_reuse = true;
        Kakao::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Kakao, ConfigError>)> {
        let with = |change: fn(&mut KakaoConfig)| {
            let mut config = config();
            change(&mut config);
            Kakao::new(config, outbound)
        };
        vec![
            ("app_id", with(|config| config.app_id = 0)),
            ("app_keys", with(|config| config.app_keys.clear())),
            ("issuer", with(|config| config.issuer.clear())),
            ("keys_url", with(|config| config.keys_url.clear())),
            ("token_info_url", with(|config| config.token_info_url.clear())),
            ("profile_url", with(|config| config.profile_url = "http://kapi.kakao.com".into())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        if ID_TOKEN {
            return table::id_token(case, FakeKakao::token(now), &self.0.issuer.signer(), now);
        }
        json!({"access_token": table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn kakao_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<true>(FakeKakao::new())).await;
    table::check(&UnderTest::<false>(FakeKakao::new())).await;
}

async fn start() -> (FakeIdp, FakeKakao, World) {
    let kakao = FakeKakao::new();
    let fake = FakeIdp::start(kakao.hosts()).await;
    let world = World::new(Kakao::new(config(), &fake.outbound()).unwrap()).await;
    (fake, kakao, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(PLAYER.into())
}

#[tokio::test]
async fn an_id_token_and_an_access_token_are_one_player() {
    let (_fake, kakao, world) = start().await;
    assert_eq!(world.login(GOOD).await, accepted());
    let first = world.account().id;
    let signer = kakao.issuer.signer();
    let token = FakeKakao::token(world.now());
    assert_eq!(world.login(&token.clone().signed(&signer)).await, accepted());
    assert_eq!(world.account().id, first);
    // Both keys are of one app.
    let rest = token.clone().claim("aud", FakeKakao::REST_KEY).signed(&signer);
    assert_eq!(world.login(&rest).await, accepted());
    assert_eq!(world.account().id, first);
    for other in ["ann", "09007199254740993", "-1"] {
        let named = token.clone().claim("sub", other).signed(&signer);
        assert_eq!(world.login(&named).await, rejected("subject_missing"), "{other}");
    }
}

#[tokio::test]
async fn cve_2022_39231_the_number_of_an_app_is_compared_whole() {
    // The other app's is 451, of which ours is the beginning.
    let (fake, _kakao, world) = start().await;
    let other = world.login(r#"{"access_token":"other-app"}"#).await;
    assert_eq!((other, fake.asked(FakeKakao::PROFILE)), (rejected("wrong_app"), 0));
}

#[tokio::test]
async fn x18_both_answers_are_of_one_user_and_numbers_are_whole() {
    let (_fake, _kakao, world) = start().await;
    let swapped = world.login(r#"{"access_token":"swapped"}"#).await;
    assert_eq!(swapped, rejected("subject_mismatch"));
}

#[tokio::test]
async fn each_number_of_kakao_has_its_class() {
    for (status, code, outcome) in [
        (401, -401, rejected("revoked")),
        (400, -101, rejected("revoked")),
        (400, -103, rejected("revoked")),
        (403, -402, Outcome::Denied("missing_scope".into())),
        (401, -406, Outcome::Denied("age".into())),
        (400, -1, Outcome::Unavailable(None)),
        (400, -10, Outcome::Unavailable(None)),
        (400, -2, rejected("malformed")),
        (401, -999, rejected("revoked")),
        (403, -5, Outcome::Faulty),
        (400, -999, Outcome::Unavailable(None)),
    ] {
        for path in [FakeKakao::TOKEN_INFO, FakeKakao::PROFILE] {
            let (fake, _kakao, world) = start().await;
            let body = json!({"msg": "no", "code": code}).to_string();
            fake.inject(path, Fault::StatusBody(status, body));
            assert_eq!(world.login(GOOD).await, outcome, "{code} {path}");
        }
    }
}

#[tokio::test]
async fn a_code_is_not_taken_and_a_token_goes_in_a_header_only() {
    let (fake, _kakao, world) = start().await;
    assert_eq!(world.login(r#"{"code":"good"}"#).await, rejected("malformed"));
    assert_eq!(fake.connections(), 0);
    assert_eq!(world.login(GOOD).await, accepted());
    for asked in fake.journal() {
        assert_eq!((asked.header("authorization"), asked.query.as_str()), ("Bearer good", ""));
    }
}
