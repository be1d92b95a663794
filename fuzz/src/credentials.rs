//! Credentials that are no compact token.

use authcore_fake_idp::{FakeFacebookInstantGame as FakeInstant, FakeGameCenter, FakeTwitter};
use authcore_verifiers::{
    FacebookInstantGame, FacebookInstantGameConfig, GameCenter, GameCenterConfig, Twitter,
    TwitterConfig,
};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::Target;
use crate::oracle::{is_single_valued, lax};
use crate::stage::{Entered, Stage};

/// The first moment of 2026, when a stage plays.
const NOW: i64 = 1_767_225_600;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

thread_local! {
    static INSTANT: Stage = Stage::new(Vec::new(), |_| {
        FacebookInstantGame::new(FacebookInstantGameConfig::new(FakeInstant::SECRET.into()))
    });
}

/// First as the credential itself, then as the info that Facebook signs. What is accepted has the tag of our secret, and
/// says who it is of and when.
pub(crate) const INSTANT_GAME: Target = Target {
    name: "instant_game",
    seeds: || {
        let info = FakeInstant::info(now());
        let mut other = info.clone();
        other["algorithm"] = "none".into();
        vec![
            info.to_string().into_bytes(),
            FakeInstant::signed(&info, FakeInstant::SECRET).into_bytes(),
            FakeInstant::signed(&info, "").into_bytes(),
            other.to_string().into_bytes(),
        ]
    },
    run: |data| {
        let text = std::str::from_utf8(data).unwrap_or_default();
        if INSTANT.with(|stage| stage.login(text)).is_some() {
            let token = match lax_object(data) {
                Some(credential) => credential["token"].as_str().unwrap().to_owned(),
                None => text.to_owned(),
            };
            let (tag, info) = token.split_once('.').unwrap();
            assert_eq!(tag, FakeInstant::tag(info.as_bytes(), FakeInstant::SECRET), "forged");
        }
        let info = URL_SAFE_NO_PAD.encode(data);
        let tag = FakeInstant::tag(info.as_bytes(), FakeInstant::SECRET);
        let Some(Entered { subject }) = INSTANT.with(|stage| stage.login(&format!("{tag}.{info}")))
        else {
            return false;
        };
        let info = lax(data);
        assert!(is_single_valued(data, &info), "a member twice");
        assert_eq!(info["algorithm"], "HMAC-SHA256");
        let issued = info["issued_at"].as_i64().unwrap();
        assert!(issued > NOW - 600 && issued <= NOW + 60);
        assert!(subject.is_none_or(|subject| info["player_id"] == subject.as_str()));
        true
    },
};

fn lax_object(data: &[u8]) -> Option<Value> {
    serde_json::from_slice(data).ok().filter(Value::is_object)
}

thread_local! {
    static GAME_CENTER_STAGE: (Stage, FakeGameCenter) = {
        let apple = FakeGameCenter::new();
        let (bundle, issuer) = (FakeGameCenter::BUNDLE.into(), apple.issuer().into());
        let config = GameCenterConfig::new(vec![bundle], vec![issuer]);
        (Stage::new(apple.hosts(), |outbound| GameCenter::new(config, outbound)), apple)
    };
}

/// First as it is, then signed by Apple, whatever it says. What is accepted has Apple's signature over what it says of now and
/// our bundle, with a certificate of the one place.
pub(crate) const GAME_CENTER: Target = Target {
    name: "game_center",
    seeds: || {
        // Without a signature, which is never the same: each run puts its own there.
        let mut player = json!({"player_id": FakeGameCenter::PLAYER, "salt": "BwcHBw==",
            "bundle_id": FakeGameCenter::BUNDLE, "public_key_url": FakeGameCenter::URL,
            "timestamp": NOW * 1000, "signature": "AAAA"});
        let mut all = vec![player.to_string().into_bytes()];
        for (name, value) in [
            ("bundle_id", Value::Null),
            ("bundle_id", "com.evil.game".into()),
            ("public_key_url", "https://static.gc.apple.com@evil.example/a.cer".into()),
            ("timestamp", NOW.into()),
        ] {
            let kept = player[name].take();
            player[name] = value;
            all.push(player.to_string().into_bytes());
            player[name] = kept;
        }
        all
    },
    run: |data| {
        GAME_CENTER_STAGE.with(|(stage, apple)| {
            let as_it_is = std::str::from_utf8(data).unwrap_or_default();
            if stage.login(as_it_is).is_some() {
                assert_eq!(lax(data)["signature"], apple.sign(&message(&lax(data)).unwrap()));
            }
            let Some(mut player) = lax_object(data) else { return false };
            let Some(message) = message(&player) else { return false };
            player["signature"] = apple.sign(&message).into();
            let Some(Entered { subject }) = stage.login(&player.to_string()) else { return false };
            let id = player["player_id"].as_str().unwrap();
            assert!(subject.is_none_or(|subject| subject == id));
            assert!(["T:", "A:", "G:"].iter().any(|prefix| id.starts_with(prefix)));
            assert!(id[2..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            let bundle = &player["bundle_id"];
            assert!(bundle.is_null() || bundle == FakeGameCenter::BUNDLE);
            let url = player["public_key_url"].as_str().unwrap();
            assert!(url.starts_with("https://static.gc.apple.com/public-key/"), "{url}");
            let at = player["timestamp"].as_i64().unwrap();
            assert!(at > (NOW - 300) * 1000 && at <= (NOW + 60) * 1000);
            true
        })
    },
};

/// What Game Center signs for our bundle.
fn message(player: &Value) -> Option<Vec<u8>> {
    let time = player["timestamp"].as_u64()?.to_be_bytes();
    let salt = STANDARD.decode(player["salt"].as_str()?).ok()?;
    let id = player["player_id"].as_str()?.as_bytes();
    Some([id, FakeGameCenter::BUNDLE.as_bytes(), &time, &salt].concat())
}

thread_local! {
    static X: Stage = Stage::new(FakeTwitter::new().hosts(), |outbound| {
        let (key, secret) = FakeTwitter::CONSUMER;
        Twitter::new(TwitterConfig::oauth1(key, secret.into()), outbound)
    });
}

/// The token, a line, and its secret; or the whole credential. What is sent to X is one header without secrets, with the
/// signature that a second implementation comes to.
pub(crate) const OAUTH1: Target = Target {
    name: "oauth1",
    seeds: || {
        let secret = FakeTwitter::TOKEN_SECRET;
        vec![
            format!("good\n{secret}").into_bytes(),
            format!("a/b+%\n{secret}").into_bytes(),
            b"&=%26 \"\n*'()!".to_vec(),
            json!({"oauth_token": "good", "oauth_token_secret": secret}).to_string().into_bytes(),
            br#"{"code":"good"}"#.to_vec(),
        ]
    },
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else { return false };
        let credential = match text.split_once('\n') {
            Some((token, secret)) => {
                json!({"oauth_token": token, "oauth_token_secret": secret}).to_string()
            }
            None => text.to_owned(),
        };
        X.with(|stage| {
            let accepted = stage.login(&credential).is_some();
            for asked in stage.fake.journal() {
                let presented = lax_object(credential.as_bytes()).unwrap();
                let part = |name: &str| presented[name].as_str().unwrap().to_owned();
                let (token, secret) = (part("oauth_token"), part("oauth_token_secret"));
                check_oauth1(asked.header("authorization"), &asked.query, &token, &secret);
                assert!(asked.body.is_empty());
            }
            accepted
        })
    },
};

/// RFC 5849 3.4, written a second time.
fn check_oauth1(header: &str, query: &str, token: &str, secret: &str) {
    let mut pairs: Vec<(String, String)> = header
        .strip_prefix("OAuth ")
        .unwrap()
        .split(", ")
        .map(|part| part.split_once("=\"").unwrap())
        .map(|(name, value)| (name.into(), value.strip_suffix('"').unwrap().into()))
        .collect();
    let at = pairs.iter().position(|(name, _)| name == "oauth_signature").unwrap();
    let (_, signature) = pairs.remove(at);
    let told = pairs.iter().find(|(name, _)| name == "oauth_token").unwrap();
    assert_eq!(told.1, percent(token));
    // What is in the query is plain, and the same encoded.
    pairs.extend(query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    }));
    pairs.sort();
    let joined: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let url = format!("https://api.twitter.com{}", FakeTwitter::CREDENTIALS);
    let base = ["GET", &percent(&url), &percent(&joined.join("&"))].join("&");
    let key = [percent(FakeTwitter::CONSUMER.1), percent(secret)].join("&");
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let expected = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
    assert_eq!(signature, percent(&expected), "another signature");
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
