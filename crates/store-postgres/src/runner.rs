//! Runs jobs on connections of a pool, and again where that is the thing to do.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Pool};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{Fault, Next, Stop};
use crate::queue::in_turn;
use crate::tx::{Job, Tx};

/// How often a transaction that loses to others is made. From the second time on it waits for its turn among those of
/// this process, so that as a rule it meets only first tries and other nodes.
const TRIES: u32 = 20;
/// What takes longer, for a lock that somebody holds or a server that is not there, is not to hold up the others.
const LONGEST_TURN: Duration = Duration::from_millis(100);
/// How often a job is made again because its connection was lost: a pool may hold several that died together, but finds
/// out about most of them itself.
const RECONNECTS: u32 = 2;
/// How long whoever has to know what became of a commit pauses before each further connection.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(crate) struct Runner {
    pool: Pool,
    /// Whether statements are prepared under names.
    named: bool,
    runtime: Handle,
    /// Where those wait that lost to others.
    turn: Arc<Mutex<()>>,
    /// How long to look for a server that knows what became of a commit.
    patience: Duration,
}

impl Runner {
    pub(crate) fn new(pool: Pool, named: bool, patience: Duration) -> Self {
        Self { pool, named, runtime: Handle::current(), turn: Arc::default(), patience }
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Runs a job in a task of its own: a transaction must not be left half-way when nobody waits for it any more.
    pub(crate) async fn run<J: Job>(&self, job: J) -> Result<J::Out, Stop> {
        self.spawn(job, false).await
    }

    /// The same of a job that may have been done before, and has waited as long as it is to for a server that knows.
    pub(crate) async fn run_again<J: Job>(&self, job: J) -> Result<J::Out, Stop> {
        let impatient = Self { patience: Duration::ZERO, ..self.clone() };
        impatient.spawn(job, true).await
    }

    async fn spawn<J: Job>(&self, job: J, in_doubt: bool) -> Result<J::Out, Stop> {
        let runner = self.clone();
        let task = self.runtime.spawn(async move { runner.settle(&job, in_doubt).await });
        task.await.unwrap_or_else(|gone| Err(Fault::gone(gone, J::WRITES).into()))
    }

    /// Runs a job until it is done or cannot be; `in_doubt` when it may have been done before.
    pub(crate) async fn settle<J: Job>(&self, job: &J, mut in_doubt: bool) -> Result<J::Out, Stop> {
        let (mut tries, mut reconnects, mut give_up) = (1, 0, None);
        loop {
            let attempt = self.attempt(job);
            let done = if tries == 1 {
                attempt.await
            } else {
                in_turn(self.turn.lock().await, LONGEST_TURN, attempt).await
            };
            let failed = match done {
                Ok(out) => return Ok(out),
                Err(failed) => failed,
            };
            let fault = match failed.stop {
                Stop::Overwritten(_) if in_doubt => return Err(Fault::overwritten().into()),
                // Whatever was in doubt before: the set was judged whole, and what it left was looked for.
                stop @ (Stop::Conflict(_) | Stop::Overwritten(_)) => return Err(stop),
                Stop::Fault(fault) => fault,
            };
            match fault.next() {
                Next::Again if tries < TRIES => {
                    tries += 1;
                    wait(pause(tries)).await;
                }
                Next::Reconnect => {
                    in_doubt |= failed.sent;
                    reconnects += 1;
                    // What a job does that cannot be recognized when it is done twice is not done twice.
                    if in_doubt && !J::REPEATS {
                        return Err(told(fault, in_doubt));
                    }
                    if reconnects > RECONNECTS {
                        // Others are told at once, and their callers can ask again as well as we can.
                        let give_up =
                            *give_up.get_or_insert_with(|| Instant::now() + self.patience);
                        if !in_doubt || Instant::now() >= give_up {
                            return Err(told(fault, in_doubt));
                        }
                        wait(RECONNECT_PAUSE).await;
                    }
                }
                Next::Again | Next::Tell => return Err(told(fault, in_doubt)),
            }
        }
    }

    /// Runs a job once.
    pub(crate) async fn attempt<J: Job>(&self, job: &J) -> Result<J::Out, Failed> {
        let client = self.pool.get().await.map_err(Failed::before)?;
        let lease = Lease(Some(client));
        let Some(client) = &lease.0 else {
            return Err(Failed::before(Fault::corrupt("pool")));
        };
        let begun = Tx::begin(client, self.named, J::WRITES).await;
        let mut tx = begun.map_err(Failed::within)?;
        match job.run(&mut tx).await {
            Ok(out) => {
                let committed = tx.commit().await;
                match committed {
                    Ok(()) => {
                        lease.end();
                        Ok(out)
                    }
                    Err(fault) => {
                        let sent = fault.next() == Next::Reconnect;
                        // The server has rolled back already.
                        if !sent {
                            lease.end();
                        }
                        Err(Failed { sent, ..Failed::within(fault) })
                    }
                }
            }
            Err(stop) => {
                if tx.roll_back().await {
                    lease.end();
                }
                Err(Failed::within(stop))
            }
        }
    }
}

/// Why an attempt failed, and how far it got.
pub(crate) struct Failed {
    pub(crate) stop: Stop,
    /// There was a connection.
    pub(crate) connected: bool,
    /// A commit was sent that may have been applied.
    pub(crate) sent: bool,
}

impl Failed {
    fn before(fault: impl Into<Fault>) -> Self {
        Self { stop: Stop::Fault(fault.into()), connected: false, sent: false }
    }

    fn within(stop: impl Into<Stop>) -> Self {
        Self { stop: stop.into(), connected: true, sent: false }
    }

    pub(crate) fn lost_connection(&self) -> bool {
        matches!(&self.stop, Stop::Fault(fault) if fault.next() == Next::Reconnect)
    }
}

#[expect(clippy::disallowed_methods, reason = "the other node needs the time to commit")]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}

fn told(fault: Fault, in_doubt: bool) -> Stop {
    Stop::Fault(if in_doubt { fault.in_doubt() } else { fault })
}

/// None before the second try, then up to 8 ms, and up to twice as many each time, 64 at last. How many of the upper half is
/// left to chance, so that two nodes that lost to each other do not meet again.
fn pause(tries: u32) -> Duration {
    if tries == 2 {
        return Duration::ZERO;
    }
    let half = 500 << tries.min(6);
    // A hasher of the standard library's has keys of its own.
    Duration::from_micros(half + RandomState::new().hash_one(tries) % half)
}

/// A connection of the pool that goes back only when it is known to be between transactions. Otherwise it is closed,
/// also when a panic passes by.
struct Lease(Option<Client>);

impl Lease {
    /// Gives it back.
    fn end(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Client::take(client));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_never_all_the_same() {
        assert_eq!(pause(2), Duration::ZERO);
        for (tries, longest) in [(3, 8), (4, 16), (5, 32), (6, 64), (20, 64)] {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<_> = (0..100).map(|_| pause(tries)).collect();
            assert!(
                pauses.iter().all(|pause| (longest / 2..longest).contains(pause)),
                "{pauses:?}"
            );
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
    }
}
