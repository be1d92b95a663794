use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// One check of one credential: what time it is, and when it must be over.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    now: DateTime<Utc>,
    deadline: Instant,
}

impl Call {
    /// How long a check may take, everything included (providers.md H3).
    pub const TIME: Duration = Duration::from_secs(5);

    /// Starts one.
    #[must_use]
    pub fn starting(now: DateTime<Utc>) -> Self {
        Self { now, deadline: Instant::now() + Self::TIME }
    }

    /// The time by the engine's clock.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// When it must be over, by the runtime's clock.
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The same, with at most this much time from now on.
    pub(crate) fn within(&self, time: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + time), ..*self }
    }
}
