//! The conditions of a change set, read only.

use std::collections::{HashMap, HashSet};

use authcore::account::{AccountId, Version};
use authcore::store::{
    ChangeSet, CommitError, Conflict, Require, StoreError, StoreErrorKind, Write,
};

use crate::index::Key;
use crate::transaction::{Transaction, written_account};

impl Transaction<'_> {
    pub(crate) fn check(&self, change: &ChangeSet) -> Result<(), CommitError> {
        for require in &change.require {
            self.check_require(require)?;
        }
        for write in &change.writes {
            self.check_write(write)?;
        }
        self.check_unique(&change.writes)
    }

    fn check_require(&self, require: &Require) -> Result<(), CommitError> {
        match require {
            Require::Account(id, version) => self.check_account(*id, *version),
            Require::Activity(id, version) => self.check_activity(*id, *version),
            Require::Epoch(id, epoch) => {
                holds(self.documents(*id)?.account.value.epoch == *epoch, || {
                    Conflict::AccountChanged(*id)
                })
            }
            Require::PasswordVersion(id, version) => holds(
                self.documents(*id)?.account.value.password_version() == Some(*version),
                || Conflict::AccountChanged(*id),
            ),
            Require::Code(key, tries_left) => {
                let shard = self.sundries.of(self.hasher.hash(key));
                let found = shard.and_then(|shard| shard.codes.get(key));
                holds(found.is_some_and(|(_, code)| code.tries_left == *tries_left), || {
                    Conflict::CodeChanged(*key)
                })
            }
            _ => Err(unknown()),
        }
    }

    fn check_write(&self, write: &Write) -> Result<(), CommitError> {
        match write {
            Write::InsertAccount { account, .. } => {
                holds(self.get(account.id).is_none(), || Conflict::AccountExists(account.id))
            }
            Write::UpdateAccount { account, expect } => self.check_account(account.id, *expect),
            Write::DeleteAccount { id, expect } => self.check_account(*id, *expect),
            Write::UpdateActivity { id, expect, .. } => self.check_activity(*id, *expect),
            Write::UseUp { key, .. } => {
                let shard = self.sundries.of(self.hasher.hash(key));
                let found = shard.and_then(|shard| shard.single_use.get(key));
                holds(found.is_none(), || Conflict::UsedUp(*key))
            }
            Write::PutCode(_)
            | Write::DeleteCode(_)
            | Write::ResetThrottle(_)
            | Write::RaiseStoreEpoch => Ok(()),
            _ => Err(unknown()),
        }
    }

    fn check_account(&self, id: AccountId, version: Version) -> Result<(), CommitError> {
        let found = self.documents(id)?.account.version;
        holds(found == version, || Conflict::AccountChanged(id))
    }

    fn check_activity(&self, id: AccountId, version: Version) -> Result<(), CommitError> {
        let found = self.documents(id)?.activity.version;
        holds(found == version, || Conflict::ActivityChanged(id))
    }

    /// Judges the state after the whole set: accounts that it writes or removes own only what it gives them.
    fn check_unique(&self, writes: &[Write]) -> Result<(), CommitError> {
        let touched: HashSet<AccountId> = writes.iter().filter_map(account_of).collect();
        let mut given: HashMap<Key<'_>, AccountId> = HashMap::new();
        for account in writes.iter().filter_map(written_account) {
            for key in Key::of(account) {
                let beside = *given.entry(key).or_insert(account.id) != account.id;
                let owner = self.owner(key).filter(|owner| !touched.contains(owner));
                holds(!beside && owner.is_none(), || key.taken())?;
            }
        }
        Ok(())
    }

    fn owner(&self, key: Key<'_>) -> Option<AccountId> {
        let hash = self.hasher.hash(&key);
        self.index.of(hash)?.owner(hash, key).map(|owner| owner.value.id)
    }
}

fn holds(condition: bool, otherwise: impl FnOnce() -> Conflict) -> Result<(), CommitError> {
    if condition { Ok(()) } else { Err(CommitError::Conflict(otherwise())) }
}

/// A condition or write that is newer than this store: refused before anything is written.
fn unknown() -> CommitError {
    CommitError::Store(StoreError::new("memory", StoreErrorKind::Other))
}

fn account_of(write: &Write) -> Option<AccountId> {
    match write {
        Write::DeleteAccount { id, .. } => Some(*id),
        _ => written_account(write).map(|account| account.id),
    }
}
