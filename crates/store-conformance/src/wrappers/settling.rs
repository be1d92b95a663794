use std::sync::Arc;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use chrono::{DateTime, Utc};

/// Far more than a store that fails now and then needs.
const ATTEMPTS: usize = 100;

/// Makes every call again that failed in a way that [may pass](StoreError::is_retryable); a commit with the very same
/// change set.
#[derive(Debug)]
pub struct SettlingStore {
    inner: Arc<dyn Store>,
}

impl SettlingStore {
    /// Settles the faults of a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }
}

trait MayPass {
    fn may_pass(&self) -> bool;
}

impl MayPass for StoreError {
    fn may_pass(&self) -> bool {
        self.is_retryable()
    }
}

impl MayPass for CommitError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_retryable())
    }
}

async fn settle<T, E, F, Fut>(call: F) -> Result<T, E>
where
    E: MayPass,
    F: Fn() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(error) if error.may_pass() => tokio::task::yield_now().await,
            settled => return settled,
        }
    }
    call().await
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for SettlingStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        settle(|| self.inner.bind(header)).await
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        settle(|| self.inner.load(lookup)).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        settle(|| self.inner.load_many(lookups)).await
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        settle(|| self.inner.session(at)).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        settle(|| self.inner.epoch()).await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        settle(|| self.inner.due(now, limit)).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        settle(|| self.inner.commit(change)).await
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        settle(|| self.inner.consume(charge)).await
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        settle(|| self.inner.code(key)).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        settle(|| self.inner.events(after, limit)).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        settle(|| self.inner.prune_events(up_to)).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        settle(|| self.inner.sweep(now, limit)).await
    }
}
