//! Tokens of Xbox for our own relying party, against a server that plays Xbox (providers.md 3.9).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{
    Encryption, FakeIdp, FakeOidc, FakeXbox, Host, Outcome, Signer, Token, World, encrypted,
    encrypted_with,
};
use authcore_verifiers::{ConfigError, Outbound, Reason, Xbox, XboxConfig, XboxKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn key(encryption: &Encryption) -> XboxKey {
    let private_key = encryption.private_key.as_str().into();
    XboxKey { certificate: encryption.certificate.clone(), private_key }
}

fn config(xbox: &FakeXbox) -> XboxConfig {
    let parties = vec![FakeXbox::RELYING_PARTY.into()];
    XboxConfig::new(parties, vec![key(xbox.encryption())])
}

struct UnderTest(FakeXbox);

impl Provider for UnderTest {
    type Verifier = Xbox;

    const ROW: Row = Row {
        // Without a subject there is no user of that hash with an id.
        missing_subject: Expected::Rejected(Reason::SubjectMissing),
        // Packed it is short enough, and unpacked no further than a token may be long.
        oversized: Expected::Rejected(Reason::Malformed),
        ..Row::id_token(FakeXbox::SUBJECT)
    };

    fn hosts(&self) -> Vec<Host> {
        self.0.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<Xbox, ConfigError> {
        let mut config = config(&self.0);
        config.reject_reuse = true;
        Xbox::new(config, outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<Xbox, ConfigError>)> {
        let with = |change: fn(&mut XboxConfig)| {
            let mut config = config(&self.0);
            change(&mut config);
            Xbox::new(config, outbound)
        };
        let with_key = |change: fn(&mut XboxKey)| {
            let mut config = config(&self.0);
            config.keys.iter_mut().for_each(change);
            Xbox::new(config, outbound)
        };
        vec![
            ("relying_parties", with(|config| config.relying_parties.clear())),
            ("keys", with(|config| config.keys.clear())),
            ("keys", with_key(|key| key.certificate = "x".into())),
            ("keys", with_key(|key| key.private_key = "x".into())),
            ("keys", with(|config| config.keys.extend_from_within(..))),
            ("keys", with_key(|key| key.private_key = Encryption::new().private_key.into())),
            ("keys_url", with(|config| config.keys_url = "http://xsts.example/keys".into())),
            ("issuers", with(|config| config.issuers.clear())),
            ("title_ids", with(|config| config.title_ids = vec![String::new()])),
            ("sandboxes", with(|config| config.sandboxes.push(String::new()))),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let mut token = FakeXbox::token(now);
        if case == Case::MissingSubject {
            token = token.claim("xui", json!([{"uhs": FakeXbox::HASH}]));
        }
        self.0.presented(&table::id_token(case, token, &self.0.issuer.signer(), now))
    }
}

#[tokio::test]
async fn xbox_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeXbox::new())).await;
}

struct Play {
    fake: FakeIdp,
    xbox: FakeXbox,
    world: World,
}

impl Play {
    async fn start(change: impl FnOnce(&mut XboxConfig)) -> Self {
        let (xbox, attacker) = (FakeXbox::new(), FakeOidc::new());
        let fake = FakeIdp::start([xbox.hosts(), attacker.hosts()].concat()).await;
        let mut config = config(&xbox);
        change(&mut config);
        let world = World::new(Xbox::new(config, &fake.outbound()).unwrap()).await;
        Self { fake, xbox, world }
    }

    fn token(&self) -> Token {
        FakeXbox::token(self.world.now())
    }

    fn signed(&self, token: Token) -> String {
        token.signed(&self.xbox.issuer.signer())
    }

    /// Logs in with this token, signed by Xbox.
    async fn login(&self, token: Token) -> Outcome {
        self.world.login(&self.xbox.presented(&self.signed(token))).await
    }
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeXbox::SUBJECT.into())
}

/// The header, the claims and the way it is packed and encrypted are those of the example that Microsoft publishes.
#[tokio::test]
async fn a_token_of_the_published_form_logs_in() {
    let play = Play::start(|config| config.title_ids = vec![FakeXbox::TITLE.into()]).await;
    let presented = play.xbox.presented(&play.signed(play.token()));
    let (_, token) = presented.split_once(';').unwrap();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let of_header = |name: &str| header[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        ["alg", "enc", "zip", "cty"].map(of_header),
        ["RSA-OAEP", "A128CBC-HS256", "DEF", "JWT"]
    );
    let signed = play.signed(play.token());
    let parts: Vec<_> = signed.split('.').collect();
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (read(parts[0]), read(parts[1]));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("PS256"), &json!("JWT")));
    assert!(header["jku"].is_string() && header["kid"].is_string());
    assert!(claims["nbf"].is_i64() && claims.get("iat").is_none() && claims.get("sub").is_none());

    assert_eq!(play.world.login(&presented).await, accepted());
    let asked = &play.fake.journal()[0];
    assert_eq!(
        (asked.host.as_str(), asked.path.as_str()),
        ("xsts-keys.auth.xboxlive.com", "/keys")
    );
}

#[tokio::test]
async fn the_partner_id_is_the_subject_and_the_xuid_where_there_is_none() {
    let play = Play::start(|_| {}).await;
    assert_eq!(play.login(play.token()).await, accepted());
    let key = play.world.account().identities[0].key.clone();
    assert_eq!((key.tenant(), key.subject()), ("partner", FakeXbox::SUBJECT));
    assert_eq!(&*play.world.account().profile.display_name, "Major");

    for user in [
        json!([{"uhs": FakeXbox::HASH, "xid": "2533270000000001"}]),
        json!([{"uhs": FakeXbox::HASH, "xid": "2533270000000001", "ptx": null}]),
    ] {
        let outcome = play.login(play.token().claim("xui", user)).await;
        assert_eq!(outcome, Outcome::Accepted("2533270000000001".into()));
        assert_eq!(play.world.account().identities[0].key.tenant(), "xuid");
    }
    // One of the wrong type is not one that is missing (providers.md J7).
    for id in [json!(7), json!(true), json!(["a"]), json!({})] {
        for (name, other) in [("ptx", "xid"), ("xid", "ptx")] {
            let mut user = json!([{"uhs": FakeXbox::HASH, other: "2533270000000001"}]);
            user[0][name] = id.clone();
            let outcome = play.login(play.token().claim("xui", user)).await;
            assert_eq!(outcome, rejected("malformed"), "{name} {id}");
        }
    }
}

#[tokio::test]
async fn each_way_to_encrypt_that_is_allowed_is_read_and_no_other() {
    let play = Play::start(|_| {}).await;
    let (ours, signed) = (play.xbox.encryption(), play.signed(play.token()));
    let present = |token: String| format!("XBL3.0 x={};{token}", FakeXbox::HASH);
    for alg in ["RSA-OAEP", "RSA-OAEP-256"] {
        for enc in ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"] {
            let token = encrypted(ours, alg, enc, &signed);
            assert_eq!(play.world.login(&present(token)).await, accepted(), "{alg} {enc}");
        }
    }
    let before = play.fake.connections();
    for (alg, enc) in [
        ("RSA1_5", "A128CBC-HS256"),
        ("dir", "A128GCM"),
        ("A128KW", "A128GCM"),
        ("RSA-OAEP", "A128CBC+HS256"),
        ("RSA-OAEP", "none"),
        ("none", "none"),
    ] {
        let token = encrypted(ours, alg, enc, &signed);
        let outcome = play.world.login(&present(token)).await;
        assert_eq!(outcome, rejected("alg_not_allowed"), "{alg} {enc}");
    }
    let mut header = ours.header("RSA-OAEP", "A128GCM");
    header["x5t"] = "AAAA".into();
    let token = encrypted_with(ours, &header, signed.as_bytes());
    assert_eq!(play.world.login(&present(token)).await, rejected("unknown_key"));
    assert_eq!(play.fake.connections(), before);
}

#[tokio::test]
async fn security_53_what_is_packed_in_another_way_is_not_read() {
    let play = Play::start(|_| {}).await;
    let (ours, signed) = (play.xbox.encryption(), play.signed(play.token()));
    let login = async |change: &dyn Fn(&mut Value), content: &[u8]| {
        let mut header = ours.header("RSA-OAEP", "A128CBC-HS256");
        change(&mut header);
        let token = encrypted_with(ours, &header, content);
        play.world.login(&format!("XBL3.0 x={};{token}", FakeXbox::HASH)).await
    };
    let bare = |header: &mut Value| drop(header.as_object_mut().unwrap().remove("zip"));
    assert_eq!(login(&bare, signed.as_bytes()).await, accepted());
    assert_eq!(login(&|_| {}, signed.as_bytes()).await, rejected("malformed"));
    assert_eq!(login(&bare, b"\xff").await, rejected("malformed"));
    for zip in [json!("def"), json!("GZIP"), json!(""), json!(null), json!(["DEF"])] {
        let other = |header: &mut Value| header["zip"] = zip.clone();
        assert_eq!(login(&other, signed.as_bytes()).await, rejected("malformed"), "{zip}");
    }
    for name in ["crit", "b64"] {
        let outcome = login(&|header| header[name] = json!(["zip"]), signed.as_bytes()).await;
        assert_eq!(outcome, rejected("malformed"), "{name}");
    }
    // The packed token is short; a megabyte of it is not made.
    let long = format!("{signed}{}", "A".repeat(1024 * 1024));
    let bomb = play.xbox.presented(&long);
    assert!(bomb.len() < 16_384);
    assert_eq!(play.world.login(&bomb).await, rejected("malformed"));
}

#[tokio::test]
async fn what_is_inside_must_be_signed_by_microsoft() {
    let play = Play::start(|_| {}).await;
    let (token, signer) = (|| play.token(), play.xbox.issuer.signer());
    for (inner, why) in [
        // Whoever knows our certificate can encrypt to it.
        (token().unsigned(&signer)[0].clone(), "malformed"),
        (token().unsigned(&signer)[1].clone(), "alg_not_allowed"),
        (token().hmac_with_public_key(&signer), "alg_not_allowed"),
        (token().header("alg", "ES256").signed(&signer), "alg_not_allowed"),
        // Its key is for PS256, and says so.
        (token().header("alg", "RS256").signed(&signer), "alg_not_allowed"),
        (token().signed(&signer.stranger()), "bad_signature"),
        (token().header("typ", "at+jwt").signed(&signer), "wrong_type"),
        ("{}".into(), "malformed"),
        (String::new(), "malformed"),
    ] {
        let outcome = play.world.login(&play.xbox.presented(&inner)).await;
        assert_eq!(outcome, rejected(why), "{inner}");
    }
    // One that is signed and not encrypted is none.
    let bare = format!("XBL3.0 x={};{}", FakeXbox::HASH, token().signed(&signer));
    assert_eq!(play.world.login(&bare).await, rejected("malformed"));
    assert_eq!(play.login(token()).await, accepted());

    let play = Play::start(|_| {}).await;
    play.xbox.issuer.rotate(Signer::rs256("r1"));
    assert_eq!(play.login(play.token()).await, accepted());
    play.xbox.issuer.rotate(Signer::es256("e1"));
    assert_eq!(play.login(play.token()).await, rejected("alg_not_allowed"));
}

#[tokio::test]
async fn a_token_that_was_changed_is_not_read() {
    let play = Play::start(|_| {}).await;
    let good = play.xbox.presented(&play.signed(play.token()));
    let (head, token) = good.split_once(';').unwrap();
    let parts: Vec<_> = token.split('.').collect();
    for at in 1..5 {
        let mut changed: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
        let first = if changed[at].starts_with('A') { "B" } else { "A" };
        changed[at].replace_range(..1, first);
        let changed = format!("{head};{}", changed.join("."));
        assert_eq!(play.world.login(&changed).await, rejected("bad_signature"), "{at}");
    }
    // It may be that of another certificate of ours; to one that is nobody's, an operator must look.
    let other = Encryption::new();
    let foreign = encrypted(&other, "RSA-OAEP", "A128GCM", &play.signed(play.token()));
    // But anybody can make one up: it is told once a minute.
    for minute in 0..2 {
        play.world.clock().advance(TimeDelta::seconds(60 * minute));
        assert_eq!(play.world.login(&format!("{head};{foreign}")).await, Outcome::Faulty);
        for _ in 0..3 {
            let outcome = play.world.login(&format!("{head};{foreign}")).await;
            assert_eq!(outcome, rejected("unknown_key"));
        }
    }
    assert_eq!(play.fake.connections(), 0);

    let play = Play::start(|config| config.keys.push(key(&other))).await;
    let second = encrypted(&other, "RSA-OAEP", "A128GCM", &play.signed(play.token()));
    assert_eq!(play.world.login(&format!("{head};{second}")).await, accepted());
}

#[tokio::test]
async fn j4_a_key_comes_from_the_configured_place_whatever_a_token_says() {
    let play = Play::start(|_| {}).await;
    let attacker = Signer::ps256("attacker");
    let jku = format!("{}{}", FakeOidc::ISSUER, FakeOidc::KEYS);
    let forged = play.token().header("jku", jku.clone()).signed(&attacker);
    assert_eq!(play.world.login(&play.xbox.presented(&forged)).await, rejected("unknown_key"));
    let jwk = play.token().header("jwk", attacker.jwk()).signed(&attacker);
    assert_eq!(play.world.login(&play.xbox.presented(&jwk)).await, rejected("unknown_key"));
    let x5u = play.token().header("x5u", jku.clone()).header("x5t", "AAAA").signed(&attacker);
    assert_eq!(play.world.login(&play.xbox.presented(&x5u)).await, rejected("unknown_key"));
    // The address counts for nothing, so neither does another one or none of Microsoft's own tokens.
    assert_eq!(play.login(play.token().header("jku", jku)).await, accepted());
    assert_eq!(play.login(play.token().header("jku", 7)).await, accepted());
    assert!(play.fake.journal().iter().all(|asked| asked.path == FakeXbox::KEYS));
    assert_eq!(play.fake.asked(FakeXbox::KEYS), 1);
}

#[tokio::test]
async fn x11_a_new_key_is_fetched_and_an_old_one_ends_with_its_set() {
    let play = Play::start(|_| {}).await;
    for _ in 0..3 {
        assert_eq!(play.login(play.token()).await, accepted());
    }
    assert_eq!(play.fake.asked(FakeXbox::KEYS), 1);
    let old = play.xbox.issuer.signer();
    play.xbox.issuer.rotate(Signer::ps256("new"));
    play.xbox.issuer.retire();
    assert_eq!(play.login(play.token()).await, accepted());
    assert_eq!(play.fake.asked(FakeXbox::KEYS), 2);
    let late = play.xbox.presented(&play.token().signed(&old));
    assert_eq!(play.world.login(&late).await, rejected("unknown_key"));
}

#[tokio::test]
async fn j8_its_age_counts_from_nbf_and_an_iat_is_looked_at_where_there_is_one() {
    let play = Play::start(|_| {}).await;
    let at = |seconds: i64| play.world.now().timestamp() + seconds;
    let (day, token) =
        (24 * 3600, |nbf: i64| play.token().claim("nbf", at(nbf)).claim("exp", at(60)));
    assert_eq!(play.login(token(-day - 30)).await, accepted());
    assert_eq!(play.login(token(-day - 31)).await, rejected("too_old"));
    assert_eq!(play.login(token(30)).await, accepted());
    assert_eq!(play.login(token(31)).await, rejected("not_yet_valid"));
    assert_eq!(play.login(token(0).claim("exp", at(-30))).await, Outcome::Expired);
    assert_eq!(play.login(token(0).claim("iat", at(31))).await, rejected("not_yet_valid"));
    for bad in [
        token(0).without("nbf"),
        token(0).without("nbf").claim("iat", at(0)),
        token(0).claim("nbf", at(0).to_string()),
        token(0).claim("iat", "soon"),
        token(0).without("exp"),
    ] {
        assert_eq!(play.login(bad).await, rejected("malformed"));
    }
}

#[tokio::test]
async fn of_those_who_are_signed_in_the_one_of_the_hash_logs_in() {
    let play = Play::start(|_| {}).await;
    let users = json!([FakeXbox::user("777", "other"), FakeXbox::user(FakeXbox::HASH, "ours")]);
    let presented = play.xbox.presented(&play.signed(play.token().claim("xui", users)));
    assert_eq!(play.world.login(&presented).await, Outcome::Accepted("ours".into()));
    let with = |hash: &str| presented.replace(FakeXbox::HASH, hash);
    assert_eq!(play.world.login(&with("777")).await, Outcome::Accepted("other".into()));
    assert_eq!(play.world.login(&with("888")).await, rejected("subject_mismatch"));
    for nobody in ["*", "-", ""] {
        let outcome = play.world.login(&with(nobody)).await;
        assert_eq!(outcome, rejected("subject_missing"), "{nobody:?}");
    }
    for users in [
        json!([]),
        json!({}),
        json!("777"),
        json!(null),
        // Twice: who is meant?
        json!([FakeXbox::user(FakeXbox::HASH, "a"), FakeXbox::user(FakeXbox::HASH, "b")]),
    ] {
        let outcome = play.login(play.token().claim("xui", users.clone())).await;
        assert_eq!(outcome, rejected("subject_mismatch"), "{users}");
    }
}

#[tokio::test]
async fn security_111_the_age_group_reaches_the_host() {
    let play = Play::start(|_| {}).await;
    for (group, flags) in [
        (json!("Child"), &["child"][..]),
        (json!("Teen"), &["teen"]),
        (json!("Adult"), &["adult"]),
        (json!("Unknown"), &[]),
        (json!(null), &[]),
    ] {
        let mut user = FakeXbox::user(FakeXbox::HASH, FakeXbox::SUBJECT);
        user["agg"] = group;
        assert_eq!(play.login(play.token().claim("xui", json!([user]))).await, accepted());
        assert_eq!(play.world.player().flags, flags);
    }
}

#[tokio::test]
async fn a_token_for_xbox_itself_or_another_title_or_sandbox_is_not_ours() {
    let play = Play::start(|config| config.title_ids = vec![FakeXbox::TITLE.into()]).await;
    let forwarded = play.token().claim("aud", "http://xboxlive.com");
    assert_eq!(play.login(forwarded).await, rejected("wrong_audience"));
    for title in [json!({"tid": "54321"}), json!({"tid": 1_234_567_890}), json!({}), json!(null)] {
        let other = play.token().claim("xti", title.clone());
        assert_eq!(play.login(other).await, rejected("wrong_app"), "{title}");
    }
    // In the place where it does not count.
    let elsewhere = play.token().without("xti").claim("tid", FakeXbox::TITLE);
    assert_eq!(play.login(elsewhere).await, rejected("wrong_app"));
    let in_sandbox = |name: Value| play.token().claim("sbx", name);
    for sandbox in [json!("XDKS.1"), json!("retail"), json!(""), json!(null)] {
        let outcome = play.login(in_sandbox(sandbox.clone())).await;
        assert_eq!(outcome, rejected("wrong_app"), "{sandbox}");
    }
    assert_eq!(play.login(play.token().without("sbx")).await, rejected("wrong_app"));
    assert_eq!(play.login(play.token()).await, accepted());

    let play = Play::start(|config| config.sandboxes = vec!["ABCD.0".into()]).await;
    assert_eq!(play.login(play.token().claim("sbx", "ABCD.0")).await, accepted());
    assert_eq!(play.login(play.token()).await, rejected("wrong_app"));
    let play = Play::start(|config| config.sandboxes.clear()).await;
    assert_eq!(play.login(play.token().without("sbx").without("xti")).await, accepted());
}
