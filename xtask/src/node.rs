//! The published JavaScript client against the real host.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::failure::{Failure, Result};
use crate::process::{build_host, run, run_and_read, version};
use crate::step::{Outcome, Run};

pub(crate) fn all(run: &mut Run) -> Result<()> {
    run.step("node packages", || Ok(install()))?;
    run.step("node", suite)
}

pub(crate) fn directory() -> PathBuf {
    Path::new("crates/http/tests/nakama-js").to_owned()
}

/// Installs the packages of the lock file, byte for byte.
pub(crate) fn install() -> Outcome {
    if let Some(missing) = missing() {
        return missing;
    }
    let mut command = Command::new("npm");
    command.args(["ci", "--prefer-offline", "--loglevel=error"]).current_dir(directory());
    match run(command) {
        Ok(()) => Outcome::Held,
        Err(failure) => Outcome::Skipped(format!("the node packages are missing: {failure}")),
    }
}

pub(crate) fn suite() -> Result<Outcome> {
    if let Some(missing) = missing() {
        return Ok(missing);
    }
    if !directory().join("node_modules").exists() {
        return Ok(Outcome::Skipped("the node packages are missing".to_owned()));
    }
    let host = env::current_dir()?.join(build_host(false)?);
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=spec"])
        .args(test_files()?)
        .current_dir(directory())
        .env("AUTHCORE_HOST_BIN", host);
    let output = run_and_read(command)?;
    check_closing_lines(&output)?;
    Ok(Outcome::Held)
}

fn missing() -> Option<Outcome> {
    ["node", "npm"].into_iter().find_map(|program| {
        let mut command = Command::new(program);
        command.arg("--version");
        let gone = version(command).is_none();
        gone.then(|| Outcome::Skipped(format!("{program} is missing")))
    })
}

/// By name, because runners differ in which files they find by themselves.
fn test_files() -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") {
            files.push(name);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failure::new("no test files"));
    }
    Ok(files)
}

/// The runner is content when tests are skipped, or when there are none; we are not.
fn check_closing_lines(output: &str) -> Result<()> {
    for (name, wanted) in [("skipped", 0), ("todo", 0), ("cancelled", 0), ("fail", 0)] {
        if closing_line(output, name) != Some(wanted) {
            return Err(Failure::new(format!("the runner does not say `{name} 0`")));
        }
    }
    match closing_line(output, "pass") {
        None | Some(0) => Err(Failure::new("no test ran")),
        Some(_) => Ok(()),
    }
}

fn closing_line(output: &str, name: &str) -> Option<u64> {
    output
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix('ℹ')?.trim().strip_prefix(name)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSING: &str = "ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n";

    #[test]
    fn reads_the_closing_lines_of_the_runner() {
        check_closing_lines(CLOSING).unwrap();
        for (from, to) in [("skipped 0", "skipped 1"), ("pass 3", "pass 0"), ("ℹ todo 0", "")] {
            assert!(check_closing_lines(&CLOSING.replace(from, to)).is_err());
        }
    }
}
