//! Whether a change set fits, from what was read of the tables. Nothing here asks the server.

use std::collections::{HashMap, HashSet};

use authcore::account::{AccountId, IdentityKey, Version};
use authcore::store::{Conflict, Require, TransferKey};

use crate::diff::Diff;
use crate::plan::{Plan, Planned, transfer_key};
use crate::state::{AccountState, Commits, Owners, State};

/// Whether the set was applied before: sets are applied whole, so one document that names it proves it.
pub(crate) fn was_applied(plan: &Plan, state: &State) -> bool {
    let wrote_account =
        |id| state.accounts.get(id).is_some_and(|account| account.commits.name(plan.id));
    let wrote_activity =
        |id| state.activities.get(id).is_some_and(|activity| activity.commits.name(plan.id));
    plan.writes.iter().any(|write| match write {
        Planned::Insert { account, .. } => {
            wrote_account(&account.id) || wrote_activity(&account.id)
        }
        Planned::Update { account, .. } => wrote_account(&account.id),
        Planned::Activity { id, .. } => wrote_activity(id),
        Planned::Delete { id, .. } => !state.accounts.contains_key(id) && state.remembered,
        Planned::UseUp { key, .. } => state.used_up.get(key) == Some(&plan.id),
        // These cannot tell.
        Planned::PutCode(_)
        | Planned::DeleteCode(_)
        | Planned::ResetThrottle(_)
        | Planned::RaiseStoreEpoch => false,
    })
}

/// Whether nothing shows that the set was not applied: all documents that it writes have been written so often since that
/// they would not name it any more, or are gone. A new account that is not there, or a key that was not used up, shows it.
pub(crate) fn may_be_forgotten(plan: &Plan, state: &State) -> bool {
    plan.has_witness()
        && plan.writes.iter().all(|write| match write {
            Planned::Insert { account, .. } => state
                .accounts
                .get(&account.id)
                .is_some_and(|found| is_written_over(found.version, Version::new(0))),
            Planned::Update { account, expect, .. } => state
                .accounts
                .get(&account.id)
                .is_none_or(|found| is_written_over(found.version, *expect)),
            Planned::Activity { id, expect, .. } => {
                state.activities.get(id).is_none_or(|found| is_written_over(found.version, *expect))
            }
            Planned::Delete { .. } | Planned::UseUp { .. } => false,
            Planned::PutCode(_)
            | Planned::DeleteCode(_)
            | Planned::ResetThrottle(_)
            | Planned::RaiseStoreEpoch => true,
        })
}

/// Whether a document does not name the set that found it at this version, had it been applied. One with a lower version is
/// another one's.
fn is_written_over(found: Version, expected: Version) -> bool {
    let writes = found.number().checked_sub(expected.number());
    writes.is_none_or(|writes| writes > Commits::LATEST)
}

/// The conditions of the set and of its writes, in the contract's order.
pub(crate) fn conditions(plan: &Plan, state: &State) -> Result<(), Conflict> {
    for require in &plan.require {
        check_require(state, require)?;
    }
    plan.writes.iter().try_for_each(|write| check_write(state, write))
}

fn must(holds: bool, conflict: impl FnOnce() -> Conflict) -> Result<(), Conflict> {
    if holds { Ok(()) } else { Err(conflict()) }
}

fn account(state: &State, id: AccountId) -> Result<&AccountState, Conflict> {
    state.accounts.get(&id).ok_or(Conflict::AccountMissing(id))
}

fn check_activity(state: &State, id: AccountId, expect: Version) -> Result<(), Conflict> {
    let activity = state.activities.get(&id).ok_or(Conflict::AccountMissing(id))?;
    must(activity.version == expect, || Conflict::ActivityChanged(id))
}

fn check_require(state: &State, require: &Require) -> Result<(), Conflict> {
    match require {
        Require::Account(id, version) => {
            must(account(state, *id)?.version == *version, || Conflict::AccountChanged(*id))
        }
        Require::Epoch(id, epoch) => {
            must(account(state, *id)?.epoch == epoch.number(), || Conflict::AccountChanged(*id))
        }
        Require::PasswordVersion(id, version) => {
            let found = account(state, *id)?.password_version;
            must(found == Some(*version), || Conflict::AccountChanged(*id))
        }
        Require::Activity(id, version) => check_activity(state, *id, *version),
        Require::Code(key, tries) => {
            must(state.codes.get(key) == Some(tries), || Conflict::CodeChanged(*key))
        }
        // Refused when the rows were read.
        _ => Ok(()),
    }
}

fn check_write(state: &State, write: &Planned) -> Result<(), Conflict> {
    match write {
        Planned::Insert { account, .. } => {
            let free = !state.accounts.contains_key(&account.id);
            must(free, || Conflict::AccountExists(account.id))
        }
        Planned::Update { account: changed, expect, .. } => {
            let found = account(state, changed.id)?.version;
            must(found == *expect, || Conflict::AccountChanged(changed.id))
        }
        Planned::Delete { id, expect } => {
            must(account(state, *id)?.version == *expect, || Conflict::AccountChanged(*id))
        }
        Planned::Activity { id, expect, .. } => check_activity(state, *id, *expect),
        Planned::UseUp { key, .. } => {
            must(!state.used_up.contains_key(key), || Conflict::UsedUp(*key))
        }
        Planned::PutCode(_)
        | Planned::DeleteCode(_)
        | Planned::ResetThrottle(_)
        | Planned::RaiseStoreEpoch => Ok(()),
    }
}

/// Uniqueness of the accounts' new keys, as they are after the whole set: of each account its identities first, then
/// its username, then its transfer account. A key that stays where it is was unique before; whoever else wants it finds
/// its owner.
pub(crate) fn uniqueness(plan: &Plan, owners: &Owners, diffs: &[Diff<'_>]) -> Result<(), Conflict> {
    let mut after = After::of(plan);
    diffs.iter().try_for_each(|diff| after.check(owners, diff))
}

/// The keys as they are after the whole set, as far as they are looked at.
struct After<'a> {
    plan: &'a Plan,
    /// Which account each new key goes to.
    identities: HashMap<&'a IdentityKey, AccountId>,
    usernames: HashMap<&'a str, AccountId>,
    transfers: HashMap<&'a TransferKey, AccountId>,
    /// All keys of accounts that another account takes one from.
    left: HashMap<AccountId, HashSet<&'a IdentityKey>>,
}

impl<'a> After<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            identities: HashMap::new(),
            usernames: HashMap::new(),
            transfers: HashMap::new(),
            left: HashMap::new(),
        }
    }

    fn check(&mut self, owners: &Owners, diff: &Diff<'a>) -> Result<(), Conflict> {
        let id = diff.account.id;
        for identity in &diff.new {
            let key = &identity.key;
            let owner = owners.identities.get(key).filter(|owner| **owner != id);
            let free = owner.is_none_or(|owner| self.gives_away(*owner, key));
            let wanted_once = *self.identities.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::IdentityTaken(key.clone()))?;
        }
        if let Some(username) = diff.account.username.as_ref().filter(|_| diff.username_key) {
            let key = &*username.key;
            let owner = owners.usernames.get(key).filter(|owner| **owner != id);
            let free = owner.is_none_or(|owner| self.gives_username_away(*owner, key));
            let wanted_once = *self.usernames.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::UsernameTaken(key.into()))?;
        }
        if let Some(key) = transfer_key(diff.account).filter(|_| diff.transfer_key) {
            let owner = owners.transfers.get(key).filter(|owner| **owner != id);
            let free = owner.is_none_or(|owner| self.gives_transfer_away(*owner, key));
            let wanted_once = *self.transfers.entry(key).or_insert(id) == id;
            must(free && wanted_once, || Conflict::TransferTaken(*key))?;
        }
        Ok(())
    }

    /// Whether the set removes an account, or leaves it without the identity.
    fn gives_away(&mut self, owner: AccountId, key: &IdentityKey) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                let keys = || account.identities.iter().map(|identity| &identity.key).collect();
                !self.left.entry(owner).or_insert_with(keys).contains(key)
            }
            _ => false,
        })
    }

    /// Whether the set removes an account, or leaves it without the username.
    fn gives_username_away(&self, owner: AccountId, key: &str) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                account.username.as_ref().is_none_or(|theirs| &*theirs.key != key)
            }
            _ => false,
        })
    }

    /// Whether the set removes an account, or leaves it without the transfer account.
    fn gives_transfer_away(&self, owner: AccountId, key: &TransferKey) -> bool {
        self.plan.writes.iter().any(|write| match write {
            Planned::Delete { id, .. } => *id == owner,
            Planned::Update { account, .. } if account.id == owner => {
                transfer_key(account) != Some(key)
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_names_the_last_eight_sets_that_wrote_it() {
        let after = |writes: u64| is_written_over(Version::new(5 + writes), Version::new(5));
        assert_eq!([0, 1, 8, 9, 100].map(after), [false, false, false, true, true]);
        assert!(is_written_over(Version::new(4), Version::new(5)));
    }
}
