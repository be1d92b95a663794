use std::collections::BTreeSet;
use std::sync::Arc;

use authcore::account::{AccountId, CommitId, Epoch};
use chrono::{DateTime, Utc};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::kept::{Documents, Found};
use crate::shards::{Hasher, KeyHash};

/// The accounts of one shard.
#[derive(Default)]
pub(crate) struct Accounts {
    /// The store's, the same in every shard: whoever raises it has locked them all.
    pub(crate) epoch: Epoch,
    /// The change set that raised the store's epoch last.
    pub(crate) epoch_by: Option<CommitId>,
    table: HashTable<Documents>,
    /// The accounts that time will change, by when.
    due: BTreeSet<(DateTime<Utc>, AccountId)>,
}

impl Accounts {
    pub(crate) fn get(&self, hash: KeyHash, id: AccountId) -> Option<&Documents> {
        self.table.find(hash.number(), |documents| documents.account.value.id == id)
    }

    pub(crate) fn get_mut(&mut self, hash: KeyHash, id: AccountId) -> Option<&mut Documents> {
        self.table.find_mut(hash.number(), |documents| documents.account.value.id == id)
    }

    pub(crate) fn find(&self, hash: KeyHash, id: AccountId) -> Option<Found> {
        let documents = self.get(hash, id)?.clone();
        Some(Found { documents, store_epoch: self.epoch })
    }

    /// Puts an account in, in place of one of the same id.
    pub(crate) fn put(&mut self, hasher: &Hasher, documents: Documents) {
        let account = Arc::clone(&documents.account);
        let (id, due) = (account.value.id, account.value.due_at());
        let rehash = |it: &Documents| hasher.hash(&it.account.value.id).number();
        let is = |it: &Documents| it.account.value.id == id;
        let before = match self.table.entry(hasher.hash(&id).number(), is, rehash) {
            Entry::Vacant(vacant) => {
                vacant.insert(documents);
                None
            }
            Entry::Occupied(mut occupied) => Some(std::mem::replace(occupied.get_mut(), documents)),
        };
        self.is_not_due(before.as_ref());
        self.due.extend(due.map(|at| (at, id)));
    }

    pub(crate) fn remove(&mut self, hash: KeyHash, id: AccountId) {
        if let Ok(entry) = self.table.find_entry(hash.number(), |it| it.account.value.id == id) {
            let (before, _) = entry.remove();
            self.is_not_due(Some(&before));
        }
    }

    fn is_not_due(&mut self, before: Option<&Documents>) {
        if let Some(account) = before.map(|it| &it.account.value)
            && let Some(at) = account.due_at()
        {
            self.due.remove(&(at, account.id));
        }
    }

    /// The accounts whose day has come, in the order of their days.
    pub(crate) fn due(
        &self,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = (DateTime<Utc>, AccountId)> {
        self.due.iter().take_while(move |(at, _)| *at <= now).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Documents> {
        self.table.iter()
    }
}
