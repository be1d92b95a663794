use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use chrono::{DateTime, Utc};

/// Counts the calls, for tests that say how many round trips an operation takes.
#[derive(Debug)]
pub struct TracedStore {
    inner: Arc<dyn Store>,
    log: Mutex<Vec<&'static str>>,
}

/// How often each method was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests compare with all of it")]
pub struct Counts {
    /// [`Store::bind`].
    pub bind: usize,
    /// [`Store::load`].
    pub load: usize,
    /// [`Store::load_many`].
    pub load_many: usize,
    /// [`Store::session`].
    pub session: usize,
    /// [`Store::epoch`].
    pub epoch: usize,
    /// [`Store::due`].
    pub due: usize,
    /// [`Store::commit`].
    pub commit: usize,
    /// [`Store::consume`].
    pub consume: usize,
    /// [`Store::code`].
    pub code: usize,
    /// [`Store::events`].
    pub events: usize,
    /// [`Store::prune_events`].
    pub prune_events: usize,
    /// [`Store::sweep`].
    pub sweep: usize,
}

impl TracedStore {
    /// Counts the calls to a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, log: Mutex::default() }
    }

    /// The names of the methods that were called since the last [`reset`](Self::reset), in order. `capabilities` is
    /// no round trip, and is not among them.
    #[must_use]
    pub fn log(&self) -> Vec<&'static str> {
        self.lock().clone()
    }

    /// How often each was called since the last [`reset`](Self::reset).
    #[must_use]
    pub fn counts(&self) -> Counts {
        let log = self.lock();
        let of = |method| log.iter().filter(|called| **called == method).count();
        Counts {
            bind: of("bind"),
            load: of("load"),
            load_many: of("load_many"),
            session: of("session"),
            epoch: of("epoch"),
            due: of("due"),
            commit: of("commit"),
            consume: of("consume"),
            code: of("code"),
            events: of("events"),
            prune_events: of("prune_events"),
            sweep: of("sweep"),
        }
    }

    /// Forgets what was counted.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn note(&self, method: &'static str) {
        self.lock().push(method);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for TracedStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        self.note("bind");
        self.inner.bind(header).await
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.note("load");
        self.inner.load(lookup).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.note("load_many");
        self.inner.load_many(lookups).await
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        self.note("session");
        self.inner.session(at).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.note("epoch");
        self.inner.epoch().await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        self.note("due");
        self.inner.due(now, limit).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.note("commit");
        self.inner.commit(change).await
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        self.note("consume");
        self.inner.consume(charge).await
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.note("code");
        self.inner.code(key).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.note("events");
        self.inner.events(after, limit).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        self.note("prune_events");
        self.inner.prune_events(up_to).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.note("sweep");
        self.inner.sweep(now, limit).await
    }
}
