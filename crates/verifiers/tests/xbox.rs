//! Tokens of Xbox for our own relying party, against a server that plays Xbox (providers.md 3.9).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{
    Encryption, FakeIdp, FakeOidc, FakeXbox, Fault, Host, Outcome, World, encrypted, encrypted_with,
};
use authcore_verifiers::{ConfigError, Outbound, Reason, Xbox, XboxConfig, XboxKey};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

fn key(encryption: &Encryption) -> XboxKey {
    let private_key = encryption.private_key.as_str().into();
    XboxKey { certificate: encryption.certificate.clone(), private_key }
}

fn config(xbox: &FakeXbox) -> XboxConfig {
    let parties = vec![FakeXbox::RELYING_PARTY.into()];
    XboxConfig::new(parties, vec![key(xbox.encryption())], vec![xbox.issuer().into()])
}

struct UnderTest(FakeXbox);

impl Provider for UnderTest {
    type Verifier = Xbox;

    const ROW: Row = Row {
        // Without a subject there is no user of that hash with an id.
        missing_subject: Expected::Rejected(Reason::SubjectMissing),
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
            ("signer_issuers", with(|config| config.signer_issuers.clear())),
            ("signer_issuers", with(|config| config.signer_issuers = vec!["x".into()])),
            ("signer_organization", with(|config| config.signer_organization.clear())),
            ("signer_hosts", with(|config| config.signer_hosts.clear())),
            ("issuers", with(|config| config.issuers.clear())),
            ("title_ids", with(|config| config.title_ids = vec![String::new()])),
            ("users_claim", with(|config| config.claims.users.clear())),
            ("hash_claim", with(|config| config.claims.hash.clear())),
            ("partner_id_claim", with(|config| config.claims.partner_id.clear())),
            ("xuid_claim", with(|config| config.claims.xuid.clear())),
            ("gamertag_claim", with(|config| config.claims.gamertag.clear())),
            ("age_group_claim", with(|config| config.claims.age_group.clear())),
            ("title_claim", with(|config| config.claims.title.clear())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let mut token = self.0.token(now);
        if case == Case::MissingSubject {
            token = token.claim("xui", json!([{"uhs": FakeXbox::HASH}]));
        }
        self.0.presented(&table::id_token(case, token, &self.0.signer, now))
    }
}

#[tokio::test]
async fn xbox_is_held_to_every_case_of_the_table() {
    table::check(&UnderTest(FakeXbox::new())).await;
}

async fn start(change: impl FnOnce(&mut XboxConfig)) -> (FakeIdp, FakeXbox, World) {
    let (xbox, attacker) = (FakeXbox::new(), FakeOidc::new());
    let fake = FakeIdp::start([xbox.hosts(), attacker.hosts()].concat()).await;
    let mut config = config(&xbox);
    change(&mut config);
    let world = World::new(Xbox::new(config, &fake.outbound()).unwrap()).await;
    (fake, xbox, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeXbox::SUBJECT.into())
}

#[tokio::test]
async fn the_partner_id_is_the_subject_and_the_xuid_where_there_is_none() {
    let (_fake, xbox, world) = start(|_| {}).await;
    assert_eq!(
        world.login(&xbox.presented(&xbox.token(world.now()).signed(&xbox.signer))).await,
        accepted()
    );
    let key = world.account().identities[0].key.clone();
    assert_eq!((key.tenant(), key.subject()), ("partner", FakeXbox::SUBJECT));
    assert_eq!(&*world.account().profile.display_name, "Major");

    let without = json!([{"uhs": FakeXbox::HASH, "xid": "2533270000000001"}]);
    let token = xbox.token(world.now()).claim("xui", without).signed(&xbox.signer);
    let outcome = world.login(&xbox.presented(&token)).await;
    assert_eq!(outcome, Outcome::Accepted("2533270000000001".into()));
    assert_eq!(world.account().identities[0].key.tenant(), "xuid");
}

#[tokio::test]
async fn each_way_to_encrypt_that_is_allowed_is_read_and_no_other() {
    let (fake, xbox, world) = start(|_| {}).await;
    let signed = xbox.token(world.now()).signed(&xbox.signer);
    let present = |token: String| format!("XBL3.0 x={};{token}", FakeXbox::HASH);
    for alg in ["RSA-OAEP", "RSA-OAEP-256"] {
        for enc in ["A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"] {
            let token = encrypted(xbox.encryption(), alg, enc, &signed);
            assert_eq!(world.login(&present(token)).await, accepted(), "{alg} {enc}");
        }
    }
    let before = fake.connections();
    for (alg, enc) in [
        ("RSA1_5", "A128CBC-HS256"),
        ("dir", "A128GCM"),
        ("A128KW", "A128GCM"),
        ("RSA-OAEP", "A128CBC+HS256"),
        ("RSA-OAEP", "none"),
        ("none", "none"),
    ] {
        let token = encrypted(xbox.encryption(), alg, enc, &signed);
        assert_eq!(world.login(&present(token)).await, rejected("alg_not_allowed"), "{alg} {enc}");
    }
    let thumbprint = |it: &str| json!({"alg": "RSA-OAEP", "enc": "A128GCM", "x5t": it});
    let header = thumbprint("AAAA");
    let token = encrypted_with(xbox.encryption(), &header, &signed);
    assert_eq!(world.login(&present(token)).await, rejected("unknown_key"));
    for member in ["zip", "crit"] {
        let mut header = thumbprint(&"A".repeat(27));
        header[member] = "DEF".into();
        let token = encrypted_with(xbox.encryption(), &header, &signed);
        assert_eq!(world.login(&present(token)).await, rejected("malformed"), "{member}");
    }
    assert_eq!(fake.connections(), before);
}

#[tokio::test]
async fn what_is_inside_must_be_signed_by_microsoft() {
    let (_fake, xbox, world) = start(|_| {}).await;
    let token = || xbox.token(world.now());
    for (inner, why) in [
        // Whoever knows our certificate can encrypt to it.
        (token().unsigned(&xbox.signer)[0].clone(), "malformed"),
        (token().unsigned(&xbox.signer)[1].clone(), "alg_not_allowed"),
        (token().hmac_with_public_key(&xbox.signer), "alg_not_allowed"),
        (token().header("alg", "ES256").signed(&xbox.signer), "alg_not_allowed"),
        (token().signed(&xbox.signer.stranger()), "bad_signature"),
        ("{}".into(), "malformed"),
        (String::new(), "malformed"),
    ] {
        assert_eq!(world.login(&xbox.presented(&inner)).await, rejected(why), "{inner}");
    }
    // One that is signed and not encrypted is none.
    let bare = format!("XBL3.0 x={};{}", FakeXbox::HASH, token().signed(&xbox.signer));
    assert_eq!(world.login(&bare).await, rejected("malformed"));
    assert_eq!(world.login(&xbox.presented(&token().signed(&xbox.signer))).await, accepted());
}

#[tokio::test]
async fn a_token_that_was_changed_is_not_read() {
    let (fake, xbox, world) = start(|_| {}).await;
    let good = xbox.presented(&xbox.token(world.now()).signed(&xbox.signer));
    let (head, token) = good.split_once(';').unwrap();
    let parts: Vec<_> = token.split('.').collect();
    for at in 1..5 {
        let mut changed: Vec<_> = parts.iter().map(|part| (*part).to_owned()).collect();
        let first = if changed[at].starts_with('A') { "B" } else { "A" };
        changed[at].replace_range(..1, first);
        let changed = format!("{head};{}", changed.join("."));
        assert_eq!(world.login(&changed).await, rejected("bad_signature"), "{at}");
    }
    // It may be that of another certificate of ours; to one that is nobody's, an operator must look.
    let other = Encryption::new();
    let signed = xbox.token(world.now()).signed(&xbox.signer);
    let foreign = encrypted(&other, "RSA-OAEP", "A128GCM", &signed);
    assert_eq!(world.login(&format!("{head};{foreign}")).await, Outcome::Faulty);
    assert_eq!(fake.connections(), 0);

    let (_fake, xbox, world) = start(|config| config.keys.push(key(&other))).await;
    let signed = xbox.token(world.now()).signed(&xbox.signer);
    let second = encrypted(&other, "RSA-OAEP", "A128GCM", &signed);
    assert_eq!(world.login(&format!("{head};{second}")).await, accepted());
}

#[tokio::test]
async fn j4_a_certificate_comes_from_microsoft_s_host_and_is_microsoft_s() {
    let (fake, xbox, world) = start(|_| {}).await;
    let from = |url: &str| {
        let token = xbox.token(world.now()).header("x5u", url).signed(&xbox.signer);
        xbox.presented(&token)
    };
    for url in [
        "http://xsts.xboxlive.com/signing/1.cer",
        "https://evil.example/signing/1.cer",
        "https://xsts.xboxlive.com.evil.example/signing/1.cer",
        "https://xsts.xboxlive.com@evil.example/signing/1.cer",
        "https://xsts.xboxlive.com:8443/signing/1.cer",
        "https://XSTS.xboxlive.com/signing/1.cer",
        "https://xsts.xboxlive.com",
        "https://xsts.xboxlive.com/",
        "https://xsts.xboxlive.com/a?b=c",
        "https://xsts.xboxlive.com/%2e",
        "",
    ] {
        assert_eq!(world.login(&from(url)).await, rejected("url_not_allowed"), "{url}");
    }
    assert_eq!(fake.connections(), 0);

    // Another than the token names, of another organisation, and one that nobody of the configuration signed.
    let old = xbox.token(world.now()).signed(&xbox.signer);
    xbox.serve("Evil Inc.");
    let other = xbox.token(world.now()).signed(&xbox.signer);
    for token in [old, other] {
        assert_eq!(world.login(&xbox.presented(&token)).await, rejected("cert_untrusted"));
    }
    xbox.serve_self_signed();
    let own = xbox.token(world.now()).signed(&xbox.signer);
    assert_eq!(world.login(&xbox.presented(&own)).await, rejected("cert_untrusted"));
}

#[tokio::test]
async fn a_new_certificate_is_fetched_and_a_known_one_is_not() {
    let (fake, xbox, world) = start(|_| {}).await;
    let token = || xbox.presented(&xbox.token(world.now()).signed(&xbox.signer));
    for _ in 0..3 {
        assert_eq!(world.login(&token()).await, accepted());
    }
    assert_eq!(fake.asked(FakeXbox::CERTIFICATE), 1);
    // Another serial number makes another certificate, at the same place.
    xbox.serve("Microsoft Corporation");
    assert_eq!(world.login(&token()).await, accepted());
    assert_eq!(fake.asked(FakeXbox::CERTIFICATE), 2);
    fake.inject(FakeXbox::CERTIFICATE, Fault::Status(500));
    assert_eq!(world.login(&token()).await, accepted());
    world.clock().advance(TimeDelta::hours(2));
    assert_eq!(world.login(&token()).await, Outcome::Unavailable(None));
}

#[tokio::test]
async fn of_those_who_are_signed_in_the_one_of_the_hash_logs_in() {
    let (_fake, xbox, world) = start(|_| {}).await;
    let users = json!([FakeXbox::user("777", "other"), FakeXbox::user(FakeXbox::HASH, "ours")]);
    let signed = xbox.token(world.now()).claim("xui", users).signed(&xbox.signer);
    let presented = xbox.presented(&signed);
    assert_eq!(world.login(&presented).await, Outcome::Accepted("ours".into()));
    let with = |hash: &str| presented.replace(FakeXbox::HASH, hash);
    assert_eq!(world.login(&with("777")).await, Outcome::Accepted("other".into()));
    assert_eq!(world.login(&with("888")).await, rejected("subject_mismatch"));
    for nobody in ["*", "-", ""] {
        assert_eq!(world.login(&with(nobody)).await, rejected("subject_missing"), "{nobody:?}");
    }
    for users in [
        json!([]),
        json!({}),
        json!("777"),
        // Twice: who is meant?
        json!([FakeXbox::user(FakeXbox::HASH, "a"), FakeXbox::user(FakeXbox::HASH, "b")]),
    ] {
        let signed = xbox.token(world.now()).claim("xui", users).signed(&xbox.signer);
        assert_eq!(world.login(&xbox.presented(&signed)).await, rejected("subject_mismatch"));
    }
}

#[tokio::test]
async fn security_111_the_age_group_reaches_the_host() {
    let (_fake, xbox, world) = start(|_| {}).await;
    for (group, flags) in [
        (json!("Child"), &["child"][..]),
        (json!("Teen"), &["teen"]),
        (json!("Adult"), &["adult"]),
        (json!("Unknown"), &[]),
        (json!(null), &[]),
    ] {
        let mut user = FakeXbox::user(FakeXbox::HASH, FakeXbox::SUBJECT);
        user["agg"] = group;
        let signed = xbox.token(world.now()).claim("xui", json!([user])).signed(&xbox.signer);
        assert_eq!(world.login(&xbox.presented(&signed)).await, accepted());
        assert_eq!(world.player().flags, flags);
    }
}

#[tokio::test]
async fn a_token_for_xbox_itself_or_another_title_is_not_ours() {
    let (_fake, xbox, world) = start(|config| config.title_ids = vec!["12345".into()]).await;
    let token = || xbox.token(world.now());
    let forwarded = token().claim("aud", "http://xboxlive.com").signed(&xbox.signer);
    assert_eq!(world.login(&xbox.presented(&forwarded)).await, rejected("wrong_audience"));
    for other in
        [token().claim("tid", "54321"), token().claim("tid", 12345), token().without("tid")]
    {
        let other = other.signed(&xbox.signer);
        assert_eq!(world.login(&xbox.presented(&other)).await, rejected("wrong_app"));
    }
    assert_eq!(world.login(&xbox.presented(&token().signed(&xbox.signer))).await, accepted());
}
