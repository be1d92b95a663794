//! A whole store on a map of bytes to bytes, as one on a key-value database would be; docs/store-authors.md tells why
//! each part is as it is. It shows that the page and what serde makes of the documents are enough to pass the kit.

mod apply;
mod judge;
mod map;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EVENT_FORMAT, Event, EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use chrono::{DateTime, Utc};

use crate::map::{Map, corrupt, key, millis, part};

/// What stands for the database's server: it outlives the stores that are opened on it. Clones are one database.
#[derive(Clone, Default)]
pub struct Database(Arc<Mutex<Map>>);

/// A store on a map.
pub struct MapStore(Database);

impl fmt::Debug for MapStore {
    /// Shows nothing of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapStore")
    }
}

impl MapStore {
    /// Opens the store that is in the database.
    #[must_use]
    pub fn open(database: &Database) -> Self {
        Self(database.clone())
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MapStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, multi_process: false }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        let mut map = self.map();
        if let Some(found) = map.read(b"h")? {
            return Ok(found);
        }
        map.write(b"h".to_vec(), header)?;
        Ok(header.clone())
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.map().snapshot(lookup)
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let map = self.map();
        lookups.iter().map(|lookup| map.snapshot(lookup)).collect()
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        let Some(found) = self.map().snapshot(&Lookup::Id(at.account))? else { return Ok(None) };
        let session = found.activity.sessions.iter().find(|session| session.id == at.session);
        Ok(session.map(|session| SessionSnapshot {
            session: session.clone(),
            account_epoch: found.account.epoch,
            store_epoch: found.store_epoch,
            account_due_at: found.account.due_at(),
            activity_version: found.activity_version,
        }))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.map().epoch()
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        let map = self.map();
        let end = key(b'd', &[&millis(now), &[0xff; 17]]);
        let due = map.range(vec![b'd'], &end, limit);
        due.iter().map(|key| map.owner(key)?.ok_or_else(|| corrupt(b'd'))).collect()
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.map().commit(change)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        let mut map = self.map();
        let (admission, until) = charge.apply(map.throttle(charge.key.as_bytes())?);
        if admission == Admission::Admitted && charge.cost > 0 {
            map.set_throttle(charge.key.as_bytes(), Some(until))?;
        }
        Ok(admission)
    }

    async fn code(&self, code: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.map().read(&key(b'c', &[code.as_bytes()]))
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let map = self.map();
        let Some(first) = after.number().checked_add(1) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for place in map.range(key(b'o', &[&first.to_be_bytes()]), b"p", limit) {
            let number = part(&place, 1).try_into().map_err(|_| corrupt(b'o'))?;
            let (format, event): (u32, Event) = map.read(&place)?.ok_or_else(|| corrupt(b'o'))?;
            if format > EVENT_FORMAT {
                return Err(corrupt(b'o'));
            }
            events
                .push(StoredEvent { cursor: EventCursor::new(u64::from_be_bytes(number)), event });
        }
        Ok(events)
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        let mut map = self.map();
        let end = key(b'o', &[&up_to.number().to_be_bytes(), &[0]]);
        let pruned = map.range(vec![b'o'], &end, u32::MAX);
        for key in &pruned {
            map.0.remove(key);
        }
        Ok(pruned.len() as u64)
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.map().sweep(now, limit)
    }
}
