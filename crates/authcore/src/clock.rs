use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};

/// Tells the time. The engine asks once per command and hands the answer down.
///
/// Any function that returns a time is a clock: a host passes `chrono::Utc::now`.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
}

impl<F> Clock for F
where
    F: Fn() -> DateTime<Utc> + Send + Sync + 'static,
{
    fn now(&self) -> DateTime<Utc> {
        self()
    }
}

/// The engine's clock: whole milliseconds, so that what is decided on is what is kept.
#[derive(Clone)]
pub(crate) struct EngineClock(Arc<dyn Clock>);

impl EngineClock {
    pub(crate) const fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.now().trunc_subsecs(3)
    }
}

impl fmt::Debug for EngineClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EngineClock")
    }
}
