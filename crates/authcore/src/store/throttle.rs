use chrono::{DateTime, TimeDelta, Utc};

use super::ThrottleKey;

/// A charge against a throttle that admits `limit` at once and refills over `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which throttle.
    pub key: ThrottleKey,
    /// How much, at most `limit`; 0 only asks.
    pub cost: u32,
    /// How much an unused throttle admits at once; at least 1.
    pub limit: u32,
    /// How long it takes to refill from empty.
    pub window: TimeDelta,
    /// The time, by the engine's clock.
    pub now: DateTime<Utc>,
}

/// The answer to a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "admitted or not; there is no third answer")]
pub enum Admission {
    /// It was admitted and charged.
    Admitted,
    /// It was not, and nothing was charged; the same charge is admitted from then on.
    Refused {
        /// From when on, if nothing else is charged until then.
        retry_at: DateTime<Utc>,
    },
}

impl Charge {
    /// The rule, for every store to apply inside its own transaction: given the moment until which the throttle is
    /// used up (none for an unused one), what the answer is and which moment to keep.
    ///
    /// The generic cell rate algorithm in whole milliseconds: each unit of cost pushes the moment `window / limit` on,
    /// rounded up to at least one millisecond, and a charge is admitted while the moment stays within `limit` such
    /// steps of now. A clock that goes backwards refills nothing. A cost above the limit is never admitted.
    ///
    /// The moment may be kept in whole milliseconds. It need be written only when something was charged: after a refusal, or a
    /// cost of 0, it says no more than what was kept. A moment that is not after `now` says the same as none.
    #[must_use]
    pub fn apply(&self, used_up_until: Option<DateTime<Utc>>) -> (Admission, DateTime<Utc>) {
        let (now, limit) = (self.now.timestamp_millis(), i64::from(self.limit.max(1)));
        let window = self.window.num_milliseconds().clamp(1, MAX_WINDOW_MILLIS);
        let unit = (window + limit - 1) / limit;
        let start = used_up_until.map_or(now, |until| until.timestamp_millis().max(now));
        let end = start.saturating_add(unit.saturating_mul(i64::from(self.cost)));
        let admitted_until = now.saturating_add(unit * limit);
        if end <= admitted_until {
            (Admission::Admitted, at_millis(end))
        } else {
            let retry_at = at_millis(now.saturating_add(end - admitted_until));
            (Admission::Refused { retry_at }, at_millis(start))
        }
    }
}

/// A hundred years: far enough, and no sum with it overflows.
const MAX_WINDOW_MILLIS: i64 = 100 * 366 * 24 * 60 * 60 * 1000;

fn at_millis(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn charge(cost: u32, limit: u32, window: i64, now: i64) -> Charge {
        Charge {
            key: ThrottleKey::new([0; 32]),
            cost,
            limit,
            window: TimeDelta::milliseconds(window),
            now: DateTime::from_timestamp_millis(now).unwrap(),
        }
    }

    #[test]
    fn an_unused_throttle_admits_its_limit_and_no_more() {
        let mut kept = None;
        for _ in 0..5 {
            let (admission, until) = charge(1, 5, 1000, 0).apply(kept);
            assert_eq!(admission, Admission::Admitted);
            kept = Some(until);
        }
        let (admission, _) = charge(1, 5, 1000, 0).apply(kept);
        let retry_at = DateTime::from_timestamp_millis(200).unwrap();
        assert_eq!(admission, Admission::Refused { retry_at });
        assert_eq!(charge(1, 5, 1000, 200).apply(kept).0, Admission::Admitted);
        assert!(matches!(charge(1, 5, 1000, 199).apply(kept).0, Admission::Refused { .. }));
    }

    #[test]
    fn a_unit_is_never_less_than_a_millisecond() {
        let mut kept = None;
        let mut admitted = 0;
        for _ in 0..20 {
            let (admission, until) = charge(1, 10, 3, 0).apply(kept);
            kept = Some(until);
            admitted += u32::from(admission == Admission::Admitted);
        }
        assert_eq!(admitted, 10);
    }

    #[test]
    fn no_input_overflows() {
        for now in [i64::MIN / 2_000_000, -1, 8_000_000_000_000_000] {
            let now = DateTime::from_timestamp_millis(now).unwrap_or_default();
            for window in [TimeDelta::MIN, TimeDelta::zero(), TimeDelta::MAX] {
                let charge = Charge {
                    key: ThrottleKey::new([0; 32]),
                    cost: u32::MAX,
                    limit: u32::MAX,
                    window,
                    now,
                };
                let (_, until) = charge.apply(Some(DateTime::<Utc>::MAX_UTC));
                assert!(until >= now);
            }
        }
    }

    #[test]
    fn a_clock_that_goes_backwards_refills_nothing() {
        let mut kept = None;
        for _ in 0..5 {
            kept = Some(charge(1, 5, 1000, 10_000).apply(kept).1);
        }
        assert!(matches!(charge(1, 5, 1000, 5_000).apply(kept).0, Admission::Refused { .. }));
    }

    proptest! {
        /// Over any sequence of charges, no window admits more than twice the limit: one burst and one refill.
        #[test]
        fn no_window_admits_more_than_burst_and_refill(steps in prop::collection::vec(0i64..300, 1..60)) {
            let (mut kept, mut now, mut admitted) = (None, 0, Vec::new());
            for step in steps {
                now += step;
                let (admission, until) = charge(1, 4, 1000, now).apply(kept);
                kept = Some(until);
                if admission == Admission::Admitted {
                    admitted.push(now);
                }
            }
            for start in &admitted {
                let within = admitted.iter().filter(|at| (*start..start + 1000).contains(at)).count();
                prop_assert!(within <= 8, "{within} within one window");
            }
        }
    }
}
