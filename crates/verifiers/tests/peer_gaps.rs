//! The holes found in comparable systems, each with the test that keeps it closed here: one for each row of the table in
//! providers.md 6, by the row's name. What else each provider is held to is in the file of its name.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore::account::ProviderId;
use authcore::verifier::NonceScope;
use authcore_fake_idp::{
    FakeApple, FakeFacebook, FakeFacebookInstantGame, FakeFacebookLimited, FakeGameCenter,
    FakeGoogle, FakeIdp, FakeSteam, Leaf, Outcome, World,
};
use authcore_jose::MasterKey;
use authcore_verifiers::{
    Apple, AppleConfig, ConfigError, Facebook, FacebookApp, FacebookConfig, FacebookInstantGame,
    FacebookInstantGameConfig, FacebookLimited, FacebookLimitedConfig, GameCenter,
    GameCenterConfig, Google, GoogleConfig, NoncePolicy, Nonces, Steam, SteamConfig,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted(subject: &str) -> Outcome {
    Outcome::Accepted(subject.into())
}

/// The field for whose sake there is no verifier.
fn field<V>(built: Result<V, ConfigError>) -> &'static str {
    built.err().map_or("none", |error| error.field())
}

fn nonces() -> Nonces {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    Nonces::derive(&master, "chess").unwrap()
}

/// Nakama does not compare Apple's `aud`; Parse did not where the option was left out (CVE-2026-30863).
#[tokio::test]
async fn peer_gap_apple_aud() {
    let apple = FakeApple::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let outbound = fake.outbound();
    assert_eq!(field(Apple::new(AppleConfig::new(Vec::new()), &outbound)), "audiences");
    let config = AppleConfig::new(vec![FakeApple::AUDIENCE.into()]);
    let world = World::new(Apple::new(config, &outbound).unwrap()).await;
    let signer = apple.issuer.signer();
    let token = |aud: Value| FakeApple::token(world.now()).claim("aud", aud).signed(&signer);
    assert_eq!(world.login(&token(json!(FakeApple::AUDIENCE))).await, accepted(FakeApple::SUBJECT));
    for other in [json!("com.other.game"), json!([]), json!(""), Value::Null] {
        let outcome = world.login(&token(other.clone())).await;
        assert_eq!(outcome, rejected("wrong_audience"), "{other}");
    }
}

/// Nakama reads Google's `aud` and does not compare it; Parse did not where the option was left out (CVE-2026-30863).
#[tokio::test]
async fn peer_gap_google_aud() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let outbound = fake.outbound();
    assert_eq!(field(Google::new(GoogleConfig::new(Vec::new()), &outbound)), "audiences");
    let config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
    let world = World::new(Google::new(config, &outbound).unwrap()).await;
    let signer = google.issuer.signer();
    let token = |aud: &str| {
        let token = FakeGoogle::token(world.now()).claim("aud", aud).without("azp");
        token.signed(&signer)
    };
    assert_eq!(world.login(&token(FakeGoogle::AUDIENCE)).await, accepted("1080"));
    let outcome = world.login(&token("2-other.apps.googleusercontent.com")).await;
    assert_eq!(outcome, rejected("wrong_audience"));
}

/// Nakama asks `/me` only, which answers for the token of any app.
#[tokio::test]
async fn peer_gap_facebook_token_bound_to_app() {
    let facebook = FakeFacebook::new();
    let fake = FakeIdp::start(facebook.hosts()).await;
    let outbound = fake.outbound();
    assert_eq!(field(Facebook::new(FacebookConfig::new(Vec::new()), &outbound)), "apps");
    let app = FacebookApp { id: FakeFacebook::APP.into(), secret: FakeFacebook::SECRET.into() };
    let config = FacebookConfig::new(vec![app]);
    let world = World::new(Facebook::new(config, &outbound).unwrap()).await;
    let know = |part: &str, value: &str| {
        let mut inspected = FakeFacebook::inspected(world.now());
        inspected[part] = value.into();
        facebook.know("EAAtoken", inspected)
    };
    // Of another app, though `/me` would tell the player; and of ours, though of another player than `/me` tells.
    assert_eq!(world.login(&know("app_id", "999")).await, rejected("wrong_app"));
    assert_eq!(fake.asked(FakeFacebook::ME), 0);
    assert_eq!(world.login(&know("user_id", "78")).await, rejected("subject_mismatch"));
    let good = facebook.know("EAAtoken", FakeFacebook::inspected(world.now()));
    assert_eq!(world.login(&good).await, accepted(FakeFacebook::SUBJECT));
    // Each request in the player's name is under the app's proof.
    let proofs = fake.journal().into_iter().filter(|asked| asked.path == FakeFacebook::ME);
    assert!(proofs.map(|asked| asked.query).all(|query| query.contains("appsecret_proof=")));
}

/// Nakama does not compare the `aud` of Limited Login; Parse does when told to.
#[tokio::test]
async fn peer_gap_limited_login_aud() {
    let facebook = FakeFacebookLimited::new();
    let fake = FakeIdp::start(facebook.hosts()).await;
    let outbound = fake.outbound();
    let build = |apps: Vec<String>| {
        let mut config = FacebookLimitedConfig::new(apps, nonces());
        config.nonce = NoncePolicy::Off;
        FacebookLimited::new(config, &outbound)
    };
    assert_eq!(field(build(Vec::new())), "app_ids");
    let world = World::new(build(vec![FakeFacebookLimited::APP.into()]).unwrap()).await;
    let signer = facebook.issuer.signer();
    let token =
        |aud: &str| FakeFacebookLimited::token(world.now()).claim("aud", aud).signed(&signer);
    let ours = world.login(&token(FakeFacebookLimited::APP)).await;
    assert_eq!(ours, accepted(FakeFacebookLimited::SUBJECT));
    assert_eq!(world.login(&token("999")).await, rejected("wrong_audience"));
}

/// Game Center, a verifier of it, and an engine.
async fn game_center() -> (FakeIdp, FakeGameCenter, World) {
    let apple = FakeGameCenter::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let bundles = vec![FakeGameCenter::BUNDLE.into()];
    let config = GameCenterConfig::new(bundles, vec![apple.issuer().into()]);
    let world = World::new(GameCenter::new(config, &fake.outbound()).unwrap()).await;
    (fake, apple, world)
}

/// Nakama looks at no chain; Parse compared the issuer's name only (CVE-2022-31083).
#[tokio::test]
async fn peer_gap_game_center_chain() {
    for (leaf, outcome) in [
        (Leaf::SelfSigned, rejected("cert_untrusted")),
        (Leaf::OtherOrganization, rejected("cert_untrusted")),
        (Leaf::NoCodeSigning, rejected("cert_untrusted")),
        (Leaf::Expired, rejected("cert_untrusted")),
        (Leaf::Good, accepted(FakeGameCenter::PLAYER)),
    ] {
        let (_fake, apple, world) = game_center().await;
        apple.serve(leaf);
        let player =
            apple.player(FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE, world.now()).to_string();
        assert_eq!(world.login(&player).await, outcome, "{leaf:?}");
    }
}

/// Neither Nakama nor Parse asks how old a signature is, or whether it was used.
#[tokio::test]
async fn peer_gap_game_center_freshness() {
    let (_fake, apple, world) = game_center().await;
    let player =
        apple.player(FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE, world.now()).to_string();
    assert_eq!(world.login(&player).await, accepted(FakeGameCenter::PLAYER));
    assert_eq!(world.login(&player).await, Outcome::UsedUp);
    world.clock().advance(TimeDelta::minutes(5));
    assert_eq!(world.login(&player).await, Outcome::Expired);
}

/// Nakama and the old Parse take the bundle id from the client.
#[tokio::test]
async fn peer_gap_game_center_bundle_id() {
    let (_fake, apple, world) = game_center().await;
    let mut player = apple.player(FakeGameCenter::PLAYER, "com.evil.game", world.now());
    assert_eq!(world.login(&player.to_string()).await, rejected("wrong_app"));
    player.as_object_mut().unwrap().remove("bundle_id");
    assert_eq!(world.login(&player.to_string()).await, rejected("bad_signature"));
}

/// Nakama does not say which service a ticket must be for, so one that was made for another is good.
#[tokio::test]
async fn peer_gap_steam_identity() {
    let steam = FakeSteam::new();
    let fake = FakeIdp::start(steam.hosts()).await;
    let outbound = fake.outbound();
    let config = |identity| SteamConfig::new(FakeSteam::APP, FakeSteam::KEY.into(), identity);
    assert_eq!(field(Steam::new(config(""), &outbound)), "identity");
    let world = World::new(Steam::new(config("another-service"), &outbound).unwrap()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, rejected("bad_signature"));
    let world = World::new(Steam::new(config(FakeSteam::IDENTITY), &outbound).unwrap()).await;
    assert_eq!(world.login(FakeSteam::TICKET).await, accepted(FakeSteam::SUBJECT));
    assert!(fake.journal().iter().all(|asked| asked.query.contains("&identity=")));
}

/// Nakama takes signed player info of any age, any number of times.
#[tokio::test]
async fn peer_gap_instant_games_freshness() {
    use FakeFacebookInstantGame as Fake;
    let mut config = FacebookInstantGameConfig::new(Fake::SECRET.into());
    let world = World::new(FacebookInstantGame::new(config.clone()).unwrap()).await;
    let info = Fake::signed(&Fake::info(world.now()), Fake::SECRET);
    assert_eq!(world.login(&info).await, accepted(Fake::SUBJECT));
    assert_eq!(world.login(&info).await, Outcome::UsedUp);
    world.clock().advance(TimeDelta::minutes(10));
    assert_eq!(world.login(&info).await, Outcome::Expired);
    // Where it is configured, it must be for this login as well.
    config.nonce = NoncePolicy::Required(nonces());
    let world = World::new(FacebookInstantGame::new(config).unwrap()).await;
    let info = Fake::signed(&Fake::info(world.now()), Fake::SECRET);
    let outcome = world.login(&info).await;
    assert!(outcome == rejected("nonce_missing") || outcome == rejected("nonce_mismatch"));
}

/// Nakama and Parse know no nonce: whoever gets hold of a token logs in with it.
#[tokio::test]
async fn peer_gap_nonce() {
    let google = FakeGoogle::new();
    let fake = FakeIdp::start(google.hosts()).await;
    let mut config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
    config.nonce = NoncePolicy::Required(nonces());
    let world = World::new(Google::new(config, &fake.outbound()).unwrap()).await;
    let signer = google.issuer.signer();
    let token = |nonce: &str| FakeGoogle::token(world.now()).claim("nonce", nonce).signed(&signer);
    let present =
        |nonce: &str, binding: &str| json!({"token": token(nonce), "binding": binding}).to_string();
    let without = FakeGoogle::token(world.now()).signed(&signer);
    assert_eq!(world.login(&without).await, rejected("nonce_missing"));
    let google_id = ProviderId::new("google").unwrap();
    let nonce = nonces().issue(&NonceScope::login(&google_id, "this login"), world.now(), [1; 16]);
    let stolen = world.login(&present(&nonce, "the thief's")).await;
    assert_eq!(stolen, rejected("nonce_mismatch"));
    assert_eq!(world.login(&present(&nonce, "this login")).await, accepted("1080"));
    assert_eq!(world.login(&present(&nonce, "this login")).await, Outcome::UsedUp);
}
