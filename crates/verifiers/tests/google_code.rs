//! Google's authorization codes, against a server that plays Google (providers.md 3.3).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore::verifier::NonceScope;
use authcore_fake_idp::table::{self, Case, Provider, Row};
use authcore_fake_idp::{FakeGoogle, FakeIdp, Fault, Host, Outcome, World};
use authcore_jose::MasterKey;
use authcore_verifiers::{
    ConfigError, Google, GoogleClient, GoogleConfig, NoncePolicy, Nonces, Outbound,
};
use chrono::{DateTime, Utc};
use serde_json::json;

const GOOD: &str = r#"{"code":"good"}"#;

fn config() -> GoogleConfig {
    let (id, secret) = FakeGoogle::CLIENT;
    let mut config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into(), id.into()]);
    config.client = Some(GoogleClient::new(id, secret.into(), "https://game.example/back"));
    config
}

struct UnderTest(FakeGoogle);

impl Provider for UnderTest {
    type Verifier = Google;

    const ROW: Row = Row::code("1080");

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Google, ConfigError> {
        Google::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Google, ConfigError>)> {
        let with = |change: fn(&mut GoogleClient)| {
            let mut config = config();
            config.client.iter_mut().for_each(change);
            Google::new(config, outbound)
        };
        vec![
            ("client_id", with(|client| client.id.clear())),
            ("client_id", with(|client| client.id = "of-another-app".into())),
            ("client_secret", with(|client| client.secret = "".into())),
            ("token_url", with(|client| client.token_url = "http://oauth2.googleapis.com".into())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        json!({"code": table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn codes_of_google_are_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeGoogle::new())).await;
}

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
async fn a_code_and_an_id_token_are_one_player_and_each_says_what_it_is() {
    let (fake, google, world) = start(config()).await;
    let token = FakeGoogle::token(world.now()).signed(&google.issuer.signer());
    assert_eq!(world.login(&token).await, accepted());
    let first = world.account().id;
    assert_eq!(world.login(GOOD).await, accepted());
    assert_eq!(world.account().id, first);
    let asked = fake.journal();
    // A code is never tried as a token, nor a token as a code.
    let exchange: Vec<_> = asked.iter().filter(|asked| asked.path == "/token").collect();
    let form = "grant_type=authorization_code&code=good\
        &redirect_uri=https%3A%2F%2Fgame.example%2Fback&client_id=the-client&client_secret=the-secret";
    assert_eq!((exchange.len(), exchange[0].text().as_str()), (1, form));
    assert_eq!(world.login("4/0AX4-code").await, rejected("malformed"));
    assert_eq!(world.login(r#"{"access_token":"ya29"}"#).await, rejected("wrong_type"));
    let both = json!({"code": "good", "access_token": "ya29"}).to_string();
    assert_eq!(world.login(&both).await, rejected("malformed"));
    assert_eq!(fake.asked("/token"), 1);
}

#[tokio::test]
async fn without_a_client_a_code_is_refused_without_asking_anybody() {
    let mut tokens_only = config();
    tokens_only.client = None;
    let (fake, _google, world) = start(tokens_only).await;
    assert_eq!(world.login(GOOD).await, rejected("wrong_type"));
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn an_answer_without_an_id_token_or_with_a_bad_one_proves_nobody() {
    let (fake, google, world) = start(config()).await;
    let answer = |token: Option<String>| {
        fake.heal();
        let body = json!({"access_token": "ya29", "id_token": token}).to_string();
        fake.inject("/token", Fault::StatusBody(200, body));
    };
    answer(None);
    assert_eq!(world.login(GOOD).await, Outcome::Denied("missing_scope".into()));
    let foreign = FakeGoogle::token(world.now()).claim("aud", "another").without("azp");
    answer(Some(foreign.signed(&google.issuer.signer())));
    assert_eq!(world.login(GOOD).await, rejected("wrong_audience"));
    let signer = google.issuer.signer();
    answer(Some(FakeGoogle::token(world.now()).signed(&signer.stranger())));
    assert_eq!(world.login(GOOD).await, rejected("bad_signature"));
}

#[tokio::test]
async fn j12_the_nonce_of_a_code_s_token_is_looked_at_with_its_binding() {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let nonces = Nonces::derive(&master, "chess").unwrap();
    let mut bound = config();
    bound.nonce = NoncePolicy::Required(nonces.clone());
    let (_fake, _google, world) = start(bound.clone()).await;
    assert_eq!(world.login(GOOD).await, rejected("nonce_missing"));
    let google = authcore::account::ProviderId::new("google").unwrap();
    let nonce = nonces.issue(&NonceScope::login(&google, "of this login"), world.now(), [1; 16]);
    for (binding, outcome) in
        [("of another", rejected("nonce_mismatch")), ("of this login", accepted())]
    {
        // The fake puts the state into the token as its nonce.
        let code = json!({"code": "good", "state": nonce, "binding": binding}).to_string();
        let (_fake, _google, world) = start(bound.clone()).await;
        assert_eq!(world.login(&code).await, outcome, "{binding}");
    }
}
