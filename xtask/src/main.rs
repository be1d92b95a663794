//! The project's commands. `cargo xtask --help` lists them.

mod arguments;
mod clock;
mod coverage;
mod docs;
mod failure;
mod ha;
mod kill;
mod lint;
mod named_tests;
mod node;
mod postgres;
mod process;
mod prove;
mod purity;
mod random;
mod refusals;
mod setup;
mod sources;
mod step;
mod test;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use arguments::Arguments;
use failure::{Failure, Result};
use step::Run;

const HELP: &str = "\
The project's commands. Run them from anywhere inside the checkout.

USAGE: cargo xtask <COMMAND> [OPTIONS]

COMMANDS:
  test     Everything that must hold before a change goes in: set-up, lint, tests, docs, schedules, mutants, node, kill
  setup    Installs the tools that are missing: cargo-nextest, cargo-deny, cargo-mutants, Node, PostgreSQL, pgbouncer, Redis,
           the Node packages
  lint     Lock file, formatting, sources, documentation, clippy, purity of the core, licences and bans
  docs     Writes the parts of docs/ that are made from the code and its tests
             --check           writes nothing; fails where a part is outdated, or a row has no test
  coverage How many lines of the tokens, the verifiers and the sessions the tests run (needs the component llvm-tools)
  node     The published nakama-js client against the real host
  kill     Kills the host at random moments under load, and checks that no acknowledged write is lost and none is there
           by half
             --kills N         how often (default 200)
             --seed S          the seed of the run (default: random; it is printed)
             --max-seconds M   stop killing after this long, then verify as usual
             --release         use an optimised host
             --store S         sqlite (the default), or postgres, whose server is killed in turns as well
  ha       Kills the primary of a PostgreSQL cluster under load and promotes its synchronous standby, while the host runs
           on; then looks for lost writes as kill does. At most 10 minutes
             --rounds N        how many failovers (default 2)
             --seed S          the seed of the run (default: random; it is printed)
             --notice-ms M     from the kill to the promotion (default 1000)
             --behind-ms M     cuts the standby off so long before the kill: to see that losses are found, and the command fails
             --release         use an optimised host
  prove    Runs one of the provers, which try to break the engine, as far as it is told, or, told nothing, further than the
           check; prints its figure last
             model | properties | simulate | crash | fuzz | schedules
             --seeds N         how many seeds (properties, simulate); of properties each with all cases, or, with --minutes, with
                               as many as in the check
             --seed S          the first seed (all but model and crash); of properties and simulate the only one, unless
                               --seeds or, with simulate, --minutes says more
             --cases N         how many cases (properties, fuzz, schedules)
             --minutes M       go on for this long, or until what else is said was done (all but model and crash)
           prove bugs          breaks the engine on purpose, in many small ways: a prover must see each
             --only WORD       those bugs whose file names hold the word: `21-`, say
           prove mutants       changes the rules of the domain in every small way that cargo-mutants knows: a test must fail.
                               Goes on where the last run stopped, and installs cargo-mutants where it is missing
             --shard K/N       the Kth of N equal parts of the mutants alone, each a fair sample
             --only WORD       of these, those whose names hold the word: `src/session`, say
             --minutes M       begin no more mutants after this long; what was found is kept
  --help   This text

With CI=true a step that cannot run is a failure. Without it, the step is skipped and the summary says so.
";

fn main() -> ExitCode {
    coverage::compile_if_asked();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: FAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    enter_workspace()?;
    let mut arguments = Arguments::from_env()?;
    let command = arguments.command();
    match command.as_deref() {
        Some("test") => in_steps(arguments, test::all),
        Some("setup") => in_steps(arguments, setup::all),
        Some("lint") => in_steps(arguments, lint::all),
        Some("docs") => {
            let check = arguments.flag("--check");
            in_steps(arguments, |run| docs::all(run, check))
        }
        Some("coverage") => in_steps(arguments, coverage::all),
        Some("node") => in_steps(arguments, node::all),
        Some("kill") => {
            let options = kill::Options::parse(&mut arguments)?;
            in_steps(arguments, |run| run.step("kill", || kill::run(&options)))
        }
        Some("ha") => {
            let options = ha::Options::parse(&mut arguments)?;
            in_steps(arguments, |run| run.step("ha", || ha::run(&options)))
        }
        Some("prove") => {
            let options = prove::Options::parse(&mut arguments)?;
            let figures = in_steps(arguments, |run| prove::all(run, &options))?;
            println!("\n{}", figures.join("\n"));
            Ok(())
        }
        None | Some("help" | "--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some(other) => Err(Failure::new(format!("no command `{other}`; see `cargo xtask --help`"))),
    }
}

/// Runs the steps of a command and closes with the summary, whether they held or not.
fn in_steps<T>(arguments: Arguments, steps: impl FnOnce(&mut Run) -> Result<T>) -> Result<T> {
    arguments.finish()?;
    let mut run = Run::new();
    let outcome = steps(&mut run);
    run.summary(outcome.is_ok());
    outcome
}

/// Cargo tells a program it runs where its package is; the workspace is one above.
fn enter_workspace() -> Result<()> {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .ok_or_else(|| Failure::new("start this with `cargo xtask`"))?;
    let root = Path::new(&package)
        .parent()
        .ok_or_else(|| Failure::new("the package is not inside a workspace"))?;
    Ok(env::set_current_dir(root)?)
}
