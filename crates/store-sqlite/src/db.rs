use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use authcore::account::Epoch;
use rusqlite::{CachedStatement, Connection};

use crate::cols::Cols;
use crate::config::{SqliteConfig, StepHook};
use crate::error::{Fault, Panicked, Stop};
use crate::names::{Prefix, Rendered};
use crate::threads;

/// How often a writer asks whether another process has finished.
const ASK_EVERY: Duration = Duration::from_millis(1);

/// What is done to the database in one go.
pub(crate) trait Operation: Send + 'static {
    type Out: Send + 'static;
    /// Whether it may write. A read is answered before the writes of its batch begin.
    const WRITES: bool;

    /// Runs within a transaction, and may run again when that was undone.
    fn run(&self, db: &Db) -> Result<Self::Out, Stop>;
}

/// A connection, and what its current transaction has learnt.
pub(crate) struct Db {
    connection: Connection,
    /// Where the tables have a prefix.
    rendered: Option<Rendered>,
    step_hook: Option<StepHook>,
    busy_timeout: Duration,
    store_epoch: Cell<Option<Epoch>>,
    /// How many statements were asked for.
    #[cfg(test)]
    pub(crate) statements: Cell<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Db {
    pub(crate) fn new(connection: Connection, config: &SqliteConfig) -> Self {
        Self {
            connection,
            // Checked when the first connection was opened.
            rendered: Prefix::new(&config.table_prefix).ok().and_then(Rendered::of),
            step_hook: config.step_hook.clone(),
            busy_timeout: config.busy_timeout,
            store_epoch: Cell::new(None),
            #[cfg(test)]
            statements: Cell::new(0),
        }
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, Fault> {
        #[cfg(test)]
        self.statements.set(self.statements.get() + 1);
        Ok(match &self.rendered {
            None => self.connection.prepare_cached(sql)?,
            Some(rendered) => self.connection.prepare_cached(&rendered.text(sql))?,
        })
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Tells the step hook what comes next.
    pub(crate) fn step(&self, name: &'static str) {
        if let Some(hook) = &self.step_hook {
            hook(name);
        }
    }

    /// The store's epoch, read at most once a transaction.
    pub(crate) fn store_epoch(&self) -> Result<Epoch, Fault> {
        if let Some(epoch) = self.store_epoch.get() {
            return Ok(epoch);
        }
        let epoch = self
            .first("SELECT epoch FROM store WHERE id = 1", [], |cols| cols.u32("store.epoch"))?
            .map(Epoch::new)
            .ok_or_else(|| Fault::corrupt("store"))?;
        self.store_epoch.set(Some(epoch));
        Ok(epoch)
    }

    pub(crate) fn forget_store_epoch(&self) {
        self.store_epoch.set(None);
    }

    /// The first row, if there is one.
    pub(crate) fn first<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&mut Cols<'_, '_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => read(&mut Cols::new(row)).map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, Fault> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    pub(crate) fn begin(&self, access: Access) -> Result<Open<'_>, Fault> {
        self.forget_store_epoch();
        self.execute(
            match access {
                Access::Read => "BEGIN",
                Access::Write => "BEGIN IMMEDIATE",
            },
            [],
        )?;
        Ok(Open(self))
    }

    /// Begins to write; when another process is at it, calls `wait` first and then waits.
    ///
    /// Asks again after short and equal times. SQLite's own handler sleeps for up to 100 ms, and a process that writes all the
    /// time leaves gaps of some microseconds: another one waited for seconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "a lock of another process tells nobody when it is free"
    )]
    pub(crate) fn begin_or(&self, wait: impl FnOnce()) -> Result<Open<'_>, Fault> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let mut begun = self.begin(Access::Write);
        if begun.as_ref().is_err_and(Fault::is_unavailable) {
            wait();
            let tries = self.busy_timeout.as_millis() / ASK_EVERY.as_millis();
            for _ in 0..tries {
                thread::sleep(ASK_EVERY);
                begun = self.begin(Access::Write);
                if !begun.as_ref().is_err_and(Fault::is_unavailable) {
                    break;
                }
            }
        }
        self.connection.busy_timeout(self.busy_timeout)?;
        begun
    }

    /// Moves the whole log into the database file, so that it starts over, unless a reader holds it for long.
    pub(crate) fn restart_log(&self) -> Result<(), Fault> {
        self.connection.busy_timeout(self.busy_timeout.min(Duration::from_millis(10)))?;
        threads::checkpoint(&self.connection, "RESTART");
        Ok(self.connection.busy_timeout(self.busy_timeout)?)
    }

    /// Runs one operation in a transaction of its own.
    pub(crate) fn alone<O: Operation>(&self, operation: &O) -> Result<O::Out, Stop> {
        let access = if O::WRITES { Access::Write } else { Access::Read };
        let open = self.begin(access)?;
        let out = operation.run(self)?;
        open.commit()?;
        Ok(out)
    }
}

/// A transaction that is undone unless it is committed, also when a panic passes by.
pub(crate) struct Open<'a>(&'a Db);

impl Open<'_> {
    /// On failure nothing was written: SQLite lets others see a transaction only when all of COMMIT has succeeded, and
    /// the guard rolls back what it left open before anybody is answered. What the log may hold of it is overwritten by
    /// the next commit.
    pub(crate) fn commit(self) -> Result<(), Fault> {
        self.0.execute("COMMIT", [])?;
        Ok(())
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.0.connection.is_autocommit()
            && let Err(error) = self.0.connection.execute_batch("ROLLBACK")
        {
            tracing::debug!(%error, "sqlite.rollback_failed");
        }
    }
}

/// Runs code that may panic (a step hook, or times beyond what chrono can hold); the transaction's guard undoes what
/// it did.
pub(crate) fn caught<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(Fault::other(Panicked)))
}
