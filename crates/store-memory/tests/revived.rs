//! The conformance kit on a memory store that is made anew from its own snapshot after each of its first hundred writes: whatever the kit looks at
//! is in a snapshot.

use std::sync::Arc;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use authcore_store_conformance::{Fixture, seed, store_conformance};
use authcore_store_memory::{MemoryStore, SnapshotError};
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

/// A clone is the same store.
#[derive(Clone, Debug, Default)]
struct Revived(Arc<Mutex<Life>>);

#[derive(Debug, Default)]
struct Life {
    store: MemoryStore,
    writes: u32,
}

fn revive(Life { store, writes }: &mut Life) -> Result<(), StoreError> {
    *writes += 1;
    // Large worlds seldom: a snapshot is all of it.
    if *writes > 100 && !writes.is_multiple_of(64) {
        return Ok(());
    }
    let again = || -> Result<_, SnapshotError> { MemoryStore::from_snapshot(&store.snapshot()?) };
    *store =
        again().map_err(|e| StoreError::new("revived", StoreErrorKind::Other).with_source(e))?;
    Ok(())
}

#[async_trait]
impl Store for Revived {
    fn capabilities(&self) -> Capabilities {
        // As far as the kit can tell: it opens the store again, and finds what was saved.
        Capabilities { durable: true, multi_process: false }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        let mut life = self.0.lock().await;
        let bound = life.store.bind(header).await?;
        revive(&mut life)?;
        Ok(bound)
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.0.lock().await.store.load(lookup).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.0.lock().await.store.load_many(lookups).await
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        self.0.lock().await.store.session(at).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.0.lock().await.store.epoch().await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        self.0.lock().await.store.due(now, limit).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let mut life = self.0.lock().await;
        life.store.commit(change).await?;
        Ok(revive(&mut life)?)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        let mut life = self.0.lock().await;
        let admission = life.store.consume(charge).await?;
        revive(&mut life)?;
        Ok(admission)
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.0.lock().await.store.code(key).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.lock().await.store.events(after, limit).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        let mut life = self.0.lock().await;
        let pruned = life.store.prune_events(up_to).await?;
        revive(&mut life)?;
        Ok(pruned)
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut life = self.0.lock().await;
        let swept = life.store.sweep(now, limit).await?;
        revive(&mut life)?;
        Ok(swept)
    }
}

/// What a release leaves behind that writes snapshots of format 1.
const FORMAT_1: &[u8] = include_bytes!("seed-1.txt");

#[tokio::test]
async fn the_newest_format_is_kept_with_what_it_holds() {
    let store = MemoryStore::new();
    seed(&store).await;
    let bytes = store.snapshot().unwrap();
    if std::env::var_os("AUTHCORE_WRITE_SCHEMAS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/seed-1.txt"), &bytes).unwrap();
    } else {
        assert_eq!(bytes, FORMAT_1, "AUTHCORE_WRITE_SCHEMAS=1 writes it, while none of it is out");
    }
}

#[expect(clippy::unwrap_used, reason = "a fixture that is no snapshot fails every test of it")]
fn of_format_1() -> Revived {
    let store = MemoryStore::from_snapshot(FORMAT_1).unwrap();
    Revived(Arc::new(Mutex::new(Life { store, writes: 0 })))
}

fn fixture() -> Fixture {
    let store = Revived::default();
    let again = store.clone();
    Fixture::new(Arc::new(store))
        .with_reopen(move || {
            let again = again.clone();
            async move { Arc::new(again) as Arc<dyn Store> }
        })
        .with_schemas(vec!["1".to_owned()], |_| async { Arc::new(of_format_1()) as Arc<dyn Store> })
}

store_conformance! { factory = || async { fixture() } }
