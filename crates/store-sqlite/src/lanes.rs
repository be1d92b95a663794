//! Where operations wait: bounded lanes from tasks to threads. A task waits without blocking while there is no place; a
//! thread takes all that waits at once.
//!
//! The writer reads more cheaply than the readers: commits of its own do not empty its page cache. So it takes the
//! reads that wait whenever it is at it, and a reader is woken only when the writer cannot take them: while it waits
//! for the disk or for another process, or when more wait than it should do alone.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::batch::{Work, Works};

/// A reader helps the writer when so many reads wait: about a millisecond of work.
const HELP_AT: usize = 64;

pub(crate) struct Lanes {
    state: Mutex<State>,
    to_writer: Condvar,
    to_readers: Condvar,
    capacity: usize,
    /// How much is taken at once, of each lane.
    batch: usize,
}

struct State {
    reads: VecDeque<Box<dyn Work>>,
    writes: VecDeque<Box<dyn Work>>,
    /// Tasks that wait for a place.
    waiting: Vec<Waker>,
    writer: Writer,
    /// How many readers do not sleep.
    reading: usize,
    /// How many sleep.
    sleeping: usize,
    /// How many of those who sleep were called.
    called: usize,
    /// No reader is there, or will come back.
    reads_closed: bool,
    writes_closed: bool,
}

/// What the writer is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writer {
    /// It waits for work.
    Asleep,
    /// It works, and will look for reads soon.
    Here,
    /// It waits for the disk or for another process.
    Away,
}

impl Lanes {
    pub(crate) const fn new(capacity: usize, batch: usize, readers: usize) -> Self {
        let state = State {
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            waiting: Vec::new(),
            writer: Writer::Here,
            reading: readers,
            sleeping: 0,
            called: 0,
            reads_closed: false,
            writes_closed: false,
        };
        Self {
            state: Mutex::new(state),
            to_writer: Condvar::new(),
            to_readers: Condvar::new(),
            capacity,
            batch,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation, as soon as there is a place for it.
    pub(crate) async fn push(&self, work: Box<dyn Work>) {
        let mut work = Some(work);
        poll_fn(move |context| {
            let mut state = self.lock();
            let writes = work.as_ref().is_some_and(|work| work.writes());
            let lane = if writes { &mut state.writes } else { &mut state.reads };
            if lane.len() >= self.capacity {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            lane.extend(work.take());
            self.wake(state, writes);
            Poll::Ready(())
        })
        .await;
    }

    fn wake(&self, mut state: MutexGuard<'_, State>, for_write: bool) {
        if state.writer == Writer::Asleep {
            state.writer = Writer::Here;
            drop(state);
            self.to_writer.notify_one();
        } else if !for_write {
            self.call_reader(state);
        }
    }

    /// Calls a reader if one is needed.
    fn call_reader(&self, mut state: MutexGuard<'_, State>) {
        // One that is awake comes back for more by itself.
        let alone = state.writer == Writer::Away && state.reading == 0 && !state.reads.is_empty();
        if (alone || state.reads.len() >= HELP_AT) && state.sleeping > 0 {
            state.sleeping -= 1;
            state.reading += 1;
            state.called += 1;
            drop(state);
            self.to_readers.notify_one();
        }
    }

    /// Moves what waits into the writer's hands, and blocks while nothing does; false when the lanes are closed and
    /// empty.
    pub(crate) fn take(&self, reads: &mut Works, writes: &mut Works) -> bool {
        let mut state = self.lock();
        state.writer = Writer::Here;
        while state.reads.is_empty() && state.writes.is_empty() {
            if state.writes_closed {
                return false;
            }
            state.writer = Writer::Asleep;
            state = self.to_writer.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.writer = Writer::Here;
        }
        move_some(&mut state.reads, reads, self.batch);
        move_some(&mut state.writes, writes, self.batch);
        make_room(state);
        true
    }

    /// Like [`take`](Self::take), for a reader.
    pub(crate) fn take_reads(&self, reads: &mut Works) -> bool {
        let mut state = self.lock();
        while state.reads.is_empty() {
            if state.reads_closed {
                return false;
            }
            state.reading -= 1;
            state.sleeping += 1;
            while state.called == 0 && !state.reads_closed {
                let woken = self.to_readers.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            }
            if state.called > 0 {
                state.called -= 1;
            } else {
                state.sleeping -= 1;
                state.reading += 1;
            }
        }
        move_some(&mut state.reads, reads, self.batch);
        make_room(state);
        true
    }

    /// The reads that wait when the writer goes [`Away`](Writer::Away) to commit.
    pub(crate) fn last_reads(&self) -> Works {
        let mut reads = Works::new();
        let mut state = self.lock();
        move_some(&mut state.reads, &mut reads, self.batch);
        make_room(state);
        self.writer_is(Writer::Away);
        reads
    }

    pub(crate) fn writer_is(&self, writer: Writer) {
        let mut state = self.lock();
        state.writer = writer;
        self.call_reader(state);
    }

    /// Lets the readers go.
    pub(crate) fn close_reads(&self) {
        self.lock().reads_closed = true;
        self.to_readers.notify_all();
    }

    /// Lets the writer go once it has done what waits.
    pub(crate) fn close(&self) {
        self.lock().writes_closed = true;
        self.to_writer.notify_all();
    }
}

fn move_some(from: &mut VecDeque<Box<dyn Work>>, to: &mut Works, limit: usize) {
    let count = from.len().min(limit);
    to.extend(from.drain(..count));
}

fn make_room(mut state: MutexGuard<'_, State>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    for waker in waiting {
        waker.wake();
    }
}
