//! Steps: each says its name and its time, the first that does not hold ends the command, and a summary closes it.

use std::env;
use std::time::Duration;

use crate::clock::Moment;
use crate::failure::{Failure, Result};

pub(crate) enum Outcome {
    Held,
    /// It could not run here, and why.
    Skipped(String),
}

pub(crate) struct Run {
    strict: bool,
    started: Moment,
    held: Vec<(String, Duration)>,
    skipped: Vec<String>,
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { strict: in_ci(), started: Moment::now(), held: Vec::new(), skipped: Vec::new() }
    }

    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<Outcome>,
    ) -> Result<()> {
        println!("\n==== {name}");
        let started = Moment::now();
        let outcome = work();
        let took = started.elapsed();
        match outcome {
            Ok(Outcome::Held) => {
                println!("---- {name}: {}", seconds(took));
                self.held.push((name.to_owned(), took));
                Ok(())
            }
            Ok(Outcome::Skipped(reason)) if self.strict => {
                Err(Failure::new(format!("{name}: cannot be skipped in CI: {reason}")))
            }
            Ok(Outcome::Skipped(reason)) => {
                println!("!!!! {name}: SKIPPED: {reason}");
                self.skipped.push(format!("{name} ({reason})"));
                Ok(())
            }
            Err(failure) => Err(Failure::new(format!("{name}: {failure}"))),
        }
    }

    pub(crate) fn summary(&self, held: bool) {
        println!("\n==== summary");
        for (name, took) in &self.held {
            println!("{:>9}  {name}", seconds(*took));
        }
        println!("{:>9}  together", seconds(self.started.elapsed()));
        match self.skipped.len() {
            0 => {}
            1 => println!("1 step SKIPPED: {}", self.skipped.join("; ")),
            count => println!("{count} steps SKIPPED: {}", self.skipped.join("; ")),
        }
        if held {
            println!("all steps held: {}", self.held.len());
        }
    }
}

/// In CI nothing is skipped.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(strict: bool) -> Run {
        Run { strict, ..Run::new() }
    }

    #[test]
    fn a_skipped_step_fails_in_ci_only() {
        let skipped = || Ok(Outcome::Skipped("no tool".to_owned()));
        assert!(run(true).step("a step", skipped).is_err());
        let mut run = run(false);
        run.step("a step", skipped).unwrap();
        assert_eq!(run.skipped, ["a step (no tool)"]);
    }

    #[test]
    fn a_failure_names_its_step() {
        let failure = run(false).step("a step", || Err(Failure::new("broken"))).unwrap_err();
        assert_eq!(failure.to_string(), "a step: broken");
    }
}
