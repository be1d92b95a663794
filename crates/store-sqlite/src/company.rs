//! How long a commit waits for company.
//!
//! Who was answered comes back while the next commit is under way, which holds those who came during the one before: two halves that
//! take turns, each waiting for the whole of the other's commit. Where commits take long, both do better to wait a moment
//! after each for those whom it answered.

use std::time::{Duration, Instant};

/// After a shorter commit nobody waits: it would take longer than the commit that it saves.
const LONG: Duration = Duration::from_millis(1);

/// Whoever comes back at all is back by then.
const MOST: Duration = Duration::from_millis(2);

/// Whom the next commit waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Company {
    /// How many there are when all are back.
    pub(crate) whole: usize,
    /// When they are waited for no longer.
    pub(crate) until: Instant,
}

impl Company {
    /// After a commit of this time: those whom it answered, and those who wait behind it. It is waited for an eighth of what it
    /// took; one alone waits for nobody.
    pub(crate) fn after(
        (begun, ended): (Instant, Instant),
        answered: usize,
        behind: usize,
    ) -> Option<Self> {
        let (took, whole) = (ended.saturating_duration_since(begun), answered + behind);
        let until = ended + (took / 8).min(MOST);
        (took >= LONG && whole > 1).then_some(Self { whole, until })
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a disk takes is not a rule's affair")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_waited_for_an_eighth_of_a_long_commit_and_two_milliseconds_at_most() {
        let begun = now();
        let after = |micros| {
            let ended = begun + Duration::from_micros(micros);
            let company = Company::after((begun, ended), 5, 3);
            company.map(|company| (company.whole, (company.until - ended).as_micros()))
        };
        assert_eq!(after(999), None);
        assert_eq!(after(1000), Some((8, 125)));
        assert_eq!(after(8000), Some((8, 1000)));
        assert_eq!(after(16_000), Some((8, 2000)));
        assert_eq!(after(1_000_000), Some((8, 2000)));
    }

    #[test]
    fn one_alone_waits_for_nobody() {
        let begun = now();
        let after = |answered, behind| {
            Company::after((begun, begun + Duration::from_secs(1)), answered, behind)
        };
        assert_eq!(after(1, 0), None);
        assert!(after(2, 0).is_some());
        assert!(after(1, 1).is_some());
    }
}
