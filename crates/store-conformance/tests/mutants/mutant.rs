use std::fmt;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use authcore_store_memory::MemoryStore;
use chrono::{DateTime, Utc};

/// What a mutant does otherwise than the memory store.
#[async_trait]
pub(crate) trait Flaw: fmt::Debug + Send + Sync + 'static {
    fn capabilities(&self, inner: &MemoryStore) -> Capabilities {
        inner.capabilities()
    }

    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        inner.load(lookup).await
    }

    async fn session(
        &self,
        inner: &MemoryStore,
        at: SessionRef,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        inner.session(at).await
    }

    async fn due(
        &self,
        inner: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        inner.due(now, limit).await
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(change).await
    }

    async fn consume(&self, inner: &MemoryStore, charge: &Charge) -> Result<Admission, StoreError> {
        inner.consume(charge).await
    }

    async fn events(
        &self,
        inner: &MemoryStore,
        after: EventCursor,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        inner.events(after, limit).await
    }

    async fn sweep(
        &self,
        inner: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        inner.sweep(now, limit).await
    }
}

/// A memory store with a flaw.
#[derive(Debug)]
pub(crate) struct Mutant<F> {
    inner: MemoryStore,
    flaw: F,
}

impl<F> Mutant<F> {
    pub(crate) fn new(flaw: F) -> Self {
        Self::over(MemoryStore::new(), flaw)
    }

    pub(crate) fn over(inner: MemoryStore, flaw: F) -> Self {
        Self { inner, flaw }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<F: Flaw> Store for Mutant<F> {
    fn capabilities(&self) -> Capabilities {
        self.flaw.capabilities(&self.inner)
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        self.inner.bind(header).await
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.flaw.load(&self.inner, lookup).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let mut found = Vec::new();
        for lookup in lookups {
            found.push(self.flaw.load(&self.inner, lookup).await?);
        }
        Ok(found)
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        self.flaw.session(&self.inner, at).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.inner.epoch().await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        self.flaw.due(&self.inner, now, limit).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.flaw.commit(&self.inner, change).await
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        self.flaw.consume(&self.inner, charge).await
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.inner.code(key).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.flaw.events(&self.inner, after, limit).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        self.inner.prune_events(up_to).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.flaw.sweep(&self.inner, now, limit).await
    }
}
