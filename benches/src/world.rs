//! A target with its players, and tasks that act for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::{device, mix};
use crate::measure::instant;
use crate::{Op, Outcome, Pair, Target};

/// How many players hold tokens at a time, for the operations that take one.
const HOLDERS: u64 = 2048;

/// A target that was filled with accounts.
#[derive(Debug)]
pub struct World<T> {
    target: T,
    accounts: u64,
    /// How many devices there are; those from here on are new.
    devices: AtomicU64,
    /// The tokens that each task has.
    held: Mutex<Vec<Vec<Pair>>>,
}

impl<T: Target> World<T> {
    /// The target, in which the devices `0..accounts` have accounts.
    #[must_use]
    pub fn new(target: T, accounts: u64) -> Arc<Self> {
        let (devices, held) = (AtomicU64::new(accounts), Mutex::default());
        Arc::new(Self { target, accounts, devices, held })
    }

    /// The target.
    #[must_use]
    pub const fn target(&self) -> &T {
        &self.target
    }

    /// Makes an operation possible: logs players in where it takes tokens. Not to be measured.
    ///
    /// # Errors
    ///
    /// When a login fails.
    pub async fn prepare(self: &Arc<Self>, op: Op, tasks: u64) -> Outcome<()> {
        if matches!(op, Op::Login | Op::Create) {
            return Ok(());
        }
        let (holders, mut running) = (HOLDERS.min(self.accounts), Vec::new());
        for task in 0..tasks {
            let world = Arc::clone(self);
            running.push(tokio::spawn(async move {
                let mut pairs = Vec::new();
                for holder in (task..holders).step_by(usize::try_from(tasks)?) {
                    // Spread over all accounts.
                    let number = holder * (world.accounts / holders);
                    pairs.push(world.target.login(device(number)).await?);
                }
                Outcome::Ok(pairs)
            }));
        }
        let mut held = Vec::new();
        for task in running {
            held.push(task.await??);
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    /// Runs an operation `count` times, shared out among tasks; how long that took. No two tasks act for one account
    /// at the same time, so no commit loses a race.
    ///
    /// # Errors
    ///
    /// When an operation fails.
    pub async fn run(self: &Arc<Self>, op: Op, tasks: u64, count: u64) -> Outcome<Duration> {
        let mut held =
            std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        held.resize_with(usize::try_from(tasks)?, Vec::new);
        let (started, mut running) = (instant(), Vec::new());
        for (task, pairs) in (0..).zip(held) {
            let share = count / tasks + u64::from(task < count % tasks);
            let hand = Hand { world: Arc::clone(self), task, tasks, pairs };
            running.push(tokio::spawn(hand.run(op, share)));
        }
        let mut held = Vec::new();
        for task in running {
            held.push(task.await??);
        }
        let took = started.elapsed();
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(took)
    }
}

/// One task of several.
struct Hand<T> {
    world: Arc<World<T>>,
    task: u64,
    tasks: u64,
    pairs: Vec<Pair>,
}

impl<T: Target> Hand<T> {
    async fn run(mut self, op: Op, count: u64) -> Outcome<Vec<Pair>> {
        let target = &self.world.target;
        let start = mix(self.world.devices.load(Ordering::Relaxed) ^ count) ^ self.task;
        for turn in 0..count {
            match op {
                Op::Login => {
                    let own = (self.world.accounts / self.tasks).max(1);
                    let number = mix(start.wrapping_add(turn)) % own * self.tasks + self.task;
                    target.login(device(number % self.world.accounts)).await?;
                }
                Op::Create => {
                    let number = self.world.devices.fetch_add(1, Ordering::Relaxed);
                    target.login(device(number)).await?;
                }
                Op::Refresh | Op::Verify | Op::VerifyStateless | Op::Link => {
                    let length = u64::try_from(self.pairs.len())?;
                    let index = usize::try_from(turn % length.max(1))?;
                    let pair = self.pairs.get_mut(index).ok_or("no tokens: prepare first")?;
                    match op {
                        Op::Refresh => *pair = target.refresh(pair.refresh.clone()).await?,
                        Op::Verify => target.verify(&pair.access).await?,
                        Op::Link => {
                            let number = self.world.devices.fetch_add(1, Ordering::Relaxed);
                            target.link(&pair.access, device(number)).await?;
                        }
                        _ => target.verify_stateless(&pair.access)?,
                    }
                }
            }
        }
        Ok(self.pairs)
    }
}
