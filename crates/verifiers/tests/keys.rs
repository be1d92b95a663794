//! Key sets while they change and while they cannot be had (providers.md K1 to K6, X11 to X15).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use authcore_fake_idp::{FakeGoogle, FakeIdp, Fault, Outcome, Signer, World};
use authcore_verifiers::{Google, GoogleConfig};
use chrono::TimeDelta;
use serde_json::{Value, json};

async fn start() -> (FakeIdp, FakeGoogle, World) {
    let google = FakeGoogle::new();
    let (fake, world) = play(&google).await;
    (fake, google, world)
}

async fn play(google: &FakeGoogle) -> (FakeIdp, World) {
    let fake = FakeIdp::start(google.hosts()).await;
    let config = GoogleConfig::new(vec![FakeGoogle::AUDIENCE.into()]);
    let world = World::new(Google::new(config, &fake.outbound()).unwrap()).await;
    (fake, world)
}

async fn login(world: &World, signer: &Signer) -> Outcome {
    world.login(&FakeGoogle::token(world.now()).signed(signer)).await
}

fn accepted() -> Outcome {
    Outcome::Accepted("1080".into())
}

fn unknown() -> Outcome {
    Outcome::Rejected("unknown_key".into())
}

#[tokio::test]
async fn x11_a_new_key_is_fetched_once_and_an_old_one_ends_with_its_set() {
    let (fake, google, world) = start().await;
    let old = google.issuer.signer();
    assert_eq!(login(&world, &old).await, accepted());
    google.issuer.rotate(Signer::rs256("g2"));
    let new = google.issuer.signer();
    assert_eq!(login(&world, &new).await, accepted());
    assert_eq!(login(&world, &old).await, accepted());
    assert_eq!(fake.asked(FakeGoogle::KEYS), 2);
    google.issuer.retire();
    // Nobody has fetched since.
    assert_eq!(login(&world, &old).await, accepted());
    world.clock().advance(TimeDelta::seconds(19_845));
    assert_eq!(login(&world, &old).await, unknown());
    assert_eq!(login(&world, &new).await, accepted());
    assert_eq!(fake.asked(FakeGoogle::KEYS), 3);
}

#[tokio::test]
async fn x12_random_key_names_lead_to_one_request_a_minute() {
    let (fake, google, world) = start().await;
    let signer = google.issuer.signer();
    let token = |kid: String| FakeGoogle::token(world.now()).header("kid", kid).signed(&signer);
    for number in 0..100 {
        assert_eq!(world.login(&token(format!("random-{number}"))).await, unknown());
    }
    assert_eq!(fake.asked(FakeGoogle::KEYS), 1);
    assert_eq!(login(&world, &signer).await, accepted());
    world.clock().advance(TimeDelta::seconds(60));
    for number in 0..100 {
        assert_eq!(world.login(&token(format!("random-{number}"))).await, unknown());
    }
    assert_eq!(fake.asked(FakeGoogle::KEYS), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x13_many_logins_at_once_fetch_the_keys_once() {
    let (fake, google, world) = start().await;
    let (world, signer) = (Arc::new(world), google.issuer.signer());
    let mut logins = tokio::task::JoinSet::new();
    for player in 0..200 {
        let (world, signer) = (Arc::clone(&world), Arc::clone(&signer));
        logins.spawn(async move {
            let token = FakeGoogle::token(world.now()).claim("sub", format!("p{player}"));
            world.login(&token.signed(&signer)).await
        });
    }
    let outcomes = logins.join_all().await;
    assert_eq!(outcomes.len(), 200);
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    }
    assert_eq!(fake.asked(FakeGoogle::KEYS), 1);
}

#[tokio::test]
async fn x14_known_keys_count_for_a_day_when_new_ones_cannot_be_had() {
    let (fake, google, world) = start().await;
    let old = google.issuer.signer();
    assert_eq!(login(&world, &old).await, accepted());
    google.issuer.rotate(Signer::rs256("g2"));
    fake.inject("", Fault::Status(500));
    assert_eq!(login(&world, &google.issuer.signer()).await, Outcome::Unavailable(None));
    assert_eq!(login(&world, &old).await, accepted());
    world.clock().advance(TimeDelta::seconds(19_845));
    assert_eq!(login(&world, &old).await, accepted());
    world.clock().advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    assert_eq!(login(&world, &old).await, accepted());
    world.clock().advance(TimeDelta::seconds(1));
    assert!(matches!(login(&world, &old).await, Outcome::Unavailable(_)));
    fake.heal();
    world.clock().advance(TimeDelta::minutes(5));
    assert_eq!(login(&world, &old).await, accepted());
}

#[tokio::test]
async fn x14_a_stalled_provider_does_not_keep_those_waiting_whose_key_is_known() {
    let (fake, google, world) = start().await;
    let signer = google.issuer.signer();
    assert_eq!(login(&world, &signer).await, accepted());
    world.clock().advance(TimeDelta::hours(6));
    fake.inject("", Fault::Stall);
    // The first finds out, within its own time; the next do not even ask.
    assert_eq!(login(&world, &signer).await, accepted());
    let asked = fake.journal().len();
    assert_eq!(asked, 2);
    assert_eq!(login(&world, &signer).await, accepted());
    assert_eq!(fake.journal().len(), asked);
}

#[tokio::test]
async fn x19_a_call_that_is_dropped_does_not_stop_its_fetch() {
    let (fake, google, world) = start().await;
    let signer = google.issuer.signer();
    // Long enough to begin, too short to end: nothing is connected yet.
    let short = Duration::from_micros(1);
    assert!(tokio::time::timeout(short, login(&world, &signer)).await.is_err());
    assert_eq!(login(&world, &signer).await, accepted());
    assert_eq!(fake.asked(FakeGoogle::KEYS), 1);
}

#[tokio::test]
async fn x12_x19_random_key_names_in_calls_that_are_dropped_lead_to_one_request_a_minute() {
    let (fake, google, world) = start().await;
    let signer = google.issuer.signer();
    assert_eq!(login(&world, &signer).await, accepted());
    fake.inject("", Fault::Stall);
    for number in 0..50 {
        let kid = format!("random-{number}");
        let token = FakeGoogle::token(world.now()).header("kid", kid).signed(&signer);
        let short = Duration::from_millis(20);
        assert!(tokio::time::timeout(short, world.login(&token)).await.is_err());
    }
    assert_eq!(fake.asked(FakeGoogle::KEYS), 2);
    assert_eq!(login(&world, &signer).await, accepted());
}

#[tokio::test]
async fn k2_a_provider_without_keys_is_asked_seldom() {
    for fault in [Fault::Status(404), Fault::Body("text/html", b"<html>".into())] {
        let (fake, google, world) = start().await;
        let signer = google.issuer.signer();
        fake.inject("", fault.clone());
        let random = async |number: i32| {
            let kid = format!("random-{number}");
            world.login(&FakeGoogle::token(world.now()).header("kid", kid).signed(&signer)).await
        };
        let later = |seconds| Outcome::Unavailable(Some(TimeDelta::seconds(seconds)));
        for number in 0..100 {
            let outcome = random(number).await;
            let wanted = if number == 0 { Outcome::Unavailable(None) } else { later(5) };
            assert_eq!(outcome, wanted);
        }
        assert_eq!(fake.asked(FakeGoogle::KEYS), 1);
        fake.heal();
        world.clock().advance(TimeDelta::seconds(5));
        assert_eq!(login(&world, &signer).await, accepted());
        // Nor where some are known; whether those have the new one, nobody can say.
        fake.inject("", fault);
        for number in 0..100 {
            let outcome = random(number).await;
            let wanted = if number == 0 { Outcome::Unavailable(None) } else { later(60) };
            assert_eq!(outcome, wanted);
        }
        assert_eq!(fake.asked(FakeGoogle::KEYS), 3);
        assert_eq!(login(&world, &signer).await, accepted());
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "they come one after another")]
async fn h8_those_who_wait_for_a_fetch_that_fails_are_no_failures_of_their_own() {
    let (fake, google, world) = start().await;
    let signer = google.issuer.signer();
    fake.inject("", Fault::Stall);
    let late = |number: u64| {
        let (world, signer) = (&world, &signer);
        async move {
            tokio::time::sleep(Duration::from_millis(100 * number)).await;
            login(world, signer).await
        }
    };
    let outcomes = tokio::join!(late(0), late(1), late(2), late(3), late(4), late(5));
    assert!(matches!(outcomes.5, Outcome::Unavailable(_)), "{outcomes:?}");
    assert_eq!(fake.asked(FakeGoogle::KEYS), 1);
    // The circuit breaker, which has counted one failure, is closed.
    fake.heal();
    world.clock().advance(TimeDelta::seconds(5));
    assert_eq!(login(&world, &signer).await, accepted());
}

#[tokio::test]
async fn k5_k6_a_set_that_could_mean_two_things_or_nothing_is_refused() {
    let google = FakeGoogle::new();
    let (good, other) = (google.issuer.signer().jwk(), Signer::rs256("g1").jwk());
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let oct = json!({"kty": "oct", "kid": "x", "k": "AAAA"});
    for (keys, refused) in [
        (json!([good, other]), true),
        (json!([good, oct]), true),
        (json!([]), true),
        (json!([with("use", json!("enc"))]), true),
        (json!([with("kid", json!(7))]), true),
        (json!([with("n", json!("!"))]), true),
        (json!({"keys": good}), true),
        (json!([good, good]), false),
        (json!([good, {"kty": "new"}, 7]), false),
    ] {
        let (fake, world) = play(&google).await;
        let body = json!({"keys": keys}).to_string();
        fake.inject("", Fault::Body("application/json", body.into()));
        let outcome = login(&world, &google.issuer.signer()).await;
        let wanted = if refused { Outcome::Unavailable(None) } else { accepted() };
        assert_eq!(outcome, wanted, "{keys}");
    }
}

#[tokio::test]
async fn j6_weak_keys_prove_nothing() {
    let google = FakeGoogle::new();
    let signer = google.issuer.signer();
    // 1026 bits, then the exponents 3 and 65536.
    let short = format!("{}w", "x".repeat(171));
    for (name, value) in [("n", short.as_str()), ("e", "Aw"), ("e", "AQAA")] {
        let (fake, world) = play(&google).await;
        let mut jwk = signer.jwk();
        jwk[name] = value.into();
        let body = json!({"keys": [jwk]}).to_string();
        fake.inject("", Fault::Body("application/json", body.into()));
        let weak = Outcome::Rejected("weak_key".into());
        assert_eq!(login(&world, &signer).await, weak, "{name} {value}");
    }
}

#[tokio::test]
async fn x15_keys_are_kept_as_long_as_their_cache_control_says_within_five_minutes_and_a_day() {
    const HOUR: i64 = 3600;
    for (said, seconds) in [
        (None, HOUR),
        (Some("public"), HOUR),
        (Some("max-age=soon"), HOUR),
        (Some("no-store"), 300),
        (Some("no-cache"), 300),
        (Some("max-age=0"), 300),
        (Some("max-age=-1"), 300),
        (Some("max-age=301"), 301),
        (Some("max-age=86399"), 86_399),
        (Some("max-age=1000000000000"), 24 * HOUR),
        (Some("max-age=99999999999999999999"), 24 * HOUR),
    ] {
        let (fake, google, world) = start().await;
        fake.inject("", Fault::CacheControl(said));
        let signer = google.issuer.signer();
        assert_eq!(login(&world, &signer).await, accepted());
        world.clock().advance(TimeDelta::seconds(seconds - 1));
        assert_eq!(login(&world, &signer).await, accepted());
        assert_eq!(fake.asked(FakeGoogle::KEYS), 1, "{said:?} before");
        world.clock().advance(TimeDelta::seconds(1));
        assert_eq!(login(&world, &signer).await, accepted());
        assert_eq!(fake.asked(FakeGoogle::KEYS), 2, "{said:?} after");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x11_x13_a_rotation_under_64_tasks_is_fetched_once_and_refuses_nobody() {
    let (fake, google, world) = start().await;
    let (world, old) = (Arc::new(world), google.issuer.signer());
    assert_eq!(login(&world, &old).await, accepted());
    google.issuer.rotate(Signer::rs256("g2"));
    let new = google.issuer.signer();
    let mut logins = tokio::task::JoinSet::new();
    for task in 0..64 {
        let world = Arc::clone(&world);
        // While the keys change, tokens of both are about.
        let signer = Arc::clone(if task % 2 == 0 { &old } else { &new });
        logins.spawn(async move {
            let mut outcomes = Vec::new();
            for login in 0..8 {
                let token = FakeGoogle::token(world.now()).claim("sub", format!("{task}-{login}"));
                outcomes.push(world.login(&token.signed(&signer)).await);
            }
            outcomes
        });
    }
    let outcomes: Vec<_> = logins.join_all().await.into_iter().flatten().collect();
    assert_eq!(outcomes.len(), 64 * 8);
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    }
    assert_eq!(fake.asked(FakeGoogle::KEYS), 2);
}
