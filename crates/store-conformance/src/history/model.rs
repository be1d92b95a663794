use std::collections::BTreeMap;

use authcore::account::{Account, AccountId, Epoch, Version};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{ChangeSet, Conflict, Lookup, Require, Snapshot, Write};
use stateright::semantics::SequentialSpec;

use crate::wrappers::{Answer, Call};

/// What a store is when one call is made after the other: accounts, and the store's epoch. Histories have no other
/// calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    accounts: BTreeMap<AccountId, Snapshot>,
    store_epoch: Epoch,
}

impl SequentialSpec for Model {
    type Op = Call;
    type Ret = Answer;

    #[expect(clippy::panic, reason = "a test kit fails by panicking")]
    fn invoke(&mut self, call: &Call) -> Answer {
        match call {
            Call::Load(lookup) => Answer::Account(self.load(lookup).map(Box::new)),
            Call::Session(at) => Answer::Session(self.session(*at).map(Box::new)),
            Call::Epoch => Answer::Epoch(self.store_epoch),
            Call::Commit(set) => match self.commit(set) {
                Ok(()) => Answer::Committed,
                Err(conflict) => Answer::Refused(conflict),
            },
            other => panic!("the model does not know {other:?}"),
        }
    }
}

impl Model {
    pub(crate) fn new(store_epoch: Epoch) -> Self {
        Self { accounts: BTreeMap::new(), store_epoch }
    }

    fn load(&self, lookup: &Lookup) -> Option<Snapshot> {
        let found = self.accounts.values().find(|found| {
            let account = &found.account;
            match lookup {
                Lookup::Id(id) => account.id == *id,
                Lookup::Identity(key) => account.identity(key).is_some(),
                Lookup::Username(key) => {
                    account.username.as_ref().is_some_and(|name| name.key == *key)
                }
                Lookup::Transfer(key) => {
                    account.records.transfer.as_ref().is_some_and(|transfer| transfer.key == *key)
                }
            }
        })?;
        Some(Snapshot { store_epoch: self.store_epoch, ..found.clone() })
    }

    fn session(&self, at: SessionRef) -> Option<SessionSnapshot> {
        let found = self.accounts.get(&at.account)?;
        let session = found.activity.sessions.iter().find(|session| session.id == at.session)?;
        Some(SessionSnapshot {
            session: session.clone(),
            account_epoch: found.account.epoch,
            store_epoch: self.store_epoch,
            account_due_at: found.account.due_at(),
            activity_version: found.activity_version,
        })
    }

    /// In the order that [`ChangeSet`] documents: requirements, the writes' own conditions, uniqueness.
    pub(crate) fn commit(&mut self, set: &ChangeSet) -> Result<(), Conflict> {
        for require in &set.require {
            self.require(require)?;
        }
        for write in &set.writes {
            self.condition(write)?;
        }
        let mut after = self.clone();
        for write in &set.writes {
            after.apply(write);
        }
        for write in &set.writes {
            if let Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } =
                write
            {
                after.is_unique(account)?;
            }
        }
        *self = after;
        Ok(())
    }

    fn at(&self, id: AccountId) -> Result<&Snapshot, Conflict> {
        self.accounts.get(&id).ok_or(Conflict::AccountMissing(id))
    }

    fn require(&self, require: &Require) -> Result<(), Conflict> {
        let (id, holds) = match require {
            Require::Account(id, version) => (*id, self.at(*id)?.version == *version),
            Require::Epoch(id, epoch) => (*id, self.at(*id)?.account.epoch == *epoch),
            _ => return Ok(()),
        };
        if holds { Ok(()) } else { Err(Conflict::AccountChanged(id)) }
    }

    fn condition(&self, write: &Write) -> Result<(), Conflict> {
        let (conflict, found, expect) = match write {
            Write::InsertAccount { account, .. } if self.accounts.contains_key(&account.id) => {
                return Err(Conflict::AccountExists(account.id));
            }
            Write::UpdateAccount { account, expect } => {
                let id = account.id;
                (Conflict::AccountChanged(id), self.at(id)?.version, *expect)
            }
            Write::DeleteAccount { id, expect } => {
                (Conflict::AccountChanged(*id), self.at(*id)?.version, *expect)
            }
            Write::UpdateActivity { id, expect, .. } => {
                (Conflict::ActivityChanged(*id), self.at(*id)?.activity_version, *expect)
            }
            _ => return Ok(()),
        };
        if found == expect { Ok(()) } else { Err(conflict) }
    }

    fn apply(&mut self, write: &Write) {
        match write {
            Write::InsertAccount { account, activity } => {
                let made = Snapshot {
                    account: (**account).clone(),
                    version: Version::FIRST,
                    activity: (**activity).clone(),
                    activity_version: Version::FIRST,
                    store_epoch: Epoch::FIRST,
                };
                self.accounts.insert(account.id, made);
            }
            Write::UpdateAccount { account, expect } => {
                if let Some(found) = self.accounts.get_mut(&account.id) {
                    found.account = (**account).clone();
                    found.version = expect.next();
                }
            }
            Write::UpdateActivity { id, activity, expect } => {
                if let Some(found) = self.accounts.get_mut(id) {
                    found.activity = (**activity).clone();
                    found.activity_version = expect.next();
                }
            }
            Write::DeleteAccount { id, .. } => {
                self.accounts.remove(id);
            }
            Write::RaiseStoreEpoch => self.store_epoch = self.store_epoch.next(),
            _ => {}
        }
    }

    fn is_unique(&self, account: &Account) -> Result<(), Conflict> {
        for other in self.accounts.values().filter(|other| other.account.id != account.id) {
            let taken = account
                .identities
                .iter()
                .find(|identity| other.account.identity(&identity.key).is_some());
            if let Some(identity) = taken {
                return Err(Conflict::IdentityTaken(identity.key.clone()));
            }
        }
        Ok(())
    }
}
