use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// So many failures in a row, and nobody asks for a while.
const FAILURES: u32 = 5;
/// For how long, where the provider does not say.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(10);
/// A provider may ask for no longer pause than this (providers.md H8).
const LONGEST: TimeDelta = TimeDelta::minutes(5);

/// Leaves a provider alone that fails, or asks for it. Each provider has its own.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<DateTime<Utc>>,
}

impl Breaker {
    /// How long it is still open, where it is.
    pub(super) fn open_for(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.open_until.map(|until| until - now).filter(|left| *left > TimeDelta::zero())
    }

    /// A request succeeded. What the provider asked for while it was under way still holds.
    pub(super) fn succeeded(&self, now: DateTime<Utc>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = 0;
        state.open_until = state.open_until.filter(|until| *until > now);
    }

    /// A request failed; the provider may have said when to come again. For how long nobody asks now, if so.
    pub(super) fn failed(
        &self,
        now: DateTime<Utc>,
        retry_after: Option<TimeDelta>,
    ) -> Option<TimeDelta> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        let pause = match retry_after {
            Some(asked) => asked.clamp(TimeDelta::zero(), LONGEST),
            None if state.failures >= FAILURES => PAUSE,
            None => return None,
        };
        // After the pause one more failure opens it again.
        state.open_until = state.open_until.max(Some(now + pause));
        Some(pause)
    }
}

/// Reads a `Retry-After`: seconds, or a date (providers.md H8).
pub(super) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are a long time.
        text.parse().ok().and_then(TimeDelta::try_seconds).unwrap_or(LONGEST)
    } else {
        DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now
    };
    Some(wait.clamp(TimeDelta::zero(), LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn h8_retry_after_is_seconds_or_a_date_and_at_most_five_minutes() {
        let read = |text| retry_after(text, NOW).map(|wait| wait.num_seconds());
        assert_eq!(read("3"), Some(3));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:42 GMT"), Some(42));
        assert_eq!(read("999999"), Some(300));
        assert_eq!(read("99999999999999999999999999"), Some(300));
        assert_eq!(read("Wed, 31 Dec 1969 00:00:00 GMT"), Some(0));
        assert_eq!((read("soon"), read(""), read("-1"), read("1.5")), (None, None, None, None));
    }

    #[test]
    fn h8_the_breaker_opens_after_failures_in_a_row_and_closes_on_success() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert_eq!(breaker.failed(NOW, None), None);
        }
        breaker.succeeded(NOW);
        for _ in 1..FAILURES {
            breaker.failed(NOW, None);
            assert_eq!(breaker.open_for(NOW), None);
        }
        assert_eq!(breaker.failed(NOW, None), Some(PAUSE));
        assert_eq!(breaker.open_for(NOW + TimeDelta::seconds(1)), Some(TimeDelta::seconds(9)));
        assert_eq!(breaker.open_for(NOW + PAUSE), None);
        // It is on trial: one more failure is enough.
        assert_eq!(breaker.failed(NOW + PAUSE, None), Some(PAUSE));
        breaker.succeeded(NOW + PAUSE + PAUSE);
        assert_eq!(breaker.failed(NOW + PAUSE + PAUSE, None), None);
    }

    #[test]
    fn h8_a_provider_that_asks_for_a_pause_gets_it_at_once() {
        let breaker = Breaker::default();
        breaker.failed(NOW, Some(TimeDelta::seconds(3)));
        assert_eq!(breaker.open_for(NOW), Some(TimeDelta::seconds(3)));
        // An answer to a request that was under way does not end the pause.
        breaker.succeeded(NOW);
        assert_eq!(breaker.open_for(NOW), Some(TimeDelta::seconds(3)));
    }
}
