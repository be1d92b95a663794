//! Whether a change set is applied: known already, or every condition holds.

use std::collections::{HashMap, HashSet};

use authcore::account::{Account, AccountId, Version};
use authcore::store::{
    ChangeSet, CommitError, Conflict, OneTimeCode, Require, StoreError, StoreErrorKind, Write,
};

use crate::map::{Kept, Map, key, millis};

impl Map {
    pub(crate) fn commit(&mut self, change: &ChangeSet) -> Result<(), CommitError> {
        if self.was_applied(change)? {
            return Ok(());
        }
        for require in &change.require {
            self.judge_require(require)?;
        }
        for write in &change.writes {
            self.judge_write(write)?;
        }
        self.judge_uniqueness(&change.writes)?;
        Ok(self.apply(change)?)
    }

    pub(crate) fn was_applied(&self, change: &ChangeSet) -> Result<bool, StoreError> {
        if self.0.contains_key(&key(b'r', &[change.id.as_bytes()])) {
            return Ok(true);
        }
        for write in &change.writes {
            let (account, activity) = match write {
                Write::InsertAccount { account, .. } => (Some(account.id), Some(account.id)),
                Write::UpdateAccount { account, .. } => (Some(account.id), None),
                Write::UpdateActivity { id, .. } => (None, Some(*id)),
                _ => (None, None),
            };
            let wrote_account = match account {
                Some(id) => self.account(id)?.is_some_and(|kept| kept.by == change.id),
                None => false,
            };
            let wrote_activity = match activity {
                Some(id) => self.activity(id)?.is_some_and(|kept| kept.by == change.id),
                None => false,
            };
            if wrote_account || wrote_activity {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn must_be(
        &self,
        id: AccountId,
        holds: impl FnOnce(&Kept<Account>) -> bool,
    ) -> Result<(), CommitError> {
        let found = self.account(id)?.ok_or(CommitError::Conflict(Conflict::AccountMissing(id)))?;
        must(holds(&found), Conflict::AccountChanged(id))
    }

    pub(crate) fn must_be_active(
        &self,
        id: AccountId,
        version: Version,
    ) -> Result<(), CommitError> {
        let found =
            self.activity(id)?.ok_or(CommitError::Conflict(Conflict::AccountMissing(id)))?;
        must(found.version == version.number(), Conflict::ActivityChanged(id))
    }

    pub(crate) fn judge_require(&self, require: &Require) -> Result<(), CommitError> {
        match require {
            Require::Account(id, version) => self.must_be(*id, |it| it.version == version.number()),
            Require::Activity(id, version) => self.must_be_active(*id, *version),
            Require::Epoch(id, epoch) => self.must_be(*id, |it| it.value.epoch == *epoch),
            Require::PasswordVersion(id, version) => self.must_be(*id, |it| {
                it.value.password.as_ref().is_some_and(|it| it.version == *version)
            }),
            Require::Code(code, tries) => {
                let found: Option<OneTimeCode> = self.read(&key(b'c', &[code.as_bytes()]))?;
                must(
                    found.is_some_and(|found| found.tries_left == *tries),
                    Conflict::CodeChanged(*code),
                )
            }
            _ => Err(unknown()),
        }
    }

    pub(crate) fn judge_write(&self, write: &Write) -> Result<(), CommitError> {
        match write {
            Write::InsertAccount { account, .. } => {
                must(self.account(account.id)?.is_none(), Conflict::AccountExists(account.id))
            }
            Write::UpdateAccount { account, expect } => {
                self.must_be(account.id, |it| it.version == expect.number())
            }
            Write::DeleteAccount { id, expect } => {
                self.must_be(*id, |it| it.version == expect.number())
            }
            Write::UpdateActivity { id, expect, .. } => self.must_be_active(*id, *expect),
            Write::UseUp { key: used, .. } => {
                let free = !self.0.contains_key(&key(b's', &[used.as_bytes()]));
                must(free, Conflict::UsedUp(*used))
            }
            Write::PutCode(_)
            | Write::DeleteCode(_)
            | Write::ResetThrottle(_)
            | Write::RaiseStoreEpoch => Ok(()),
            _ => Err(unknown()),
        }
    }

    /// Of the state after the set: an account that the set writes or removes owns only what the set gives it.
    pub(crate) fn judge_uniqueness(&self, writes: &[Write]) -> Result<(), CommitError> {
        let touched: HashSet<AccountId> = writes.iter().filter_map(account_of).collect();
        let mut given = HashMap::new();
        for account in writes.iter().filter_map(written) {
            for (key, conflict) in keys_of(account) {
                let elsewhere = self.owner(&key)?.is_some_and(|owner| !touched.contains(&owner));
                let twice = *given.entry(key).or_insert(account.id) != account.id;
                must(!elsewhere && !twice, conflict)?;
            }
        }
        Ok(())
    }
}

pub(crate) fn must(holds: bool, conflict: Conflict) -> Result<(), CommitError> {
    if holds { Ok(()) } else { Err(CommitError::Conflict(conflict)) }
}

/// A condition or write that is newer than the store.
pub(crate) fn unknown() -> CommitError {
    CommitError::Store(StoreError::new("map", StoreErrorKind::Other))
}

pub(crate) fn written(write: &Write) -> Option<&Account> {
    match write {
        Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
            Some(account)
        }
        _ => None,
    }
}

pub(crate) fn account_of(write: &Write) -> Option<AccountId> {
    match write {
        Write::DeleteAccount { id, .. } => Some(*id),
        _ => written(write).map(|account| account.id),
    }
}

/// What must be unique, in the order in which it is judged, and what to answer where it is not.
pub(crate) fn keys_of(account: &Account) -> Vec<(Vec<u8>, Conflict)> {
    let mut keys = Vec::new();
    for identity in &account.identities {
        keys.push((
            key(b'i', &[&identity.key.encode()]),
            Conflict::IdentityTaken(identity.key.clone()),
        ));
    }
    if let Some(username) = &account.username {
        keys.push((
            key(b'u', &[username.key.as_bytes()]),
            Conflict::UsernameTaken(username.key.clone()),
        ));
    }
    if let Some(transfer) = &account.records.transfer {
        keys.push((key(b't', &[transfer.key.as_bytes()]), Conflict::TransferTaken(transfer.key)));
    }
    keys
}

/// All records that lead to an account.
pub(crate) fn indexes_of(account: &Account) -> Vec<Vec<u8>> {
    let due = account.due_at().map(|at| key(b'd', &[&millis(at), account.id.as_bytes()]));
    keys_of(account).into_iter().map(|(key, _)| key).chain(due).collect()
}
