#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use authcore::account::{AccountId, CommitId, Epoch};
use authcore::event::{Event, EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, ChangeSet, Charge, CodeKey, CommitError, Conflict, Lookup, OneTimeCode, Require,
    Snapshot, Store, Write,
};
use chrono::{DateTime, Utc};
use tokio::sync::Barrier;

use crate::fixture::Fixture;
use crate::make::at;

/// A store under test. It notes the events of every commit that was answered `Ok`.
pub(crate) struct Trial {
    fixture: Fixture,
    /// Taken out only while the store is opened again.
    store: Option<Arc<dyn Store>>,
    told: Mutex<HashMap<CommitId, Vec<Event>>>,
    pruned: Vec<Event>,
}

/// All that a change set names, as it can be read.
#[derive(Debug, PartialEq)]
struct View {
    epoch: Epoch,
    accounts: Vec<Option<Snapshot>>,
    codes: Vec<Option<OneTimeCode>>,
    due: Vec<AccountId>,
    events: Vec<StoredEvent>,
}

impl Trial {
    pub(crate) fn new(fixture: Fixture) -> Self {
        let store = Some(Arc::clone(&fixture.store));
        Self { fixture, store, told: Mutex::default(), pruned: Vec::new() }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) fn is_faulty(&self) -> bool {
        self.fixture.faulty
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        let reopen = self.fixture.reopen.take().expect("the case needs it");
        // Every handle goes before the store is opened again: the fixture's, too.
        self.store = None;
        self.fixture.store = Arc::new(crate::wrappers::closed::ClosedStore);
        self.fixture.store = reopen().await;
        self.store = Some(Arc::clone(&self.fixture.store));
        self.fixture.reopen = Some(reopen);
    }

    /// The names of the schemas there were.
    pub(crate) fn schemas(&self) -> Vec<String> {
        self.fixture.schemas.as_ref().expect("the case needs it").0.clone()
    }

    /// Goes on with the store that a release with this schema left behind, seeded.
    pub(crate) async fn turn_to_schema(&mut self, name: &str) {
        let (_, open) = self.fixture.schemas.as_ref().expect("the case needs it");
        self.store = Some(open(name).await);
        self.told = Mutex::default();
        let sets = crate::seed::sets();
        for set in &sets {
            self.note(set);
        }
        // The first event was pruned.
        self.pruned = sets.into_iter().flat_map(|set| set.events).take(1).collect();
    }

    /// Commits; the events of a success are noted.
    pub(crate) async fn commit(&self, set: &ChangeSet) -> Result<(), CommitError> {
        let result = self.store().commit(set).await;
        if result.is_ok() {
            self.note(set);
        }
        result
    }

    pub(crate) fn note(&self, set: &ChangeSet) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(set.id, set.events.clone());
    }

    /// Commits, and it must succeed.
    #[track_caller]
    pub(crate) fn ok<'a>(&'a self, set: &'a ChangeSet) -> impl Future<Output = ()> + Send + 'a {
        let caller = std::panic::Location::caller();
        async move {
            if let Err(error) = self.commit(set).await {
                panic!("{caller}: this set must be applied, but: {error:?}\n{set:#?}");
            }
        }
    }

    /// Commits, and it must be refused for this very reason and leave everything as it was.
    #[track_caller]
    pub(crate) fn refused<'a>(
        &'a self,
        set: &'a ChangeSet,
        expected: Conflict,
    ) -> impl Future<Output = ()> + Send + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let before = self.view(set).await;
            match self.commit(set).await {
                Err(CommitError::Conflict(found)) => {
                    assert_eq!(found, expected, "{caller}: refused for another reason\n{set:#?}");
                }
                other => panic!("{caller}: expected {expected:?}, but: {other:?}\n{set:#?}"),
            }
            let after = self.view(set).await;
            assert_eq!(before, after, "{caller}: a refused set must write nothing\n{set:#?}");
        }
    }

    async fn view(&self, set: &ChangeSet) -> View {
        let (mut lookups, mut keys) = (Vec::new(), Vec::new());
        for require in &set.require {
            match require {
                Require::Account(id, _)
                | Require::Activity(id, _)
                | Require::Epoch(id, _)
                | Require::PasswordVersion(id, _) => lookups.push(Lookup::Id(*id)),
                Require::Code(key, _) => keys.push(*key),
                _ => {}
            }
        }
        for write in &set.writes {
            match write {
                Write::InsertAccount { account, .. } | Write::UpdateAccount { account, .. } => {
                    lookups.push(Lookup::Id(account.id));
                    let identities = account.identities.iter();
                    lookups
                        .extend(identities.map(|identity| Lookup::Identity(identity.key.clone())));
                    lookups.extend(
                        account.username.iter().map(|name| Lookup::Username(name.key.clone())),
                    );
                    let transfer = account.records.transfer.iter();
                    lookups.extend(transfer.map(|transfer| Lookup::Transfer(transfer.key)));
                }
                Write::DeleteAccount { id, .. } | Write::UpdateActivity { id, .. } => {
                    lookups.push(Lookup::Id(*id));
                }
                Write::PutCode(code) => keys.push(code.key),
                Write::DeleteCode(key) => keys.push(*key),
                _ => {}
            }
        }
        let (mut accounts, mut codes) = (Vec::new(), Vec::new());
        for lookup in lookups {
            accounts.push(self.load(&lookup).await);
        }
        for key in keys {
            codes.push(self.code(key).await);
        }
        let (epoch, due) = (self.epoch().await, self.due(at(1_000_000_000), 1000).await);
        View { epoch, accounts, codes, due, events: self.all_events().await }
    }

    pub(crate) async fn load(&self, lookup: &Lookup) -> Option<Snapshot> {
        self.store().load(lookup).await.expect("load")
    }

    /// The account of this id, which must be there.
    pub(crate) async fn get(&self, id: AccountId) -> Snapshot {
        self.load(&Lookup::Id(id)).await.expect("the account is there")
    }

    pub(crate) async fn session(&self, at: SessionRef) -> Option<SessionSnapshot> {
        self.store().session(at).await.expect("session")
    }

    pub(crate) async fn epoch(&self) -> Epoch {
        self.store().epoch().await.expect("epoch")
    }

    pub(crate) async fn due(&self, now: DateTime<Utc>, limit: u32) -> Vec<AccountId> {
        self.store().due(now, limit).await.expect("due")
    }

    pub(crate) async fn code(&self, key: CodeKey) -> Option<OneTimeCode> {
        self.store().code(&key).await.expect("code")
    }

    pub(crate) async fn consume(&self, charge: &Charge) -> Admission {
        self.store().consume(charge).await.expect("consume")
    }

    pub(crate) async fn events(&self, after: EventCursor, limit: u32) -> Vec<StoredEvent> {
        self.store().events(after, limit).await.expect("events")
    }

    /// Everything in the outbox, page by page.
    pub(crate) async fn all_events(&self) -> Vec<StoredEvent> {
        let (mut all, mut after) = (Vec::<StoredEvent>::new(), EventCursor::START);
        loop {
            let page = self.events(after, 100).await;
            assert!(page.len() <= 100, "a page holds no more than was asked for");
            for stored in page.iter().map(|stored| stored.cursor) {
                assert!(stored > after, "cursors only grow: {stored:?} came after {after:?}");
                after = stored;
            }
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Prunes, and expects those events no more.
    pub(crate) async fn prune(&mut self, up_to: EventCursor) -> u64 {
        let all = self.all_events().await;
        let gone = all.into_iter().filter(|stored| stored.cursor <= up_to);
        self.pruned.extend(gone.map(|stored| stored.event));
        self.store().prune_events(up_to).await.expect("prune_events")
    }

    /// These were removed beside the case.
    pub(crate) fn note_pruned(&mut self, events: Vec<Event>) {
        self.pruned.extend(events);
    }

    /// Sweeps without a limit that matters.
    pub(crate) async fn sweep(&self, now: DateTime<Utc>) -> u64 {
        self.store().sweep(now, 1000).await.expect("sweep")
    }

    /// The outbox holds the events of every commit that was answered `Ok`, each once, and nothing else.
    pub(crate) async fn audit(&self) {
        let found: Vec<Event> =
            self.all_events().await.into_iter().map(|stored| stored.event).collect();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for events in told.values() {
            let kept: Vec<_> = events.iter().filter(|event| !self.pruned.contains(event)).collect();
            let of_set: Vec<_> = found.iter().filter(|event| events.contains(event)).collect();
            assert_eq!(of_set, kept, "the outbox must hold what was committed, once and in order");
        }
        let known = told.values().map(Vec::len).sum::<usize>() - self.pruned.len();
        assert_eq!(found.len(), known, "the outbox must hold nothing that was not committed");
    }

    /// Commits all sets at once, and answers in their order.
    pub(crate) async fn race(&self, sets: Vec<ChangeSet>) -> Vec<Result<(), CommitError>> {
        let results = race(sets.len(), |index| {
            let (store, set) = (Arc::clone(self.store()), sets.get(index).cloned());
            async move { store.commit(&set.expect("one for each")).await }
        })
        .await;
        for (set, result) in sets.iter().zip(&results) {
            if result.is_ok() {
                self.note(set);
            }
        }
        results
    }
}

/// Runs the tasks from a common start, and answers in their order.
pub(crate) async fn race<T, F, Fut>(count: usize, task: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(usize) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let running: Vec<_> = (0..count)
        .map(|index| {
            let (barrier, task) = (Arc::clone(&barrier), task(index));
            tokio::spawn(async move {
                barrier.wait().await;
                task.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(count);
    for task in running {
        results.push(task.await.expect("the store does not panic"));
    }
    results
}

/// Of the answers to sets of which one may win, the conflicts of the others.
#[track_caller]
pub(crate) fn losers_of_one_winner(results: Vec<Result<(), CommitError>>) -> Vec<Conflict> {
    let count = results.len();
    let losers: Vec<Conflict> = results
        .into_iter()
        .filter_map(Result::err)
        .map(|error| match error {
            CommitError::Conflict(conflict) => conflict,
            other => panic!("a loser gets a conflict, but: {other:?}"),
        })
        .collect();
    assert_eq!(losers.len() + 1, count, "exactly one wins");
    losers
}
