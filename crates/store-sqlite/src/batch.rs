//! Many operations in one transaction, each with an answer of its own.

use std::time::Duration;

use futures_channel::oneshot;

use crate::company::{Company, now};
use crate::db::{Access, Db, Open, Operation, caught};
use crate::error::{Fault, Stop};
use crate::lanes::{Lanes, Writer};

/// An operation that waits for a thread, of whatever kind.
pub(crate) trait Work: Send {
    /// Whether it may write.
    fn writes(&self) -> bool;

    /// Runs within the open transaction, and keeps the answer. False when the transaction must not be committed,
    /// because the operation failed and may have been half done.
    fn run(&mut self, db: &Db) -> bool;

    /// Sets the answer.
    fn fail(&mut self, fault: &Fault);

    /// Gives the answer. Nobody may be waiting any more.
    fn answer(self: Box<Self>);
}

pub(crate) type Answer<O> = oneshot::Receiver<Result<<O as Operation>::Out, Stop>>;

pub(crate) struct Task<O: Operation> {
    operation: O,
    answer: Option<Result<O::Out, Stop>>,
    to: oneshot::Sender<Result<O::Out, Stop>>,
}

impl<O: Operation> Task<O> {
    /// The operation to be handed to a thread, and where its answer will arrive.
    pub(crate) fn boxed(operation: O) -> (Box<dyn Work>, Answer<O>) {
        let (to, from) = oneshot::channel();
        (Box::new(Self { operation, answer: None, to }), from)
    }
}

impl<O: Operation> Work for Task<O> {
    fn writes(&self) -> bool {
        O::WRITES
    }

    fn run(&mut self, db: &Db) -> bool {
        let answer =
            caught(|| Ok(self.operation.run(db))).unwrap_or_else(|fault| Err(fault.into()));
        let sound = !O::WRITES || !matches!(answer, Err(Stop::Fault(_)));
        self.answer = Some(answer);
        sound
    }

    fn fail(&mut self, fault: &Fault) {
        self.answer = Some(Err(Stop::Fault(fault.clone())));
    }

    fn answer(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // Whoever asked may have gone.
            drop(self.to.send(answer));
        }
    }
}

pub(crate) type Works = Vec<Box<dyn Work>>;

/// Runs reads. Their transaction begins after they were asked for, so that they see whatever was answered before.
pub(crate) fn read(db: &Db, reads: &mut Works, lanes: &Lanes) {
    if reads.is_empty() {
        return;
    }
    let (begun, count) = (now(), reads.len());
    let result = db.begin(Access::Read).and_then(|open| {
        for mut work in reads.drain(..) {
            work.run(db);
            work.answer();
        }
        open.commit()
    });
    // Those that ran have their answer; all are left when it could not begin.
    if let Err(fault) = result {
        fail(reads, &fault);
        answer(reads);
    }
    lanes.reads_took(count, begun.elapsed());
}

/// Runs writes, in one transaction if possible, and answers them; whom the next transaction waits for.
pub(crate) fn write(db: &Db, writes: &mut Works, lanes: &Lanes) -> Option<Company> {
    let company = match together(db, writes, lanes) {
        // Counted before the answers: whoever has one may be back at once.
        Ok(Some(took)) => Company::after(took, writes.len(), lanes.writes_waiting()),
        // One failed in the middle of its writes, or broke what is looked at last: only without it do the others go through.
        Ok(None) => {
            for work in writes.iter_mut() {
                alone(db, work.as_mut(), lanes);
            }
            None
        }
        Err(fault) => {
            fail(writes, &fault);
            None
        }
    };
    answer(writes);
    company
}

fn fail(works: &mut Works, fault: &Fault) {
    for work in works {
        work.fail(fault);
    }
}

fn answer(works: &mut Works) {
    for work in works.drain(..) {
        work.answer();
    }
}

/// How long the disk took; nothing when the transaction was undone because of one of the operations.
fn together(db: &Db, writes: &mut Works, lanes: &Lanes) -> Result<Option<Duration>, Fault> {
    let open = begin(db, lanes)?;
    for work in writes.iter_mut() {
        if !work.run(db) {
            return Ok(None);
        }
    }
    match commit(db, open, lanes) {
        // A constraint that is checked at COMMIT; none of ours is, but a game's table beside them may have one.
        Err(fault) if fault.is_constraint() && writes.len() > 1 => Ok(None),
        committed => committed.map(Some),
    }
}

/// Commits, and answers the reads that arrived meanwhile; how long the disk took.
fn commit(db: &Db, open: Open<'_>, lanes: &Lanes) -> Result<Duration, Fault> {
    // They see what is about to be committed, and are answered when it is.
    let mut reads = lanes.last_reads();
    for work in &mut reads {
        work.run(db);
    }
    let begun = now();
    let result = open.commit().map(|()| begun.elapsed());
    // Before the answers: what they set off comes back at once.
    lanes.writer_is(Writer::Here);
    if result.is_err() {
        // What they saw is not there, and a disk that has no room can still be read.
        read(db, &mut reads, lanes);
    }
    answer(&mut reads);
    result
}

fn begin<'a>(db: &'a Db, lanes: &Lanes) -> Result<Open<'a>, Fault> {
    let open = db.begin_or(|| lanes.writer_is(Writer::Away));
    lanes.writer_is(Writer::Here);
    open
}

fn alone(db: &Db, work: &mut dyn Work, lanes: &Lanes) {
    let result = begin(db, lanes).and_then(|open| {
        if work.run(db) {
            commit(db, open, lanes)?;
        }
        Ok(())
    });
    if let Err(fault) = result {
        work.fail(&fault);
    }
}
