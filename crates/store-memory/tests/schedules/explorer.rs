//! Runs scenarios under many schedules, as many and as long as the environment says.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

pub(crate) type Scenario = fn();

/// How many schedules of each scenario, unless said otherwise: what a bounded run has time for.
const CASES: u64 = 1000;
/// How many are explored before the clock is looked at.
const ROUND: u64 = 200;
/// How many changes of turn PCT makes.
const DEPTH: usize = 3;
/// The engine's futures are larger than the stacks that tasks get unasked.
const STACK: usize = 1 << 20;

fn limit(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

/// Explores every scenario on a thread of its own, and says how far that went. The same seed explores the same schedules;
/// a failure prints the one that failed, which `shuttle::replay` runs alone.
#[expect(clippy::disallowed_methods, reason = "it measures, and stops in time")]
pub(crate) fn explore(scenarios: &[(&str, Scenario)]) {
    let begin = Instant::now();
    let minutes = limit("PROVE_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let cases = limit("PROVE_CASES").unwrap_or(if minutes.is_some() { u64::MAX } else { CASES });
    let seed = limit("PROVE_SEED").unwrap_or(0);
    let is_over = || minutes.is_some_and(|minutes| begin.elapsed() >= minutes);
    let schedules = AtomicU64::new(0);
    thread::scope(|scope| {
        for (name, scenario) in scenarios {
            let (schedules, is_over) = (&schedules, &is_over);
            let named = thread::Builder::new().name((*name).to_owned());
            let spawned = named.spawn_scoped(scope, move || {
                let mut done = 0;
                while done < cases && !is_over() {
                    let round = ROUND.min(cases - done);
                    explore_round(*scenario, seed.wrapping_add(done), round);
                    done += round;
                }
                schedules.fetch_add(done, Ordering::Relaxed);
                println!("\n{done} schedules: {name}");
            });
            spawned.unwrap();
        }
    });
    assert!(schedules.load(Ordering::Relaxed) > 0, "no schedule was tried");
    println!(
        "\nproved: {} schedules of {} scenarios from seed {seed}, half at random and half by PCT of depth {DEPTH}, in {:.0?}",
        schedules.into_inner(),
        scenarios.len(),
        begin.elapsed()
    );
}

fn explore_round(scenario: Scenario, seed: u64, count: u64) {
    let at_random = usize::try_from(count / 2).unwrap();
    let by_pct = usize::try_from(count - count / 2).unwrap();
    run(RandomScheduler::new_from_seed(seed, at_random), scenario);
    run(PctScheduler::new_from_seed(seed, DEPTH, by_pct), scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: Scenario) {
    let mut config = Config::new();
    config.stack_size = STACK;
    Runner::new(scheduler, config).run(scenario);
}
