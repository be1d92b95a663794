//! Flaws of one method.

#![expect(clippy::unwrap_used, reason = "these stores are made to be broken")]

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use authcore::account::AccountId;
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{ChangeSet, CommitError, Store, StoreError};
use authcore_store_memory::MemoryStore;
use chrono::{DateTime, Utc};

use crate::flaws::accounts_of;
use crate::mutant::Flaw;

/// Keeps the latest of the past bans only.
#[derive(Debug)]
pub(crate) struct ForgetsPastBans;

#[async_trait]
impl Flaw for ForgetsPastBans {
    async fn commit(&self, inner: &MemoryStore, change: &ChangeSet) -> Result<(), CommitError> {
        let mut change = change.clone();
        for account in accounts_of(&mut change) {
            let past = &mut account.records.past_bans;
            past.drain(..past.len().saturating_sub(1));
        }
        inner.commit(&change).await
    }
}

/// Takes a cursor for a number of events to leave out.
#[derive(Debug)]
pub(crate) struct PagesByOffset;

#[async_trait]
impl Flaw for PagesByOffset {
    async fn events(
        &self,
        inner: &MemoryStore,
        after: EventCursor,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let all = inner.events(EventCursor::START, u32::MAX).await?;
        let rest = all.into_iter().skip(after.number().try_into().unwrap());
        Ok(rest.take(limit.try_into().unwrap()).collect())
    }
}

/// Keeps the sessions that it once read.
#[derive(Debug, Default)]
pub(crate) struct CachedSession(Mutex<HashMap<SessionRef, SessionSnapshot>>);

#[async_trait]
impl Flaw for CachedSession {
    async fn session(
        &self,
        inner: &MemoryStore,
        at: SessionRef,
    ) -> Result<Option<SessionSnapshot>, StoreError> {
        if let Some(kept) = self.0.lock().unwrap().get(&at) {
            return Ok(Some(kept.clone()));
        }
        let found = inner.session(at).await?;
        self.0.lock().unwrap().extend(found.clone().map(|found| (at, found)));
        Ok(found)
    }
}

/// Has no sign in its times: whatever is before 1970 is 1970.
#[derive(Debug)]
pub(crate) struct NothingBefore1970;

#[async_trait]
impl Flaw for NothingBefore1970 {
    async fn due(
        &self,
        inner: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<AccountId>, StoreError> {
        inner.due(now.max(DateTime::UNIX_EPOCH), limit).await
    }

    async fn sweep(
        &self,
        inner: &MemoryStore,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, StoreError> {
        inner.sweep(now.max(DateTime::UNIX_EPOCH), limit).await
    }
}
