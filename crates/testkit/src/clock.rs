use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use authcore::Clock;
use chrono::{DateTime, TimeDelta, Utc};

/// A clock that stands still until it is moved, forwards or backwards. Clones are one clock.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that stands at this moment.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(AtomicI64::new(now.timestamp_micros())))
    }

    /// Moves it by this much; a negative step goes back. A step past the ends of time, some 260,000 years from now, ends there.
    pub fn advance(&self, step: TimeDelta) {
        let moved = |now: DateTime<Utc>| {
            let end = if step < TimeDelta::zero() {
                DateTime::<Utc>::MIN_UTC
            } else {
                DateTime::<Utc>::MAX_UTC
            };
            now.checked_add_signed(step).unwrap_or(end).timestamp_micros()
        };
        // It never gives up.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| {
            Some(moved(DateTime::from_timestamp_micros(now).unwrap_or_default()))
        });
    }

    /// Sets it.
    pub fn set(&self, now: DateTime<Utc>) {
        self.0.store(now.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// Stands at the first moment of 2026.
    fn default() -> Self {
        Self::at(DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}
