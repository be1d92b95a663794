//! Discord's codes and tokens, against a server that plays Discord (providers.md 4.8).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeDiscord, FakeIdp, Fault, Host, Outcome, World};
use authcore_verifiers::{ConfigError, Discord, DiscordConfig, Outbound, Reason};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

const PLAYER: &str = "268473310986240001";
const GOOD: &str = r#"{"access_token":"good"}"#;

fn config() -> DiscordConfig {
    let (id, secret) = FakeDiscord::CLIENT;
    let mut config = DiscordConfig::new(id);
    config.client_secret = Some(secret.into());
    config.redirect_uri = "https://game.example/back".into();
    config
}

struct UnderTest<const CODE: bool>;

impl<const CODE: bool> Provider for UnderTest<CODE> {
    type Verifier = Discord;

    const ROW: Row = if CODE {
        Row::code(PLAYER)
    } else {
        Row::access_token(PLAYER, Expected::Rejected(Reason::Revoked))
    };

    fn hosts(&self) -> Vec<Host> {
        FakeDiscord::new().hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Discord, ConfigError> {
        Discord::new(config(), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Discord, ConfigError>)> {
        let with = |change: fn(&mut DiscordConfig)| {
            let mut config = config();
            change(&mut config);
            Discord::new(config, outbound)
        };
        vec![
            ("application_id", with(|config| config.application_id.clear())),
            ("client_secret", with(|config| config.client_secret = Some("".into()))),
            ("redirect_uri", with(|config| config.redirect_uri.clear())),
            ("token_url", with(|config| config.token_url = "http://discord.com".into())),
            ("authorization_url", with(|config| config.authorization_url.clear())),
        ]
    }

    fn credential(&self, case: Case, _: DateTime<Utc>) -> String {
        let kind = if CODE { "code" } else { "access_token" };
        json!({kind: table::opaque(case)}).to_string()
    }
}

#[tokio::test]
async fn discord_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest::<true>).await;
    table::check(&UnderTest::<false>).await;
}

async fn start(config: DiscordConfig) -> (FakeIdp, World) {
    let fake = FakeIdp::start(FakeDiscord::new().hosts()).await;
    let world = World::new(Discord::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

#[tokio::test]
async fn a_token_without_the_scope_that_names_the_user_is_denied() {
    let (_fake, world) = start(config()).await;
    let outcome = world.login(r#"{"access_token":"unscoped"}"#).await;
    assert_eq!(outcome, Outcome::Denied("missing_scope".into()));
}

#[tokio::test]
async fn a_token_is_over_at_its_end() {
    let (_fake, world) = start(config()).await;
    world.clock().advance(TimeDelta::days(7));
    assert_eq!(world.login(GOOD).await, Outcome::Accepted(PLAYER.into()));
    world.clock().advance(TimeDelta::milliseconds(123));
    assert_eq!(world.login(GOOD).await, Outcome::Expired);
}

#[tokio::test]
async fn codes_are_taken_only_where_there_is_a_secret() {
    let mut tokens_only = config();
    (tokens_only.client_secret, tokens_only.redirect_uri) = (None, String::new());
    let (fake, world) = start(tokens_only).await;
    let outcome = world.login(r#"{"code":"good"}"#).await;
    assert_eq!((outcome, fake.connections()), (Outcome::Rejected("wrong_type".into()), 0));
    assert_eq!(world.login(GOOD).await, Outcome::Accepted(PLAYER.into()));
}

#[tokio::test]
async fn x5_discord_says_when_to_come_again_with_a_fraction_or_without() {
    for (said, seconds) in [("3", 3), ("0.35", 10)] {
        let (fake, world) = start(config()).await;
        fake.inject("", Fault::RetryAfter(429, said));
        let outcome = world.login(GOOD).await;
        assert_eq!(outcome, Outcome::Unavailable(Some(TimeDelta::seconds(seconds))), "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_about_a_token_is_none() {
    for body in [
        json!({"application": {"id": 7}, "scopes": ["identify"], "expires": "2027"}),
        json!({"application": {"id": "the-client"}, "scopes": ["identify"], "expires": "soon"}),
        json!({"user": {"id": PLAYER}}),
        json!([]),
    ] {
        let (fake, world) = start(config()).await;
        fake.inject("", Fault::StatusBody(200, body.to_string()));
        assert_eq!(world.login(GOOD).await, Outcome::Unavailable(None), "{body}");
    }
}

#[tokio::test]
async fn what_discord_says_of_our_application_is_no_word_on_the_player() {
    for (status, outcome) in [(403, Outcome::Faulty), (418, Outcome::Unavailable(None))] {
        let (fake, world) = start(config()).await;
        fake.inject(FakeDiscord::AUTHORIZATION, Fault::Status(status));
        assert_eq!(world.login(GOOD).await, outcome, "{status}");
    }
}
