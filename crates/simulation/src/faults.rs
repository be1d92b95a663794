//! What lies between the engine and its store: a network that is slow and fails, as the seed says.

use std::collections::HashSet;
use std::fmt;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, CommitId, Epoch, SessionId};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Conflict, Lookup,
    OneTimeCode, Snapshot, Store, StoreError, StoreErrorKind, StoreHeader, Write,
};
use chrono::{DateTime, Utc};

use crate::disk::Disk;
use crate::draw::Draw;
use crate::scheduler::give_way;

/// What happened, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of the engine's methods.
    pub calls: u64,
    /// Calls of the store's methods.
    pub store_calls: u64,
    /// Store calls that came late, so that others overtook them.
    pub delays: u64,
    /// Commits that were told of a lost race that nobody else had won.
    pub conflicts: u64,
    /// Store calls that failed and did nothing.
    pub unavailable: u64,
    /// Commits of unknown fate that were not applied.
    pub requests_lost: u64,
    /// Commits of unknown fate that were applied.
    pub answers_lost: u64,
    /// Deaths of the process, in the middle of a commit or right after it.
    pub deaths: u64,
    /// Steps of the clock backwards.
    pub steps_back: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.store_calls += other.store_calls;
        self.delays += other.delays;
        self.conflicts += other.conflicts;
        self.unavailable += other.unavailable;
        self.requests_lost += other.requests_lost;
        self.answers_lost += other.answers_lost;
        self.deaths += other.deaths;
        self.steps_back += other.steps_back;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} calls of the engine, {} of the store; {} delays, {} conflicts, {} unavailable, {} lost before the \
             commit, {} lost after it, {} deaths, {} steps of the clock backwards",
            self.calls,
            self.store_calls,
            self.delays,
            self.conflicts,
            self.unavailable,
            self.requests_lost,
            self.answers_lost,
            self.deaths,
            self.steps_back
        )
    }
}

/// The ids that a client's call wanted to give when it last handed something over. Where its answer never came, this
/// tells what they are if it was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Proposed {
    /// Of the account to be made.
    pub(crate) account: Option<AccountId>,
    /// Of the session to be opened.
    pub(crate) session: Option<SessionId>,
}

/// What outlives the process: the network, and who calls.
#[derive(Debug)]
pub(crate) struct Network {
    /// Whose turn it is.
    pub(crate) running: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    draw: Draw,
    proposed: Vec<Proposed>,
    /// What was applied. A store that can answer that a fate is unknown must know it again.
    applied: HashSet<CommitId>,
    /// What was applied last.
    latest: Option<CommitId>,
    counts: Counts,
}

impl Network {
    pub(crate) fn new(seed: u64, clients: usize) -> Self {
        let state = State {
            draw: Draw::new(seed),
            proposed: vec![Proposed::default(); clients],
            applied: HashSet::new(),
            latest: None,
            counts: Counts::default(),
        };
        Self { running: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.lock().counts);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Takes what the running client's call proposed last.
    pub(crate) fn proposed(&self, client: usize) -> Proposed {
        self.lock().proposed.get_mut(client).map(std::mem::take).unwrap_or_default()
    }

    fn propose(&self, change: &ChangeSet) {
        let client = self.running.load(Ordering::Relaxed);
        let mut proposed = Proposed::default();
        for write in &change.writes {
            if let Write::InsertAccount { account, .. } = write {
                proposed.account = Some(account.id);
            }
            if let Write::InsertAccount { activity, .. } | Write::UpdateActivity { activity, .. } =
                write
            {
                proposed.session = activity.sessions.last().map(|session| session.id);
            }
        }
        if let Some(kept) = self.lock().proposed.get_mut(client) {
            *kept = proposed;
        }
    }

    /// A call on its way to the store: others may go first, and it may not arrive.
    async fn reach(&self) -> Result<(), StoreError> {
        let (turns, fails) = {
            let mut state = self.lock();
            state.counts.store_calls += 1;
            let late = state.draw.happens(200);
            state.counts.delays += u64::from(late);
            let turns = if late { 2 + state.draw.number() % 12 } else { 1 };
            let fails = state.draw.happens(10);
            state.counts.unavailable += u64::from(fails);
            (turns, fails)
        };
        give_way(turns).await;
        if fails { Err(error(StoreErrorKind::Unavailable)) } else { Ok(()) }
    }

    /// What happens to a commit besides.
    fn fate(&self, change: &ChangeSet) -> Fate {
        let mut state = self.lock();
        let drawn = state.draw.number() % 1000;
        // What was applied loses no race any more.
        let conflict = a_conflict(change).filter(|_| !state.applied.contains(&change.id));
        match (drawn, conflict) {
            (0..30, Some(conflict)) => {
                state.counts.conflicts += 1;
                Fate::Conflict(conflict)
            }
            (30..60, _) => {
                state.counts.requests_lost += 1;
                Fate::RequestLost
            }
            // Counted when it was applied, which it may not be.
            (60..100, _) => Fate::AnswerLost,
            _ => Fate::Fine,
        }
    }
}

enum Fate {
    Fine,
    Conflict(Conflict),
    RequestLost,
    AnswerLost,
}

fn error(kind: StoreErrorKind) -> StoreError {
    StoreError::new("far", kind)
}

/// The conflict that a set may lose to at any time; none where it conditions nothing.
fn a_conflict(change: &ChangeSet) -> Option<Conflict> {
    change.writes.iter().find_map(|write| match write {
        Write::InsertAccount { account, .. } => Some(Conflict::AccountExists(account.id)),
        Write::UpdateAccount { account, .. } => Some(Conflict::AccountChanged(account.id)),
        Write::UpdateActivity { id, .. } => Some(Conflict::ActivityChanged(*id)),
        _ => None,
    })
}

/// When the process dies: at which step of which of its commits. After it, the store is not heard of any more.
#[derive(Debug)]
pub(crate) struct Death {
    disk: Arc<Disk>,
    path: PathBuf,
    state: Mutex<Dying>,
}

#[derive(Debug, Default)]
struct Dying {
    /// How many steps are left to live; none before it is said.
    steps: Option<u64>,
    /// The files as they were then.
    left: Option<PathBuf>,
}

impl Death {
    pub(crate) fn new(disk: Arc<Disk>, path: PathBuf) -> Self {
        Self { disk, path, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Dying> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// So many steps to live: writes of the store, begun and done.
    pub(crate) fn comes_in(&self, steps: u64) {
        self.lock().steps = Some(steps);
    }

    /// A step of the store.
    pub(crate) fn step(&self) {
        let mut dying = self.lock();
        match dying.steps {
            Some(0) if dying.left.is_none() => dying.left = Some(self.disk.copy(&self.path)),
            Some(left) => dying.steps = Some(left.saturating_sub(1)),
            None => {}
        }
    }

    /// The files that the process left behind, when it is dead.
    pub(crate) fn left(&self) -> Option<PathBuf> {
        self.lock().left.clone()
    }
}

/// A store at the other end of a network.
#[derive(Debug)]
pub(crate) struct FarStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) network: Arc<Network>,
    /// None for a store that does not outlive the process.
    pub(crate) death: Option<Arc<Death>>,
}

impl FarStore {
    /// An answer on its way back. A dead process gets none.
    async fn back<T>(&self, answer: T) -> T {
        if self.death.as_ref().is_some_and(|death| death.left().is_some()) {
            std::future::pending::<()>().await;
        }
        give_way(1).await;
        answer
    }

    /// The store itself must know what it applied last. What others have written over since it need not know, for it never
    /// answers that a fate is unknown: that is only so out here.
    async fn apply(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let (applied, latest) = {
            let state = self.network.lock();
            (state.applied.contains(&change.id), state.latest == Some(change.id))
        };
        if applied && !latest {
            return Ok(());
        }
        self.inner.commit(change).await?;
        if applied {
            return Ok(());
        }
        let mut state = self.network.lock();
        state.applied.insert(change.id);
        state.latest = Some(change.id);
        drop(state);
        if let Some(death) = &self.death {
            death.step();
        }
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for FarStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        self.inner.bind(header).await
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.load(lookup).await).await
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.load_many(lookups).await).await
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.session(at).await).await
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.epoch().await).await
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.due(now, limit).await).await
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        self.network.propose(change);
        self.network.reach().await?;
        let answer = match self.network.fate(change) {
            Fate::Fine => self.apply(change).await,
            Fate::Conflict(conflict) => Err(CommitError::Conflict(conflict)),
            Fate::RequestLost => Err(error(StoreErrorKind::FateUnknown).into()),
            Fate::AnswerLost => match self.apply(change).await {
                Ok(()) => {
                    self.network.count(|counts| counts.answers_lost += 1);
                    Err(error(StoreErrorKind::FateUnknown).into())
                }
                failed => failed,
            },
        };
        self.back(answer).await
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.consume(charge).await).await
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.code(key).await).await
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.events(after, limit).await).await
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.prune_events(up_to).await).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        self.network.reach().await?;
        self.back(self.inner.sweep(now, limit).await).await
    }
}
