//! What providers publish and we keep: one caller fetches it, and the others wait for that or make do with what is known
//! (providers.md K1 to K4).

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::http::{Call, HttpFault};

/// For how long what is known still counts when nothing newer can be had.
const STALE: TimeDelta = TimeDelta::hours(24);
/// How long nobody asks again for what is not there, and for what could not be had while something older counts.
pub(crate) const COOL_DOWN: TimeDelta = TimeDelta::seconds(60);
/// What is older is better than a call that runs out of time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something that is at one place. A clone of it is cheap.
pub(crate) struct Kept<T> {
    known: RwLock<Known<T>>,
    /// Held by whoever fetches.
    fetching: Mutex<()>,
}

/// What is known at a moment.
#[derive(Clone)]
struct Known<T> {
    /// What was fetched last, and until when it need not be fetched again.
    latest: Option<(T, DateTime<Utc>)>,
    /// Nobody fetches before.
    quiet_until: Option<DateTime<Utc>>,
}

impl<T> Known<T> {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.latest.as_ref().is_some_and(|(_, until)| now < *until)
    }

    /// While it may be used.
    fn value(&self, now: DateTime<Utc>) -> Option<&T> {
        let (value, until) = self.latest.as_ref()?;
        (now < *until + STALE).then_some(value)
    }

    fn may_fetch(&self, now: DateTime<Utc>) -> bool {
        self.quiet_until.is_none_or(|until| now >= until)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let known = Known { latest: None, quiet_until: None };
        Self { known: RwLock::new(known), fetching: Mutex::new(()) }
    }
}

impl<T: Clone + Send + Sync> Kept<T> {
    /// The part of it that `pick` takes. Where it has no such part, or is old, one caller fetches it, with what it says of how
    /// long to keep it, and the others wait for that. `None` when the latest has no such part.
    ///
    /// # Errors
    ///
    /// [`HttpFault`] when it is not known and could not be had.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; the next caller fetches then.
    pub(crate) async fn get<P: Send, F>(
        &self,
        pick: impl Fn(&T) -> Option<P> + Send + Sync,
        fetch: impl FnOnce(Call) -> F + Send,
        call: &Call,
    ) -> Result<Option<P>, HttpFault>
    where
        F: Future<Output = Result<(T, TimeDelta), HttpFault>> + Send,
    {
        let now = call.now();
        let known = self.known();
        let part = known.value(now).and_then(&pick);
        if part.is_some() && (known.is_fresh(now) || !known.may_fetch(now)) {
            return Ok(part);
        }
        let turn = match &part {
            // Somebody fetches already; what is known is good enough.
            Some(_) => match self.fetching.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(part),
            },
            None => call.limit(self.fetching.lock()).await?,
        };
        // Somebody may have fetched in the meantime.
        let known = self.known();
        let part = known.value(now).and_then(&pick);
        if known.is_fresh(now) && (part.is_some() || !known.may_fetch(now)) {
            return Ok(part);
        }
        let patience = if part.is_some() { call.within(PATIENCE) } else { *call };
        let (known, part) = match fetch(patience).await {
            Ok((value, lifetime)) => {
                let part = pick(&value);
                // Whoever asks for what is not there must not make us fetch each time.
                let quiet_until = (known.is_fresh(now) || part.is_none()).then(|| now + COOL_DOWN);
                (Known { latest: Some((value, now + lifetime)), quiet_until }, part)
            }
            Err(_) if part.is_some() => {
                (Known { quiet_until: Some(now + COOL_DOWN), ..known }, part)
            }
            // Each caller may try: the circuit breaker sees to it that they are few.
            Err(fault) => return Err(fault),
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        drop(turn);
        Ok(part)
    }

    /// What is known, while it may be used.
    pub(crate) fn value(&self, now: DateTime<Utc>) -> Option<T> {
        self.known().value(now).cloned()
    }

    fn known(&self) -> Known<T> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
