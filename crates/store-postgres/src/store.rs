use std::fmt;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch};
use authcore::event::{EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, Lookup, OneTimeCode,
    Snapshot, Store, StoreError, StoreHeader,
};
use chrono::{DateTime, Utc};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};

use crate::config::PostgresConfig;
use crate::error::OpenError;
use crate::migrate;
use crate::ops::{Bind, Code, Consume, Due, LoadMany, LoadSession, StoreEpoch, Sweep};
use crate::outbox::{Events, PRUNED_AT_ONCE, PruneEvents};
use crate::plan::Plan;
use crate::runner::Runner;
use crate::tls;

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
/// of power. With asynchronous replicas, a failover may lose the latest commits.
///
/// # Isolation
///
/// Transactions run at the database's default isolation. Conditions hold by row locks and unique indices, so READ
/// COMMITTED is enough; at a higher level, transactions that the server gives up are made again.
///
/// # Races and failures
///
/// Serialization failures, deadlocks, and keys that two transactions give away at once are settled inside: the
/// transaction is made again, at most 20 times, from the second time on one after another in each process, with pauses
/// that double up to 64 ms. A connection that is lost is replaced at most twice a call. When it was lost after a commit
/// was sent, the set is handed to the server again, which knows whether it was applied; only when that fails, too, the
/// answer is [`FateUnknown`](authcore::store::StoreErrorKind::FateUnknown). A charge of a throttle is not made again.
///
/// # Replays
///
/// Rows of accounts and activities name the last eight change sets that wrote them, single-use keys theirs. Sets that
/// leave no such row behind (those that only remove, or write only codes, throttles, events or the store's epoch) are
/// recognized while they are among the last 65 536 of their kind; [`sweep`](Store::sweep) forgets those before them.
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
/// Each call runs in a task of its own to its end, also when its future is dropped; only the answer is lost. Pruning
/// stops between two pieces.
pub struct PostgresStore {
    runner: Runner,
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
        let manager = Manager::from_config(
            config.server.clone(),
            tls::connector(&config.trust)?,
            // Without a question to the server each time: a dead connection is found out when it is used.
            ManagerConfig { recycling_method: RecyclingMethod::Fast },
        );
        let pool = Pool::builder(manager)
            .max_size(config.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(config.patience))
            .create_timeout(Some(config.patience))
            .build()
            .map_err(|error| OpenError::CannotConnect(Box::new(error)))?;
        let mut client =
            pool.get().await.map_err(|error| OpenError::CannotConnect(Box::new(error)))?;
        migrate::check_server(&client).await?;
        migrate::migrate(&mut client).await?;
        drop(client);
        tracing::debug!(?config, "postgres.connected");
        Ok(Self { runner: Runner::new(pool), config })
    }
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
        let found = self.runner.run(LoadMany(vec![lookup.clone()])).await?;
        Ok(found.into_iter().next().flatten())
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        Ok(self.runner.run(LoadMany(lookups.to_vec())).await?)
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        Ok(self.runner.run(LoadSession(at)).await?)
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        Ok(self.runner.run(StoreEpoch).await?)
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.runner.run(Due { now, limit }).await?)
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let plan = Plan::new(change).map_err(StoreError::from)?;
        Ok(self.runner.run(plan).await?)
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        Ok(self.runner.run(Consume(*charge)).await?)
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        Ok(self.runner.run(Code(*key)).await?)
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
