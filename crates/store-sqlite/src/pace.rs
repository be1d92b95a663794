//! Whether reads wait for the disk.
//!
//! A thread that reads one account after another waits for the pages of each in turn; a disk gives many at once in the
//! time of one.

use std::time::Duration;

/// A read whose pages are in memory takes a tenth of this; one that waits for the disk, more.
const SLOW: Duration = Duration::from_micros(100);

/// Below this reads do not wait for the disk any more. A reader's take longer than the writer's, and each more while
/// several share a processor.
const FAST: Duration = Duration::from_micros(50);

/// How long reads took of late.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    each: Duration,
    slow: bool,
}

impl Pace {
    /// Notes that so many reads took so long, one after another.
    pub(crate) fn note(&mut self, reads: u32, took: Duration) {
        let each = took.checked_div(reads).unwrap_or_default();
        self.each = (self.each * 3 + each) / 4;
        self.slow = self.each > if self.slow { FAST } else { SLOW };
    }

    pub(crate) const fn slow(&self) -> bool {
        self.slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn reads_are_slow_above_a_hundred_microseconds_each_and_until_they_take_fifty() {
        let mut pace = Pace::default();
        let mut settle = |reads, took| {
            for _ in 0..100 {
                pace.note(reads, took);
            }
            pace.slow()
        };
        assert!(!settle(10, micros(990)));
        assert!(settle(10, micros(1010)));
        assert!(settle(10, micros(600)));
        assert!(!settle(10, micros(490)));
        assert!(!settle(10, micros(990)));
    }

    #[test]
    fn one_read_that_takes_somewhat_longer_is_not_enough() {
        let mut pace = Pace::default();
        pace.note(1, micros(390));
        assert!(!pace.slow());
        pace.note(1, micros(390));
        assert!(pace.slow());
    }
}
