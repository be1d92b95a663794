//! Whether the provers bite: the engine is broken on purpose, one small bug at a time, and one of the provers that the
//! bug names must see it. It must hold without any bug, and a bug that only changes how much a prover saw, or which answers,
//! is not seen.
//!
//! A bug is a patch under `crates/proof/bugs`. Its head says what is wrong (`bug: …`) and which provers are to be asked
//! (`provers: …`; `model/mapping` asks those tests of the model alone whose names hold that word).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PROVERS, Prover, SCHEDULES, copy_sources, under_shuttle};
use crate::failure::{Failure, Result};
use crate::process::{cargo, run};
use crate::step::Outcome;

/// The bugs, and the copy of the sources in which they are made.
const BUGS: &str = "crates/proof/bugs";
const COPY: &str = "target/bugs/sources";
/// The copy's own: cargo takes its packages for ours, and would take what is broken for what is not.
const TARGET: &str = "target/bugs/target";
/// How many seconds a prover may take in its bounded form, and what `timeout` says of one that takes more.
const LONGEST: u32 = 900;
const TIMED_OUT: i32 = 124;
/// Has a prover look for broken rules alone, and not for whether it got everywhere: what a bug keeps it from is no rule.
const BROKEN_RULES_ALONE: &str = "PROVE_BUG";

/// A prover, or those of its tests whose names hold some word.
struct Asked {
    name: String,
    prover: &'static Prover,
    word: Option<String>,
}

struct Bug {
    file: PathBuf,
    what: String,
    asked: Vec<Asked>,
}

/// Whether each bug can still be made: its lines are those of the engine, and its provers are there.
pub(crate) fn check() -> Result<Outcome> {
    for bug in bugs()? {
        let mut git = Command::new("git");
        git.args(["apply", "--check"]).arg(&bug.file);
        run(git)?;
    }
    Ok(Outcome::Held)
}

/// Makes each bug whose file is named with the word, and says which provers caught it; the first that none catches ends it.
pub(super) fn all(only: &str) -> Result<Vec<String>> {
    let mut bugs = bugs()?;
    bugs.retain(|bug| {
        bug.file.file_name().is_some_and(|name| name.to_string_lossy().contains(only))
    });
    if bugs.is_empty() {
        return Err(Failure::new(format!("no bug is named `{only}`")));
    }
    fs::create_dir_all(TARGET)?;
    copy_sources(Path::new(COPY))?;
    check_unbroken(&bugs)?;
    let mut rows =
        vec!["| bug | caught by | not by |".to_owned(), "| --- | --- | --- |".to_owned()];
    for bug in &bugs {
        apply(&bug.file, false)?;
        println!("\n{}:", bug.what);
        let seen = hunt(bug);
        apply(&bug.file, true)?;
        let (caught, missed): (Vec<_>, Vec<_>) = seen?.into_iter().partition(|(_, caught)| *caught);
        let names = |provers: &[(&str, bool)]| {
            provers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        if caught.is_empty() {
            return Err(Failure::new(format!("no prover sees that {}", bug.what)));
        }
        rows.push(format!("| {} | {} | {} |", bug.what, names(&caught), names(&missed)));
    }
    Ok(rows)
}

fn bugs() -> Result<Vec<Bug>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(BUGS)? {
        files.push(entry?.path());
    }
    files.sort();
    files.into_iter().map(parse).collect()
}

fn parse(file: PathBuf) -> Result<Bug> {
    let text = fs::read_to_string(&file)?;
    let line = |key: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(key));
        found.ok_or_else(|| Failure::new(format!("{} has no line `{key}`", file.display())))
    };
    let ask = |name: &str| {
        let (prover, word) = match name.split_once('/') {
            Some((prover, word)) => (prover, Some(word.to_owned())),
            None => (name, None),
        };
        let prover = PROVERS.iter().find(|it| it.name == prover);
        let prover = prover
            .ok_or_else(|| Failure::new(format!("{}: no prover `{name}`", file.display())))?;
        Ok(Asked { name: name.to_owned(), prover, word })
    };
    let what = line("bug: ")?.to_owned();
    let asked = line("provers: ")?.split_whitespace().map(ask).collect::<Result<_>>()?;
    Ok(Bug { file, what, asked })
}

/// A prover that does not hold anyhow would catch any bug.
fn check_unbroken(bugs: &[Bug]) -> Result<()> {
    let asked = bugs.iter().flat_map(|bug| &bug.asked);
    let asked: BTreeMap<_, _> = asked.map(|asked| (asked.name.as_str(), asked)).collect();
    for (name, asked) in asked {
        if !asked.holds()? {
            return Err(Failure::new(format!("{name} does not hold where nothing is broken")));
        }
        println!("{name} holds where nothing is broken");
    }
    Ok(())
}

fn hunt(bug: &Bug) -> Result<Vec<(&str, bool)>> {
    bug.asked.iter().map(|asked| Ok((asked.name.as_str(), !asked.holds()?))).collect()
}

impl Asked {
    /// Whether it holds on the copy as that is now, in its bounded form.
    fn holds(&self) -> Result<bool> {
        // A bug that does not build is none.
        run(test(cargo(&[]), self.prover, &["--no-run"])?)?;
        let word: Vec<_> = self.word.iter().map(String::as_str).collect();
        let mut bounded = Command::new("timeout");
        bounded.arg(LONGEST.to_string()).arg(cargo(&[]).get_program());
        let mut command = test(bounded, self.prover, &word)?;
        let output = command.env(BROKEN_RULES_ALONE, "1").output()?;
        let name = &self.name;
        if output.status.code() == Some(TIMED_OUT) {
            return Err(Failure::new(format!("{name} goes on for more than {LONGEST} seconds")));
        }
        // Which rule it takes for broken: a prover that only trips over a bug has not seen it.
        let (said, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let mut lines = said.lines().chain(errors.lines());
        if lines.by_ref().any(|line| line.contains("panicked at ")) {
            println!("{name} says: {}", lines.next().unwrap_or_default());
        }
        Ok(output.status.success())
    }
}

/// How a prover is asked by this command, which is cargo or ends with it.
fn test(mut command: Command, prover: &Prover, more: &[&str]) -> Result<Command> {
    let Prover { name, package, test, .. } = prover;
    command.args(["test", "--quiet", "--package", package, "--test", test]);
    let target = fs::canonicalize(TARGET)?;
    command.args(more).env("CARGO_TARGET_DIR", &target).current_dir(COPY);
    if *name == SCHEDULES.name {
        command = under_shuttle(command, target.join("shuttle"));
    }
    Ok(command)
}

/// Makes a bug, or mends it.
fn apply(patch: &Path, mend: bool) -> Result<()> {
    let patch = fs::canonicalize(patch)?;
    let mut git = Command::new("git");
    git.arg("apply").args(mend.then_some("--reverse")).arg(patch).current_dir(COPY);
    // The copy is no repository, and not to be taken for a part of this one.
    git.env("GIT_CEILING_DIRECTORIES", fs::canonicalize("target/bugs")?);
    run(git)
}
