use std::sync::Arc;

use authcore::account::{AccountId, Epoch};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{Admission, Charge, CodeKey, Lookup, OneTimeCode};
use chrono::{DateTime, Utc};

use crate::accounts::Accounts;
use crate::index::{Index, Key};
use crate::kept::Found;
use crate::log::Log;
use crate::shards::{Hasher, ShardSet, Shards};
use crate::sundries::Sundries;
use crate::sync::Shared;

/// All that a store holds.
///
/// Whoever takes several locks takes them in the order of these fields, and those of one field in the order of its
/// shards. A commit writes while it holds all that it needs, so whoever sees one of its writes sees the others too.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) hasher: Hasher,
    pub(crate) accounts: Shards<Accounts>,
    pub(crate) index: Shards<Index>,
    pub(crate) sundries: Shards<Sundries>,
    pub(crate) log: Shared<Log>,
}

impl State {
    pub(crate) fn find(&self, lookup: &Lookup) -> Option<Found> {
        match Key::asked(lookup) {
            Ok(key) => self.find_owner(key),
            Err(id) => self.find_account(id),
        }
    }

    fn find_account(&self, id: AccountId) -> Option<Found> {
        let hash = self.hasher.hash(&id);
        self.accounts.of(hash).read().find(hash, id)
    }

    fn find_owner(&self, key: Key<'_>) -> Option<Found> {
        let hash = self.hasher.hash(&key);
        loop {
            let owner = self.index.of(hash).read().owner(hash, key).cloned()?;
            if let Some(found) = self.find_account(owner.value.id)
                && Arc::ptr_eq(&found.documents.account, &owner)
            {
                return Some(found);
            }
            // A commit has come in between and may have moved the key: look again.
        }
    }

    pub(crate) fn session(&self, at: SessionRef) -> Option<SessionSnapshot> {
        self.find_account(at.account)?.session(at.session)
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.accounts.any().read().epoch
    }

    pub(crate) fn due(&self, now: DateTime<Utc>, limit: u32) -> Vec<AccountId> {
        let shards = self.accounts.read_all();
        first(shards.iter().map(|shard| shard.due(now)), limit)
    }

    pub(crate) fn code(&self, key: &CodeKey) -> Option<OneTimeCode> {
        let shard = self.sundries.of(self.hasher.hash(key)).read();
        shard.codes.get(key).map(|(_, code)| code.clone())
    }

    pub(crate) fn consume(&self, charge: &Charge) -> Admission {
        self.sundries.of(self.hasher.hash(&charge.key)).write().consume(charge)
    }

    pub(crate) fn sweep(&self, now: DateTime<Utc>, limit: u32) -> u64 {
        let mut locked = self.sundries.lock(ShardSet::ALL);
        let codes = first(locked.iter().map(|shard| shard.codes.over(now)), limit);
        let single_use = first(locked.iter().map(|shard| shard.single_use.over(now)), limit);
        let throttles = first(locked.iter().map(|shard| shard.throttles.over(now)), limit);
        for key in &codes {
            if let Some(shard) = locked.of_mut(self.hasher.hash(key)) {
                shard.remove_code(key);
            }
        }
        for key in &single_use {
            if let Some(shard) = locked.of_mut(self.hasher.hash(key)) {
                shard.single_use.remove(key);
            }
        }
        for key in &throttles {
            if let Some(shard) = locked.of_mut(self.hasher.hash(key)) {
                shard.throttles.remove(key);
            }
        }
        let swept = codes.len() + single_use.len() + throttles.len();
        u64::try_from(swept).unwrap_or(u64::MAX)
    }
}

/// The first of all shards together, in the order of their times: which shard something is in differs from store to store,
/// and nobody is to notice.
fn first<K: Ord>(
    shards: impl Iterator<Item = impl Iterator<Item = (DateTime<Utc>, K)>>,
    limit: u32,
) -> Vec<K> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut first: Vec<_> = shards.flat_map(|shard| shard.take(limit)).collect();
    first.sort_unstable();
    first.into_iter().take(limit).map(|(_, key)| key).collect()
}
