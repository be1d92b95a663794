use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use chrono::{DateTime, Utc};

/// Fails as a real store may: now and then a call is [unavailable](StoreErrorKind::Unavailable) and does nothing, and
/// a commit is applied while its answer says that its [fate is unknown](StoreErrorKind::FateUnknown). Every call may
/// also give way to others first. The same seed gives the same faults to the same sequence of calls.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    seed: u64,
    faults: Faults,
    calls: AtomicU64,
    forced: Mutex<VecDeque<Fault>>,
}

/// How often what happens, of 1000 calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a test says all of it")]
pub struct Faults {
    /// Calls that are unavailable and do nothing.
    pub before: u32,
    /// Commits that are applied and answer that their fate is unknown. What is refused, is refused.
    pub after: u32,
    /// Calls that give way to others first, once to three times.
    pub delay: u32,
}

impl Faults {
    /// None but those that are forced.
    pub const NONE: Self = Self { before: 0, after: 0, delay: 0 };
    /// A fifth fails before, a fifth after, half is late.
    pub const OFTEN: Self = Self { before: 200, after: 200, delay: 500 };
}

/// What may happen to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It is unavailable and does nothing.
    Before,
    /// It is done, and answers that its fate is unknown.
    After,
}

impl FaultyStore {
    /// Makes a store fail.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, seed: u64, faults: Faults) -> Self {
        Self { inner, seed, faults, calls: AtomicU64::new(0), forced: Mutex::default() }
    }

    /// Makes the next commit that has no such order yet fail in this way.
    pub fn force(&self, fault: Fault) {
        self.forced.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// Decides on one call; there is nothing random about it.
    async fn decide(&self) -> Option<Fault> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let drawn = mix(self.seed ^ mix(call));
        if within(drawn >> 32, self.faults.delay) {
            for _ in 0..=drawn % 3 {
                tokio::task::yield_now().await;
            }
        }
        let outcome = drawn & 0xffff_ffff;
        if within(outcome, self.faults.before) {
            Some(Fault::Before)
        } else if within(outcome, self.faults.before.saturating_add(self.faults.after)) {
            Some(Fault::After)
        } else {
            None
        }
    }

    /// Only a commit can be asked for twice without doing it twice, so nothing else fails after it was done.
    async fn before(&self) -> Result<(), StoreError> {
        match self.decide().await {
            Some(Fault::Before) => Err(error(StoreErrorKind::Unavailable)),
            Some(Fault::After) | None => Ok(()),
        }
    }
}

/// Whether a drawn number falls into so many of 1000.
fn within(drawn: u64, per_mille: u32) -> bool {
    drawn % 1000 < u64::from(per_mille)
}

/// The finalizer of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new("faulty", kind)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for FaultyStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        self.before().await?;
        self.inner.bind(header).await
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.before().await?;
        self.inner.load(lookup).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.before().await?;
        self.inner.load_many(lookups).await
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        self.before().await?;
        self.inner.session(at).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.before().await?;
        self.inner.epoch().await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        self.before().await?;
        self.inner.due(now, limit).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let fault = match forced {
            Some(fault) => Some(fault),
            None => self.decide().await,
        };
        match fault {
            Some(Fault::Before) => Err(error(StoreErrorKind::Unavailable).into()),
            Some(Fault::After) => {
                self.inner.commit(change).await?;
                Err(error(StoreErrorKind::FateUnknown).into())
            }
            None => self.inner.commit(change).await,
        }
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        self.before().await?;
        self.inner.consume(charge).await
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.before().await?;
        self.inner.code(key).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.before().await?;
        self.inner.events(after, limit).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        self.before().await?;
        self.inner.prune_events(up_to).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.before().await?;
        self.inner.sweep(now, limit).await
    }
}
