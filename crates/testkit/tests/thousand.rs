//! A thousand tests of a game, in the time that a build takes to begin.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use authcore_testkit::{Harness, email, guest};
use chrono::TimeDelta;

/// What a test of a game does: a world of its own, a password that is hashed and checked, a ban, time that passes.
fn a_test_of_a_game() {
    let world = Harness::new();
    let ann = world.guest("ann");
    world.link(&ann, email("ann")).unwrap();
    world.clock().advance(TimeDelta::days(1));
    let again = world.login(email("ann")).unwrap();
    assert_eq!(again.account.id, ann.account.id);
    world.ban(&again);
    assert!(world.login(email("ann")).is_err());
    assert!(world.login(guest("ann")).unwrap().created, "the key has left with the link");
    assert_eq!(world.hasher().hashes(), 3);
}

/// The processor time that this thread has had, where the system tells it: other work on the machine does not count.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds = told.split(' ').next()?.parse().ok()?;
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_thousand_tests_are_run_in_seconds() {
    let begin = Instant::now();
    for _ in 0..1000 {
        a_test_of_a_game();
    }
    let took = processor_time().unwrap_or_else(|| begin.elapsed());
    println!("1000 tests took {took:.2?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
