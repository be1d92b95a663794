//! Everything that must hold before a change goes in.

use std::process::Command;

use crate::failure::{Failure, Result};
use crate::kill::{self, Options};
use crate::process::{cargo, run, run_and_read, version};
use crate::step::{Outcome, Run};
use crate::{lint, node, prove, refusals, setup};

const POSTGRES: &str = "authcore-store-postgres";

pub(crate) fn all(steps: &mut Run) -> Result<()> {
    setup::all(steps)?;
    lint::all(steps)?;
    steps.step("tests", nextest)?;
    // In one process for each file, which share a server: the other runner would start hundreds.
    steps.step("tests on postgresql", || {
        run(strict(cargo(&["test", "--package", POSTGRES, "--lib", "--tests"])))?;
        Ok(Outcome::Held)
    })?;
    steps.step("doc tests", || {
        run(cargo(&["test", "--workspace", "--all-features", "--doc"]))?;
        Ok(Outcome::Held)
    })?;
    steps.step("docs", || {
        let mut command = cargo(&["doc", "--workspace", "--all-features", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        run(command)?;
        Ok(Outcome::Held)
    })?;
    steps.step("schedules", prove::schedules)?;
    steps.step("mutants", prove::mutants)?;
    steps.step("node", node::suite)?;
    steps.step("kill", || kill::run(&Options::bounded()))?;
    steps.step("kill on postgresql", || kill::run(&Options::bounded_on_postgres()))
}

/// A case of the conformance kit that a fixture cannot show is a failure, not a skip.
fn strict(mut command: Command) -> Command {
    command.env("CONFORMANCE_STRICT", "1");
    command
}

fn nextest() -> Result<Outcome> {
    if version(cargo(&["nextest", "--version"])).is_none() {
        return Ok(Outcome::Skipped("cargo-nextest is missing".to_owned()));
    }
    let all = ["nextest", "run", "--workspace", "--all-features", "--exclude", POSTGRES];
    let refused = refusals::directory()?;
    let mut command = strict(cargo(&all));
    command.env(refusals::VARIABLE, &refused);
    let output = run_and_read(command)?;
    refusals::check(&refused)?;
    // The runner is content with tests that are switched off; we are not.
    match output.lines().rev().find(|line| line.contains(" tests run: ")) {
        Some(line) if line.trim_end().ends_with(" 0 skipped") => Ok(Outcome::Held),
        Some(line) => Err(Failure::new(format!("not all tests ran: {}", line.trim()))),
        None => Err(Failure::new("the runner did not close with its summary")),
    }
}
