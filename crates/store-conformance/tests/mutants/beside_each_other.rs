//! Flaws that show only in what several tasks see of each other.

#![expect(clippy::unwrap_used, reason = "these stores are made to be broken")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use authcore::account::AccountId;
use authcore::store::{
    ChangeSet, CommitError, Conflict, Lookup, Snapshot, Store, StoreError, Write,
};
use authcore_store_memory::MemoryStore;
use tokio::task::yield_now;

use crate::mutant::Flaw;

/// The account whose document is replaced first, if one is.
fn changed(change: &ChangeSet) -> Option<AccountId> {
    change.writes.iter().find_map(|write| match write {
        Write::UpdateAccount { account, .. } => Some(account.id),
        Write::UpdateActivity { id, .. } => Some(*id),
        _ => None,
    })
}

/// Until a commit is answered, some of its readers find what was before it, also after others have found it: as with
/// two replicas of which one is behind.
#[derive(Debug, Default)]
pub(crate) struct ReadsBack {
    behind: Mutex<HashMap<AccountId, Snapshot>>,
    reads: AtomicU64,
}

/// Ends the replica's delay, also when the commit is dropped.
struct Behind<'a>(&'a ReadsBack, AccountId);

impl Drop for Behind<'_> {
    fn drop(&mut self) {
        self.0.behind.lock().unwrap().remove(&self.1);
    }
}

#[async_trait]
impl Flaw for ReadsBack {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        if let Lookup::Id(id) = lookup
            && let Some(before) = self.behind.lock().unwrap().get(id)
            && self.reads.fetch_add(1, Ordering::Relaxed) % 2 == 1
        {
            return Ok(Some(before.clone()));
        }
        inner.load(lookup).await
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let Some(id) = changed(change) else { return inner.commit(change).await };
        let before = inner.load(&Lookup::Id(id)).await?;
        inner.commit(change).await?;
        let _behind = Behind(self, id);
        self.behind.lock().unwrap().extend(before.map(|before| (id, before)));
        for _ in 0..5 {
            yield_now().await;
        }
        Ok(())
    }
}

/// Makes a login again after it was applied, as after a lost answer; when somebody else has logged in in between, it says
/// that the login was refused.
#[derive(Debug)]
pub(crate) struct RefusesWhatItDid;

#[async_trait]
impl Flaw for RefusesWhatItDid {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(change).await?;
        let written = change.writes.iter().find_map(|write| match write {
            Write::UpdateActivity { id, .. } => Some(*id),
            _ => None,
        });
        let Some(id) = written else { return Ok(()) };
        let done = inner.load(&Lookup::Id(id)).await?;
        yield_now().await;
        let found = inner.load(&Lookup::Id(id)).await?;
        let version = |at: Option<Snapshot>| at.map(|at| at.activity_version);
        if version(found) > version(done) {
            return Err(CommitError::Conflict(Conflict::ActivityChanged(id)));
        }
        Ok(())
    }
}
