//! What providers publish and we keep: one task fetches it, and callers wait for that or make do with what is known
//! (providers.md K1 to K4).

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument as _;

use crate::http::{Call, HttpFault};

/// For how long what is known still counts when nothing newer can be had.
const STALE: TimeDelta = TimeDelta::hours(24);
/// How long nobody asks again for what is not there, and for what could not be had while something older counts.
pub(crate) const COOL_DOWN: TimeDelta = TimeDelta::seconds(60);
/// How long nobody asks again where nothing is known. A fetch takes no longer ([`Call::TIME`]), so whoever waited for one that
/// failed does not start the next.
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// What is older is better than a call that runs out of time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something that is at one place. A clone of it is cheap.
pub(crate) struct Kept<T> {
    known: RwLock<Known<T>>,
    /// Held while somebody fetches.
    fetching: Arc<Mutex<()>>,
}

/// What is known at a moment.
#[derive(Clone)]
struct Known<T> {
    /// What was fetched last, and until when it need not be fetched again.
    latest: Option<(T, DateTime<Utc>)>,
    /// Nobody fetches before.
    quiet_until: Option<DateTime<Utc>>,
    /// Whether that is because the last fetch failed.
    failed: bool,
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

    /// For how long nobody fetches.
    fn quiet(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.quiet_until.map(|until| until - now).filter(|left| *left > TimeDelta::zero())
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let known = Known { latest: None, quiet_until: None, failed: false };
        Self { known: RwLock::new(known), fetching: Arc::default() }
    }
}

/// What there is of a part before anybody fetches.
enum Found<P> {
    /// It, or the knowledge that there is none.
    Settled(Option<P>),
    /// An old one, if any, and time to fetch.
    Wanted(Option<P>),
}

impl<T: Clone + Send + Sync + 'static> Kept<T> {
    /// The part of it that `pick` takes. Where it has no such part, or is old, one caller has it fetched, with what that says of
    /// how long to keep it, and the others wait for the same. `None` when the latest has no such part.
    ///
    /// A fetch is a task with a time of its own: a caller who goes away, or came late, spoils it for nobody.
    ///
    /// # Errors
    ///
    /// [`HttpFault`] when it is not known and could not be had.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; a fetch goes on.
    pub(crate) async fn get<P: Send, F>(
        self: &Arc<Self>,
        pick: impl Fn(&T) -> Option<P> + Send + Sync,
        fetch: impl FnOnce(Call) -> F + Send,
        call: &Call,
    ) -> Result<Option<P>, HttpFault>
    where
        F: Future<Output = Result<(T, TimeDelta), HttpFault>> + Send + 'static,
    {
        let now = call.now();
        let old = match self.find(&pick, now)? {
            Found::Settled(part) => return Ok(part),
            Found::Wanted(old) => old,
        };
        let turn = Arc::clone(&self.fetching);
        let turn = if old.is_some() {
            // Where somebody fetches already, what is known is good enough.
            let Ok(turn) = turn.try_lock_owned() else { return Ok(old) };
            turn
        } else {
            call.limit(turn.lock_owned()).await?
        };
        // Somebody may have fetched in the meantime.
        let old = match self.find(&pick, now)? {
            Found::Settled(part) => return Ok(part),
            Found::Wanted(old) => old,
        };
        let patience = if old.is_some() { call.within(PATIENCE) } else { *call };
        let task = Arc::clone(self).keep(turn, fetch(Call::starting(now)), now);
        let ended = patience.limit(tokio::spawn(task.in_current_span())).await;
        // Without an end of its own it panicked, or the runtime stops.
        match ended.and_then(|ended| ended.unwrap_or(Err(HttpFault::Timeout))) {
            Ok(_turn) => Ok(self.part_of_latest(&pick, now)),
            Err(_) if old.is_some() => Ok(old),
            Err(fault) => Err(fault),
        }
    }

    /// What is known, while it may be used.
    pub(crate) fn value(&self, now: DateTime<Utc>) -> Option<T> {
        self.known().value(now).cloned()
    }

    fn known(&self) -> Known<T> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find<P>(
        &self,
        pick: impl Fn(&T) -> Option<P>,
        now: DateTime<Utc>,
    ) -> Result<Found<P>, HttpFault> {
        let known = self.known();
        let part = known.value(now).and_then(pick);
        match known.quiet(now) {
            // Whether there is such a part by now, nobody knows.
            Some(retry_after) if part.is_none() && known.failed => {
                Err(HttpFault::LeftAlone { retry_after })
            }
            Some(_) => Ok(Found::Settled(part)),
            None if part.is_some() && known.is_fresh(now) => Ok(Found::Settled(part)),
            None => Ok(Found::Wanted(part)),
        }
    }

    /// Keeps what a fetch brings, or that it failed.
    async fn keep(
        self: Arc<Self>,
        turn: OwnedMutexGuard<()>,
        fetch: impl Future<Output = Result<(T, TimeDelta), HttpFault>> + Send,
        now: DateTime<Utc>,
    ) -> Result<OwnedMutexGuard<()>, HttpFault> {
        let fetched = fetch.await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.failed = fetched.is_err();
        match fetched {
            Ok((value, lifetime)) => {
                // Whoever asks for what is not there must not make us fetch each time.
                known.quiet_until = known.is_fresh(now).then(|| now + COOL_DOWN);
                known.latest = Some((value, now + lifetime));
                Ok(turn)
            }
            Err(fault) => {
                let pause = if known.value(now).is_some() { COOL_DOWN } else { PAUSE };
                let pause = match fault {
                    // Nobody was asked.
                    HttpFault::LeftAlone { retry_after } => retry_after,
                    _ => pause.max(fault.retry_after().unwrap_or_default()),
                };
                known.quiet_until = Some(now + pause);
                Err(fault)
            }
        }
    }

    /// The part of what was fetched just now.
    fn part_of_latest<P>(&self, pick: impl Fn(&T) -> Option<P>, now: DateTime<Utc>) -> Option<P> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let part = known.value(now).and_then(pick);
        if part.is_none() {
            known.quiet_until = Some(now + COOL_DOWN);
        }
        part
    }
}
