use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use chrono::{DateTime, Utc};

/// Holds the place of a store while that is closed.
#[derive(Debug)]
pub(crate) struct ClosedStore;

fn closed() -> StoreError {
    StoreError::new("closed", StoreErrorKind::Unavailable)
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for ClosedStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: false, multi_process: false }
    }

    async fn bind(&self, _: &StoreHeader) -> Result<StoreHeader, StoreError> {
        Err(closed())
    }

    async fn load(&self, _: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        Err(closed())
    }

    async fn load_many(&self, _: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        Err(closed())
    }

    async fn session(&self, _: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        Err(closed())
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Err(closed())
    }

    async fn due(&self, _: DateTime<Utc>, _: u32) -> Result<Vec<AccountId>, StoreError> {
        Err(closed())
    }

    async fn commit(&self, _: &ChangeSet) -> Result<(), CommitError> {
        Err(closed().into())
    }

    async fn consume(&self, _: &Charge) -> Result<Admission, StoreError> {
        Err(closed())
    }

    async fn code(&self, _: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        Err(closed())
    }

    async fn events(&self, _: EventCursor, _: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Err(closed())
    }

    async fn prune_events(&self, _: EventCursor) -> Result<u64, StoreError> {
        Err(closed())
    }

    async fn sweep(&self, _: DateTime<Utc>, _: u32) -> Result<u64, StoreError> {
        Err(closed())
    }
}
