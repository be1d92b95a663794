//! Where operations wait: bounded lanes from tasks to threads. A task waits without blocking while there is no place; a
//! thread takes all that waits at once.
//!
//! The writer reads more cheaply than the readers: commits of its own do not empty its page cache. So it takes the
//! reads that wait whenever it is at it, and a reader helps only when the writer cannot take them: while it waits for
//! the disk or for another process, unless that is over in a moment, or when more wait than it should do alone.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::batch::{Work, Works};
use crate::company::now;

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
    /// Whether there are reads that the writer should not be left alone with.
    fn needs_help(&self) -> bool {
        (self.writer == Writer::Away && !self.reads.is_empty()) || self.reads.len() >= HELP_AT
    }
}

impl Lanes {
    pub(crate) const fn new(capacity: usize, batch: usize) -> Self {
        let state = State {
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            waiting: Vec::new(),
            writer: Writer::Here,
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
            call_reader(state);
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

    /// Takes more beside the writes that it took before; false when there is no place for more, or none come until then.
    pub(crate) fn take_more(&self, reads: &mut Works, writes: &mut Works, until: Instant) -> bool {
        let room = self.batch.saturating_sub(writes.len());
        if room == 0 {
            return false;
        }
        let mut state = self.lock();
        loop {
            // Looked at first: reads that come all the time do not hold the writes up for longer.
            let left = until.saturating_duration_since(now());
            if state.writes_closed || left.is_zero() {
                return false;
            }
            if !(state.reads.is_empty() && state.writes.is_empty()) {
                break;
            }
            state.writer = Writer::Asleep;
            let waited = self.to_writer.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.writer = Writer::Here;
        }
        move_some(&mut state.reads, reads, self.batch);
        move_some(&mut state.writes, writes, room);
        make_room(state);
        true
    }

    /// How many writes wait.
    pub(crate) fn writes(&self) -> usize {
        self.lock().writes.len()
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
            if state.reads.len() < HELP_AT && !state.reads_closed {
                drop(state);
                thread::park_timeout(HELP_AFTER);
                state = self.0.lock();
            }
        }
        move_some(&mut state.reads, reads, self.0.batch);
        make_room(state);
        true
    }
}

impl Drop for Reader {
    /// Another one does what this one would have come back for.
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.readers -= 1;
        call_reader(state);
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
    let none_awake = state.sleeping.len() == state.readers;
    if state.needs_help()
        && (none_awake || state.reads.len() >= HELP_AT)
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
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Context;
    use std::time::Duration;

    use super::*;
    use crate::db::Db;
    use crate::error::Fault;

    /// Says so when it is dropped.
    struct Noted {
        writes: bool,
        end: mpsc::Sender<()>,
    }

    impl Drop for Noted {
        fn drop(&mut self) {
            let _ = self.end.send(());
        }
    }

    impl Work for Noted {
        fn writes(&self) -> bool {
            self.writes
        }

        fn run(&mut self, _: &Db) -> bool {
            true
        }

        fn fail(&mut self, _: &Fault) {}

        fn answer(self: Box<Self>) {}
    }

    fn push(lanes: &Lanes, writes: bool) -> mpsc::Receiver<()> {
        let (end, ended) = mpsc::channel();
        let future = pin!(lanes.push(Box::new(Noted { writes, end })));
        assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        ended
    }

    /// Within a time that no test needs.
    fn comes(ended: &mpsc::Receiver<()>) {
        ended.recv_timeout(Duration::from_secs(20)).unwrap();
    }

    fn begin_reader(lanes: &Arc<Lanes>, turn: fn(&mut Works)) -> thread::JoinHandle<()> {
        let reader = Reader::new(lanes);
        thread::spawn(move || {
            let mut reads = Works::new();
            while reader.take(&mut reads) {
                turn(&mut reads);
            }
        })
    }

    fn wait_for(lanes: &Lanes, holds: impl Fn(&State) -> bool) {
        while !holds(&lanes.lock()) {
            thread::yield_now();
        }
    }

    /// The writer looks for reads itself, and leaves them to nobody but while it is away.
    #[test]
    fn readers_help_again_and_again_while_the_writer_is_away() {
        let lanes = Arc::new(Lanes::new(1024, 256));
        let readers = [(); 2].map(|()| begin_reader(&lanes, Works::clear));
        for _ in 0..1000 {
            wait_for(&lanes, |state| state.sleeping.len() == 2);
            // The writer takes one, and leaves the other to the readers.
            lanes.writer_is(Writer::Here);
            let first = push(&lanes, false);
            assert!(first.try_recv() == Err(mpsc::TryRecvError::Empty), "nobody was called");
            let (mut reads, mut writes) = (Works::new(), Works::new());
            assert!(lanes.take(&mut reads, &mut writes));
            assert_eq!((reads.len(), writes.len()), (1, 0));
            lanes.writer_is(Writer::Away);
            comes(&push(&lanes, false));
        }
        lanes.close_reads();
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(lanes.lock().readers, 0);
    }

    #[test]
    fn a_reader_takes_what_waits_when_the_writer_goes_away() {
        let lanes = Arc::new(Lanes::new(1024, 256));
        let reader = begin_reader(&lanes, Works::clear);
        for _ in 0..100 {
            wait_for(&lanes, |state| state.sleeping.len() == 1);
            lanes.writer_is(Writer::Here);
            let read = push(&lanes, false);
            assert_eq!(lanes.lock().reads.len(), 1, "left to the writer");
            lanes.writer_is(Writer::Away);
            comes(&read);
        }
        lanes.close_reads();
        reader.join().unwrap();
    }

    #[test]
    fn a_reader_leaves_what_waits_to_a_writer_that_is_soon_back() {
        let lanes = Arc::new(Lanes::new(1024, 256));
        let reader = begin_reader(&lanes, Works::clear);
        // It comes too late only where this thread is held up meanwhile.
        let left = (0..1000).any(|_| {
            wait_for(&lanes, |state| state.sleeping.len() == 1);
            lanes.writer_is(Writer::Away);
            let read = push(&lanes, false);
            lanes.writer_is(Writer::Here);
            wait_for(&lanes, |state| state.sleeping.len() == 1);
            let (mut reads, mut writes) = (Works::new(), Works::new());
            read.try_recv().is_err() && lanes.take(&mut reads, &mut writes) && reads.len() == 1
        });
        assert!(left);
        lanes.close_reads();
        reader.join().unwrap();
    }

    #[test]
    fn many_reads_bring_a_reader_though_the_writer_is_here() {
        let lanes = Arc::new(Lanes::new(1024, 256));
        let reader = begin_reader(&lanes, Works::clear);
        wait_for(&lanes, |state| state.sleeping.len() == 1);
        let reads: Vec<_> = (0..HELP_AT).map(|_| push(&lanes, false)).collect();
        for read in reads {
            comes(&read);
        }
        lanes.close_reads();
        reader.join().unwrap();
    }

    #[test]
    fn the_other_readers_go_on_when_one_dies() {
        let lanes = Arc::new(Lanes::new(1024, 256));
        let dying = begin_reader(&lanes, |_| panic!("as it should"));
        wait_for(&lanes, |state| state.sleeping.len() == 1);
        lanes.writer_is(Writer::Away);
        comes(&push(&lanes, false));
        assert!(dying.join().is_err());
        let reader = begin_reader(&lanes, Works::clear);
        wait_for(&lanes, |state| state.sleeping.len() == 1);
        comes(&push(&lanes, false));
        lanes.close_reads();
        reader.join().unwrap();
    }

    #[test]
    fn more_is_taken_until_its_time_is_over_and_as_much_as_there_is_room_for() {
        let lanes = Lanes::new(1024, 2);
        let (mut reads, mut writes) = (Works::new(), Works::new());
        let soon = || now() + Duration::from_millis(1);
        let late = || now() + Duration::from_secs(20);
        assert!(!lanes.take_more(&mut reads, &mut writes, soon()), "nothing comes");
        let ended = [(); 3].map(|()| push(&lanes, true));
        assert!(lanes.take_more(&mut reads, &mut writes, late()));
        assert_eq!((writes.len(), lanes.writes()), (2, 1));
        assert!(!lanes.take_more(&mut reads, &mut writes, late()), "no room");
        writes.clear();
        let read = push(&lanes, false);
        assert!(!lanes.take_more(&mut reads, &mut writes, now()), "too late");
        assert!(lanes.take_more(&mut reads, &mut writes, late()));
        assert_eq!((reads.len(), writes.len()), (1, 1));
        lanes.close();
        assert!(!lanes.take_more(&mut reads, &mut writes, late()), "closed");
        drop((ended, read));
    }

    #[test]
    fn nobody_waits_for_a_writer_that_is_gone() {
        let lanes = Lanes::new(1024, 256);
        let place = WriterPlace(&lanes);
        let waiting = [push(&lanes, false), push(&lanes, true)];
        drop(place);
        for ended in waiting.into_iter().chain([push(&lanes, false), push(&lanes, true)]) {
            ended.try_recv().unwrap();
        }
    }
}
