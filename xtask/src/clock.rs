//! The one place of these tools that reads a clock or waits. Nothing they prove depends on it but how long they take.

use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Instant);

impl Moment {
    #[expect(clippy::disallowed_methods, reason = "tools measure how long things take")]
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// How long after another moment; nothing when it came before.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.duration_since(earlier.0)
    }
}

#[expect(clippy::disallowed_methods, reason = "a kill comes at a random moment of real time")]
pub(crate) fn wait(time: Duration) {
    std::thread::sleep(time);
}
