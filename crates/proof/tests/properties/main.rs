//! Random sequences of actions, on the reference model and on the engine, on every store: after each step both must have
//! come to the same, and every account must look the same. `cargo xtask prove properties` runs more of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking, and a run that is told how long to last looks at the clock"
)]

#[path = "../../../store-postgres/tests/common/mod.rs"]
mod common;
mod comparison;
mod fixed;
mod stores;
mod tally;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use comparison::{Actions, Comparison};
use stores::{Kind, Memory, Postgres, Sqlite};

/// How many steps a case has at most.
const STEPS: usize = 40;
/// After how many cases the clock is looked at.
const BATCH: u64 = 100;

#[test]
fn on_memory() {
    // Fewer do not get everywhere, nor need an engine that was broken on purpose.
    if run::<Memory>(10_000) >= 10_000 && std::env::var_os("PROVE_BUG").is_none() {
        tally::assert_all_was_seen();
    }
}

#[test]
fn on_sqlite() {
    run::<Sqlite>(200);
}

#[test]
fn on_postgresql() {
    run::<Postgres>(15);
}

/// Runs so many cases, or as many as the environment says. `PROVE_CASES` counts those on memory; the slower stores get
/// their share. Says how many there were.
fn run<K: Kind>(default: u64) -> u64 {
    let number = |name| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let (first, seeds) = (number("PROVE_SEED").unwrap_or(1), number("PROVE_SEEDS"));
    let longest = number("PROVE_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    // The first of several seeds leaves time for the others.
    let default = if longest.is_some() && seeds.is_none() { u64::MAX } else { default };
    let cases = number("PROVE_CASES").map_or(default, |cases| (cases / K::SHARE).max(1));
    let started = Instant::now();
    let mut done = 0;
    for seed in first..first.saturating_add(seeds.unwrap_or(1)) {
        done += run_seed::<K>(seed, cases, &|| longest.is_some_and(|it| started.elapsed() >= it));
    }
    assert!(done > 0, "no case was tried");
    let seconds = started.elapsed().as_secs_f64();
    let steps = tally::steps();
    println!("proved: properties on {}: {done} cases, {steps} steps, {seconds:.0} s", K::NAME);
    done
}

/// The cases of one seed, in batches, until the time is up.
fn run_seed<K: Kind>(seed: u64, cases: u64, is_late: &dyn Fn() -> bool) -> u64 {
    let strategy = Actions::sequential_strategy(1..=STEPS);
    let mut done = 0;
    while done < cases && !is_late() {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&done.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let batch = u32::try_from(BATCH.min(cases - done)).unwrap();
        let config = Config { cases: batch, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        // The one that failed last is the shortest: what the runner hands back may lack a step that was shrunk away.
        let failed = RefCell::new(Vec::new());
        let outcome = runner.run(&strategy, |(reference, actions, seen)| {
            let (config, taken) = (config.clone(), actions.clone());
            let test = <Comparison<K> as StateMachineTest>::test_sequential;
            let test = AssertUnwindSafe(|| test(config, reference, taken, seen));
            catch_unwind(test).or_else(|why| {
                failed.replace(actions);
                resume_unwind(why)
            })
        });
        if let Err(TestError::Fail(why, _)) = outcome {
            let actions = failed.take();
            panic!("seed {seed}, on {}: {why}\nas a test in `fixed.rs`:\n{actions:?}", K::NAME);
        }
        outcome.unwrap();
        done += u64::from(batch);
    }
    done
}
