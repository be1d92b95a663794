use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use authcore::account::{AccountId, CommitId, Epoch, IdentityKey};
use authcore::event::{Event, EventCursor, StoredEvent};
use authcore::store::{
    Admission, ChangeSet, Charge, CodeKey, CommitError, Conflict, Lookup, OneTimeCode,
    SingleUseKey, StoreHeader, ThrottleKey, TransferKey, Write,
};
use chrono::{DateTime, Utc};

use crate::expiring::Expiring;
use crate::index::Index;
use crate::kept::{Documents, Found, Kept, KeptAccount};
use crate::recent::Recent;

/// All that a store holds.
#[derive(Default)]
pub(crate) struct State {
    header: Option<StoreHeader>,
    pub(crate) epoch: Epoch,
    /// The change set that raised the epoch last.
    epoch_by: Option<CommitId>,
    pub(crate) accounts: HashMap<AccountId, Documents>,
    identities: Index,
    usernames: Index,
    transfers: HashMap<TransferKey, AccountId>,
    /// The accounts that time will change, by when.
    due: BTreeSet<(DateTime<Utc>, AccountId)>,
    pub(crate) codes: Expiring<CodeKey, (CommitId, OneTimeCode)>,
    codes_of: BTreeSet<(AccountId, CodeKey)>,
    pub(crate) single_use: Expiring<SingleUseKey, CommitId>,
    throttles: Expiring<ThrottleKey, ()>,
    /// By cursor.
    events: VecDeque<StoredEvent>,
    last_cursor: u64,
    recent: Recent,
}

impl State {
    pub(crate) fn bind(&mut self, header: &StoreHeader) -> StoreHeader {
        self.header.get_or_insert_with(|| header.clone()).clone()
    }

    pub(crate) fn find(&self, lookup: &Lookup) -> Option<Found> {
        let id = match lookup {
            Lookup::Id(id) => *id,
            Lookup::Identity(key) => self.identity_owner(key)?,
            Lookup::Username(key) => self.username_owner(key)?,
            Lookup::Transfer(key) => self.transfer_owner(key)?,
        };
        let documents = self.accounts.get(&id)?.clone();
        Some(Found { id, documents, store_epoch: self.epoch })
    }

    pub(crate) fn due(&self, now: DateTime<Utc>, limit: u32) -> Vec<AccountId> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        due.take(limit).map(|(_, id)| *id).collect()
    }

    pub(crate) fn code(&self, key: &CodeKey) -> Option<OneTimeCode> {
        self.codes.get(key).map(|(_, code)| code.clone())
    }

    pub(crate) fn consume(&mut self, charge: &Charge) -> Admission {
        let (admission, until) = charge.apply(self.throttles.end(&charge.key));
        self.throttles.insert(charge.key, until, ());
        admission
    }

    pub(crate) fn events(&self, after: EventCursor, limit: u32) -> Vec<StoredEvent> {
        let start = self.events.partition_point(|stored| stored.cursor <= after);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.events.iter().skip(start).take(limit).cloned().collect()
    }

    pub(crate) fn prune_events(&mut self, up_to: EventCursor) -> u64 {
        let count = self.events.partition_point(|stored| stored.cursor <= up_to);
        self.events.drain(..count);
        as_u64(count)
    }

    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limit: u32) -> u64 {
        let codes = self.codes.over(now, limit);
        let single_use = self.single_use.over(now, limit);
        let throttles = self.throttles.over(now, limit);
        for key in &codes {
            self.remove_code(key);
        }
        for key in &single_use {
            self.single_use.remove(key);
        }
        for key in &throttles {
            self.throttles.remove(key);
        }
        as_u64(codes.len() + single_use.len() + throttles.len())
    }

    /// Checks everything before it writes anything.
    pub(crate) fn commit(&mut self, change: &ChangeSet) -> Result<(), CommitError> {
        if self.was_applied(change) {
            return Ok(());
        }
        for require in &change.require {
            self.check_require(require)?;
        }
        for write in &change.writes {
            self.check_write(write)?;
        }
        self.check_unique(&change.writes)?;
        for write in &change.writes {
            self.write(write, change.id);
        }
        for event in &change.events {
            self.append(event);
        }
        if !leaves_a_trace(&change.writes) {
            self.recent.insert(change.id);
        }
        Ok(())
    }

    /// Whether the set was applied before: sets are applied whole, so one document that names it proves it.
    fn was_applied(&self, change: &ChangeSet) -> bool {
        let by = |id: &AccountId, of: fn(&Documents) -> CommitId| {
            self.accounts.get(id).is_some_and(|it| of(it) == change.id)
        };
        self.recent.contains(change.id)
            || change.writes.iter().any(|write| match write {
                Write::InsertAccount { account, .. } => {
                    by(&account.id, |it| it.account.by) || by(&account.id, |it| it.activity.by)
                }
                Write::UpdateAccount { account, .. } => by(&account.id, |it| it.account.by),
                Write::UpdateActivity { id, .. } => by(id, |it| it.activity.by),
                Write::PutCode(code) => {
                    self.codes.get(&code.key).is_some_and(|(by, _)| *by == change.id)
                }
                Write::UseUp { key, .. } => self.single_use.get(key) == Some(&change.id),
                Write::RaiseStoreEpoch => self.epoch_by == Some(change.id),
                _ => false,
            })
    }

    pub(crate) fn documents(&self, id: AccountId) -> Result<&Documents, CommitError> {
        self.accounts.get(&id).ok_or(CommitError::Conflict(Conflict::AccountMissing(id)))
    }

    pub(crate) fn identity_owner(&self, key: &IdentityKey) -> Option<AccountId> {
        self.owner(self.identities.candidates(key), |account| {
            account.identity_keys().any(|held| held == key)
        })
    }

    pub(crate) fn username_owner(&self, key: &str) -> Option<AccountId> {
        self.owner(self.usernames.candidates(key), |account| account.username_key() == Some(key))
    }

    pub(crate) fn transfer_owner(&self, key: &TransferKey) -> Option<AccountId> {
        self.transfers.get(key).copied()
    }

    fn owner(
        &self,
        candidates: &[AccountId],
        holds: impl Fn(&KeptAccount) -> bool,
    ) -> Option<AccountId> {
        candidates
            .iter()
            .copied()
            .find(|id| self.accounts.get(id).is_some_and(|it| holds(&it.account.value)))
    }

    /// Does one write whose conditions were checked.
    fn write(&mut self, write: &Write, by: CommitId) {
        match write {
            Write::InsertAccount { account, activity } => {
                let documents = Documents {
                    account: Arc::new(Kept::first(KeptAccount::new(account), by)),
                    activity: Kept::first(Arc::clone(activity), by),
                };
                self.put_account(account.id, documents);
            }
            Write::UpdateAccount { account, .. } => {
                if let Some(before) = self.take_account(account.id) {
                    let next = before.account.next(KeptAccount::new(account), by);
                    self.put_account(
                        account.id,
                        Documents { account: Arc::new(next), activity: before.activity },
                    );
                }
            }
            Write::DeleteAccount { id, .. } => {
                self.take_account(*id);
                self.remove_codes_of(*id);
            }
            Write::UpdateActivity { id, activity, .. } => {
                if let Some(documents) = self.accounts.get_mut(id) {
                    documents.activity = documents.activity.next(Arc::clone(activity), by);
                }
            }
            Write::PutCode(code) => {
                self.remove_code(&code.key);
                self.codes.insert(code.key, code.expires_at, (by, code.clone()));
                self.codes_of.insert((code.account, code.key));
            }
            Write::DeleteCode(key) => self.remove_code(key),
            Write::UseUp { key, forget_at } => {
                self.single_use.insert(*key, *forget_at, by);
            }
            Write::ResetThrottle(key) => {
                self.throttles.remove(key);
            }
            Write::RaiseStoreEpoch => {
                self.epoch = self.epoch.next();
                self.epoch_by = Some(by);
            }
            // Such a set was refused by the checks.
            _ => {}
        }
    }

    /// Puts an account in, and what it is found by. Within one set, a key that moves may still name the account that
    /// it leaves; an index holds both until that one is written too.
    fn put_account(&mut self, id: AccountId, documents: Documents) {
        for key in documents.account.value.identity_keys() {
            self.identities.insert(key, id);
        }
        if let Some(key) = documents.account.value.username_key() {
            self.usernames.insert(key, id);
        }
        if let Some(key) = documents.account.value.transfer_key() {
            self.transfers.insert(*key, id);
        }
        if let Some(due) = documents.account.value.due_at() {
            self.due.insert((due, id));
        }
        self.accounts.insert(id, documents);
    }

    fn take_account(&mut self, id: AccountId) -> Option<Documents> {
        let documents = self.accounts.remove(&id)?;
        for key in documents.account.value.identity_keys() {
            self.identities.remove(key, id);
        }
        if let Some(key) = documents.account.value.username_key() {
            self.usernames.remove(key, id);
        }
        if let Some(key) = documents.account.value.transfer_key()
            && self.transfers.get(key) == Some(&id)
        {
            self.transfers.remove(key);
        }
        if let Some(due) = documents.account.value.due_at() {
            self.due.remove(&(due, id));
        }
        Some(documents)
    }

    fn remove_code(&mut self, key: &CodeKey) {
        if let Some((_, code)) = self.codes.remove(key) {
            self.codes_of.remove(&(code.account, *key));
        }
    }

    fn remove_codes_of(&mut self, id: AccountId) {
        let least = (id, CodeKey::new([0; 32]));
        let keys: Vec<CodeKey> = self
            .codes_of
            .range(least..)
            .take_while(|(owner, _)| *owner == id)
            .map(|(_, key)| *key)
            .collect();
        for key in &keys {
            self.remove_code(key);
        }
    }

    fn append(&mut self, event: &Event) {
        self.last_cursor += 1;
        let cursor = EventCursor::new(self.last_cursor);
        self.events.push_back(StoredEvent { cursor, event: event.clone() });
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

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
