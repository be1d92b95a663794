use std::sync::Arc;

use authcore::account::{Account, AccountId, IdentityKey, ProviderId};
use authcore::store::{Conflict, Lookup, TransferKey};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::kept::AccountDocument;
use crate::shards::KeyHash;

/// What one account at most has, and is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    Identity { provider: &'a ProviderId, scope: Option<Scope<'a>>, subject: &'a str },
    Username(&'a str),
    Transfer(&'a TransferKey),
}

/// The tenant and the issuer of a login.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scope<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) issuer: &'a str,
}

impl Scope<'_> {
    /// None when both are empty, as most are: it is slow to compare nothing with nothing ([`IdentityKey`]'s `eq`).
    pub(crate) const fn unless_empty(self) -> Option<Self> {
        if self.tenant.is_empty() && self.issuer.is_empty() { None } else { Some(self) }
    }
}

impl<'a> Key<'a> {
    /// The keys of an account, those of its identities first.
    pub(crate) fn of(account: &'a Account) -> impl Iterator<Item = Self> {
        let identities = account.identities.iter().map(|identity| Self::from(&identity.key));
        let username = account.username.as_ref().map(|username| Self::Username(&username.key));
        let transfer = account.records.transfer.as_ref().map(|it| Self::Transfer(&it.key));
        identities.chain(username).chain(transfer)
    }

    /// What to look for, or the id when that is what is looked for.
    pub(crate) fn asked(lookup: &'a Lookup) -> Result<Self, AccountId> {
        match lookup {
            Lookup::Id(id) => Err(*id),
            Lookup::Identity(key) => Ok(key.into()),
            Lookup::Username(key) => Ok(Self::Username(key)),
            Lookup::Transfer(key) => Ok(Self::Transfer(key)),
        }
    }

    /// Another account has it.
    pub(crate) fn taken(self) -> Conflict {
        match self {
            Self::Identity { provider, scope, subject } => {
                let Scope { tenant, issuer } = scope.unwrap_or_default();
                let key = IdentityKey::scoped(provider.clone(), tenant, issuer, subject);
                Conflict::IdentityTaken(key)
            }
            Self::Username(key) => Conflict::UsernameTaken(key.into()),
            Self::Transfer(key) => Conflict::TransferTaken(*key),
        }
    }
}

impl<'a> From<&'a IdentityKey> for Key<'a> {
    fn from(key: &'a IdentityKey) -> Self {
        Self::Identity {
            provider: key.provider(),
            scope: Scope { tenant: key.tenant(), issuer: key.issuer() }.unless_empty(),
            subject: key.subject(),
        }
    }
}

/// Finds accounts by their keys. A key itself is in its account's document only.
#[derive(Default)]
pub(crate) struct Index(HashTable<(KeyHash, Arc<AccountDocument>)>);

impl Index {
    /// The document of the account that has the key.
    pub(crate) fn owner(&self, hash: KeyHash, key: Key<'_>) -> Option<&Arc<AccountDocument>> {
        self.0.find(hash.number(), |entry| is(entry, hash, key)).map(|(_, owner)| owner)
    }

    pub(crate) fn insert(&mut self, hash: KeyHash, key: Key<'_>, owner: &Arc<AccountDocument>) {
        let entry = (hash, Arc::clone(owner));
        match self.0.entry(hash.number(), |entry| is(entry, hash, key), |entry| entry.0.number()) {
            Entry::Vacant(vacant) => drop(vacant.insert(entry)),
            Entry::Occupied(mut occupied) => *occupied.get_mut() = entry,
        }
    }

    pub(crate) fn remove(&mut self, hash: KeyHash, key: Key<'_>) {
        if let Ok(entry) = self.0.find_entry(hash.number(), |entry| is(entry, hash, key)) {
            entry.remove();
        }
    }
}

fn is((hash, owner): &(KeyHash, Arc<AccountDocument>), asked: KeyHash, key: Key<'_>) -> bool {
    *hash == asked && owner.value.keys().any(|held| held == key)
}
