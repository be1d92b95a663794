//! One thread that writes, some that read, one that moves the log into the database file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use crate::batch::{self, Work};
use crate::config::SqliteConfig;
use crate::db::Db;
use crate::error::OpenError;
use crate::open;
use crate::queue::Queue;

/// Beyond so many pages (32 MiB) the log is made to start over, which holds the writer up for a moment. Without, it
/// would never end under a load that never pauses.
const LOG_PAGES: i64 = 8192;

type Works = Arc<Queue<Box<dyn Work>>>;

pub(crate) struct Threads {
    writes: Works,
    /// Absent when the writer reads as well.
    reads: Option<Works>,
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    checkpointer: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Threads {
    pub(crate) fn start(config: &SqliteConfig, first: Connection) -> Result<Self, OpenError> {
        let in_file = config.path.is_some();
        let readers = if in_file { config.readers } else { 0 };
        let mut threads = Self {
            writes: Arc::new(Queue::new(config.queue)),
            reads: (readers > 0).then(|| Arc::new(Queue::new(config.queue))),
            writer: None,
            readers: Vec::new(),
            checkpointer: None,
        };
        // From here on `drop` stops what was started when something fails.
        let written = Arc::new(AtomicU64::new(0));
        if in_file {
            first
                .pragma_update(None, "wal_autocheckpoint", 0)
                .map_err(|error| OpenError::of(config.place(), error))?;
            let connection = open::another(config)?;
            let (stop, stopped) = mpsc::channel();
            let (every, written) = (config.checkpoint_every, Arc::clone(&written));
            let handle = spawn("checkpointer", move || {
                checkpoint_until(&connection, &stopped, every, &written);
            })?;
            threads.checkpointer = Some((stop, handle));
        }
        if let Some(reads) = &threads.reads {
            for _ in 0..readers {
                let db = Db::new(open::another(config)?, None);
                let (reads, limit) = (Arc::clone(reads), config.batch);
                threads.readers.push(spawn("reader", move || {
                    let mut works = Vec::new();
                    while reads.take(&mut works, limit) {
                        batch::run(&db, &mut works);
                    }
                })?);
            }
        }
        let db = Db::new(first, config.step_hook.clone());
        let (writes, limit) = (Arc::clone(&threads.writes), config.batch);
        threads.writer = Some(spawn("writer", move || {
            let mut works = Vec::new();
            while writes.take(&mut works, limit) {
                tracing::debug!(works = works.len(), "sqlite.batch");
                batch::run(&db, &mut works);
                written.fetch_add(1, Ordering::Relaxed);
            }
            if in_file {
                checkpoint(db.connection(), "TRUNCATE");
            }
        })?);
        Ok(threads)
    }

    pub(crate) async fn push(&self, work: Box<dyn Work>) {
        let queue = match &self.reads {
            Some(reads) if !work.writes() => reads,
            _ => &self.writes,
        };
        queue.push(work).await;
    }
}

impl Drop for Threads {
    /// Readers first and the writer last: it finishes what waits, and writes the log back when nobody else holds it.
    fn drop(&mut self) {
        if let Some(reads) = &self.reads {
            reads.close();
        }
        self.readers.drain(..).for_each(join);
        if let Some((stop, handle)) = self.checkpointer.take() {
            drop(stop);
            join(handle);
        }
        self.writes.close();
        self.writer.take().into_iter().for_each(join);
    }
}

fn spawn(
    name: &'static str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let builder = thread::Builder::new().name(format!("sqlite-{name}"));
    builder.spawn(run).map_err(OpenError::Thread)
}

/// Waits for a thread, unless this is it: answering a task may drop the task's future, and the store with it.
fn join(handle: JoinHandle<()>) {
    if handle.thread().id() != thread::current().id() {
        // It caught its panics; there is nothing to tell.
        drop(handle.join());
    }
}

fn checkpoint_until(
    connection: &Connection,
    stopped: &mpsc::Receiver<()>,
    every: Duration,
    written: &AtomicU64,
) {
    // A checkpoint that waits holds the writer up; better to try again at the next turn.
    if connection.busy_timeout(Duration::from_millis(20)).is_err() {
        return;
    }
    let (mut seen, mut tidy) = (0, true);
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let now = written.load(Ordering::Relaxed);
        if now != seen {
            (seen, tidy) = (now, false);
            if checkpoint(connection, "PASSIVE").is_some_and(|log| log > LOG_PAGES) {
                checkpoint(connection, "RESTART");
            }
        } else if !tidy {
            tidy = true;
            checkpoint(connection, "TRUNCATE");
        }
    }
}

/// Moves what it can from the log to the database file; the length of the log in pages. A failure is left to the next
/// turn: the log holds everything.
fn checkpoint(connection: &Connection, mode: &'static str) -> Option<i64> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let result = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    match result {
        Ok((busy, log, moved)) => {
            let (busy, moved): (i64, i64) = (busy, moved);
            tracing::debug!(mode, busy, log, moved, "sqlite.checkpoint");
            Some(log)
        }
        Err(error) => {
            tracing::debug!(mode, %error, "sqlite.checkpoint_failed");
            None
        }
    }
}
