//! What a write changes of an account's keys, by comparison with what the tables hold. Accounts may have thousands of
//! identities, of which a write changes one or none.

use authcore::account::{Account, Identity, Ordinal};

use crate::plan::{Planned, transfer_key};
use crate::state::{AccountState, State};

pub(crate) struct Diff<'a> {
    pub(crate) account: &'a Account,
    /// The username's key is another one than before, or gone.
    pub(crate) username_key: bool,
    /// The username is another one than before in any way.
    pub(crate) username: bool,
    /// The transfer account's key is another one than before, or gone.
    pub(crate) transfer_key: bool,
    /// Identities whose row goes, because the account will not have them, or have another key under the number.
    pub(crate) gone: Vec<Ordinal>,
    /// Identities whose key is new, or was under another number.
    pub(crate) new: Vec<&'a Identity>,
    /// Identities whose key stays while something else changes.
    pub(crate) altered: Vec<&'a Identity>,
}

impl<'a> Diff<'a> {
    /// Nothing when the write is not of an account.
    pub(crate) fn of(state: &State, write: &'a Planned) -> Option<Self> {
        match write {
            Planned::Insert { account, .. } => Some(Self::of_insert(account)),
            // An account that is not there was refused before.
            Planned::Update { account, .. } => {
                state.accounts.get(&account.id).map(|before| Self::of_update(before, account))
            }
            _ => None,
        }
    }

    fn of_insert(account: &'a Account) -> Self {
        Self {
            username_key: true,
            username: true,
            transfer_key: true,
            new: account.identities.iter().collect(),
            ..Self::none(account)
        }
    }

    const fn none(account: &'a Account) -> Self {
        Self {
            account,
            username_key: false,
            username: false,
            transfer_key: false,
            gone: Vec::new(),
            new: Vec::new(),
            altered: Vec::new(),
        }
    }

    pub(crate) fn of_update(before: &AccountState, account: &'a Account) -> Self {
        let mut diff = Self::none(account);
        let username = account.username.as_ref();
        diff.username_key = username.map(|username| &username.key) != before.username_key.as_ref();
        diff.username = diff.username_key
            || username.map(|username| &username.shown) != before.username.as_ref();
        diff.transfer_key =
            transfer_key(account).map(|key| &key.as_bytes()[..]) != before.transfer_key.as_deref();

        // Both sides in the order of their numbers, which the account's are in already.
        let mut wanted: Vec<_> = account.identities.iter().collect();
        wanted.sort_by_key(|identity| identity.ordinal);
        let mut wanted = wanted.into_iter().peekable();
        for kept in &before.identities {
            while let Some(identity) = wanted.next_if(|identity| identity.ordinal < kept.ordinal) {
                diff.new.push(identity);
            }
            let Some(identity) = wanted.next_if(|identity| identity.ordinal == kept.ordinal) else {
                diff.gone.push(kept.ordinal);
                continue;
            };
            if identity.key != kept.key {
                diff.gone.push(kept.ordinal);
                diff.new.push(identity);
            } else if identity != kept {
                diff.altered.push(identity);
            }
        }
        diff.new.extend(wanted);
        diff
    }
}
