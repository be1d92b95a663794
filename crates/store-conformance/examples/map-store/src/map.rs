//! The database, and what is read of it.

use std::collections::BTreeMap;

use authcore::account::{Account, AccountId, CommitId, Epoch, Version};
use authcore::session::Activity;
use authcore::store::{Lookup, Snapshot, StoreError, StoreErrorKind};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The database: an ordered map, and a lock in place of its transactions.
#[derive(Default)]
pub(crate) struct Map(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

/// An account or activity as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept<T> {
    pub(crate) version: u64,
    /// The change set that wrote it.
    pub(crate) by: CommitId,
    pub(crate) value: T,
}

pub(crate) fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[kind], &*parts.concat()].concat()
}

fn kind_of(key: &[u8]) -> u8 {
    key.first().copied().unwrap_or_default()
}

/// The part of a key from a byte to its end.
pub(crate) fn part(key: &[u8], from: usize) -> &[u8] {
    key.get(from..).unwrap_or_default()
}

/// Milliseconds whose bytes are in the order of the numbers, also before 1970.
pub(crate) fn millis(at: DateTime<Utc>) -> [u8; 8] {
    (at.timestamp_millis() ^ i64::MIN).to_be_bytes()
}

pub(crate) fn corrupt(kind: u8) -> StoreError {
    let what = format!("records of kind {}", char::from(kind));
    StoreError::new("map", StoreErrorKind::Corrupt { what })
}

impl Map {
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        let found = self.0.get(key).map(|bytes| serde_json::from_slice(bytes));
        found.transpose().map_err(|error| corrupt(kind_of(key)).with_source(error))
    }

    pub(crate) fn write<T: Serialize>(
        &mut self,
        key: Vec<u8>,
        value: &T,
    ) -> Result<(), StoreError> {
        let bytes =
            serde_json::to_vec(value).map_err(|error| corrupt(kind_of(&key)).with_source(error))?;
        self.0.insert(key, bytes);
        Ok(())
    }

    /// At most `limit` keys of a kind, from `start` to before `end`.
    pub(crate) fn range(&self, start: Vec<u8>, end: &[u8], limit: u32) -> Vec<Vec<u8>> {
        let keys = self.0.range(start..).map(|(key, _)| key).take_while(|key| key.as_slice() < end);
        keys.take(limit as usize).cloned().collect()
    }

    pub(crate) fn account(&self, id: AccountId) -> Result<Option<Kept<Account>>, StoreError> {
        self.read(&key(b'a', &[id.as_bytes()]))
    }

    pub(crate) fn activity(&self, id: AccountId) -> Result<Option<Kept<Activity>>, StoreError> {
        self.read(&key(b'v', &[id.as_bytes()]))
    }

    pub(crate) fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.read(b"e")?.unwrap_or_default())
    }

    pub(crate) fn owner(&self, key: &[u8]) -> Result<Option<AccountId>, StoreError> {
        self.read(key)
    }

    pub(crate) fn snapshot(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        let id = match lookup {
            Lookup::Id(id) => Some(*id),
            Lookup::Identity(identity) => self.owner(&key(b'i', &[&identity.encode()]))?,
            Lookup::Username(username) => self.owner(&key(b'u', &[username.as_bytes()]))?,
            Lookup::Transfer(transfer) => self.owner(&key(b't', &[transfer.as_bytes()]))?,
        };
        let Some(id) = id else { return Ok(None) };
        let (Some(account), Some(activity)) = (self.account(id)?, self.activity(id)?) else {
            return Ok(None);
        };
        Ok(Some(Snapshot {
            account: account.value,
            version: Version::new(account.version),
            activity: activity.value,
            activity_version: Version::new(activity.version),
            store_epoch: self.epoch()?,
        }))
    }
}
