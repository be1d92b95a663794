use std::pin::pin;
use std::sync::{Barrier, mpsc};
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

fn begin_reader(
    lanes: &Arc<Lanes>,
    turn: impl Fn(&mut Works) + Send + 'static,
) -> thread::JoinHandle<()> {
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

/// As slow as a disk that is asked for each.
const SLOW: Duration = Duration::from_millis(1);

#[test]
fn reads_that_wait_for_the_disk_wait_side_by_side() {
    let lanes = Arc::new(Lanes::new(1024, 256));
    let (met, all) = (Arc::new(Barrier::new(3)), [(); 3]);
    let readers = all.map(|()| {
        let met = Arc::clone(&met);
        begin_reader(&lanes, move |reads| {
            met.wait();
            reads.clear();
        })
    });
    wait_for(&lanes, |state| state.sleeping.len() == 3);
    // So many that one reader would be called for them as it is.
    let reads = all.map(|()| push(&lanes, false));
    assert_eq!(lanes.lock().reads.len(), 3, "left to the writer");
    lanes.reads_took(1, SLOW);
    reads.iter().for_each(comes);
    // Each comes when it is asked for, though the writer is there to take it.
    for _ in 0..100 {
        wait_for(&lanes, |state| state.sleeping.len() == 3);
        let reads = all.map(|()| push(&lanes, false));
        reads.iter().for_each(comes);
    }
    lanes.close_reads();
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn a_writer_leaves_reads_that_wait_for_the_disk_and_takes_them_when_they_do_not_any_more() {
    let lanes = Arc::new(Lanes::new(1024, 256));
    // One that never comes.
    let reader = Reader::new(&lanes);
    lanes.reads_took(1, SLOW);
    let read = push(&lanes, false);
    let write = push(&lanes, true);
    let (mut reads, mut writes) = (Works::new(), Works::new());
    assert!(lanes.take(&mut reads, &mut writes));
    assert_eq!((reads.len(), writes.len()), (0, 1));
    assert!(!lanes.take_more(&mut reads, &mut writes, now() + SLOW));
    assert!(lanes.last_reads().is_empty());
    let slept = {
        let lanes = Arc::clone(&lanes);
        thread::spawn(move || lanes.take(&mut reads, &mut writes).then_some(reads.len()))
    };
    wait_for(&lanes, |state| state.writer == Writer::Asleep);
    for _ in 0..100 {
        lanes.reads_took(1, Duration::ZERO);
    }
    assert_eq!(slept.join().unwrap(), Some(1));
    drop((reader, read, write));
}

#[test]
fn the_writer_takes_reads_that_wait_for_the_disk_when_the_last_reader_dies() {
    let lanes = Arc::new(Lanes::new(1024, 256));
    let reader = Reader::new(&lanes);
    lanes.reads_took(1, SLOW);
    let writer = {
        let lanes = Arc::clone(&lanes);
        let (mut reads, mut writes) = (Works::new(), Works::new());
        thread::spawn(move || lanes.take(&mut reads, &mut writes).then_some(reads.len()))
    };
    wait_for(&lanes, |state| state.writer == Writer::Asleep);
    let read = push(&lanes, false);
    assert_eq!(lanes.lock().writer, Writer::Asleep);
    drop(reader);
    assert_eq!(writer.join().unwrap(), Some(1));
    drop(read);
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
    let ended = [(); 5].map(|()| push(&lanes, true));
    assert!(lanes.take_more(&mut reads, &mut writes, late()));
    assert_eq!((writes.len(), lanes.writes_waiting()), (2, 3));
    assert!(!lanes.take_more(&mut reads, &mut writes, late()), "no room");
    writes.truncate(1);
    let read = push(&lanes, false);
    assert!(!lanes.take_more(&mut reads, &mut writes, now()), "too late");
    assert_eq!((reads.len(), writes.len()), (0, 2), "the reads have their turn after the commit");
    writes.truncate(1);
    assert!(lanes.take_more(&mut reads, &mut writes, late()));
    assert_eq!((reads.len(), writes.len()), (1, 2));
    writes.truncate(1);
    lanes.close();
    assert!(!lanes.take_more(&mut reads, &mut writes, late()), "closed");
    assert_eq!((writes.len(), lanes.writes_waiting()), (2, 0));
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
