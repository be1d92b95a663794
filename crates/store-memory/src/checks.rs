//! The conditions of a change set, read only.

use std::collections::{HashMap, HashSet};

use authcore::account::{Account, AccountId, IdentityKey, Version};
use authcore::store::{
    CommitError, Conflict, Require, StoreError, StoreErrorKind, TransferKey, Write,
};

use crate::state::State;

impl State {
    pub(crate) fn check_require(&self, require: &Require) -> Result<(), CommitError> {
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
            Require::Code(key, tries_left) => holds(
                self.codes.get(key).is_some_and(|(_, code)| code.tries_left == *tries_left),
                || Conflict::CodeChanged(*key),
            ),
            _ => Err(unknown()),
        }
    }

    pub(crate) fn check_write(&self, write: &Write) -> Result<(), CommitError> {
        match write {
            Write::InsertAccount { account, .. } => {
                holds(!self.accounts.contains_key(&account.id), || {
                    Conflict::AccountExists(account.id)
                })
            }
            Write::UpdateAccount { account, expect } => self.check_account(account.id, *expect),
            Write::DeleteAccount { id, expect } => self.check_account(*id, *expect),
            Write::UpdateActivity { id, expect, .. } => self.check_activity(*id, *expect),
            Write::UseUp { key, .. } => {
                holds(self.single_use.get(key).is_none(), || Conflict::UsedUp(*key))
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
    pub(crate) fn check_unique(&self, writes: &[Write]) -> Result<(), CommitError> {
        let touched: HashSet<AccountId> = writes.iter().filter_map(account_of).collect();
        let mut identities: HashMap<&IdentityKey, AccountId> = HashMap::new();
        let mut usernames: HashMap<&str, AccountId> = HashMap::new();
        let mut transfers: HashMap<&TransferKey, AccountId> = HashMap::new();
        let other = |owner: Option<AccountId>, id| {
            owner.is_some_and(|owner| owner != id && !touched.contains(&owner))
        };
        for account in writes.iter().filter_map(written_account) {
            for identity in &account.identities {
                let beside = *identities.entry(&identity.key).or_insert(account.id) != account.id;
                if beside || other(self.identity_owner(&identity.key), account.id) {
                    return Err(CommitError::Conflict(Conflict::IdentityTaken(
                        identity.key.clone(),
                    )));
                }
            }
            if let Some(username) = &account.username {
                let beside = *usernames.entry(&username.key).or_insert(account.id) != account.id;
                if beside || other(self.username_owner(&username.key), account.id) {
                    return Err(CommitError::Conflict(Conflict::UsernameTaken(
                        username.key.clone(),
                    )));
                }
            }
            if let Some(transfer) = &account.records.transfer {
                let key = &transfer.key;
                let beside = *transfers.entry(key).or_insert(account.id) != account.id;
                if beside || other(self.transfer_owner(key), account.id) {
                    return Err(CommitError::Conflict(Conflict::TransferTaken(*key)));
                }
            }
        }
        Ok(())
    }
}

fn holds(condition: bool, otherwise: impl FnOnce() -> Conflict) -> Result<(), CommitError> {
    if condition { Ok(()) } else { Err(CommitError::Conflict(otherwise())) }
}

/// A condition or write that is newer than this store: refused before anything is written.
fn unknown() -> CommitError {
    CommitError::Store(StoreError::new("memory", StoreErrorKind::Other))
}

fn written_account(write: &Write) -> Option<&Account> {
    match write {
        Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
            Some(account)
        }
        _ => None,
    }
}

fn account_of(write: &Write) -> Option<AccountId> {
    match write {
        Write::DeleteAccount { id, .. } => Some(*id),
        _ => written_account(write).map(|account| account.id),
    }
}
