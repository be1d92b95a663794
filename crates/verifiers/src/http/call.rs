use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, timeout_at};

use super::HttpFault;

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

    /// What comes of something that the check waits for, unless its time is over first. Where one of these waits within
    /// another, it is the inner one that learns of it.
    ///
    /// # Errors
    ///
    /// [`HttpFault::Timeout`].
    ///
    /// # Cancel safety
    ///
    /// As that of the future.
    pub async fn limit<F: Future>(&self, future: F) -> Result<F::Output, HttpFault> {
        timeout_at(self.deadline, future).await.map_err(|_| HttpFault::Timeout)
    }

    /// The same, with at most this much time from now on.
    pub(crate) fn within(&self, time: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + time), ..*self }
    }
}
