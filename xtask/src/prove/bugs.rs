//! Whether the provers bite: the engine is broken on purpose, one small bug at a time, and one of the provers that the
//! bug names must see it.
//!
//! A bug is a patch under `crates/proof/bugs`. Its head says what is wrong (`bug: …`) and which provers are to be asked
//! (`provers: …`; `model/mapping` asks those tests of the model alone whose names hold that word).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{PROVERS, Prover, SCHEDULES, copy_sources, under_shuttle};
use crate::failure::{Failure, Result};
use crate::process::{cargo, run};
use crate::step::Outcome;

/// The bugs, and the copy of the sources in which they are made.
const BUGS: &str = "crates/proof/bugs";
const COPY: &str = "target/bugs/sources";
/// The copy's own: cargo takes its packages for ours, and would take what is broken for what is not.
const TARGET: &str = "target/bugs/target";

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

/// Makes each bug, and says which provers caught it; the first that none catches ends it.
pub(super) fn all() -> Result<Vec<String>> {
    let bugs = bugs()?;
    fs::create_dir_all(TARGET)?;
    copy_sources(Path::new(COPY))?;
    let mut rows =
        vec!["| bug | caught by | not by |".to_owned(), "| --- | --- | --- |".to_owned()];
    for bug in &bugs {
        apply(&bug.file, false)?;
        let seen = hunt(bug);
        apply(&bug.file, true)?;
        let (caught, missed): (Vec<_>, Vec<_>) = seen?.into_iter().partition(|(_, caught)| *caught);
        let names = |provers: &[(&str, bool)]| {
            provers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        println!("{}: caught by {}", bug.what, names(&caught));
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

/// Asks each prover whether it holds, in its bounded form.
fn hunt(bug: &Bug) -> Result<Vec<(&str, bool)>> {
    let mut seen = Vec::new();
    for Asked { name, prover, word } in &bug.asked {
        // A bug that does not build is none.
        run(test(prover, &["--no-run"])?)?;
        let mut command = test(prover, &word.iter().map(String::as_str).collect::<Vec<_>>())?;
        let held = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success();
        seen.push((name.as_str(), !held));
    }
    Ok(seen)
}

fn test(prover: &Prover, more: &[&str]) -> Result<Command> {
    let Prover { name, package, test, .. } = prover;
    let mut command = cargo(&["test", "--quiet", "--package", package, "--test", test]);
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
