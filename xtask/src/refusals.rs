//! That each refusal has a test that makes the engine answer it: the engine's tests note what they were refused with.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::failure::{Failure, Result};

const REFUSALS: &str = "crates/authcore/src/refusal/mod.rs";

/// Where tests find the directory for their notes.
pub(crate) const VARIABLE: &str = "AUTHCORE_REFUSALS";

/// An empty directory for the notes.
pub(crate) fn directory() -> Result<PathBuf> {
    let directory = env::current_dir()?.join("target/refusals");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Counts the notes; one is missing when no test made the engine answer that refusal.
pub(crate) fn check(directory: &Path) -> Result<()> {
    let source = fs::read_to_string(REFUSALS)?;
    let codes = codes(&source);
    if codes.is_empty() {
        return Err(Failure::new(format!("{REFUSALS} has no codes")));
    }
    let missing: Vec<_> =
        codes.iter().copied().filter(|code| !directory.join(code).exists()).collect();
    if missing.is_empty() {
        println!("each of {} refusals was answered by the engine", codes.len());
        return Ok(());
    }
    Err(Failure::new(format!("no test makes the engine answer {}", missing.join(", "))))
}

/// The codes that refusals are told by.
fn codes(source: &str) -> Vec<&str> {
    source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::"))
        .filter_map(|arm| arm.split_once(" => \"")?.1.strip_suffix("\","))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_codes() {
        let source = "            Self::Invalid { .. } => \"invalid\",\n            Self::Missing => \"missing\",\n            Self::A => b(),\n";
        assert_eq!(codes(source), ["invalid", "missing"]);
    }
}
