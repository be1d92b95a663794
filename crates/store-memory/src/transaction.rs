//! Commits: all locks that a change set needs, all its conditions, then all its writes.

use std::sync::Arc;

use authcore::account::{Account, AccountId, CommitId};
use authcore::store::{ChangeSet, CommitError, Conflict, Require, Write};

use crate::accounts::Accounts;
use crate::index::{Index, Key};
use crate::kept::{AccountDocument, Documents, Kept, KeptAccount, KeptActivity};
use crate::shards::{Hasher, KeyHash, Locked, ShardSet};
use crate::state::State;
use crate::sundries::Sundries;

/// The shards that a change set touches, locked.
pub(crate) struct Transaction<'a> {
    pub(crate) hasher: &'a Hasher,
    pub(crate) accounts: Locked<'a, Accounts>,
    pub(crate) index: Locked<'a, Index>,
    pub(crate) sundries: Locked<'a, Sundries>,
}

impl State {
    pub(crate) fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let mut transaction = Transaction::begin(self, change);
        let to_remember = !leaves_a_trace(&change.writes);
        let mut log = to_remember.then(|| self.log.write());
        if log.as_ref().is_some_and(|log| log.recent.contains(change.id))
            || transaction.was_applied(change)
        {
            return Ok(());
        }
        transaction.check(change)?;
        transaction.apply(change);
        if !change.events.is_empty() {
            log.get_or_insert_with(|| self.log.write()).append(&change.events);
        }
        if to_remember && let Some(log) = &mut log {
            log.recent.insert(change.id);
        }
        Ok(())
    }
}

impl<'a> Transaction<'a> {
    fn begin(state: &'a State, change: &ChangeSet) -> Self {
        let hasher = &state.hasher;
        let accounts = state.accounts.lock(accounts_of(hasher, change));
        let mut index = ShardSet::default();
        for write in &change.writes {
            for key in written_account(write).into_iter().flat_map(Key::of) {
                index.insert(hasher.hash(&key));
            }
            if let Some(before) = replaced(write).and_then(|id| get(hasher, &accounts, id)) {
                for key in before.account.value.keys() {
                    index.insert(hasher.hash(&key));
                }
            }
        }
        let index = state.index.lock(index);
        let sundries = state.sundries.lock(sundries_of(hasher, change));
        Self { hasher, accounts, index, sundries }
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<&Documents> {
        get(self.hasher, &self.accounts, id)
    }

    pub(crate) fn documents(&self, id: AccountId) -> Result<&Documents, CommitError> {
        self.get(id).ok_or(CommitError::Conflict(Conflict::AccountMissing(id)))
    }

    /// Whether the set was applied before: sets are applied whole, so one document that names it proves it.
    fn was_applied(&self, change: &ChangeSet) -> bool {
        let by = |id: AccountId, of: fn(&Documents) -> CommitId| {
            self.get(id).is_some_and(|it| of(it) == change.id)
        };
        change.writes.iter().any(|write| match write {
            Write::InsertAccount { account, .. } => {
                by(account.id, |it| it.account.by) || by(account.id, |it| it.activity.by)
            }
            Write::UpdateAccount { account, .. } => by(account.id, |it| it.account.by),
            Write::UpdateActivity { id, .. } => by(*id, |it| it.activity.by),
            Write::PutCode(code) => {
                let shard = self.sundries.of(self.hasher.hash(&code.key));
                let found = shard.and_then(|shard| shard.codes.get(&code.key));
                found.is_some_and(|(by, _)| *by == change.id)
            }
            Write::UseUp { key, .. } => {
                let shard = self.sundries.of(self.hasher.hash(key));
                shard.and_then(|shard| shard.single_use.get(key)) == Some(&change.id)
            }
            Write::RaiseStoreEpoch => {
                self.accounts.iter().any(|shard| shard.epoch_by == Some(change.id))
            }
            _ => false,
        })
    }

    /// Does the writes, whose conditions were checked. A key may move from one account of the set to another, so all
    /// that is replaced goes before anything new comes.
    fn apply(&mut self, change: &ChangeSet) {
        for id in change.writes.iter().filter_map(replaced) {
            if let Some(before) = self.get(id).map(|it| Arc::clone(&it.account)) {
                self.each_key(&before, Index::remove);
            }
        }
        for write in &change.writes {
            self.write(write, change.id);
        }
    }

    fn write(&mut self, write: &Write, by: CommitId) {
        match write {
            Write::InsertAccount { account, activity } => {
                let documents = Documents {
                    account: Arc::new(Kept::first(KeptAccount::new(account), by)),
                    activity: Arc::new(Kept::first(KeptActivity::new(activity), by)),
                };
                self.put(documents);
            }
            Write::UpdateAccount { account, .. } => {
                if let Some(before) = self.get(account.id) {
                    let next = before.account.next(KeptAccount::new(account), by);
                    let activity = Arc::clone(&before.activity);
                    self.put(Documents { account: Arc::new(next), activity });
                }
            }
            Write::DeleteAccount { id, .. } => {
                let hash = self.hasher.hash(id);
                if let Some(shard) = self.accounts.of_mut(hash) {
                    shard.remove(hash, *id);
                }
                self.sundries.iter_mut().for_each(|shard| shard.remove_codes_of(*id));
            }
            Write::UpdateActivity { id, activity, .. } => {
                let hash = self.hasher.hash(id);
                let shard = self.accounts.of_mut(hash);
                if let Some(documents) = shard.and_then(|shard| shard.get_mut(hash, *id)) {
                    let next = documents.activity.next(KeptActivity::new(activity), by);
                    documents.activity = Arc::new(next);
                }
            }
            Write::PutCode(code) => {
                if let Some(shard) = self.sundries.of_mut(self.hasher.hash(&code.key)) {
                    shard.put_code(code, by);
                }
            }
            Write::DeleteCode(key) => {
                if let Some(shard) = self.sundries.of_mut(self.hasher.hash(key)) {
                    shard.remove_code(key);
                }
            }
            Write::UseUp { key, forget_at } => {
                if let Some(shard) = self.sundries.of_mut(self.hasher.hash(key)) {
                    shard.single_use.insert(*key, *forget_at, by);
                }
            }
            Write::ResetThrottle(key) => {
                if let Some(shard) = self.sundries.of_mut(self.hasher.hash(key)) {
                    shard.throttles.remove(key);
                }
            }
            Write::RaiseStoreEpoch => {
                for shard in self.accounts.iter_mut() {
                    shard.epoch = shard.epoch.next();
                    shard.epoch_by = Some(by);
                }
            }
            // Such a set was refused by the checks.
            _ => {}
        }
    }

    fn put(&mut self, documents: Documents) {
        let account = Arc::clone(&documents.account);
        self.each_key(&account, |index, hash, key| index.insert(hash, key, &account));
        if let Some(shard) = self.accounts.of_mut(self.hasher.hash(&account.value.id)) {
            shard.put(self.hasher, documents);
        }
    }

    fn each_key(
        &mut self,
        account: &AccountDocument,
        mut run: impl FnMut(&mut Index, KeyHash, Key<'_>),
    ) {
        for key in account.value.keys() {
            let hash = self.hasher.hash(&key);
            if let Some(index) = self.index.of_mut(hash) {
                run(index, hash, key);
            }
        }
    }
}

fn get<'a>(
    hasher: &Hasher,
    accounts: &'a Locked<'_, Accounts>,
    id: AccountId,
) -> Option<&'a Documents> {
    let hash = hasher.hash(&id);
    accounts.of(hash)?.get(hash, id)
}

fn accounts_of(hasher: &Hasher, change: &ChangeSet) -> ShardSet {
    let mut shards = ShardSet::default();
    for require in &change.require {
        match require {
            Require::Account(id, _)
            | Require::Activity(id, _)
            | Require::Epoch(id, _)
            | Require::PasswordVersion(id, _) => shards.insert(hasher.hash(id)),
            // Those of sundries, and what is newer than this store, which the checks refuse.
            _ => {}
        }
    }
    for write in &change.writes {
        match write {
            Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
                shards.insert(hasher.hash(&account.id));
            }
            Write::DeleteAccount { id, .. } | Write::UpdateActivity { id, .. } => {
                shards.insert(hasher.hash(id));
            }
            Write::RaiseStoreEpoch => shards = ShardSet::ALL,
            _ => {}
        }
    }
    shards
}

fn sundries_of(hasher: &Hasher, change: &ChangeSet) -> ShardSet {
    let mut shards = ShardSet::default();
    for require in &change.require {
        if let Require::Code(key, _) = require {
            shards.insert(hasher.hash(key));
        }
    }
    for write in &change.writes {
        match write {
            Write::PutCode(code) => shards.insert(hasher.hash(&code.key)),
            Write::DeleteCode(key) => shards.insert(hasher.hash(key)),
            Write::UseUp { key, .. } => shards.insert(hasher.hash(key)),
            Write::ResetThrottle(key) => shards.insert(hasher.hash(key)),
            // Its codes may be in any.
            Write::DeleteAccount { .. } => shards = ShardSet::ALL,
            _ => {}
        }
    }
    shards
}

pub(crate) fn written_account(write: &Write) -> Option<&Account> {
    match write {
        Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
            Some(account)
        }
        _ => None,
    }
}

/// The account whose document goes.
fn replaced(write: &Write) -> Option<AccountId> {
    match write {
        Write::UpdateAccount { account, .. } => Some(account.id),
        Write::DeleteAccount { id, .. } => Some(*id),
        _ => None,
    }
}

/// Whether every write leaves a document that names its change set.
fn leaves_a_trace(writes: &[Write]) -> bool {
    let removes = |write: &Write| {
        matches!(
            write,
            Write::DeleteAccount { .. } | Write::DeleteCode(_) | Write::ResetThrottle(_)
        )
    };
    !writes.is_empty() && !writes.iter().any(removes)
}
