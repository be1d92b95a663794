//! What can be said without running anything.

use crate::failure::Result;
use crate::process::{cargo, run, version};
use crate::prove::bugs;
use crate::step::{Outcome, Run};
use crate::{docs, purity, sources};

pub(crate) fn all(steps: &mut Run) -> Result<()> {
    steps.step("lock file", || {
        // Also fetches what an offline check of the licences wants to read.
        run(cargo(&["fetch", "--locked"]))?;
        Ok(Outcome::Held)
    })?;
    steps.step("format", || {
        run(cargo(&["fmt", "--all", "--", "--check"]))?;
        Ok(Outcome::Held)
    })?;
    steps.step("sources", sources::check)?;
    steps.step("documentation", || docs::tables(true))?;
    steps.step("clippy", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--all-features"];
        run(cargo(&[&arguments[..], &["--", "-D", "warnings"]].concat()))?;
        Ok(Outcome::Held)
    })?;
    steps.step("purity", purity::check)?;
    steps.step("bugs made on purpose", bugs::check)?;
    steps.step("licences, bans, sources of crates", deny)
}

/// Advisories are not among the checks: they need a database from the network, and a run must not depend on that.
fn deny() -> Result<Outcome> {
    if version(cargo(&["deny", "--version"])).is_none() {
        return Ok(Outcome::Skipped("cargo-deny is missing".to_owned()));
    }
    let checks = ["check", "licenses", "bans", "sources"];
    run(cargo(&[&["deny", "--offline"], &checks[..]].concat()))?;
    Ok(Outcome::Held)
}
