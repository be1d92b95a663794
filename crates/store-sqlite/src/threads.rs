//! One thread that writes, some that read, one that moves the log into the database file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::batch::{self, Work, Works};
use crate::company::{Company, now};
use crate::config::SqliteConfig;
use crate::db::Db;
use crate::error::OpenError;
use crate::lanes::{Lanes, Reader, Writer, WriterPlace};
use crate::open;

/// Beyond so many pages (64 MiB) the log is made to start over. Without, it would never end under a load that never
/// pauses: there is always a commit that the checkpoint has not moved yet.
const LOG_PAGES: i64 = 16_384;

pub(crate) struct Threads {
    lanes: Arc<Lanes>,
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
    checkpointer: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

/// What the writer and the checkpointer tell each other.
#[derive(Default)]
struct Log {
    /// How many batches were written.
    written: AtomicU64,
    /// The log is to start over. The writer does it itself: were it done to it, it would wait for the lock by sleeping
    /// in ever longer steps.
    too_long: AtomicBool,
}

impl Threads {
    pub(crate) fn start(config: &SqliteConfig, first: Connection) -> Result<Self, OpenError> {
        let in_file = config.path.is_some();
        let readers = if in_file { config.readers } else { 0 };
        let mut threads = Self {
            lanes: Arc::new(Lanes::new(config.queue, config.batch)),
            writer: None,
            readers: Vec::new(),
            checkpointer: None,
        };
        let log = Arc::new(Log::default());
        // From here on `drop` stops what was started when something fails.
        if in_file {
            first
                .pragma_update(None, "wal_autocheckpoint", 0)
                .map_err(|error| OpenError::of(config.place(), error))?;
            let connection = open::another(config)?;
            let (stop, stopped) = mpsc::channel();
            let (every, log) = (config.checkpoint_every, Arc::clone(&log));
            let handle = spawn("checkpointer", move || {
                checkpoint_until(&connection, &stopped, every, &log);
            })?;
            threads.checkpointer = Some((stop, handle));
            for _ in 0..readers {
                let db = Db::new(open::another(config)?, config);
                let lanes = Arc::clone(&threads.lanes);
                let reader = Reader::new(&lanes);
                threads.readers.push(spawn("reader", move || {
                    let mut reads = Works::new();
                    while reader.take(&mut reads) {
                        batch::read(&db, &mut reads, &lanes);
                    }
                })?);
            }
        }
        let db = Db::new(first, config);
        let lanes = Arc::clone(&threads.lanes);
        threads.writer = Some(spawn("writer", move || {
            let _place = WriterPlace(&lanes);
            write_until_closed(&db, &lanes, &log);
            if in_file {
                checkpoint(db.connection(), "TRUNCATE");
            }
        })?);
        Ok(threads)
    }

    pub(crate) async fn push(&self, work: Box<dyn Work>) {
        self.lanes.push(work).await;
    }
}

impl Drop for Threads {
    /// Readers first and the writer last: it finishes what waits, and writes the log back when nobody else holds it.
    fn drop(&mut self) {
        self.lanes.close_reads();
        self.readers.drain(..).for_each(join);
        if let Some((stop, handle)) = self.checkpointer.take() {
            drop(stop);
            join(handle);
        }
        self.lanes.close();
        self.writer.take().into_iter().for_each(join);
    }
}

fn write_until_closed(db: &Db, lanes: &Lanes, log: &Log) {
    let (mut reads, mut writes) = (Works::new(), Works::new());
    let mut company: Option<(Company, Instant)> = None;
    while lanes.take(&mut reads, &mut writes) {
        batch::read(db, &mut reads, lanes);
        if writes.is_empty() {
            continue;
        }
        if let Some((Company { whole, within }, since)) = company {
            let until = since + within;
            while writes.len() < whole && lanes.take_more(&mut reads, &mut writes, until) {
                batch::read(db, &mut reads, lanes);
            }
        }
        tracing::debug!(writes = writes.len(), "sqlite.batch");
        company = batch::write(db, &mut writes, lanes).map(|company| (company, now()));
        log.written.fetch_add(1, Ordering::Relaxed);
        if log.too_long.swap(false, Ordering::Relaxed) {
            lanes.writer_is(Writer::Away);
            if let Err(fault) = db.restart_log() {
                tracing::debug!(?fault, "sqlite.restart_failed");
            }
        }
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
        let name = handle.thread().name().unwrap_or_default().to_owned();
        let died = handle.join().is_err();
        if died {
            tracing::error!(thread = name, "sqlite.thread_died");
        }
        // Panics of operations are caught; another one is a fault of this crate, which no test may miss.
        debug_assert!(!died || thread::panicking(), "the thread {name} died");
    }
}

fn checkpoint_until(
    connection: &Connection,
    stopped: &mpsc::Receiver<()>,
    every: Duration,
    log: &Log,
) {
    // A checkpoint that waits holds the writer up; better to try again at the next turn.
    if connection.busy_timeout(Duration::ZERO).is_err() {
        return;
    }
    let (mut seen, mut tidy) = (0, true);
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let written = log.written.load(Ordering::Relaxed);
        let idle = written == seen;
        if idle && tidy {
            continue;
        }
        (seen, tidy) = (written, false);
        match checkpoint(connection, "PASSIVE") {
            // With nothing left to move, writers of other processes are held up for a moment only.
            Some((true, _)) if idle => {
                tidy = checkpoint(connection, "TRUNCATE").is_some_and(|(whole, _)| whole);
            }
            Some((_, pages)) if !idle && pages > LOG_PAGES => {
                // Each leaves only what was written while it ran, so that in the end the writer has little to move and
                // is held up for some milliseconds only.
                for _ in 0..2 {
                    checkpoint(connection, "PASSIVE");
                }
                log.too_long.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// Moves what it can from the log to the database file: whether that was all and nobody was in the way, and the length of
/// the log in pages. A failure is left to the next turn: the log holds everything.
pub(crate) fn checkpoint(connection: &Connection, mode: &'static str) -> Option<(bool, i64)> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let result = connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    match result {
        Ok((busy, log, moved)) => {
            let (busy, moved): (i64, i64) = (busy, moved);
            tracing::debug!(mode, busy, log, moved, "sqlite.checkpoint");
            Some((busy == 0 && moved == log, log))
        }
        Err(error) => {
            tracing::debug!(mode, %error, "sqlite.checkpoint_failed");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::error::Fault;

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "the thread sqlite-reader died")]
    fn a_thread_that_died_is_noticed() {
        join(spawn("reader", || panic!("as it should")).unwrap());
    }

    /// A database on a disk that takes so long for each commit, and how many there were.
    fn slow(commit: Duration) -> (Db, Arc<AtomicU64>) {
        let mut connection = Connection::open_in_memory().unwrap();
        let commits = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&commits);
        let hook = move || {
            count.fetch_add(1, Ordering::Relaxed);
            wait(commit);
            false
        };
        connection.commit_hook(Some(hook)).unwrap();
        (Db::new(connection, &SqliteConfig::in_memory()), commits)
    }

    /// What is done when it is answered.
    struct Asked<F>(F);

    impl<F: FnOnce() + Send> Work for Asked<F> {
        fn writes(&self) -> bool {
            true
        }

        fn run(&mut self, _: &Db) -> bool {
            true
        }

        fn fail(&mut self, _: &Fault) {}

        fn answer(self: Box<Self>) {
            (self.0)();
        }
    }

    fn push(lanes: &Lanes, answer: impl FnOnce() + Send + 'static) {
        let push = pin!(lanes.push(Box::new(Asked(answer))));
        assert!(push.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }

    #[expect(clippy::disallowed_methods, reason = "what a disk takes, and what a login does first")]
    fn wait(time: Duration) {
        thread::sleep(time);
    }

    /// How many commits eight need who write 25 times each.
    fn commits_of_eight() -> u64 {
        let (db, commits) = slow(Duration::from_millis(16));
        let lanes = Lanes::new(1024, 256);
        let writes_often = || {
            for _ in 0..25 {
                let (answer, answered) = mpsc::channel();
                push(&lanes, move || answer.send(()).unwrap());
                answered.recv().unwrap();
                wait(Duration::from_micros(300));
            }
        };
        thread::scope(|scope| {
            let lanes = &lanes;
            scope.spawn(move || {
                let _place = WriterPlace(lanes);
                write_until_closed(&db, lanes, &Log::default());
            });
            let eight = [(); 8].map(|()| scope.spawn(writes_often));
            let ended = eight.map(|one| one.join().is_ok());
            lanes.close();
            assert_eq!(ended, [true; 8]);
        });
        commits.load(Ordering::Relaxed)
    }

    #[test]
    fn those_who_take_turns_at_a_slow_disk_share_commits() {
        // They are fifty where nobody waits for the others; who is held up beside other tests comes too late.
        let commits: Vec<_> = (0..5).map(|_| commits_of_eight()).take_while(|n| *n >= 40).collect();
        assert!(commits.len() < 5, "{commits:?}");
    }

    #[test]
    fn one_who_is_back_at_once_is_not_taken_for_two() {
        let (db, _) = slow(Duration::from_millis(2));
        let lanes = Arc::new(Lanes::new(1024, 256));
        let writes_again = {
            let lanes = Arc::clone(&lanes);
            move || push(&lanes, || ())
        };
        let mut writes: Works = vec![Box::new(Asked(writes_again))];
        assert_eq!(batch::write(&db, &mut writes, &lanes), None);
        assert_eq!(lanes.writes_waiting(), 1);
        let mut writes: Works = vec![Box::new(Asked(|| ()))];
        let company = batch::write(&db, &mut writes, &lanes);
        assert_eq!(company.map(|company| company.whole), Some(2), "one waits behind");
    }
}
