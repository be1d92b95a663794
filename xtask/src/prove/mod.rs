//! The provers that try to break the engine. Each is a test that a bounded run of the check includes; here it runs
//! for longer, optimised, and its figure is printed last.

pub(crate) mod bugs;
mod mutants;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;
use crate::failure::{Failure, Result};
use crate::process::{cargo, read, run, run_and_read};
use crate::setup;
use crate::step::{Outcome, Run};

/// A test that is one prover.
struct Prover {
    name: &'static str,
    package: &'static str,
    test: &'static str,
    /// The options that it heeds.
    heeds: &'static [&'static str],
    /// How far it looks when it is not told.
    far: &'static [(&'static str, u64)],
}

const PROVERS: [Prover; 6] = [
    Prover {
        name: "model",
        package: "authcore-proof",
        test: "model",
        heeds: &[],
        far: &[("PROVE_LONG", 1)],
    },
    Prover {
        name: "properties",
        package: "authcore-proof",
        test: "properties",
        heeds: &["--seeds", "--seed", "--cases", "--minutes"],
        far: &[("PROVE_CASES", 1_000_000)],
    },
    Prover {
        name: "simulate",
        package: "authcore-simulation",
        test: "simulate",
        heeds: &["--seeds", "--seed", "--minutes"],
        far: &[("PROVE_SEEDS", 100_000)],
    },
    Prover { name: "crash", package: "authcore-simulation", test: "crash", heeds: &[], far: &[] },
    Prover {
        name: "fuzz",
        package: "authcore-fuzz",
        test: "fuzz",
        heeds: &["--cases", "--seed", "--minutes"],
        far: &[("PROVE_CASES", 100_000)],
    },
    SCHEDULES,
];

const SCHEDULES: Prover = Prover {
    name: "schedules",
    package: "authcore-store-memory",
    test: "schedules",
    heeds: &["--cases", "--seed", "--minutes"],
    far: &[("PROVE_CASES", 12_000)],
};

/// Where what runs under the scheduler is built.
const SHUTTLE_TARGET: &str = "target/shuttle";
/// What a prover prints before its figure.
const FIGURE: &str = "proved: ";

pub(crate) struct Options {
    what: What,
    /// The limits as the prover reads them from its environment.
    limits: Vec<(&'static str, u64)>,
}

/// What is run.
enum What {
    One(&'static Prover),
    /// All that are named by some bug, on each of the bugs that are named with this word.
    OnBugs(String),
    /// The tests of the rules, on each small change of a rule.
    OnMutants(mutants::Options),
}

impl What {
    const BUGS: &str = "bugs";
    const MUTANTS: &str = "mutants";

    const fn name(&self) -> &'static str {
        match self {
            Self::One(prover) => prover.name,
            Self::OnBugs(_) => Self::BUGS,
            Self::OnMutants(_) => Self::MUTANTS,
        }
    }

    fn heeds(&self, option: &str) -> bool {
        matches!(self, Self::One(prover) if prover.heeds.contains(&option))
    }
}

impl Options {
    pub(crate) fn parse(arguments: &mut Arguments) -> Result<Self> {
        let name = arguments.command().unwrap_or_default();
        let prover = PROVERS.iter().find(|prover| prover.name == name);
        let what = match prover {
            Some(prover) => What::One(prover),
            None if name == What::BUGS => {
                What::OnBugs(arguments.value("--only")?.unwrap_or_default())
            }
            None if name == What::MUTANTS => What::OnMutants(mutants::Options::parse(arguments)?),
            None => {
                let names = PROVERS.map(|prover| prover.name).join(", ");
                return Err(Failure::new(format!(
                    "no prover `{name}`; there are {names}, bugs and mutants"
                )));
            }
        };
        let mut limits = Vec::new();
        for (flag, variable) in [
            ("--seeds", "PROVE_SEEDS"),
            ("--seed", "PROVE_SEED"),
            ("--cases", "PROVE_CASES"),
            ("--minutes", "PROVE_MINUTES"),
        ] {
            // What is left is refused: a run proves what its command line says.
            if what.heeds(flag)
                && let Some(value) = arguments.value(flag)?
            {
                limits.push((variable, value));
            }
        }
        Ok(Self { what, limits })
    }
}

/// Answers with the figures, which are to be printed last.
pub(crate) fn all(steps: &mut Run, options: &Options) -> Result<Vec<String>> {
    if matches!(options.what, What::OnMutants(_)) {
        steps.step("setup: cargo-mutants", || Ok(setup::cargo_mutants()))?;
    }
    let mut figures = Vec::new();
    steps.step(options.what.name(), || {
        figures = match &options.what {
            What::One(prover) => prove(prover, &options.limits)?,
            What::OnBugs(only) => bugs::all(only)?,
            What::OnMutants(options) => mutants::all(options)?,
        };
        Ok(Outcome::Held)
    })?;
    Ok(figures)
}

/// The schedules that a check has time for, not optimised. The other provers are among the tests anyhow.
pub(crate) fn schedules() -> Result<Outcome> {
    let Prover { package, test, .. } = SCHEDULES;
    run(under_shuttle(cargo(&["test", "--package", package, "--test", test]), SHUTTLE_TARGET))?;
    Ok(Outcome::Held)
}

/// As many mutants as a check has time for.
pub(crate) fn mutants() -> Result<Outcome> {
    let tool = setup::cargo_mutants();
    if matches!(tool, Outcome::Held) {
        for figure in mutants::all(&mutants::Options::bounded())? {
            println!("{figure}");
        }
    }
    Ok(tool)
}

/// In place of each lock the scheduler that explores, in a build of its own.
fn under_shuttle(mut command: Command, target: impl AsRef<OsStr>) -> Command {
    command.env("RUSTFLAGS", "--cfg shuttle -D warnings").env("CARGO_TARGET_DIR", target);
    command
}

fn prove(prover: &Prover, limits: &[(&'static str, u64)]) -> Result<Vec<String>> {
    let Prover { name, package, test, far, .. } = prover;
    let mut command =
        cargo(&["test", "--release", "--package", package, "--test", test, "--", "--nocapture"]);
    if *name == SCHEDULES.name {
        command = under_shuttle(command, SHUTTLE_TARGET);
    }
    let limits = limits.iter().copied().chain(further(far, limits));
    command.envs(limits.map(|(name, value)| (name, value.to_string())));
    let output = run_and_read(command)?;
    // Behind the name of its test, where the runner has one thread.
    let figures = output.lines().filter_map(|line| line.split_once(FIGURE));
    let figures: Vec<_> = figures.map(|(_, figure)| figure.to_owned()).collect();
    if figures.is_empty() {
        return Err(Failure::new("the prover printed no figure"));
    }
    Ok(figures)
}

/// How far a prover goes where nobody says: a time is a limit of its own, and one seed alone is a number of seeds.
fn further<'a>(
    far: &'a [(&'static str, u64)],
    said: &'a [(&'static str, u64)],
) -> impl Iterator<Item = (&'static str, u64)> {
    let is_said = |name| said.iter().any(|(it, _)| *it == name);
    far.iter().copied().filter(move |(name, _)| {
        let one_seed = *name == "PROVE_SEEDS" && is_said("PROVE_SEED");
        !is_said(name) && !is_said("PROVE_MINUTES") && !one_seed
    })
}

/// Copies what git knows or would take, but nothing that is the same already, so that it is not built anew. What is gone
/// here goes there.
fn copy_sources(to: &Path) -> Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let mut git = Command::new("git");
    git.args(list);
    let listed = read(git)?;
    let listed = listed.split_terminator('\0').map(Path::new);
    let wanted: BTreeSet<&Path> = listed.filter(|file| file.is_file()).collect();
    for file in &wanted {
        let (to, content) = (to.join(file), fs::read(file)?);
        if fs::read(&to).ok().as_ref() != Some(&content) {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&to, content)?;
        }
    }
    remove_others(to, Path::new(""), &wanted)
}

/// Removes what is not wanted from a folder of a copy, but nothing that was built.
fn remove_others(copy: &Path, folder: &Path, wanted: &BTreeSet<&Path>) -> Result<()> {
    for entry in fs::read_dir(copy.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            if !wanted.contains(path.as_path()) {
                fs::remove_file(entry.path())?;
            }
        } else if path != Path::new("target") {
            remove_others(copy, &path, wanted)?;
            if fs::read_dir(entry.path())?.next().is_none() {
                // Cargo would look for a package there.
                fs::remove_dir(entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_goes_far() {
        let far = |far, said: &[_]| further(far, said).collect::<Vec<_>>();
        let (cases, seeds) = (&[("PROVE_CASES", 9)], &[("PROVE_SEEDS", 9)]);
        assert_eq!(far(cases, &[]), cases);
        assert_eq!(far(cases, &[("PROVE_SEED", 7)]), cases);
        assert_eq!(far(cases, &[("PROVE_CASES", 1)]), []);
        assert_eq!(far(cases, &[("PROVE_MINUTES", 1)]), []);
        assert_eq!(far(seeds, &[]), seeds);
        assert_eq!(far(seeds, &[("PROVE_SEED", 7)]), []);
        assert_eq!(far(seeds, &[("PROVE_MINUTES", 1)]), []);
    }

    #[test]
    fn a_copy_loses_what_is_gone_and_nothing_that_was_built() {
        let copy = tempfile::tempdir().unwrap();
        let files = ["kept", "gone", "folder/kept", "folder/gone", "emptied/gone", "target/built"];
        for file in files.map(|file| copy.path().join(file)) {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let wanted = ["kept", "folder/kept"].map(Path::new);
        remove_others(copy.path(), Path::new(""), &wanted.into()).unwrap();
        let there = |file: &str| copy.path().join(file).exists();
        assert_eq!(files.map(there), [true, false, true, false, false, true]);
        assert!(!there("emptied"));
    }
}
