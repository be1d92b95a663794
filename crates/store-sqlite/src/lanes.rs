//! Where operations wait: bounded lanes from tasks to threads. A task waits without blocking while there is no place; a
//! thread takes all that waits at once.
//!
//! The writer reads more cheaply than the readers: commits of its own do not empty its page cache. So it takes the
//! reads that wait whenever it is at it, and a reader helps only when the writer cannot take them: while it waits for
//! the disk or for another process, unless that is over in a moment, or when more wait than it should do alone. Where
//! reads wait for the disk ([`Pace`]), the readers take all of them, to wait side by side.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::batch::{Work, Works};
use crate::company::now;
use crate::pace::Pace;

/// A reader helps the writer when so many reads wait: about a millisecond of work.
const HELP_AT: usize = 64;

/// How long fewer reads wait for a writer that is away, before a reader takes them. Most disks have answered by then, and
/// the commit has emptied the reader's page cache: it reads twice as many pages for the same.
const HELP_AFTER: Duration = Duration::from_millis(2);

pub(crate) struct Lanes {
    state: Mutex<State>,
    to_writer: Condvar,
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
    pace: Pace,
    /// How many readers there are.
    readers: usize,
    /// Those of them that sleep; whoever calls one takes it out, and only then it goes on. All others are awake, and
    /// come back for more by themselves.
    sleeping: Vec<Thread>,
    reads_closed: bool,
    writes_closed: bool,
    /// The writer is no more, so that nothing will be done.
    abandoned: bool,
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

impl State {
    /// Whether all reads are the readers': they wait for the disk side by side.
    const fn side_by_side(&self) -> bool {
        self.pace.slow() && self.readers > 0
    }

    /// Whether there are reads that the writer should take.
    fn has_reads(&self) -> bool {
        !self.reads.is_empty() && !self.side_by_side()
    }

    /// Whether there are reads that the writer should not be left alone with.
    fn needs_help(&self) -> bool {
        let alone = self.writer == Writer::Away || self.side_by_side();
        (alone && !self.reads.is_empty()) || self.reads.len() >= HELP_AT
    }

    /// Moves the writer's reads into its hands.
    fn give_reads(&mut self, reads: &mut Works, limit: usize) {
        if self.has_reads() {
            move_some(&mut self.reads, reads, limit);
        }
    }
}

impl Lanes {
    pub(crate) fn new(capacity: usize, batch: usize) -> Self {
        let state = State {
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            waiting: Vec::new(),
            writer: Writer::Here,
            pace: Pace::default(),
            readers: 0,
            sleeping: Vec::new(),
            reads_closed: false,
            writes_closed: false,
            abandoned: false,
        };
        Self { state: Mutex::new(state), to_writer: Condvar::new(), capacity, batch }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation, as soon as there is a place for it; drops it when the writer is no more.
    pub(crate) async fn push(&self, work: Box<dyn Work>) {
        let mut work = Some(work);
        poll_fn(move |context| {
            let mut state = self.lock();
            if state.abandoned {
                return Poll::Ready(());
            }
            let writes = work.as_ref().is_some_and(|work| work.writes());
            let lane = if writes { &mut state.writes } else { &mut state.reads };
            if lane.len() >= self.capacity {
                state.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            lane.extend(work.take());
            self.call(state);
            Poll::Ready(())
        })
        .await;
    }

    /// Calls whoever should take what waits, and will not come by itself.
    fn call(&self, mut state: MutexGuard<'_, State>) {
        if state.writer == Writer::Asleep && (state.has_reads() || !state.writes.is_empty()) {
            state.writer = Writer::Here;
            drop(state);
            self.to_writer.notify_one();
        } else {
            call_reader(state);
        }
    }

    /// Notes how long reads took.
    pub(crate) fn reads_took(&self, reads: usize, took: Duration) {
        let mut state = self.lock();
        state.pace.note(u32::try_from(reads).unwrap_or(u32::MAX), took);
        self.call(state);
    }

    /// Moves what waits into the writer's hands, and blocks while nothing does; false when the lanes are closed and
    /// empty.
    pub(crate) fn take(&self, reads: &mut Works, writes: &mut Works) -> bool {
        let mut state = self.lock();
        state.writer = Writer::Here;
        while !state.has_reads() && state.writes.is_empty() {
            if state.writes_closed {
                return false;
            }
            state.writer = Writer::Asleep;
            state = self.to_writer.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.writer = Writer::Here;
        }
        state.give_reads(reads, self.batch);
        move_some(&mut state.writes, writes, self.batch);
        make_room(state);
        true
    }

    /// Takes more beside the writes that it took before, as soon as there is any. False when there is no place for more, when
    /// it is time, or when the lanes are closed; the writes that are there by then are taken even so.
    pub(crate) fn take_more(&self, reads: &mut Works, writes: &mut Works, until: Instant) -> bool {
        let room = self.batch.saturating_sub(writes.len());
        if room == 0 {
            return false;
        }
        let mut state = self.lock();
        let last = loop {
            // Looked at first: reads that come all the time do not hold the writes up for longer.
            let left = until.saturating_duration_since(now());
            let last = state.writes_closed || left.is_zero();
            if last || state.has_reads() || !state.writes.is_empty() {
                break last;
            }
            state.writer = Writer::Asleep;
            let waited = self.to_writer.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.writer = Writer::Here;
        };
        if !last {
            state.give_reads(reads, self.batch);
        }
        move_some(&mut state.writes, writes, room);
        make_room(state);
        !last
    }

    pub(crate) fn writes_waiting(&self) -> usize {
        self.lock().writes.len()
    }

    /// The reads that wait when the writer goes [`Away`](Writer::Away) to commit.
    pub(crate) fn last_reads(&self) -> Works {
        let mut reads = Works::new();
        let mut state = self.lock();
        state.give_reads(&mut reads, self.batch);
        make_room(state);
        self.writer_is(Writer::Away);
        reads
    }

    pub(crate) fn writer_is(&self, writer: Writer) {
        let mut state = self.lock();
        state.writer = writer;
        call_reader(state);
    }

    /// Lets the readers go.
    pub(crate) fn close_reads(&self) {
        let mut state = self.lock();
        state.reads_closed = true;
        let sleeping = std::mem::take(&mut state.sleeping);
        drop(state);
        sleeping.iter().for_each(Thread::unpark);
    }

    /// Lets the writer go once it has done what waits.
    pub(crate) fn close(&self) {
        self.lock().writes_closed = true;
        self.to_writer.notify_all();
    }
}

/// The place of one reader, for as long as it lives.
pub(crate) struct Reader(Arc<Lanes>);

impl Reader {
    pub(crate) fn new(lanes: &Arc<Lanes>) -> Self {
        lanes.lock().readers += 1;
        Self(Arc::clone(lanes))
    }

    /// Like [`take`](Lanes::take), for a reader: leaves to the writer what that will look at soon.
    pub(crate) fn take(&self, reads: &mut Works) -> bool {
        let mut state = self.0.lock();
        while !state.needs_help() {
            if state.reads_closed {
                return false;
            }
            let this = thread::current();
            let id = this.id();
            state.sleeping.push(this);
            while state.sleeping.iter().any(|sleeper| sleeper.id() == id) {
                drop(state);
                thread::park();
                state = self.0.lock();
            }
            let at_once = state.reads.len() >= HELP_AT || state.side_by_side();
            if !at_once && !state.reads_closed {
                drop(state);
                thread::park_timeout(HELP_AFTER);
                state = self.0.lock();
            }
        }
        let among = if state.side_by_side() { state.readers } else { 1 };
        let share = state.reads.len().div_ceil(among).min(self.0.batch);
        move_some(&mut state.reads, reads, share);
        make_room(state);
        // For the rest.
        call_reader(self.0.lock());
        true
    }
}

impl Drop for Reader {
    /// Another one does what this one would have come back for, or the writer when this was the last.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.readers -= 1;
        self.0.call(state);
    }
}

/// The place of the writer. When it is dropped, nothing will be done any more: what waits is dropped unanswered, and so
/// is what comes.
pub(crate) struct WriterPlace<'a>(pub(crate) &'a Lanes);

impl Drop for WriterPlace<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.abandoned = true;
        let left = (std::mem::take(&mut state.reads), std::mem::take(&mut state.writes));
        make_room(state);
        drop(left);
    }
}

/// Calls a reader if one is needed, and none will come by itself.
fn call_reader(mut state: MutexGuard<'_, State>) {
    let several = state.reads.len() >= HELP_AT || state.side_by_side();
    let none_awake = state.sleeping.len() == state.readers;
    if state.needs_help()
        && (none_awake || several)
        && let Some(reader) = state.sleeping.pop()
    {
        drop(state);
        reader.unpark();
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

#[cfg(test)]
mod tests;
