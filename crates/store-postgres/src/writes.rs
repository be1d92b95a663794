//! Commits that wait are applied together by one of a few workers, each with a result of its own.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use crate::batch::{Accounts, Batch, Logins};
use crate::error::{Fault, Next, Stop};
use crate::member::Member;
use crate::queue::{LONG, Queue, in_turn};
use crate::runner::{Failed, Runner};

type Reply = oneshot::Sender<Result<(), Stop>>;

/// Where commits are handed over. The workers end with it, when they have done what was handed over before.
pub(crate) struct Writes(UnboundedSender<(Member, Reply)>);

impl Writes {
    pub(crate) fn new(runner: &Runner, workers: usize) -> Self {
        let (sender, queue) = Queue::new();
        let queue = Arc::new(queue);
        for _ in 0..workers {
            runner.runtime().spawn(serve(runner.clone(), Arc::clone(&queue)));
        }
        Self(sender)
    }

    /// Hands a commit over, which is then done, whoever waits for it.
    pub(crate) async fn commit(&self, member: Member) -> Result<(), Stop> {
        let (reply, answer) = oneshot::channel();
        if let Err(gone) = self.0.send((member, reply)) {
            drop(gone.0);
            return Err(Fault::closed().into());
        }
        answer.await.unwrap_or_else(|gone| Err(Fault::gone(gone, true).into()))
    }
}

async fn serve(runner: Runner, queue: Arc<Queue<(Member, Reply)>>) {
    let mut waiting = Vec::new();
    loop {
        let turn = if waiting.is_empty() {
            let Some(turn) = queue.take(&mut waiting).await else { return };
            Some(turn)
        } else {
            queue.take_more(&mut waiting)
        };
        let written = write_some(&runner, &mut waiting);
        match turn {
            Some(turn) => in_turn(turn, LONG, written).await,
            None => written.await,
        }
    }
}

/// Writes what can be written together, and holds back the rest.
async fn write_some(runner: &Runner, waiting: &mut Vec<(Member, Reply)>) {
    let mut batch = Vec::new();
    let mut touched = HashSet::<u64>::new();
    // The first of those that name the same; the others are held back.
    for (member, reply) in std::mem::take(waiting) {
        if member.touches.iter().any(|touch| touched.contains(touch)) {
            waiting.push((member, reply));
        } else {
            touched.extend(&member.touches);
            batch.push((member, reply));
        }
    }
    // Everybody locks rows in this order.
    batch.sort_by_key(|(member, _)| member.account);
    let (logins, others): (Vec<_>, Vec<_>) =
        batch.into_iter().partition(|(member, _)| member.is_login);
    if !logins.is_empty() {
        // There is no commit to be sent: the statement is committed when it ends.
        let in_doubt = |failed: &Failed| failed.connected && failed.lost_connection();
        write(runner, logins, Logins, in_doubt).await;
    }
    if !others.is_empty() {
        write(runner, others, Accounts::new, |failed| failed.sent).await;
    }
}

async fn write<J: Batch>(
    runner: &Runner,
    batch: Vec<(Member, Reply)>,
    job: fn(Vec<Member>) -> J,
    in_doubt: fn(&Failed) -> bool,
) {
    let (members, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let mut job = job(members);
    let mut done = runner.attempt(&job).await;
    if let Err(failed) = &done
        && !in_doubt(failed)
        && job.once_more(failed)
    {
        done = runner.attempt(&job).await;
    }
    let batch = job.into_members().into_iter().zip(replies);
    match done {
        Ok(applied) => {
            for (member, reply) in batch {
                if applied.contains(&member.account) {
                    let _ = reply.send(Ok(()));
                } else {
                    alone(runner, member, reply, false);
                }
            }
        }
        Err(failed) => one_by_one(runner, batch, &failed, in_doubt(&failed)),
    }
}

/// What one set fails on is not to be the others' fate.
fn one_by_one(
    runner: &Runner,
    batch: impl Iterator<Item = (Member, Reply)>,
    failed: &Failed,
    in_doubt: bool,
) {
    for (member, reply) in batch {
        match &failed.stop {
            // There is no connection to be had: they have waited long enough.
            Stop::Fault(fault) if !failed.connected && fault.next() == Next::Tell => {
                let _ = reply.send(Err(fault.clone().into()));
            }
            _ => alone(runner, member, reply, in_doubt),
        }
    }
}

/// Applies a set by itself, judged in whole, while the worker goes on.
fn alone(runner: &Runner, member: Member, reply: Reply, in_doubt: bool) {
    let runner = runner.clone();
    let runtime = runner.runtime().clone();
    runtime.spawn(async move {
        let done = runner.settle(&member.plan, in_doubt).await;
        let _ = reply.send(done);
    });
}
