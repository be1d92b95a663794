use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use chrono::{DateTime, Utc};
use deadpool_postgres::{Hook, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use tokio_postgres::Row;

use crate::cols::Cols;
use crate::config::PostgresConfig;
use crate::doubts::Doubts;
use crate::error::{Fault, OpenError, Stop};
use crate::hosts::Hosts;
use crate::member::Member;
use crate::migrate;
use crate::ops::{Bind, Consume, Due, Sweep};
use crate::outbox::{Events, PRUNED_AT_ONCE, PruneEvents};
use crate::plan::Plan;
use crate::reads::{Query, Reads};
use crate::rows;
use crate::runner::Runner;
use crate::seen::SeenAccounts;
use crate::tls;
use crate::writes::Writes;

/// Accounts in a PostgreSQL database (13 or later), which any number of nodes may share.
///
/// ```no_run
/// use authcore_store_postgres::{PostgresConfig, PostgresStore};
///
/// # async fn open() -> Result<(), Box<dyn std::error::Error>> {
/// let config = PostgresConfig::url("postgres://authcore@localhost/players")?;
/// let store = PostgresStore::connect(config).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Runtime
///
/// Connections and transactions run on the tokio runtime on which the store was [connected](Self::connect), with its
/// timers and I/O on. The store's calls may be awaited anywhere, for as long as that runtime lives.
///
/// # Durability
///
/// An acknowledged commit survives what the server's `synchronous_commit` and `fsync` say: with the defaults also a loss
/// of power. With asynchronous replicas, a failover may lose the latest commits. Where commits wait for a synchronous
/// standby, one that was cut off while it waited is acknowledged only after the standby has it.
///
/// # Isolation
///
/// Transactions run at the database's default isolation. Conditions hold by row locks and unique indices, so READ
/// COMMITTED is enough; at a higher level, transactions that the server gives up are made again.
///
/// # Races and failures
///
/// Serialization failures, deadlocks, and keys that two transactions give away at once are settled inside: the
/// transaction is made again, at most 20 times, from the second time on one after another in each process (for 100 ms
/// each at most), with random pauses that double up to 64 ms. Of a batch each set is then made again alone. A connection
/// that is lost is replaced at most twice a call. When it was lost after a commit was sent, the set is handed to the server
/// again, which knows whether it was applied, or to the one that took its place, as often as it takes; only when there is
/// none for as long as the [patience](PostgresConfig::with_patience), the answer is
/// [`FateUnknown`](authcore::store::StoreErrorKind::FateUnknown). A charge of a throttle is not made again.
///
/// # Replays
///
/// Rows of accounts and activities name the last eight change sets that wrote them, single-use keys theirs. A set in doubt
/// whose rows eight others have written since stays one of unknown fate. Sets that leave no such row behind (those that only
/// remove, or write only codes, throttles, events or the store's epoch) are recognized while they are among the last 65 536
/// of their kind; [`sweep`](Store::sweep) forgets those before them.
///
/// # Events
///
/// Writers of events do not wait for each other. Reading the outbox waits for the transactions that are writing events
/// at that moment, and holds up new ones for as long.
///
/// # Tables of your own
///
/// May lie in the same schema and join `accounts` by its `id` (`uuid`). Times are UTC milliseconds since 1970.
///
/// # Long keys
///
/// A key of an index may have about 2,700 bytes once PostgreSQL has compressed it. A commit with a longer username key or
/// identity key fails with [`Other`](authcore::store::StoreErrorKind::Other), and writes nothing.
///
/// # Cancel safety
///
/// Calls run in tasks of the store's to their end, also when their futures are dropped; only the answer is lost. A read that
/// nobody waits for any more may be left out, and pruning stops between two pieces.
pub struct PostgresStore {
    runner: Runner,
    reads: Reads,
    writes: Writes,
    seen: SeenAccounts,
    doubts: Doubts,
    config: PostgresConfig,
}

impl PostgresStore {
    /// Connects, and makes the tables or brings them up to date where needed, in the schema that comes first in the
    /// user's `search_path`. Several nodes may do this at once.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. Nothing is changed in a database that is refused.
    ///
    /// # Cancel safety
    ///
    /// A migration whose future is dropped is undone.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn connect(config: PostgresConfig) -> Result<Self, OpenError> {
        let pool = pool(&config, config.connections)?;
        let mut client =
            pool.get().await.map_err(|error| OpenError::CannotConnect(Box::new(error)))?;
        migrate::check_server(&client).await?;
        migrate::migrate(&mut client).await?;
        drop(client);
        tracing::debug!(?config, "postgres.connected");
        let runner = Runner::new(pool, config.named_statements, config.patience);
        let readers = Runner::new(
            self::pool(&config, config.readers)?,
            config.named_statements,
            config.patience,
        );
        Ok(Self {
            reads: Reads::new(&readers, config.readers),
            writes: Writes::new(&runner, config.writers),
            seen: SeenAccounts::default(),
            doubts: Doubts::default(),
            runner,
            config,
        })
    }

    fn snapshot(&self, row: &Row) -> Result<Snapshot, Fault> {
        let (snapshot, seen) = rows::snapshot(row)?;
        self.seen.put(snapshot.account.id, seen);
        Ok(snapshot)
    }
}

/// All statements find rows by their keys. Statements with arrays would be planned anew each time.
const SETTINGS: [&str; 5] = [
    "SET plan_cache_mode = force_generic_plan",
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_mergejoin = off",
    "SET enable_hashjoin = off",
];

/// The server keeps a plan that it made while a table was small, and that reads all of it, until the table is analyzed
/// again: a minute or more, in which a new game may get its first ten thousand players. Tables grow with what connections
/// do: one forgets its plans when it has done twice as much, at last every so often, and when it has rested while others
/// worked.
fn plans_are_outgrown(uses: usize, rested: Duration) -> bool {
    uses.is_power_of_two() && uses < 4096 || uses % 4096 == 4095 || rested >= RESTED
}

const RESTED: Duration = Duration::from_secs(1);

fn pool(config: &PostgresConfig, size: usize) -> Result<Pool, OpenError> {
    let manager = Manager::from_connect(
        config.server.clone(),
        Hosts { each: config.each.clone(), tls: tls::connector(&config.trust)? },
        // Without a question to the server each time: a dead connection is found out when it is used.
        ManagerConfig { recycling_method: RecyclingMethod::Fast },
    );
    let mut pool = Pool::builder(manager)
        .max_size(size)
        // The server's process that worked last has what it needs in its caches.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(config.patience))
        .create_timeout(Some(config.patience));
    if config.named_statements {
        pool = pool
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    for setting in SETTINGS {
                        // A server that does not know it plans as it likes.
                        let _ = client.batch_execute(setting).await;
                    }
                    Ok(())
                })
            }))
            .pre_recycle(Hook::async_fn(|client, metrics| {
                let outgrown = plans_are_outgrown(metrics.recycle_count, metrics.last_used());
                Box::pin(async move {
                    if outgrown {
                        let _ = client.batch_execute("DISCARD PLANS").await;
                    }
                    Ok(())
                })
            }));
    }
    pool.build().map_err(|error| OpenError::CannotConnect(Box::new(error)))
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("config", &self.config).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: true, multi_process: true }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        Ok(self.runner.run(Bind(header.clone())).await?)
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        let row = self.reads.ask(Query::Account(lookup.clone())).await?;
        Ok(row.map(|row| self.snapshot(&row)).transpose()?)
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let asked: Vec<_> =
            lookups.iter().map(|lookup| self.reads.ask(Query::Account(lookup.clone()))).collect();
        let mut found = Vec::with_capacity(asked.len());
        for answer in asked {
            found.push(answer.await?.map(|row| self.snapshot(&row)).transpose()?);
        }
        Ok(found)
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        let row = self.reads.ask(Query::Session(at)).await?;
        match row {
            Some(row) => Ok(rows::session(&row, at.session)?),
            None => Ok(None),
        }
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let row = self.reads.ask(Query::StoreEpoch).await?;
        let row = row.ok_or_else(|| Fault::corrupt("store"))?;
        Ok(Epoch::new(Cols::asked(&row).u32("store.epoch")?))
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.runner.run(Due { now, limit }).await?)
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let plan = Plan::new(change).map_err(StoreError::from)?;
        let done = if self.doubts.hold(change.id) {
            self.runner.run_again(plan).await
        } else {
            match Member::of(plan, &self.seen) {
                Ok(member) => self.writes.commit(member).await,
                Err(plan) => self.runner.run(plan).await,
            }
        };
        let in_doubt = matches!(&done, Err(Stop::Fault(fault)) if fault.is_in_doubt());
        self.doubts.note(change.id, in_doubt);
        Ok(done?)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        Ok(self.runner.run(Consume(*charge)).await?)
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        let row = self.reads.ask(Query::Code(*key)).await?;
        Ok(row.map(|row| rows::code(&row, *key)).transpose()?)
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.runner.run(Events { after, limit }).await?)
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        let mut count = 0;
        loop {
            let pruned = self.runner.run(PruneEvents(up_to)).await?;
            count += pruned;
            if pruned < u64::from(PRUNED_AT_ONCE) {
                return Ok(count);
            }
        }
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        Ok(self.runner.run(Sweep { now, limit }).await?)
    }
}
