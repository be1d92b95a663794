//! Three ways to run the list: as a program, as a function that reports, and one case for the macro.

#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::any::Any;
use std::ffi::OsString;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed};

use crate::case::{Case, Outcome, cases};
use crate::fixture::Fixture;

/// What came of all cases.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many passed.
    pub passed: usize,
    /// How many were about something that the store does not promise.
    pub not_applicable: usize,
    /// How many the fixture could not show.
    pub skipped: usize,
    /// Those that failed, in the order of [`cases`].
    pub failures: Vec<Failure>,
}

/// A case that failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// Its suite.
    pub suite: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it said.
    pub message: String,
}

/// Runs the cases as a test program does, with the arguments of the process: `cargo test` and `cargo nextest` run it
/// when its target says `harness = false`. `--help` tells the arguments: a filter such as `history::`, `--exact`,
/// `--skip`, `--list`, `--test-threads`.
///
/// The answer is the program's exit code: success when no case failed. A case that is not run says why.
///
/// ```no_run
/// use std::process::ExitCode;
/// use std::sync::Arc;
///
/// use authcore_store_memory::MemoryStore;
///
/// fn main() -> ExitCode {
///     authcore_store_conformance::run(|| async { Arc::new(MemoryStore::new()) })
/// }
/// ```
pub fn run<F, Fut, S>(factory: F) -> ExitCode
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = S>,
    S: Into<Fixture>,
{
    run_with(std::env::args_os(), factory)
}

/// [`run`] with other arguments than the process's; the first one names the program.
pub fn run_with<F, Fut, S>(arguments: impl IntoIterator<Item = OsString>, factory: F) -> ExitCode
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = S>,
    S: Into<Fixture>,
{
    let factory = Arc::new(factory);
    let trials = cases().into_iter().map(|case| {
        let factory = Arc::clone(&factory);
        let name = format!("{}::{}", case.suite, case.name);
        libtest_mimic::Trial::ignorable_test(name, move || match on_a_runtime(case, &*factory) {
            Ok(Outcome::Passed) => Ok(Completion::Completed),
            Ok(Outcome::NotApplicable) => Ok(Completion::ignored_with("not applicable")),
            Ok(Outcome::Skipped) => Ok(Completion::ignored_with("the fixture cannot show it")),
            Err(panic) => Err(Failed::from(said(&*panic))),
        })
    });
    let trials = trials.collect();
    libtest_mimic::run(&Arguments::from_iter(arguments), trials).exit_code()
}

/// Runs every case, one after another, each on a fresh store and on a runtime of its own. It blocks, and so must be
/// called outside of any runtime.
///
/// # Panics
///
/// When no runtime can be started. A case that fails is in the report.
pub fn run_all<F, Fut, S>(factory: F) -> Report
where
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
    S: Into<Fixture>,
{
    let mut report = Report::default();
    for case in cases() {
        match on_a_runtime(case, &factory) {
            Ok(Outcome::Passed) => report.passed += 1,
            Ok(Outcome::NotApplicable) => report.not_applicable += 1,
            Ok(Outcome::Skipped) => report.skipped += 1,
            Err(panic) => {
                let (suite, name, message) = (case.suite, case.name, said(&*panic));
                report.failures.push(Failure { suite, name, message });
            }
        }
    }
    report
}

#[doc(hidden)]
pub type FixtureFuture = Pin<Box<dyn Future<Output = Fixture>>>;

/// Runs one case by name, for the tests that the macro makes.
#[doc(hidden)]
pub fn test(suite: &str, name: &str, fixture: fn() -> FixtureFuture) {
    let case = cases()
        .into_iter()
        .find(|case| case.suite == suite && case.name == name)
        .expect("the macro and the list have one source");
    if let Err(panic) = on_a_runtime(case, &fixture) {
        std::panic::resume_unwind(panic);
    }
}

/// Runs a case on a fresh store and a runtime of its own; with what it panicked when it failed.
fn on_a_runtime<F, Fut, S>(case: Case, factory: &F) -> Result<Outcome, Box<dyn Any + Send>>
where
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
    S: Into<Fixture>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    runtime.block_on(async {
        let fixture = factory().await.into();
        // In a task of its own, so that the case runs on the pool as a server's requests do.
        let ended = tokio::spawn(async move { case.run(fixture).await }).await;
        ended.map_err(|error| match error.try_into_panic() {
            Ok(panic) => panic,
            Err(error) => Box::new(error.to_string()),
        })
    })
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
