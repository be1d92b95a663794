//! The in-memory store of authcore: for tests, for simulations, and for games whose accounts need not outlive the
//! process.
//!
//! ```
//! use std::sync::Arc;
//!
//! use authcore::store::Store;
//! use authcore_store_memory::MemoryStore;
//!
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! assert!(!store.capabilities().durable);
//! ```
//!
//! # What it promises
//!
//! Everything that [`Store`] asks for, but nothing survives the process, and no other process sees it.
//!
//! # It never waits
//!
//! All work is done under one lock, in the first poll: a future of this store is ready at once and never pends. So it
//! can be driven without a runtime, by polling each future once; a `commit` whose future is dropped was either never
//! polled, and changed nothing, or is done.
//!
//! # What it costs
//!
//! An account with a username and one login takes some 620 to 730 bytes, depending on how full the hash tables happen
//! to be; a session some 175 and its texts; an event some 100. Events stay until they are
//! [pruned](Store::prune_events); codes, single-use keys and throttles until they are [swept](Store::sweep).

mod checks;
mod expiring;
mod index;
mod kept;
mod recent;
mod state;
mod sync;

use std::fmt;
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

use crate::state::State;
use crate::sync::Shared;

/// A store in memory. A clone is the same store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Shared<State>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: false, multi_process: false }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        Ok(self.state.write().bind(header))
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        // The lock is held for two reference counts; the copy is made after it.
        let found = self.state.read().find(lookup);
        Ok(found.map(|found| found.snapshot()))
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let found: Vec<_> = {
            let state = self.state.read();
            lookups.iter().map(|lookup| state.find(lookup)).collect()
        };
        Ok(found.into_iter().map(|found| found.map(|found| found.snapshot())).collect())
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        let found = self.state.read().find(&Lookup::Id(at.account));
        Ok(found.and_then(|found| found.session(at.session)))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.state.read().epoch)
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.state.read().due(now, limit))
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.state.write().commit(change)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        Ok(self.state.write().consume(charge))
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        Ok(self.state.read().code(key))
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.state.read().events(after, limit))
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        Ok(self.state.write().prune_events(up_to))
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        Ok(self.state.write().sweep(now, limit))
    }
}
