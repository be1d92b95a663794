#![expect(clippy::unwrap_used, reason = "these stores are made to be broken")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use authcore::account::{Account, CommitId, IdentityKey};
use authcore::event::{EventCursor, StoredEvent};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CommitError, Conflict, Lookup, Snapshot, Store,
    StoreError, ThrottleKey, Write,
};
use authcore_store_memory::MemoryStore;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::yield_now;

use crate::mutant::Flaw;

/// Commit ids that no case uses: those count up from one.
pub(crate) fn fresh_id() -> CommitId {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    CommitId::new((u128::from(serial) | 1 << 120).to_be_bytes())
}

pub(crate) fn accounts_of(change: &mut ChangeSet) -> impl Iterator<Item = &mut Account> {
    change.writes.iter_mut().filter_map(|write| match write {
        Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
            Some(&mut **account)
        }
        _ => None,
    })
}

fn with_subject(key: &IdentityKey, subject: &str) -> IdentityKey {
    IdentityKey::scoped(key.provider().clone(), key.tenant(), key.issuer(), subject)
}

/// None at all.
#[derive(Clone, Debug)]
pub(crate) struct NoFlaw;

impl Flaw for NoFlaw {}

/// Ignores the expected versions of writes.
#[derive(Debug)]
pub(crate) struct LostUpdate;

#[async_trait]
impl Flaw for LostUpdate {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        // A replay is known before versions are compared.
        let mut result = inner.commit(change).await;
        while let Err(CommitError::Conflict(
            Conflict::AccountChanged(_) | Conflict::ActivityChanged(_),
        )) = result
        {
            let mut forced = change.clone();
            forced.require.clear();
            for write in &mut forced.writes {
                let id = match write {
                    Write::UpdateAccount { account, .. } => account.id,
                    Write::UpdateActivity { id, .. } | Write::DeleteAccount { id, .. } => *id,
                    _ => continue,
                };
                let Some(found) = inner.load(&Lookup::Id(id)).await? else {
                    continue;
                };
                match write {
                    Write::UpdateAccount { expect, .. } | Write::DeleteAccount { expect, .. } => {
                        *expect = found.version;
                    }
                    Write::UpdateActivity { expect, .. } => *expect = found.activity_version,
                    _ => {}
                }
            }
            result = inner.commit(&forced).await;
        }
        result
    }
}

/// Lets any number of accounts have an identity; lookups find the first.
#[derive(Debug, Default)]
pub(crate) struct ForgetsIdentities(AtomicU64);

const MARK: &str = "\u{1}again";

#[async_trait]
impl Flaw for ForgetsIdentities {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        let mut found = inner.load(lookup).await?;
        for identity in found.iter_mut().flat_map(|found| &mut found.account.identities) {
            if let Some((subject, _)) = identity.key.subject().split_once(MARK) {
                identity.key = with_subject(&identity.key, subject);
            }
        }
        Ok(found)
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        loop {
            let taken = match inner.commit(&change).await {
                Err(CommitError::Conflict(Conflict::IdentityTaken(key))) => key,
                result => return result,
            };
            for identity in accounts_of(&mut change).flat_map(|account| &mut account.identities) {
                if identity.key == taken {
                    let serial = self.0.fetch_add(1, Ordering::Relaxed);
                    identity.key =
                        with_subject(&taken, &format!("{}{MARK}{serial}", taken.subject()));
                }
            }
        }
    }
}

/// Does one write after the other, and stops at the first that fails.
#[derive(Debug)]
pub(crate) struct PieceByPiece;

#[async_trait]
impl Flaw for PieceByPiece {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        // Sets that hold are applied as they should be, so that only what fails is left in pieces.
        let mut result = inner.commit(change).await;
        if let Err(CommitError::Conflict(_)) = result {
            let require = ChangeSet { writes: Vec::new(), events: Vec::new(), ..change.clone() };
            inner.commit(&ChangeSet { id: fresh_id(), ..require }).await?;
            for write in &change.writes {
                let piece = ChangeSet {
                    id: fresh_id(),
                    require: Vec::new(),
                    writes: vec![write.clone()],
                    events: Vec::new(),
                };
                result = inner.commit(&piece).await;
                if result.is_err() {
                    break;
                }
            }
        }
        result
    }
}

/// Reads a throttle, decides, and writes what it decided a moment later.
#[derive(Debug, Default)]
pub(crate) struct ChargesLate(Mutex<HashMap<ThrottleKey, DateTime<Utc>>>);

#[async_trait]
impl Flaw for ChargesLate {
    async fn consume(&self, _: &MemoryStore, charge: &Charge) -> Result<Admission, StoreError> {
        let kept = self.0.lock().unwrap().get(&charge.key).copied();
        let (admission, until) = charge.apply(kept);
        yield_now().await;
        self.0.lock().unwrap().insert(charge.key, until);
        Ok(admission)
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(change).await?;
        for write in &change.writes {
            if let Write::ResetThrottle(key) = write {
                self.0.lock().unwrap().remove(key);
            }
        }
        Ok(())
    }
}

/// Does not know a set that it did before.
#[derive(Clone, Debug)]
pub(crate) struct ForgetsSets;

#[async_trait]
impl Flaw for ForgetsSets {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(&ChangeSet { id: fresh_id(), ..change.clone() }).await
    }
}

/// Numbers events when they are committed, and shows them a moment later, as with a database's sequence.
#[derive(Debug, Default)]
pub(crate) struct EventsLate {
    number: AtomicU64,
    shown: Mutex<Vec<StoredEvent>>,
}

#[async_trait]
impl Flaw for EventsLate {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        inner.commit(&ChangeSet { events: Vec::new(), ..change.clone() }).await?;
        let numbered: Vec<StoredEvent> = change
            .events
            .iter()
            .map(|event| {
                let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
                StoredEvent { cursor: EventCursor::new(number), event: event.clone() }
            })
            .collect();
        for _ in 0..numbered.iter().map(|stored| stored.cursor.number() * 7 % 5).sum::<u64>() {
            yield_now().await;
        }
        let mut shown = self.shown.lock().unwrap();
        shown.extend(numbered);
        shown.sort_by_key(|stored| stored.cursor);
        Ok(())
    }

    async fn events(
        &self,
        _: &MemoryStore,
        after: EventCursor,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let shown = self.shown.lock().unwrap();
        let page = shown.iter().filter(|stored| stored.cursor > after);
        Ok(page.take(usize::try_from(limit).unwrap()).cloned().collect())
    }
}

/// Keeps what it once read.
#[derive(Debug, Default)]
pub(crate) struct StaleRead(Mutex<HashMap<Lookup, Snapshot>>);

#[async_trait]
impl Flaw for StaleRead {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        let kept = self.0.lock().unwrap().get(lookup).cloned();
        if kept.is_some() {
            return Ok(kept);
        }
        let found = inner.load(lookup).await?;
        if let Some(found) = &found {
            self.0.lock().unwrap().insert(lookup.clone(), found.clone());
        }
        Ok(found)
    }
}

/// Reads the account and its activity one after the other.
#[derive(Debug)]
pub(crate) struct TornRead;

#[async_trait]
impl Flaw for TornRead {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        let Some(first) = inner.load(lookup).await? else {
            return Ok(None);
        };
        yield_now().await;
        let second = inner.load(&Lookup::Id(first.account.id)).await?;
        Ok(second.map(|second| Snapshot {
            account: first.account,
            version: first.version,
            ..second
        }))
    }
}

/// Compares subjects without regard to case.
#[derive(Debug)]
pub(crate) struct FoldsCase;

#[async_trait]
impl Flaw for FoldsCase {
    async fn load(
        &self,
        inner: &MemoryStore,
        lookup: &Lookup,
    ) -> Result<Option<Snapshot>, StoreError> {
        match lookup {
            Lookup::Identity(key) => {
                let folded = with_subject(key, &key.subject().to_lowercase());
                inner.load(&Lookup::Identity(folded)).await
            }
            other => inner.load(other).await,
        }
    }

    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        for identity in accounts_of(&mut change).flat_map(|account| &mut account.identities) {
            identity.key = with_subject(&identity.key, &identity.key.subject().to_lowercase());
        }
        inner.commit(&change).await
    }
}

/// Has no column for the device's id.
#[derive(Clone, Debug)]
pub(crate) struct LosesAField;

#[async_trait]
impl Flaw for LosesAField {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        for write in &mut change.writes {
            if let Write::InsertAccount { activity, .. } | Write::UpdateActivity { activity, .. } =
                write
            {
                for session in &mut Arc::make_mut(activity).sessions {
                    session.device_id = None;
                }
            }
        }
        inner.commit(&change).await
    }
}

/// Looks at the conditions from the last to the first.
#[derive(Debug)]
pub(crate) struct LastConflict;

#[async_trait]
impl Flaw for LastConflict {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        change.require.reverse();
        change.writes.reverse();
        inner.commit(&change).await
    }
}

/// Takes what ends in the next millisecond for over.
#[derive(Debug)]
pub(crate) struct SweepsEarly;

#[async_trait]
impl Flaw for SweepsEarly {
    async fn sweep(
        &self,
        inner: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        inner.sweep(now + TimeDelta::milliseconds(1), limit).await
    }
}

/// Says that it is durable; whether it is depends on how it is opened again.
#[derive(Debug)]
pub(crate) struct ForgetsItself;

#[async_trait]
impl Flaw for ForgetsItself {
    fn capabilities(&self, inner: &MemoryStore) -> Capabilities {
        Capabilities { durable: true, ..inner.capabilities() }
    }
}
