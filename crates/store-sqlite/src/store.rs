use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use crate::backup::{self, OfMemory};
use crate::batch::Task;
use crate::config::SqliteConfig;
use crate::db::{Db, Operation};
use crate::error::{BackupError, Fault, OpenError, Stop};
use crate::open;
use crate::ops::{
    Bind, Code, Consume, Due, Events, Load, LoadMany, LoadSession, PRUNED_AT_ONCE, PruneEvents,
    StoreEpoch, Sweep,
};
use crate::plan::Plan;
use crate::threads::Threads;

/// Accounts in a SQLite file.
///
/// ```
/// use authcore_store_sqlite::{SqliteConfig, SqliteStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("accounts.db");
/// let store = SqliteStore::open(SqliteConfig::file(path))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Durability
///
/// An acknowledged commit survives what [`Synchronous`](crate::Synchronous) says: with the default also a loss of
/// power, given a disk that does not lie.
///
/// # Several processes
///
/// Several processes of one machine may open the same file, and each sees what another was told. They take turns to
/// write; a call fails with [`StoreErrorKind::Unavailable`] when its turn does not come within the busy timeout. A file on
/// a network file system must not be used. A process that has the file open must open it through this copy of SQLite only.
///
/// # Failures
///
/// When the disk fails in the middle of a commit, the commit is undone before it is answered: the kind says why, and
/// nothing was written. A full disk is [`StoreErrorKind::Full`]; the store goes on as soon as there is room.
/// ([`StoreErrorKind::Other`] for a disk that cannot write. Should the system itself end before
/// the next commit, the log may hold the undone one whole, and it is there again when the file is opened.) The answer
/// is [`StoreErrorKind::FateUnknown`] only when the thread that writes is gone, which is a fault of this crate.
///
/// # Tables of your own
///
/// May lie in the same file and join `accounts` by its `id` (16 bytes); if they have names of the store's, give those
/// a prefix ([`SqliteConfig::with_table_prefix`]). Times are UTC milliseconds since 1970. How an
/// account stands is told by columns that are computed when they are read: `ban_kind` (`banned`, `grace`, or NULL),
/// `ban_since`, `ban_until` (the end of a ban, NULL for ever; the deadline of a grace ban), `withdrawal_kind` (`pending`,
/// `done`, or NULL) and `withdrawal_due`. What a date has changed is not in them before the account is next written.
///
/// # Replays
///
/// Rows of accounts, activities and single-use keys name the change set that wrote them last. Sets that leave no such row
/// behind (those that only remove, or write only codes, throttles, events or the store's epoch) are recognized while
/// they are among the last 65 536 of their kind.
///
/// # Overload
///
/// Calls wait for a place in a bounded queue; none is refused for lack of one.
///
/// # Cancel safety
///
/// A call whose future is dropped before it got a place in the queue is not made. From then on it runs to its end, and
/// only the answer is lost; pruning stops between two pieces.
///
/// # Dropping it
///
/// Finishes what was accepted, stops the threads and writes the log back into the file. This blocks for as long as
/// that takes.
pub struct SqliteStore {
    runner: Runner,
    config: SqliteConfig,
}

enum Runner {
    Threads(Threads),
    Inline(Mutex<Db>),
}

impl SqliteStore {
    /// Opens the store, and makes the file or brings its schema up to date where needed. Blocks while it does.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. Nothing is changed in a file that is refused.
    pub fn open(config: SqliteConfig) -> Result<Self, OpenError> {
        let connection = open::first(&config)?;
        Self::over(connection, config)
    }

    fn over(connection: Connection, config: SqliteConfig) -> Result<Self, OpenError> {
        let runner = if config.inline {
            Runner::Inline(Mutex::new(Db::new(connection, &config)))
        } else {
            Runner::Threads(Threads::start(&config, connection)?)
        };
        tracing::debug!(?config, "sqlite.opened");
        Ok(Self { runner, config })
    }

    /// Copies the store to a file that is not there yet, while reads and writes go on. The copy is whole and of one moment: it
    /// holds every commit that was acknowledged before the call, tables of others in the same file included, and is opened like
    /// any store. It is on the disk when this returns.
    ///
    /// Copying takes as long as reading and writing the file; meanwhile the log grows by what is committed.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; then there is no file at `to` that was not there before.
    ///
    /// # Cancel safety
    ///
    /// A backup that has begun runs to its end; only the answer is lost.
    pub async fn backup(&self, to: impl Into<PathBuf>) -> Result<(), BackupError> {
        if self.config.path.is_some() {
            return backup::of_file(&self.config, to.into()).await;
        }
        self.run(OfMemory(to.into())).await.map_err(StoreError::from)?
    }

    async fn run<O: Operation>(&self, operation: O) -> Result<O::Out, Stop> {
        match &self.runner {
            Runner::Threads(threads) => {
                let (task, answer) = Task::boxed(operation);
                threads.push(task).await;
                // Without an answer the writer is gone, and may have committed before; of a read, its reader may be.
                let kind = if O::WRITES {
                    StoreErrorKind::FateUnknown
                } else {
                    StoreErrorKind::Unavailable
                };
                answer.await.unwrap_or_else(|_| Err(Fault::new(kind).into()))
            }
            // After a panic of the step hook the transaction was undone, so the connection is as good as before.
            Runner::Inline(db) => {
                db.lock().unwrap_or_else(PoisonError::into_inner).alone(&operation)
            }
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        let in_file = self.config.path.is_some();
        Capabilities { durable: in_file, multi_process: in_file }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        Ok(self.run(Bind(header.clone())).await?)
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.run(Load(lookup.clone())).await?)
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        Ok(self.run(LoadMany(lookups.to_vec())).await?)
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        Ok(self.run(LoadSession(at)).await?)
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.run(StoreEpoch).await?)
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.run(Due { now, limit }).await?)
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let plan = Plan::new(change).map_err(StoreError::from)?;
        Ok(self.run(plan).await?)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        Ok(self.run(Consume(*charge)).await?)
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        Ok(self.run(Code(*key)).await?)
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.run(Events { after, limit }).await?)
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let pruned = self.run(PruneEvents(up_to)).await?;
            count += pruned;
            if pruned < PRUNED_AT_ONCE {
                return Ok(count);
            }
        }
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        Ok(self.run(Sweep { now, limit }).await?)
    }
}

#[cfg(test)]
mod tests {
    use authcore::account::Account;
    use authcore::event::{Event, EventKind};
    use authcore::store::Write;
    use authcore::{account::CommitId, session::Activity};

    use super::*;

    fn change(number: u16) -> ChangeSet {
        let id = |number: u16| {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            bytes
        };
        let at = DateTime::UNIX_EPOCH;
        let mut account = Account::new(AccountId::from_bytes(id(number)), at);
        account.profile.metadata = "x".repeat(1000).into();
        let event = Event { account: account.id, at, kind: EventKind::AccountCreated };
        ChangeSet {
            id: CommitId::from_bytes(id(number)),
            require: Vec::new(),
            writes: vec![Write::InsertAccount {
                account: Box::new(account),
                activity: Activity::default().into(),
            }],
            events: vec![event; 50],
        }
    }

    /// SQLite's own limit stands for the disk: it answers the same, in the middle of a set.
    #[tokio::test]
    async fn a_full_database_says_so_loses_nothing_and_goes_on_when_there_is_room() {
        for inline in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let config = SqliteConfig::file(folder.path().join("a.db"));
            let config = if inline { config.inline() } else { config };
            let connection = open::first(&config).unwrap();
            let pragma = "PRAGMA max_page_count = 60";
            connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
            let store = SqliteStore::over(connection, config).unwrap();
            let mut number = 1;
            let error = loop {
                match store.commit(&change(number)).await {
                    Ok(()) => number += 1,
                    Err(error) => break error,
                }
            };
            let CommitError::Store(error) = error else { panic!("{error:?}") };
            assert_eq!(*error.kind(), StoreErrorKind::Full);
            assert!(number > 10);
            let is_there = async |number: u16| {
                let lookup = Lookup::Id(change(number).events[0].account);
                store.load(&lookup).await.unwrap().is_some()
            };
            for acknowledged in 1..number {
                assert!(is_there(acknowledged).await);
            }
            assert!(!is_there(number).await);
            let told = store.events(EventCursor::START, u32::MAX).await.unwrap();
            assert_eq!(told.len(), usize::from(number - 1) * 50);

            // A consumer that prunes makes room, and the refused set can be handed over again.
            store.prune_events(told.last().unwrap().cursor).await.unwrap();
            store.commit(&change(number)).await.unwrap();
            assert!(is_there(number).await);
        }
    }
}
