//! The core decides; it does no I/O and reads no clock. Its dependencies show whether that is so.

use crate::failure::{Failure, Result};
use crate::process::{cargo, read, run};
use crate::step::Outcome;

const FORBIDDEN: &[&str] =
    &["tokio", "axum", "hyper", "reqwest", "rusqlite", "tokio-postgres", "libsqlite3-sys"];

pub(crate) fn check() -> Result<Outcome> {
    let tree = read(cargo(&[
        "tree",
        "--package=authcore",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ]))?;
    let found = forbidden(&tree);
    if !found.is_empty() {
        return Err(Failure::new(format!("authcore depends on {}", found.join(", "))));
    }
    let features =
        read(cargo(&["tree", "--package=authcore", "--edges=normal,features", "--prefix=none"]))?;
    let clocks = clock_features(&features);
    if !clocks.is_empty() {
        return Err(Failure::new(format!("authcore builds chrono with {}", clocks.join(", "))));
    }
    // Alone, because in one build with others it would be given the features that they ask for.
    run(cargo(&["check", "--package=authcore"]))?;
    println!(
        "{} crates under authcore, none of {}; chrono has no clock",
        tree.lines().count(),
        FORBIDDEN.join(", ")
    );
    Ok(Outcome::Held)
}

fn forbidden(tree: &str) -> Vec<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| FORBIDDEN.contains(name))
        .collect()
}

fn clock_features(tree: &str) -> Vec<&str> {
    tree.lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| matches!(*line, "chrono feature \"clock\"" | "chrono feature \"now\""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_crate_by_its_whole_name() {
        let tree = "authcore v0.1.0 (/a)\ntokio-util v0.7.0\nhyper v1.0.0 (*)\n";
        assert_eq!(forbidden(tree), ["hyper"]);
    }

    #[test]
    fn finds_a_clock() {
        let tree = "chrono feature \"serde\"\nchrono feature \"clock\" (*)\nchrono v0.4.45\n";
        assert_eq!(clock_features(tree), ["chrono feature \"clock\""]);
    }
}
