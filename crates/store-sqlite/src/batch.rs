//! Many operations in one transaction, each with an answer of its own.

use futures_channel::oneshot;

use crate::db::{Access, Db, Operation, caught};
use crate::error::{Fault, Stop};

/// An operation that waits for a thread, of whatever kind.
pub(crate) trait Work: Send {
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

/// Runs all of them, in one transaction if possible, and answers them.
pub(crate) fn run(db: &Db, works: &mut Works) {
    let (reads, mut writes): (Works, Works) = works.drain(..).partition(|work| !work.writes());
    if writes.is_empty() {
        read(db, reads);
        return;
    }
    match together(db, reads, &mut writes) {
        Ok(true) => {}
        // One failed in the middle of its writes: only without it do the others go through.
        Ok(false) => {
            for work in &mut writes {
                alone(db, work.as_mut());
            }
        }
        Err(fault) => {
            for work in &mut writes {
                work.fail(&fault);
            }
        }
    }
    for work in writes {
        work.answer();
    }
}

/// Runs operations that write nothing. The transaction begins after they were asked for, so that they see whatever
/// was answered before.
fn read(db: &Db, mut reads: Works) {
    match db.begin(Access::Read) {
        Ok(open) => {
            for mut work in reads {
                work.run(db);
                work.answer();
            }
            drop(open);
        }
        Err(fault) => {
            for work in &mut reads {
                work.fail(&fault);
            }
            for work in reads {
                work.answer();
            }
        }
    }
}

/// False when the transaction was undone because of one of the operations.
fn together(db: &Db, mut reads: Works, writes: &mut Works) -> Result<bool, Fault> {
    let open = match db.begin(Access::Write) {
        Ok(open) => open,
        Err(fault) => {
            for work in &mut reads {
                work.fail(&fault);
            }
            for work in reads {
                work.answer();
            }
            return Err(fault);
        }
    };
    // Before the first write, the transaction shows what is committed.
    for mut work in reads {
        work.run(db);
        work.answer();
    }
    for work in writes {
        if !work.run(db) {
            return Ok(false);
        }
    }
    open.commit()?;
    Ok(true)
}

fn alone(db: &Db, work: &mut dyn Work) {
    let result = db.begin(Access::Write).and_then(|open| {
        if work.run(db) {
            open.commit()?;
        }
        Ok(())
    });
    if let Err(fault) = result {
        work.fail(&fault);
    }
}
