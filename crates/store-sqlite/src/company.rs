//! How long a commit waits for company.
//!
//! Who was answered comes back while the next commit is under way, which holds those who came during the one before: two halves that
//! take turns, each waiting for the whole of the other's commit. Where the disk takes long, both do better to wait a moment
//! after each for those whom it answered.

use std::time::{Duration, Instant};

/// When the disk took less nobody waits: to fall asleep and to be woken takes a good part of what would be gained.
const LONG: Duration = Duration::from_millis(1);

/// Whoever comes back for the next step of one request is back by then; other players are not waited for.
const MOST: Duration = Duration::from_millis(2);

/// Whom the next commit waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Company {
    /// How many there are when all are back.
    pub(crate) whole: usize,
    /// For how long, at most.
    pub(crate) within: Duration,
}

impl Company {
    /// After a commit that took the disk so long: those whom it answers, and those who wait behind it, for an eighth of
    /// that time. One alone waits for nobody.
    pub(crate) fn after(took: Duration, answered: usize, behind: usize) -> Option<Self> {
        let whole = answered + behind;
        (took >= LONG && whole > 1).then(|| Self { whole, within: (took / 8).min(MOST) })
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
        let after = |micros| {
            let company = Company::after(Duration::from_micros(micros), 5, 3);
            company.map(|company| (company.whole, company.within.as_micros()))
        };
        assert_eq!(after(999), None);
        assert_eq!(after(1000), Some((8, 125)));
        assert_eq!(after(8000), Some((8, 1000)));
        assert_eq!(after(16_000), Some((8, 2000)));
        assert_eq!(after(1_000_000), Some((8, 2000)));
    }

    #[test]
    fn one_alone_waits_for_nobody() {
        let after = |answered, behind| Company::after(Duration::from_secs(1), answered, behind);
        assert_eq!(after(1, 0), None);
        assert!(after(2, 0).is_some());
        assert!(after(1, 1).is_some());
    }
}
