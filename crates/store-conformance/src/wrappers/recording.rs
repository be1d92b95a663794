use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Conflict, Lookup,
    OneTimeCode, Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use chrono::{DateTime, Utc};

/// Records when each call began and ended, for tests that look for an order in which a history makes sense.
#[derive(Debug)]
pub struct RecordingStore {
    inner: Arc<dyn Store>,
    history: Mutex<Vec<Entry>>,
}

/// One step of a history; its place in the history is when it happened.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a checker reads all of it")]
pub struct Entry {
    /// Which call: the place of its first step in the history.
    pub call: usize,
    /// What happened.
    pub step: Step,
}

/// The beginning or the end of a call. A call whose future was dropped has no end.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a call begins and ends")]
pub enum Step {
    /// It began.
    Invoked(Call),
    /// It ended.
    Returned(Answer),
}

/// A call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the methods of `Store` and their arguments")]
pub enum Call {
    Bind(StoreHeader),
    Load(Lookup),
    LoadMany(Vec<Lookup>),
    Session(SessionRef),
    Epoch,
    Due { now: DateTime<Utc>, limit: u32 },
    Commit(ChangeSet),
    Consume(Charge),
    Code(CodeKey),
    Events { after: EventCursor, limit: u32 },
    PruneEvents(EventCursor),
    Sweep { now: DateTime<Utc>, limit: u32 },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the results of the methods of `Store`")]
pub enum Answer {
    Header(StoreHeader),
    Account(Option<Box<Snapshot>>),
    Accounts(Vec<Option<Snapshot>>),
    Session(Option<Box<SessionSnapshot>>),
    Epoch(Epoch),
    Due(Vec<AccountId>),
    Committed,
    Refused(Conflict),
    Admission(Admission),
    Code(Option<OneTimeCode>),
    Events(Vec<StoredEvent>),
    Count(u64),
    Failed(StoreErrorKind),
}

impl RecordingStore {
    /// Records the calls to a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, history: Mutex::default() }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn history(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invoked(&self, what: Call) -> usize {
        let mut history = self.lock();
        let call = history.len();
        history.push(Entry { call, step: Step::Invoked(what) });
        call
    }

    fn returned<T>(
        &self,
        call: usize,
        result: Result<T, StoreError>,
        answer: impl FnOnce(&T) -> Answer,
    ) -> Result<T, StoreError> {
        let recorded = match &result {
            Ok(value) => answer(value),
            Err(error) => Answer::Failed(error.kind().clone()),
        };
        self.lock().push(Entry { call, step: Step::Returned(recorded) });
        result
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for RecordingStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        let call = self.invoked(Call::Bind(header.clone()));
        let result = self.inner.bind(header).await;
        self.returned(call, result, |header| Answer::Header(header.clone()))
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        let call = self.invoked(Call::Load(lookup.clone()));
        let result = self.inner.load(lookup).await;
        self.returned(call, result, |found| Answer::Account(found.clone().map(Box::new)))
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let call = self.invoked(Call::LoadMany(lookups.to_vec()));
        let result = self.inner.load_many(lookups).await;
        self.returned(call, result, |found| Answer::Accounts(found.clone()))
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        let call = self.invoked(Call::Session(at));
        let result = self.inner.session(at).await;
        self.returned(call, result, |found| Answer::Session(found.clone().map(Box::new)))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let call = self.invoked(Call::Epoch);
        let result = self.inner.epoch().await;
        self.returned(call, result, |epoch| Answer::Epoch(*epoch))
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        let call = self.invoked(Call::Due { now, limit });
        let result = self.inner.due(now, limit).await;
        self.returned(call, result, |due| Answer::Due(due.clone()))
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let call = self.invoked(Call::Commit(change.clone()));
        let result = self.inner.commit(change).await;
        let answer = match &result {
            Ok(()) => Answer::Committed,
            Err(CommitError::Conflict(conflict)) => Answer::Refused(conflict.clone()),
            Err(CommitError::Store(error)) => Answer::Failed(error.kind().clone()),
            // `CommitError` may grow; what it is then, a checker does not know.
            Err(_) => Answer::Failed(StoreErrorKind::Other),
        };
        self.lock().push(Entry { call, step: Step::Returned(answer) });
        result
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        let call = self.invoked(Call::Consume(*charge));
        let result = self.inner.consume(charge).await;
        self.returned(call, result, |admission| Answer::Admission(*admission))
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        let call = self.invoked(Call::Code(*key));
        let result = self.inner.code(key).await;
        self.returned(call, result, |code| Answer::Code(code.clone()))
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let call = self.invoked(Call::Events { after, limit });
        let result = self.inner.events(after, limit).await;
        self.returned(call, result, |events| Answer::Events(events.clone()))
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        let call = self.invoked(Call::PruneEvents(up_to));
        let result = self.inner.prune_events(up_to).await;
        self.returned(call, result, |count| Answer::Count(*count))
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let call = self.invoked(Call::Sweep { now, limit });
        let result = self.inner.sweep(now, limit).await;
        self.returned(call, result, |count| Answer::Count(*count))
    }
}
