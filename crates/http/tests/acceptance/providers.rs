//! The logins that a provider verifies, against servers that play the providers (P1 to P11, J8, J11, J12).

use authcore::{MasterKey, Policy};
use authcore_fake_idp::{
    FakeApple, FakeFacebook, FakeFacebookInstantGame, FakeFacebookLimited, FakeGameCenter,
    FakeGoogle, FakeGooglePlayGames, FakeIdp, FakeSteam, Fault,
};
use authcore_testkit::Builder;
use authcore_verifiers::{
    Apple, AppleConfig, Facebook, FacebookApp, FacebookConfig, FacebookInstantGame,
    FacebookInstantGameConfig, FacebookLimitedConfig, GameCenter, GameCenterConfig, Google,
    GoogleConfig, GooglePlayGames, GooglePlayGamesConfig, NoncePolicy, Nonces, Outbound, Steam,
    SteamConfig,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::server::{NOBODY, Server};

/// All the providers at one address, and a server that knows each of them.
struct World {
    server: Server,
    apple: FakeApple,
    facebook: FakeFacebook,
    limited: FakeFacebookLimited,
    game_center: FakeGameCenter,
    google: FakeGoogle,
    play_games: FakeGooglePlayGames,
    steam: FakeSteam,
    fake: FakeIdp,
    _runtime: Runtime,
}

impl World {
    fn start() -> Self {
        Self::with(|builder, outbound| {
            let config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
            builder.verifier(Google::new(config, outbound).unwrap())
        })
    }

    /// With codes of Play Games where ID tokens of Google would be.
    fn with_play_games() -> Self {
        Self::with(|builder, outbound| {
            let (client, secret) = (FakeGooglePlayGames::CLIENT, FakeGooglePlayGames::SECRET);
            let game = FakeGooglePlayGames::APPLICATION;
            let mut config = GooglePlayGamesConfig::new(client, secret.into(), game);
            config.provider = "google".into();
            builder.verifier(GooglePlayGames::new(config, outbound).unwrap())
        })
    }

    fn with(google_is: impl FnOnce(Builder, &Outbound) -> Builder + Send) -> Self {
        let (apple, facebook, steam) = (FakeApple::new(), FakeFacebook::new(), FakeSteam::new());
        let (game_center, google) = (FakeGameCenter::new(), FakeGoogle::new());
        let (play_games, limited) = (FakeGooglePlayGames::new(), FakeFacebookLimited::new());
        let hosts = [
            apple.hosts(),
            facebook.hosts(),
            limited.hosts(),
            game_center.hosts(),
            google.hosts(),
            play_games.hosts(),
            steam.hosts(),
        ];
        let runtime = Runtime::new().unwrap();
        let fake = runtime.block_on(FakeIdp::start(hosts.concat()));
        let outbound = fake.outbound();
        let issuer = game_center.issuer().to_owned();
        let server = Server::with(Policy::nakama(), |builder| {
            let builder = google_is(builder, &outbound);
            verifiers(builder, &outbound, issuer)
        });
        Self {
            server,
            apple,
            facebook,
            limited,
            game_center,
            google,
            play_games,
            steam,
            fake,
            _runtime: runtime,
        }
    }

    /// A body for each kind, with a good credential of a moment ago by this many seconds.
    fn good(&self, kind: &str, ago: i64) -> Value {
        let now = self.server.now() - chrono::TimeDelta::seconds(ago);
        match kind {
            "apple" => json!({"token": FakeApple::token(now).signed(&self.apple.issuer.signer())}),
            "facebook" => {
                json!({"token": self.facebook.know("EAAtoken", FakeFacebook::inspected(now))})
            }
            "facebookinstantgame" => {
                let (info, secret) =
                    (FakeFacebookInstantGame::info(now), FakeFacebookInstantGame::SECRET);
                json!({"signed_player_info": FakeFacebookInstantGame::signed(&info, secret)})
            }
            "gamecenter" => {
                let (player, bundle) = (FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE);
                let mut body = self.game_center.player(player, bundle, now);
                body["timestamp_seconds"] = body["timestamp"].take();
                body
            }
            "google" => {
                json!({"token": FakeGoogle::token(now).signed(&self.google.issuer.signer())})
            }
            _ => {
                let ticket = format!("14{ago:02}");
                self.steam.set(&ticket, FakeSteam::params(FakeSteam::SUBJECT));
                json!({ "token": ticket })
            }
        }
    }
}

fn verifiers(builder: Builder, outbound: &Outbound, issuer: String) -> Builder {
    let apple = AppleConfig::new(vec![FakeApple::AUDIENCE.into()]);
    let app = FacebookApp { id: FakeFacebook::APP.into(), secret: FakeFacebook::SECRET.into() };
    let mut facebook = FacebookConfig::new(vec![app]);
    facebook.limited = Some(limited());
    let instant = FacebookInstantGameConfig::new(FakeFacebookInstantGame::SECRET.into());
    let game_center = GameCenterConfig::new(vec![FakeGameCenter::BUNDLE.into()], vec![issuer]);
    let steam = SteamConfig::new(FakeSteam::APP, FakeSteam::KEY.into(), FakeSteam::IDENTITY);
    builder
        .verifier(Apple::new(apple, outbound).unwrap())
        .verifier(Facebook::new(facebook, outbound).unwrap())
        .verifier(FacebookInstantGame::new(instant).unwrap())
        .verifier(GameCenter::new(game_center, outbound).unwrap())
        .verifier(Steam::new(steam, outbound).unwrap())
}

/// Tokens of Limited Login as Nakama's clients have them: without a nonce.
fn limited() -> FacebookLimitedConfig {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    let nonces = Nonces::derive(&master, "chess").unwrap();
    let mut config = FacebookLimitedConfig::new(vec![FakeFacebookLimited::APP.into()], nonces);
    config.nonce = NoncePolicy::Off;
    config
}

/// The kinds, each with the field of the account that tells its id, and the id.
const KINDS: [(&str, &str, &str); 6] = [
    ("apple", "apple_id", FakeApple::SUBJECT),
    ("facebook", "facebook_id", FakeFacebook::SUBJECT),
    ("facebookinstantgame", "facebook_instant_game_id", FakeFacebookInstantGame::SUBJECT),
    ("gamecenter", "gamecenter_id", FakeGameCenter::PLAYER),
    ("google", "google_id", "1080"),
    ("steam", "steam_id", FakeSteam::SUBJECT),
];

fn name(kind: &str) -> &str {
    match kind {
        "apple" => "Apple",
        "facebook" => "Facebook",
        "facebookinstantgame" => "Facebook Instant Game",
        "gamecenter" => "GameCenter",
        "google" => "Google",
        _ => "Steam",
    }
}

/// Steam has its token in an object of its own on link (nakama 9.1).
fn to_link(kind: &str, body: Value) -> Value {
    if kind == "steam" { json!({"account": body, "sync": false}) } else { body }
}

#[test]
fn j8_j11_j12_each_kind_logs_in_is_linked_and_is_unlinked() {
    let world = World::start();
    let server = &world.server;
    for (kind, field, id) in KINDS {
        let player = server.custom(&format!("player-of-{kind}"));
        server.link(&player, kind, to_link(kind, world.good(kind, 1))).done();
        assert_eq!(server.account(&player).ok()["user"][field], id, "{kind}");
        let again = server.authenticate(kind, world.good(kind, 2)).player();
        assert_eq!(again.id(), player.id(), "{kind}");
        let other = server.custom(&format!("other-than-{kind}"));
        let text = format!("{} ID is already in use.", name(kind));
        server.link(&other, kind, to_link(kind, world.good(kind, 3))).refused(409, 6, &text);
        server.unlink(&player, kind, world.good(kind, 4)).done();
        assert_eq!(server.account(&player).ok()["user"].get(field), None, "{kind}");
        server.unlink(&player, kind, json!({})).done();
        let gone = server.authenticate(&format!("{kind}?create=false"), world.good(kind, 5));
        gone.refused(404, 5, "User account not found.");
        let made =
            server.authenticate(&format!("{kind}?username=made-by-{kind}"), world.good(kind, 6));
        assert_eq!(made.ok()["created"], true, "{kind}");
    }
}

#[test]
fn p1_apple_and_steam_that_are_not_configured_say_so_first() {
    let server = Server::start();
    for (kind, text) in [
        ("apple", "Apple authentication is not configured."),
        ("steam", "Steam authentication is not configured."),
    ] {
        for body in [json!({}), json!({"token": ""}), json!({"token": "x"})] {
            server.authenticate(kind, body).refused(400, 9, text);
        }
    }
    let player = server.custom("player-one");
    server.link(&player, "apple", json!({})).refused(
        400,
        9,
        "Apple authentication is not configured.",
    );
    server.link(&player, "steam", json!({})).refused(400, 3, "Steam access token is required.");
    let flat = server.link(&player, "steam", json!({"token": "aa"}));
    flat.refused(400, 3, "Steam access token is required.");
    let text = "Could not authenticate Apple profile.";
    server.unlink(&player, "apple", json!({"token": "x"})).refused(401, 16, text);
    server.unlink(&player, "apple", json!({})).done();
}

#[test]
fn w2_an_instant_game_without_a_secret_is_off() {
    let server = Server::start();
    let forged = FakeFacebookInstantGame::signed(&FakeFacebookInstantGame::info(server.now()), "");
    let answer = server.authenticate("facebookinstantgame", json!({"signed_player_info": forged}));
    answer.refused(400, 9, "Facebook Instant Game authentication is not configured.");
}

#[test]
fn nakama_5_3_what_is_missing_is_named_in_order() {
    let world = World::start();
    let server = &world.server;
    let player = server.custom("player-one");
    for (kind, text) in [
        ("apple", "Apple ID token is required."),
        ("facebook", "Facebook access token is required."),
        ("facebookinstantgame", "Signed Player Info for a Facebook Instant Game is required."),
        ("google", "Google access token is required."),
        ("steam", "Steam access token is required."),
    ] {
        server.authenticate(kind, json!({})).refused(400, 3, text);
        server.link(&player, kind, json!({})).refused(400, 3, text);
    }
    let mut body = json!({});
    for (field, value, text) in [
        ("bundle_id", json!("com.example.game"), "GameCenter bundle ID is required."),
        ("player_id", json!("T:_a"), "GameCenter player ID is required."),
        ("public_key_url", json!("https://a"), "GameCenter public key URL is required."),
        ("salt", json!("AAAA"), "GameCenter salt is required."),
        ("signature", json!("AAAA"), "GameCenter signature is required."),
        ("timestamp_seconds", json!("0"), "GameCenter timestamp is required."),
    ] {
        server.authenticate("gamecenter", body.clone()).refused(400, 3, text);
        server.link(&player, "gamecenter", body.clone()).refused(400, 3, text);
        // On unlink it is as good as not given.
        server.unlink(&player, "gamecenter", body.clone()).done();
        body[field] = value;
    }
    let text = "GameCenter timestamp is required.";
    server.authenticate("gamecenter", body).refused(400, 3, text);
}

#[test]
fn p2_p3_p8_p9_p10_p11_what_is_not_good_is_refused_in_the_words_of_its_kind() {
    let world = World::start();
    let server = &world.server;
    let player = server.custom("player-one");
    let now = server.now();
    let (apple, google) = (world.apple.issuer.signer(), world.google.issuer.signer());
    let old = now.timestamp() - 7200;
    let signed = |token: authcore_fake_idp::Token, signer| json!({"token": token.signed(signer)});
    let game_center = |field: &str, value: &str| {
        let mut body = world.good("gamecenter", 0);
        body[field] = value.into();
        body
    };
    let url = |url| game_center("public_key_url", url);
    for (kind, body) in [
        ("apple", signed(FakeApple::token(now).claim("iss", "https://evil.example"), &apple)),
        ("apple", signed(FakeApple::token(now).claim("aud", "com.evil.game"), &apple)),
        ("apple", signed(FakeApple::token(now).header("kid", "unknown"), &apple)),
        ("apple", signed(FakeApple::token(now).claim("exp", old), &apple)),
        ("apple", signed(FakeApple::token(now).without("sub"), &apple)),
        ("google", signed(FakeGoogle::token(now).without("exp"), &google)),
        ("google", signed(FakeGoogle::token(now).claim("exp", old), &google)),
        ("google", signed(FakeGoogle::token(now).claim("aud", json!(["a", "b"])), &google)),
        ("facebook", json!({"token": "EAAunknown"})),
        ("facebook", json!({"token": "eyJh.eyJz.c2ln"})),
        ("gamecenter", game_center("bundle_id", "com.evil.game")),
        ("gamecenter", game_center("player_id", "T:_mallory")),
        ("gamecenter", url("http://static.gc.apple.com/public-key/gc-test-1.cer")),
        ("gamecenter", url("https://files.apple.com/public-key/gc-test-1.cer")),
        ("gamecenter", url("https://static.gc.apple.com:8443/public-key/gc-test-1.cer")),
        ("steam", json!({"token": "ffff"})),
    ] {
        let text = format!("Could not authenticate {} profile.", name(kind));
        server.authenticate(kind, body.clone()).refused(401, 16, &text);
        server.link(&player, kind, to_link(kind, body.clone())).refused(401, 16, &text);
        server.unlink(&player, kind, body).refused(401, 16, &text);
    }
    let info = FakeFacebookInstantGame::info(now);
    let mut unsigned = info.clone();
    unsigned["algorithm"] = "none".into();
    for signed in [
        FakeFacebookInstantGame::signed(&info, "another secret"),
        FakeFacebookInstantGame::signed(&unsigned, FakeFacebookInstantGame::SECRET),
        "x".into(),
    ] {
        let body = json!({ "signed_player_info": signed });
        let text =
            "Error extracting the Facebook Instant Game player ID or validating the signature";
        server.authenticate("facebookinstantgame", body.clone()).refused(500, 15, text);
        let text = "Could not authenticate Facebook Instant Game profile.";
        server.link(&player, "facebookinstantgame", body.clone()).refused(401, 16, text);
        server.unlink(&player, "facebookinstantgame", body).refused(401, 16, text);
    }
}

#[test]
fn p8_a_signed_token_of_facebook_is_accepted_as_is_an_access_token_and_nothing_else() {
    let world = World::start();
    let server = &world.server;
    let signer = world.limited.issuer.signer();
    let limited = |token: authcore_fake_idp::Token| json!({"token": token.signed(&signer)});
    let token = || FakeFacebookLimited::token(server.now());
    let by_graph = server.authenticate("facebook", world.good("facebook", 1)).player();
    let by_token = server.authenticate("facebook", limited(token())).player();
    assert_eq!((by_token.id(), by_token.created), (by_graph.id(), false));
    let asked = world.fake.asked("/v22.0/debug_token");
    assert_eq!((asked, world.fake.asked(FakeFacebookLimited::KEYS)), (1, 1));
    let player = server.custom("player-one");
    server.link(&player, "facebook", limited(token().claim("sub", "78"))).done();
    assert_eq!(server.account(&player).ok()["user"]["facebook_id"], "78");
    server.unlink(&player, "facebook", limited(token().claim("sub", "78"))).done();
    let text = "Could not authenticate Facebook profile.";
    for bad in [
        limited(token().claim("aud", "4321")),
        limited(token().claim("iss", "https://facebook.com.evil.example")),
        json!({"token": token().signed(&signer.stranger())}),
        json!({"token": token().unsigned(&signer)[1]}),
        json!({"token": "eyJh.eyJz.c2ln"}),
        json!({"token": "EAAunknown"}),
    ] {
        server.authenticate("facebook", bad).refused(401, 16, text);
    }
    // What is no good signed token is not tried as an access token.
    assert_eq!(world.fake.asked("/v22.0/debug_token"), 2);
}

#[test]
fn differs_5_3_a_provider_that_is_down_is_told_with_when_to_come_again() {
    let world = World::start();
    let server = &world.server;
    let player = server.custom("player-one");
    for (path, kind) in [
        (FakeApple::KEYS, "apple"),
        (FakeGoogle::KEYS, "google"),
        (FakeSteam::AUTHENTICATE, "steam"),
    ] {
        world.fake.inject(path, Fault::RetryAfter(503, "7"));
        let text = format!("{} authentication is not available.", name(kind));
        for answer in [
            server.authenticate(kind, world.good(kind, 1)),
            server.link(&player, kind, to_link(kind, world.good(kind, 2))),
            server.unlink(&player, kind, world.good(kind, 3)),
        ] {
            answer.refused(503, 14, &text);
            let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((1..=7).contains(&wait), "{wait}");
        }
    }
    // The others go on.
    server.authenticate("facebook", world.good("facebook", 1)).ok();
    server.authenticate("gamecenter", world.good("gamecenter", 1)).ok();
}

#[test]
fn p4_p5_a_code_of_play_games_brings_the_profile_and_the_account_of_before() {
    let world = World::with_play_games();
    let server = &world.server;
    let game = FakeGooglePlayGames::APPLICATION;
    let code = |code: &str, id: &str, original: Option<&str>| json!({"token": world.play_games.code(code, game, FakeGooglePlayGames::player(id, original))});
    let before = server.authenticate("google", code("4/1", "g1", None)).player();
    let user = server.account(&before).ok()["user"].clone();
    assert_eq!((&user["google_id"], &user["display_name"]), (&json!("g1"), &json!("Pia")));
    let after = server.authenticate("google", code("4/2", "a_1", Some("g1"))).player();
    assert_eq!(after.id(), before.id());
    assert_eq!(server.account(&after).ok()["user"]["google_id"], "a_1");
    let text = "Could not authenticate Google profile.";
    server.authenticate("google", json!({"token": "4/2"})).refused(401, 16, text);
}

#[test]
fn p6_a_later_login_fills_what_is_empty_and_no_more() {
    let world = World::with_play_games();
    let server = &world.server;
    let code = |code: &str, name: Value| {
        let mut told = FakeGooglePlayGames::player("a_1", None);
        told["displayName"] = name;
        json!({"token": world.play_games.code(code, FakeGooglePlayGames::APPLICATION, told)})
    };
    let shown = |player| server.account(player).ok()["user"]["display_name"].clone();
    let player = server.authenticate("google", code("4/1", Value::Null)).player();
    assert_eq!(shown(&player), Value::Null);
    let player = server.authenticate("google", code("4/2", json!("Pia"))).player();
    assert_eq!(shown(&player), "Pia");
    let player = server.authenticate("google", code("4/3", json!("Another"))).player();
    assert_eq!(shown(&player), "Pia");
}

#[test]
fn p7_no_email_address_of_a_provider_is_taken() {
    let world = World::start();
    let server = &world.server;
    let owner = server.email("a@example.com", "correct horse");
    for kind in ["google", "facebook", "apple"] {
        let player = server.authenticate(kind, world.good(kind, 0)).player();
        assert_ne!(player.id(), owner.id());
        assert_eq!(server.account(&player).ok().get("email"), None, "{kind}");
    }
}

#[test]
fn nakama_5_the_server_key_and_the_username_are_looked_at_before_the_provider() {
    let world = World::start();
    let body = world.good("steam", 1);
    world.server.post("/v2/account/authenticate/steam", NOBODY, body.clone()).refused(
        401,
        16,
        "Server key required",
    );
    let text = "Username invalid, no spaces or control characters allowed.";
    world.server.authenticate("steam?username=a%0Ab", body).refused(400, 3, text);
    assert!(world.fake.journal().is_empty());
}
