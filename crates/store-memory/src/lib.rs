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
//! Everything that [`Store`] asks for, but nothing survives the process, and no other process sees it. To keep a test world,
//! take a [snapshot](MemoryStore::snapshot) and make a [store of it](MemoryStore::from_snapshot) another day.
//!
//! # It never waits
//!
//! All work is done in the first poll: a future of this store is ready at once and never pends. So it can be driven
//! without a runtime, by polling each future once; a `commit` whose future is dropped was either never polled, and
//! changed nothing, or is done.
//!
//! # Threads
//!
//! Accounts, the index of their keys, and codes, single-use keys and throttles are in 64 shards each, every shard behind
//! a lock of its own. A load takes one lock or two, one after the other. A commit takes the locks of all that it touches,
//! in one order, and lets none go before everything is written: whoever sees one of its writes sees the others too. Only
//! what is rare takes more: raising the store's epoch and deleting an account lock all shards of a kind, and so do
//! [`due`](Store::due), [`sweep`](Store::sweep) and [snapshots](MemoryStore::snapshot). Events are appended under one lock, as
//! their order demands; a plain login writes none.
//!
//! # What it costs
//!
//! An account with a username and one login takes some 560 bytes, and 670 with its first session; each further session
//! takes 100 to 200 and its texts, an event some 100 (measured at a million accounts with glibc's allocator: `cargo run
//! --release -p authcore-benches --bin account_bytes`). Events stay until they are [pruned](Store::prune_events); codes,
//! single-use keys and throttles until they are [swept](Store::sweep).

mod accounts;
mod checks;
mod expiring;
mod index;
mod kept;
mod log;
mod recent;
mod shards;
mod snapshot;
mod state;
mod sundries;
mod sync;
mod transaction;

pub use snapshot::SnapshotError;

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

/// A store in memory. A clone is the same store.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<State>,
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
        Ok(self.state.log.write().header.get_or_insert_with(|| header.clone()).clone())
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.state.find(lookup).map(|found| found.snapshot()))
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let find = |lookup| self.state.find(lookup).map(|found| found.snapshot());
        Ok(lookups.iter().map(find).collect())
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        Ok(self.state.session(at))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.state.epoch())
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.state.due(now, limit))
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.state.commit(change)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        Ok(self.state.consume(charge))
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        Ok(self.state.code(key))
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.state.log.read().events(after, limit))
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        Ok(self.state.log.write().prune(up_to))
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        Ok(self.state.sweep(now, limit))
    }
}
