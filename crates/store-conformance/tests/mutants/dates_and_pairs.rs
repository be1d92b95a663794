//! Flaws in transfer keys, due dates, and sets that write two accounts.

#![expect(clippy::unwrap_used, reason = "these stores are made to be broken")]

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use authcore::account::AccountId;
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    ChangeSet, CommitError, Conflict, Lookup, Snapshot, Store, StoreError, TransferKey, Write,
};
use authcore_store_memory::MemoryStore;
use chrono::{DateTime, Utc};

use crate::flaws::{accounts_of, fresh_id};
use crate::mutant::Flaw;

/// Lets any number of accounts have a transfer key; lookups find the first.
#[derive(Debug, Default)]
pub(crate) struct ForgetsTransfers {
    serial: AtomicU64,
    /// What stands in the store for a key that was taken.
    real: Mutex<HashMap<TransferKey, TransferKey>>,
}

#[async_trait]
impl Flaw for ForgetsTransfers {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        let mut found = inner.load(lookup).await?;
        for transfer in found.iter_mut().flat_map(|found| &mut found.account.records.transfer) {
            if let Some(real) = self.real.lock().unwrap().get(&transfer.key) {
                transfer.key = *real;
            }
        }
        Ok(found)
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        loop {
            let taken = match inner.commit(&change).await {
                Err(CommitError::Conflict(Conflict::TransferTaken(key))) => key,
                result => return result,
            };
            let accounts = accounts_of(&mut change);
            for transfer in accounts.flat_map(|account| &mut account.records.transfer) {
                if transfer.key == taken {
                    let mut digest = [0xff; 32];
                    let serial = self.serial.fetch_add(1, Ordering::Relaxed);
                    digest[..8].copy_from_slice(&serial.to_be_bytes());
                    transfer.key = TransferKey::new(digest);
                    self.real.lock().unwrap().insert(transfer.key, taken);
                }
            }
        }
    }
}

/// A list of due accounts that is kept apart.
type DueList = Mutex<BTreeSet<(DateTime<Utc>, AccountId)>>;

fn page(list: &DueList, now: DateTime<Utc>, limit: u32) -> Vec<AccountId> {
    let list = list.lock().unwrap();
    let due = list.iter().take_while(|(at, _)| *at <= now);
    due.take(limit.try_into().unwrap()).map(|(_, id)| *id).collect()
}

/// Notes who is due when accounts are made and removed, not when they change.
#[derive(Debug, Default)]
pub(crate) struct DueAtBirth(DueList);

#[async_trait]
impl Flaw for DueAtBirth {
    async fn due(
        &self,
        _: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        Ok(page(&self.0, now, limit))
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(change).await?;
        let mut list = self.0.lock().unwrap();
        for write in &change.writes {
            match write {
                Write::InsertAccount { account, .. } => {
                    list.extend(account.due_at().map(|at| (at, account.id)));
                }
                Write::DeleteAccount { id, .. } => list.retain(|(_, due)| due != id),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Never takes anybody off the list.
#[derive(Debug, Default)]
pub(crate) struct DueForEver(DueList);

#[async_trait]
impl Flaw for DueForEver {
    async fn due(
        &self,
        _: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        Ok(page(&self.0, now, limit))
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(change).await?;
        let mut change = change.clone();
        for account in accounts_of(&mut change) {
            let mut list = self.0.lock().unwrap();
            if let Some(at) = account.due_at() {
                list.retain(|(_, due)| *due != account.id);
                list.insert((at, account.id));
            }
        }
        Ok(())
    }
}

/// Does not tell with a session when its account is due.
#[derive(Debug)]
pub(crate) struct SilentSession;

#[async_trait]
impl Flaw for SilentSession {
    async fn session(
        &self,
        inner: &MemoryStore,
        at: SessionRef,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        let found = inner.session(at).await?;
        Ok(found.map(|found| SessionSnapshot { account_due_at: None, ..found }))
    }
}

/// Of two accounts in one set, writes the one that did not change.
#[derive(Debug)]
pub(crate) struct HalfAPair;

#[async_trait]
impl Flaw for HalfAPair {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let result = inner.commit(change).await;
        if let Err(CommitError::Conflict(Conflict::AccountChanged(changed))) = &result {
            let mut half = ChangeSet { id: fresh_id(), events: Vec::new(), ..change.clone() };
            half.writes.retain(|write| match write {
                Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
                    account.id != *changed
                }
                Write::DeleteAccount { id, .. } => id != changed,
                _ => true,
            });
            // What cannot stand alone is left out.
            if !half.writes.is_empty() {
                let _ = inner.commit(&half).await;
            }
        }
        result
    }
}

/// Compares the version of the first account that a set writes, and of no other.
#[derive(Debug)]
pub(crate) struct ChecksOneOfAPair;

#[async_trait]
impl Flaw for ChecksOneOfAPair {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let result = inner.commit(change).await;
        let Err(CommitError::Conflict(Conflict::AccountChanged(_))) = &result else {
            return result;
        };
        let mut forced = change.clone();
        let pair = forced.writes.iter_mut().filter_map(|write| match write {
            Write::UpdateAccount { account, expect } => Some((account.id, expect)),
            Write::DeleteAccount { id, expect } => Some((*id, expect)),
            _ => None,
        });
        for (id, expect) in pair.skip(1) {
            if let Some(found) = inner.load(&Lookup::Id(id)).await? {
                *expect = found.version;
            }
        }
        inner.commit(&forced).await
    }
}
