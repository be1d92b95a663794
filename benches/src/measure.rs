//! What an operation costs, and tables of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use criterion::Criterion;
use tokio::runtime::{Builder, Runtime};

use crate::usage::{Usage, family, threads};
use crate::world::World;
use crate::{Op, Outcome, Target};

/// How long one round of one side is to take.
const ROUND: Duration = Duration::from_millis(250);

/// How many rounds each side has, turn by turn.
const ROUNDS: usize = 9;

/// How often an operation is done to see how long it takes.
const TRIAL: u64 = 1024;

/// What one operation takes, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "two figures")]
pub struct Cost {
    /// Of time, all tasks together.
    pub wall: f64,
    /// Of CPU, all threads of the process together, and of the server that is counted.
    pub cpu: f64,
}

impl Cost {
    /// What is left without a part that was measured alone.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        Self { wall: self.wall - part.wall, cpu: self.cpu - part.cpu }
    }
}

/// The moment now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "benchmarks measure time")]
pub fn instant() -> Instant {
    Instant::now()
}

/// The process of a database server whose CPU time is measured as well; none is zero.
static SERVER: AtomicU32 = AtomicU32::new(0);

/// From now on counts the CPU time of a server's processes as well: those that come from this one.
pub fn count_server(process: u32) {
    SERVER.store(process, Ordering::Relaxed);
}

/// What the processes of the server that is counted have taken so far.
///
/// # Errors
///
/// When it is not running.
pub fn server_usage() -> Outcome<Usage> {
    match SERVER.load(Ordering::Relaxed) {
        0 => Ok(Usage::default()),
        process => family(process),
    }
}

/// The runtime that all is measured on.
///
/// # Errors
///
/// When it does not start.
pub fn runtime() -> Outcome<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// How many accounts to measure with.
#[must_use]
pub fn sizes() -> Vec<u64> {
    let big = std::env::var_os("BENCH_BIG").is_some_and(|big| big == "1");
    let mut sizes = vec![1_000, 100_000];
    sizes.extend(big.then_some(1_000_000));
    sizes
}

/// Whether criterion was asked not to run.
#[must_use]
pub fn table_only() -> bool {
    std::env::var_os("BENCH_TABLE").is_some_and(|only| only == "1")
}

/// Whether tables are wanted at all: not when only some benchmarks are run, profiled or tried out.
#[must_use]
pub fn tables_wanted() -> bool {
    table_only() || std::env::args().skip(1).eq(["--bench".to_owned()])
}

/// Short runs: the machine's mood changes faster than criterion's defaults.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// The value, or the end of the benchmark.
///
/// # Panics
///
/// When there is none: criterion's closures cannot return an error.
#[expect(clippy::panic, reason = "criterion has no other way out")]
pub fn must<T>(outcome: Outcome<T>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("the benchmark failed: {error}"),
    }
}

/// One operation of one world in criterion.
pub fn bench<T: Target>(
    criterion: &mut Criterion,
    runtime: &Runtime,
    name: &str,
    world: &Arc<World<T>>,
    (op, tasks): (Op, u64),
) {
    let mut prepared = false;
    criterion.bench_function(name, |bencher| {
        if !prepared {
            must(runtime.block_on(world.prepare(op, tasks)));
            prepared = true;
        }
        bencher.iter_custom(|count| must(runtime.block_on(world.run(op, tasks, count))));
    });
}

/// Measures two sides turn by turn, and takes the middle of each; the ratios are those within a turn.
///
/// # Errors
///
/// When a side fails.
pub fn compare(
    mut engine: impl FnMut(u64) -> Outcome<Duration>,
    mut floor: impl FnMut(u64) -> Outcome<Duration>,
) -> Outcome<Line> {
    floor(TRIAL)?;
    let count = enough(&mut engine)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(cost(count, &mut engine)?);
        theirs.push(cost(count, &mut floor)?);
    }
    let pairs = || ours.iter().zip(&theirs);
    Ok(Line {
        name: String::new(),
        ratio: Cost {
            wall: median(pairs().map(|(ours, theirs)| ours.wall / theirs.wall)),
            cpu: median(pairs().map(|(ours, theirs)| ours.cpu / theirs.cpu)),
        },
        engine: middle(&ours),
        floor: middle(&theirs),
        aim: None,
    })
}

/// Measures one side, and takes the middle.
///
/// # Errors
///
/// When it fails.
pub fn alone(mut run: impl FnMut(u64) -> Outcome<Duration>) -> Outcome<Cost> {
    let count = enough(&mut run)?;
    let costs = (0..ROUNDS).map(|_| cost(count, &mut run)).collect::<Outcome<Vec<_>>>()?;
    Ok(middle(&costs))
}

/// How often a round must do it, by a short trial.
fn enough(run: &mut impl FnMut(u64) -> Outcome<Duration>) -> Outcome<u64> {
    let took = run(TRIAL)?.as_nanos().max(1);
    Ok(u64::try_from(ROUND.as_nanos() * u128::from(TRIAL) / took)?.max(TRIAL))
}

/// Measures one operation of two worlds.
///
/// # Errors
///
/// When an operation fails.
pub fn compare_worlds<E: Target, F: Target>(
    runtime: &Runtime,
    (engine, floor): (&Arc<World<E>>, &Arc<World<F>>),
    (op, tasks): (Op, u64),
) -> Outcome<Line> {
    runtime.block_on(engine.prepare(op, tasks))?;
    runtime.block_on(floor.prepare(op, tasks))?;
    compare(
        |count| runtime.block_on(engine.run(op, tasks, count)),
        |count| runtime.block_on(floor.run(op, tasks, count)),
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn cost(count: u64, run: &mut impl FnMut(u64) -> Outcome<Duration>) -> Outcome<Cost> {
    let usage =
        || -> Outcome<f64> { Ok(threads("self", |_| true)?.total() + server_usage()?.total()) };
    let before = usage()?;
    let wall = run(count)?.as_secs_f64();
    let cpu = usage()? - before;
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    Ok(Cost { wall: each(wall), cpu: each(cpu) })
}

fn middle(costs: &[Cost]) -> Cost {
    Cost {
        wall: median(costs.iter().map(|cost| cost.wall)),
        cpu: median(costs.iter().map(|cost| cost.cpu)),
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line of a table.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a line of figures")]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// The engine's cost.
    pub engine: Cost,
    /// The floor's.
    pub floor: Cost,
    /// The middle of the ratios.
    pub ratio: Cost,
    /// What the ratio of CPU may be.
    pub aim: Option<f64>,
}

impl Line {
    /// With a name, and what the ratio of CPU may be.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, aim: impl Into<Option<f64>>) -> Self {
        self.name = name.into();
        self.aim = aim.into();
        self
    }
}

/// Prints a table in Markdown.
pub fn print(title: &str, lines: &[Line]) {
    println!("\n{title} (microseconds per operation)\n");
    println!("| line | engine CPU | floor CPU | ratio | aim | engine wall | floor wall | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for Line { name, engine, floor, ratio, aim } in lines {
        let aim = aim.map_or_else(String::new, |aim| aim.to_string());
        println!(
            "| {name} | {:.1} | {:.1} | {:.2} | {aim} | {:.1} | {:.1} | {:.2} |",
            engine.cpu, floor.cpu, ratio.cpu, engine.wall, floor.wall, ratio.wall
        );
    }
}
