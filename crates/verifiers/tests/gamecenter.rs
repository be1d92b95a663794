//! The signatures of Apple's Game Center, against a server that plays Apple (providers.md 3.2).

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use std::sync::Arc;

use authcore_fake_idp::table::{self, Case, Expected, Provider, Row};
use authcore_fake_idp::{FakeGameCenter, FakeIdp, Fault, Host, Leaf, Outcome, World};
use authcore_verifiers::{ConfigError, GameCenter, GameCenterConfig, Outbound, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn config(apple: &FakeGameCenter) -> GameCenterConfig {
    GameCenterConfig::new(vec![FakeGameCenter::BUNDLE.into()], vec![apple.issuer().into()])
}

fn player(apple: &FakeGameCenter, now: DateTime<Utc>) -> Value {
    apple.player(FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE, now)
}

struct UnderTest {
    apple: FakeGameCenter,
    stranger: FakeGameCenter,
}

impl Provider for UnderTest {
    type Verifier = GameCenter;

    const ROW: Row = Row {
        good: Expected::Accepted(FakeGameCenter::PLAYER),
        expired: Expected::Expired,
        not_yet_valid: Expected::Rejected(Reason::NotYetValid),
        wrong_audience: Expected::Rejected(Reason::WrongApp),
        wrong_issuer: Expected::Rejected(Reason::UrlNotAllowed),
        wrong_key: Expected::Rejected(Reason::BadSignature),
        tampered: Expected::Rejected(Reason::BadSignature),
        algorithm_none: Expected::DoesNotApply("a signature names no algorithm"),
        hmac_with_public_key: Expected::DoesNotApply("a signature names no algorithm"),
        replayed: Expected::UsedUp,
        missing_subject: Expected::Rejected(Reason::Malformed),
        oversized: Expected::Refused("invalid"),
        provider_down: Expected::Unavailable,
        provider_slow: Expected::Unavailable,
        misconfigured: Expected::Faulty,
    };

    fn hosts(&self) -> Vec<Host> {
        self.apple.hosts()
    }

    fn verifier(&self, outbound: &Outbound) -> Result<GameCenter, ConfigError> {
        GameCenter::new(config(&self.apple), outbound)
    }

    fn broken(&self, outbound: &Outbound) -> Vec<(&'static str, Result<GameCenter, ConfigError>)> {
        let with = |change: fn(&mut GameCenterConfig)| {
            let mut config = config(&self.apple);
            change(&mut config);
            GameCenter::new(config, outbound)
        };
        vec![
            ("bundle_ids", with(|config| config.bundle_ids.clear())),
            ("bundle_ids", with(|config| config.bundle_ids.push(String::new()))),
            ("issuers", with(|config| config.issuers.clear())),
            ("issuers", with(|config| config.issuers.push("no certificate".into()))),
            ("organization", with(|config| config.organization.clear())),
            ("hosts", with(|config| config.hosts.clear())),
            ("certificates", with(|config| config.certificates.push(String::new()))),
            ("certificates", with(|config| config.certificates.push("../x".into()))),
            ("id_prefixes", with(|config| config.id_prefixes.clear())),
        ]
    }

    fn credential(&self, case: Case, now: DateTime<Utc>) -> String {
        let (id, bundle) = (FakeGameCenter::PLAYER, FakeGameCenter::BUNDLE);
        let mut player = match case {
            Case::Expired => self.apple.player(id, bundle, now - TimeDelta::hours(1)),
            Case::NotYetValid => self.apple.player(id, bundle, now + TimeDelta::hours(1)),
            Case::WrongAudience => self.apple.player(id, "com.other.game", now),
            Case::WrongKey => self.stranger.player(id, bundle, now),
            _ => self.apple.player(id, bundle, now),
        };
        match case {
            Case::WrongIssuer => {
                player["public_key_url"] = "https://evil.example/public-key/gc-test-1.cer".into();
            }
            Case::Tampered => player["player_id"] = "T:_mallory".into(),
            Case::MissingSubject => drop(player.as_object_mut().unwrap().remove("player_id")),
            Case::Oversized => player["filler"] = "x".repeat(20_000).into(),
            _ => {}
        }
        player.to_string()
    }
}

#[tokio::test]
async fn gamecenter_is_held_to_every_case_of_the_table() {
    let (apple, stranger) = (FakeGameCenter::new(), FakeGameCenter::new());
    table::check(&UnderTest { apple, stranger }).await;
}

/// Apple, a verifier of it, and an engine.
async fn start(
    change: impl FnOnce(&mut GameCenterConfig) + Send,
) -> (FakeIdp, FakeGameCenter, World) {
    let apple = FakeGameCenter::new();
    let fake = FakeIdp::start(apple.hosts()).await;
    let mut config = config(&apple);
    change(&mut config);
    let world = World::new(GameCenter::new(config, &fake.outbound()).unwrap()).await;
    (fake, apple, world)
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.into())
}

fn accepted() -> Outcome {
    Outcome::Accepted(FakeGameCenter::PLAYER.into())
}

#[tokio::test]
async fn both_forms_of_signature_and_each_kind_of_id_log_in() {
    let (_fake, apple, world) = start(|_| {}).await;
    for id in ["T:_abc", "A:_abc", "G:1234567890", "T:abc"] {
        let signed = apple.player(id, FakeGameCenter::BUNDLE, world.now());
        assert_eq!(world.login(&signed.to_string()).await, Outcome::Accepted(id.into()));
    }
    let long = format!("T:_{}", "a".repeat(65));
    for id in ["", "abc", "X:_abc", "t:_abc", "T:", "T:_", "T:__abc", "T:_a b", "T:_a.b", &long] {
        let signed = apple.player(id, FakeGameCenter::BUNDLE, world.now());
        assert_eq!(world.login(&signed.to_string()).await, rejected("malformed"), "{id}");
    }
}

#[tokio::test]
async fn the_bundle_id_is_ours_and_one_that_the_client_sends_adds_none() {
    let (fake, apple, world) =
        start(|config| config.bundle_ids.push("com.example.two".into())).await;
    let id = FakeGameCenter::PLAYER;
    let signed = apple.player(id, "com.evil.game", world.now());
    assert_eq!(world.login(&signed.to_string()).await, rejected("wrong_app"));
    assert_eq!(fake.connections(), 0);
    let mut relabelled = signed;
    relabelled["bundle_id"] = FakeGameCenter::BUNDLE.into();
    assert_eq!(world.login(&relabelled.to_string()).await, rejected("bad_signature"));
    for bundle in [FakeGameCenter::BUNDLE, "com.example.two"] {
        let mut signed = apple.player(id, bundle, world.now());
        signed["bundle_id"] = Value::Null;
        assert_eq!(world.login(&signed.to_string()).await, accepted());
    }
}

#[tokio::test]
async fn the_boundary_between_id_and_bundle_cannot_be_shifted() {
    let (_fake, apple, world) = start(|_| {}).await;
    // What is signed has no separators: these two are the same bytes.
    let mut shifted = apple.player("T:_abc", "x.com.example.game", world.now());
    shifted["bundle_id"] = FakeGameCenter::BUNDLE.into();
    shifted["player_id"] = "T:_abcx.".into();
    assert_eq!(world.login(&shifted.to_string()).await, rejected("malformed"));
}

#[tokio::test]
async fn ghsa_qf8x_vqjv_92gr_the_certificate_comes_from_one_place_only() {
    let (fake, apple, world) = start(|_| {}).await;
    for url in [
        "http://static.gc.apple.com/public-key/gc-test-1.cer",
        "https://user@static.gc.apple.com/public-key/gc-test-1.cer",
        "https://static.gc.apple.com:443/public-key/gc-test-1.cer",
        "https://static.gc.apple.com:8443/public-key/gc-test-1.cer",
        "https://static.gc.apple.com/public-key/%2e%2e/gc-test-1.cer",
        "https://static.gc.apple.com/public-key/../gc-test-1.cer",
        "https://static.gc.apple.com/public-key/gc-test-1.cer?x=.cer",
        "https://static.gc.apple.com/public-key/gc-test-1.cer#x.cer",
        "https://static.gc.apple.com/public-key/gc-test-1.pem",
        "https://static.gc.apple.com/public-key/.cer",
        "https://static.gc.apple.com/other/gc-test-1.cer",
        "https://static.gc.apple.com//public-key/gc-test-1.cer",
        "https://static.gc.apple.com.evil.example/public-key/gc-test-1.cer",
        "https://evilstatic.gc.apple.com/public-key/gc-test-1.cer",
        "https://sub.static.gc.apple.com/public-key/gc-test-1.cer",
        "https://apple.com/public-key/gc-test-1.cer",
        "https://files.apple.com/public-key/gc-test-1.cer",
        "https://127.0.0.1/public-key/gc-test-1.cer",
        "https://STATIC.GC.APPLE.COM/public-key/gc-test-1.cer",
        "https://static.gc.apple.com\\@evil.example/public-key/gc-test-1.cer",
        " https://static.gc.apple.com/public-key/gc-test-1.cer",
        "",
    ] {
        let mut signed = player(&apple, world.now());
        signed["public_key_url"] = url.into();
        let outcome = world.login(&signed.to_string()).await;
        assert_eq!(outcome, rejected("url_not_allowed"), "{url}");
    }
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn cve_2022_31083_a_certificate_that_is_not_apples_is_not_trusted() {
    for leaf in [
        Leaf::Expired,
        Leaf::Early,
        Leaf::NoCodeSigning,
        Leaf::AnyUsage,
        Leaf::OtherOrganization,
        Leaf::NoOrganization,
        Leaf::SelfSigned,
        Leaf::ByRoot,
        Leaf::Authority,
    ] {
        let (_fake, apple, world) = start(|_| {}).await;
        apple.serve(leaf);
        let signed = player(&apple, world.now()).to_string();
        assert_eq!(world.login(&signed).await, rejected("cert_untrusted"), "{leaf:?}");
    }
    let (_fake, apple, world) = start(|_| {}).await;
    apple.serve(Leaf::Ecdsa);
    let signed = player(&apple, world.now()).to_string();
    assert_eq!(world.login(&signed).await, rejected("bad_signature"));
    // One that is no certificate at all.
    let (_fake, apple, world) = start(|_| {}).await;
    apple.served.lock().unwrap().1 = b"\x30\x03\x02\x01\x01".to_vec();
    let signed = player(&apple, world.now()).to_string();
    assert!(matches!(world.login(&signed).await, Outcome::Unavailable(_)));
}

#[tokio::test]
async fn a_certificate_of_the_wrong_type_or_size_is_not_read() {
    let pem_type = ("application/x-x509-ca-cert", true);
    for (content_type, length, good) in [
        (pem_type.0, 0, pem_type.1),
        ("text/html", 0, false),
        ("application/json", 0, false),
        (FakeGameCenter::CONTENT_TYPE, 10_001, false),
        (FakeGameCenter::CONTENT_TYPE, 20_000, false),
    ] {
        let (_fake, apple, world) = start(|_| {}).await;
        {
            let mut served = apple.served.lock().unwrap();
            served.0 = content_type;
            let length = served.1.len().max(length);
            served.1.resize(length, 0);
        }
        let outcome = world.login(&player(&apple, world.now()).to_string()).await;
        let wanted = if good { accepted() } else { Outcome::Unavailable(None) };
        assert_eq!(outcome, wanted, "{content_type} {length}");
    }
    let (_fake, apple, world) = start(|_| {}).await;
    {
        let mut served = apple.served.lock().unwrap();
        let text = STANDARD.encode(&served.1);
        let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        served.1 = pem.into_bytes();
    }
    assert_eq!(world.login(&player(&apple, world.now()).to_string()).await, accepted());
    for fault in [Fault::Status(404), Fault::Redirect(302, FakeGameCenter::URL.into())] {
        let (fake, apple, world) = start(|_| {}).await;
        fake.inject("", fault);
        let outcome = world.login(&player(&apple, world.now()).to_string()).await;
        assert_eq!(outcome, Outcome::Unavailable(None));
    }
}

#[tokio::test]
async fn a_signature_is_good_for_five_minutes_and_once() {
    let (_fake, apple, world) = start(|_| {}).await;
    let at = |seconds| player(&apple, world.now() + TimeDelta::seconds(seconds)).to_string();
    assert_eq!(world.login(&at(-299)).await, accepted());
    assert_eq!(world.login(&at(-299)).await, Outcome::UsedUp);
    assert_eq!(world.login(&at(-300)).await, Outcome::Expired);
    assert_eq!(world.login(&at(60)).await, accepted());
    assert_eq!(world.login(&at(61)).await, rejected("not_yet_valid"));
    for bad in [json!(world.now().timestamp()), json!(0), json!(-1), json!(u64::MAX), json!("1")] {
        let mut signed = player(&apple, world.now());
        signed["timestamp"] = bad.clone();
        assert_eq!(world.login(&signed.to_string()).await, rejected("malformed"), "{bad}");
    }
    // In milliseconds, and not in those that were signed.
    let mut moved = player(&apple, world.now());
    moved["timestamp"] = (world.now().timestamp_millis() + 1).into();
    assert_eq!(world.login(&moved.to_string()).await, rejected("bad_signature"));
}

#[tokio::test]
async fn what_is_no_signature_is_refused_without_asking_anybody() {
    let (fake, apple, world) = start(|_| {}).await;
    let with = |part: &str, value: &str| {
        let mut signed = player(&apple, world.now());
        signed[part] = value.into();
        signed.to_string()
    };
    for bad in [
        "T:_abc".into(),
        "{}".into(),
        // The values of a good one, without their names.
        {
            let signed = player(&apple, world.now());
            let names =
                ["player_id", "bundle_id", "public_key_url", "signature", "salt", "timestamp"];
            Value::from_iter(names.map(|name| signed[name].clone())).to_string()
        },
        with("salt", ""),
        with("salt", "!"),
        with("salt", "BwcHBw"),
        with("signature", ""),
        with("signature", "no base64"),
    ] {
        assert_eq!(world.login(&bad).await, rejected("malformed"), "{bad}");
    }
    assert_eq!(world.login(&with("salt", &"AAAA".repeat(100))).await, rejected("too_large"));
    assert_eq!(world.login(&with("signature", &"AAAA".repeat(400))).await, rejected("too_large"));
    assert_eq!(fake.connections(), 0);
    let other_salt = with("salt", "AAAAAA==");
    assert_eq!(world.login(&other_salt).await, rejected("bad_signature"));
}

#[tokio::test]
async fn certificates_are_kept_for_a_while_and_not_more_than_sixteen() {
    let (fake, apple, world) = start(|_| {}).await;
    let login = |name: String| {
        // Signed anew, so that each is good once.
        signed(&apple, &world, FakeGameCenter::PLAYER, &name)
    };
    let asked = |name: &str| fake.asked(&format!("/public-key/{name}.cer"));
    assert_eq!(world.login(&login("a".into())).await, accepted());
    world.clock().advance(TimeDelta::seconds(1));
    assert_eq!(world.login(&login("a".into())).await, accepted());
    assert_eq!(asked("a"), 1);
    for number in 0..16 {
        world.clock().advance(TimeDelta::seconds(1));
        assert_eq!(world.login(&login(format!("n{number}"))).await, accepted());
    }
    world.clock().advance(TimeDelta::seconds(1));
    assert_eq!(world.login(&login("n15".into())).await, accepted());
    world.clock().advance(TimeDelta::seconds(1));
    assert_eq!(world.login(&login("a".into())).await, accepted());
    assert_eq!((asked("n15"), asked("a")), (1, 2));
    world.clock().advance(TimeDelta::hours(2));
    assert_eq!(world.login(&login("a".into())).await, accepted());
    assert_eq!(asked("a"), 3);
}

/// Signed in this moment, with a certificate that is said to be there.
fn signed(apple: &FakeGameCenter, world: &World, player: &str, name: &str) -> String {
    let mut signed = apple.player(player, FakeGameCenter::BUNDLE, world.now());
    signed["public_key_url"] = format!("https://static.gc.apple.com/public-key/{name}.cer").into();
    signed.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x13_many_logins_at_once_fetch_the_certificate_once() {
    let (fake, apple, world) = start(|_| {}).await;
    let world = Arc::new(world);
    let mut logins = tokio::task::JoinSet::new();
    for player in 0..64 {
        let credential = signed(&apple, &world, &format!("T:_p{player}"), "gc-test-1");
        let world = Arc::clone(&world);
        logins.spawn(async move { world.login(&credential).await });
    }
    let outcomes = logins.join_all().await;
    assert_eq!(outcomes.len(), 64);
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    }
    assert_eq!(fake.asked(FakeGameCenter::PATH), 1);
}

#[tokio::test]
async fn x12_addresses_of_nothing_lead_to_few_requests_a_minute() {
    let (fake, apple, world) = start(|_| {}).await;
    assert_eq!(world.login(&player(&apple, world.now()).to_string()).await, accepted());
    fake.inject("/public-key/x", Fault::Status(404));
    let login =
        async |name: &str| world.login(&signed(&apple, &world, FakeGameCenter::PLAYER, name)).await;
    let later = |seconds| Outcome::Unavailable(Some(TimeDelta::seconds(seconds)));
    for _ in 0..100 {
        assert_eq!(login("x").await, Outcome::Unavailable(None));
    }
    for number in 0..100 {
        let outcome = login(&format!("x{number}")).await;
        assert_eq!(outcome, if number < 15 { Outcome::Unavailable(None) } else { later(60) });
    }
    assert_eq!(fake.journal().len(), 1 + 16);
    // The one that is good needs nobody, one that is configured is asked, another waits.
    world.clock().advance(TimeDelta::seconds(1));
    assert_eq!(login("gc-test-1").await, accepted());
    world.clock().advance(TimeDelta::seconds(1));
    assert_eq!(login("gc-prod-10").await, accepted());
    assert_eq!(login("new").await, later(58));
    world.clock().advance(TimeDelta::seconds(58));
    assert_eq!(login("new").await, accepted());
    assert_eq!(login("x").await, Outcome::Unavailable(None));
    assert_eq!(fake.asked("/public-key/x.cer"), 2);
}

#[tokio::test]
async fn x12_addresses_of_nothing_do_not_push_out_one_that_is_being_fetched() {
    let (fake, apple, world) = start(|_| {}).await;
    fake.inject("/public-key/x", Fault::Status(404));
    let login =
        async |name: &str| world.login(&signed(&apple, &world, FakeGameCenter::PLAYER, name)).await;
    // Long enough to begin, too short to end: nothing is connected yet.
    let short = std::time::Duration::from_micros(1);
    assert!(tokio::time::timeout(short, login("good")).await.is_err());
    for number in 0..40 {
        assert!(matches!(login(&format!("x{number}")).await, Outcome::Unavailable(_)));
    }
    assert_eq!(login("good").await, accepted());
    assert_eq!(fake.asked("/public-key/good.cer"), 1);
}

#[tokio::test]
async fn x12_a_configured_name_without_a_certificate_is_asked_once_a_minute() {
    let (fake, apple, world) = start(|_| {}).await;
    fake.inject("", Fault::Status(404));
    let login = async || {
        let credential = signed(&apple, &world, FakeGameCenter::PLAYER, "gc-prod-11");
        world.login(&credential).await
    };
    for _ in 0..20 {
        assert_eq!(login().await, Outcome::Unavailable(None));
    }
    assert_eq!(fake.journal().len(), 1);
    fake.heal();
    world.clock().advance(TimeDelta::seconds(60));
    assert_eq!(login().await, accepted());
}

#[tokio::test]
async fn x12_one_certificate_that_is_not_trusted_is_fetched_once_a_minute() {
    let (fake, apple, world) = start(|_| {}).await;
    apple.serve(Leaf::OtherOrganization);
    let login = async || world.login(&player(&apple, world.now()).to_string()).await;
    for _ in 0..50 {
        assert_eq!(login().await, rejected("cert_untrusted"));
    }
    assert_eq!(fake.asked(FakeGameCenter::PATH), 1);
    apple.serve(Leaf::Good);
    assert_eq!(login().await, rejected("cert_untrusted"));
    world.clock().advance(TimeDelta::seconds(60));
    assert_eq!(login().await, accepted());
    assert_eq!(fake.asked(FakeGameCenter::PATH), 2);
}

#[tokio::test]
async fn h8_faults_of_apple_are_for_the_breaker_to_count() {
    let (fake, apple, world) = start(|_| {}).await;
    fake.inject("", Fault::Status(500));
    let login = async |number: i32| {
        world.login(&signed(&apple, &world, FakeGameCenter::PLAYER, &format!("n{number}"))).await
    };
    for number in 0..40 {
        assert!(matches!(login(number).await, Outcome::Unavailable(_)));
    }
    // Not for a minute, as after as many addresses of nothing.
    fake.heal();
    world.clock().advance(TimeDelta::seconds(10));
    assert_eq!(login(40).await, accepted());
}

#[tokio::test]
async fn x14_a_known_certificate_counts_for_a_day_when_it_cannot_be_had_again() {
    let (fake, apple, world) = start(|_| {}).await;
    let login = async || world.login(&player(&apple, world.now()).to_string()).await;
    assert_eq!(login().await, accepted());
    fake.inject("", Fault::Status(500));
    world.clock().advance(TimeDelta::hours(25) - TimeDelta::seconds(1));
    assert_eq!(login().await, accepted());
    let asked = fake.asked(FakeGameCenter::PATH);
    assert_eq!(login().await, Outcome::UsedUp);
    assert_eq!(fake.asked(FakeGameCenter::PATH), asked);
    world.clock().advance(TimeDelta::seconds(1));
    assert!(matches!(login().await, Outcome::Unavailable(_)));
    fake.heal();
    world.clock().advance(TimeDelta::minutes(1));
    assert_eq!(login().await, accepted());
    // What is no certificate does not take the place of one.
    fake.inject("", Fault::Status(404));
    world.clock().advance(TimeDelta::hours(2));
    assert_eq!(login().await, accepted());
}

#[tokio::test]
async fn addresses_of_nothing_do_not_push_out_good_certificates() {
    let (fake, apple, world) = start(|_| {}).await;
    fake.inject("/public-key/x", Fault::Status(404));
    let login = async |name: &str| {
        world.clock().advance(TimeDelta::seconds(4));
        world.login(&signed(&apple, &world, FakeGameCenter::PLAYER, name)).await
    };
    assert_eq!(login("good").await, accepted());
    for number in 0..40 {
        assert_eq!(login(&format!("x{number}")).await, Outcome::Unavailable(None));
    }
    assert_eq!(login("good").await, accepted());
    assert_eq!(fake.asked("/public-key/good.cer"), 1);
}

#[tokio::test]
async fn x15_a_certificate_is_kept_as_long_as_its_cache_control_says_within_ten_minutes_and_a_day()
{
    const HOUR: i64 = 3600;
    for (said, seconds) in [
        (None, HOUR),
        (Some("no-store"), 600),
        (Some("max-age=0"), 600),
        (Some("max-age=-1"), 600),
        (Some("max-age=601"), 601),
        (Some("max-age=1000000000000"), 24 * HOUR),
    ] {
        let (fake, apple, world) = start(|_| {}).await;
        fake.inject("", Fault::CacheControl(said));
        let login = async || world.login(&player(&apple, world.now()).to_string()).await;
        assert_eq!(login().await, accepted());
        world.clock().advance(TimeDelta::seconds(seconds - 1));
        assert_eq!(login().await, accepted());
        assert_eq!(fake.asked(FakeGameCenter::PATH), 1, "{said:?} before");
        world.clock().advance(TimeDelta::seconds(1));
        assert_eq!(login().await, accepted());
        assert_eq!(fake.asked(FakeGameCenter::PATH), 2, "{said:?} after");
    }
}

#[tokio::test]
async fn a_certificate_is_never_kept_beyond_its_end() {
    let (fake, apple, world) = start(|_| {}).await;
    fake.inject("", Fault::CacheControl(Some("max-age=86400")));
    // It ends with the first moment of 2030.
    let end = DateTime::from_timestamp(1_893_456_000, 0).unwrap();
    world.clock().advance(end - world.now() - TimeDelta::minutes(5));
    let login = async || world.login(&player(&apple, world.now()).to_string()).await;
    assert_eq!(login().await, accepted());
    world.clock().advance(TimeDelta::minutes(6));
    assert_eq!(login().await, rejected("cert_untrusted"));
    assert_eq!(fake.asked(FakeGameCenter::PATH), 2);
}
