#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;

use authcore::store::{Admission, Charge};
use chrono::TimeDelta;

use crate::make::{Build, at, charge, set};
use crate::trial::{Trial, race};

fn refused_until(millis: i64) -> Admission {
    Admission::Refused { retry_at: at(millis) }
}

async fn use_up(on: &Trial, number: u32, now: i64) {
    for _ in 0..5 {
        assert_eq!(on.consume(&charge(number, at(now))).await, Admission::Admitted);
    }
}

pub(crate) async fn admits_its_limit_and_no_more(on: &mut Trial) {
    use_up(on, 1, 0).await;
    for _ in 0..3 {
        assert_eq!(
            on.consume(&charge(1, at(0))).await,
            refused_until(200),
            "what is refused is not charged"
        );
    }
    assert_eq!(
        on.consume(&charge(2, at(0))).await,
        Admission::Admitted,
        "another key is another throttle"
    );
}

pub(crate) async fn admits_again_at_the_very_moment(on: &mut Trial) {
    use_up(on, 1, 0).await;
    assert_eq!(on.consume(&charge(1, at(199))).await, refused_until(200));
    assert_eq!(on.consume(&charge(1, at(200))).await, Admission::Admitted);
    assert_eq!(on.consume(&charge(1, at(200))).await, refused_until(400));
    use_up(on, 1, 1200).await;
    assert_eq!(on.consume(&charge(1, at(1200))).await, refused_until(1400));
}

pub(crate) async fn cost_zero_only_asks(on: &mut Trial) {
    let ask = |now| Charge { cost: 0, ..charge(1, at(now)) };
    for _ in 0..10 {
        assert_eq!(on.consume(&ask(0)).await, Admission::Admitted);
    }
    use_up(on, 1, 0).await;
    for _ in 0..10 {
        assert_eq!(
            on.consume(&ask(0)).await,
            Admission::Admitted,
            "it fits: nothing is as much as is left"
        );
    }
    assert_eq!(
        on.consume(&charge(1, at(0))).await,
        refused_until(200),
        "asking neither charges nor refills"
    );
}

pub(crate) async fn large_cost_is_all_or_nothing(on: &mut Trial) {
    let cost = |cost, now| Charge { cost, ..charge(1, at(now)) };
    assert_eq!(on.consume(&cost(3, 0)).await, Admission::Admitted);
    assert_eq!(on.consume(&cost(3, 0)).await, refused_until(200));
    assert_eq!(
        on.consume(&cost(2, 0)).await,
        Admission::Admitted,
        "the refused charge took nothing"
    );
    assert_eq!(on.consume(&cost(5, 999)).await, refused_until(1000));
    assert_eq!(on.consume(&cost(5, 1000)).await, Admission::Admitted);
}

pub(crate) async fn clock_that_goes_back_refills_nothing(on: &mut Trial) {
    use_up(on, 1, 10_000).await;
    for now in [9_999, 5_000, 0] {
        assert!(
            matches!(on.consume(&charge(1, at(now))).await, Admission::Refused { .. }),
            "at {now}"
        );
    }
    assert_eq!(on.consume(&charge(1, at(10_199))).await, refused_until(10_200));
    assert_eq!(on.consume(&charge(1, at(10_200))).await, Admission::Admitted);
}

pub(crate) async fn reset_forgets_the_charges(on: &mut Trial) {
    use_up(on, 1, 0).await;
    use_up(on, 2, 0).await;
    on.ok(&set().reset(1).reset(3)).await;
    use_up(on, 1, 0).await;
    assert_eq!(on.consume(&charge(1, at(0))).await, refused_until(200));
    assert_eq!(
        on.consume(&charge(2, at(0))).await,
        refused_until(200),
        "another key is another throttle"
    );
}

/// The store must do as [`Charge::apply`] does, over a sequence that is as good as random and always the same.
pub(crate) async fn follows_the_rule(on: &mut Trial) {
    let (mut drawn, mut kept, mut now) = (1_u32, None, 0);
    for step in 0..400 {
        drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        now += i64::from(drawn >> 24) - 60;
        let charge = Charge {
            cost: (drawn >> 16) % 4,
            // Another limit and window on the same throttle, now and then; each unit is of whole milliseconds.
            limit: if step % 7 == 0 { 10 } else { 5 },
            window: TimeDelta::milliseconds(if step % 11 == 0 { 500 } else { 1000 }),
            ..charge(1, at(now))
        };
        let (expected, until) = charge.apply(kept);
        kept = Some(until);
        assert_eq!(on.consume(&charge).await, expected, "step {step}, at {now}");
    }
}

/// Where a unit is no whole number of milliseconds, a store that rounds what it keeps must not round in favour of
/// whoever is limited.
pub(crate) async fn rounding_admits_no_more(on: &mut Trial) {
    for (number, limit, window) in [(1, 7, 1000), (2, 1000, 1500), (3, 3000, 1000)] {
        let charge =
            Charge { limit, window: TimeDelta::milliseconds(window), ..charge(number, at(0)) };
        let mut admitted = 0;
        for _ in 0..limit + 50 {
            admitted += u32::from(on.consume(&charge).await == Admission::Admitted);
        }
        assert!(admitted <= limit, "{admitted} of {limit} were admitted at once");
    }
}

/// Makes all charges at once; how many were admitted.
async fn admitted_at_once(on: &Trial, charges: Vec<Charge>) -> usize {
    let answers = race(charges.len(), |index| {
        let (store, charge) = (Arc::clone(on.store()), charges.get(index).copied());
        async move { store.consume(&charge.expect("one for each")).await.expect("consume") }
    })
    .await;
    answers.iter().filter(|answer| **answer == Admission::Admitted).count()
}

pub(crate) async fn many_at_once_are_admitted_up_to_the_limit(on: &mut Trial) {
    for (key, cost, limit) in [(1, 1, 10), (2, 1, 1), (3, 1, 63), (4, 1, 64), (5, 3, 10)] {
        let charge = Charge { cost, limit, ..charge(key, at(0)) };
        let admitted = admitted_at_once(on, vec![charge; 64]).await;
        assert_eq!(admitted, usize::try_from(limit / cost).expect("small"), "{cost} of {limit}");
    }
}

pub(crate) async fn many_at_once_are_told_apart(on: &mut Trial) {
    let charges = (0..128).map(|number| charge(number % 8, at(0))).collect();
    assert_eq!(admitted_at_once(on, charges).await, 8 * 5, "5 of each of 8 keys");
    for key in 0..8 {
        assert_eq!(on.consume(&charge(key, at(0))).await, refused_until(200));
    }
}

pub(crate) async fn many_at_once_are_admitted_up_to_the_refill(on: &mut Trial) {
    use_up(on, 1, 0).await;
    // Two units have come back, whatever the others were told.
    assert_eq!(admitted_at_once(on, vec![charge(1, at(400)); 32]).await, 2);
    assert_eq!(admitted_at_once(on, vec![charge(1, at(599)); 32]).await, 0);
    assert_eq!(admitted_at_once(on, vec![charge(1, at(600)); 32]).await, 1);
}
