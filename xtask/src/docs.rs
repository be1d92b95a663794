//! The parts of `docs/` that are made from the code and its tests.

use std::fs;

use crate::failure::{Failure, Result};
use crate::named_tests::Tests;
use crate::process::{cargo, run};
use crate::step::{Outcome, Run};

pub(crate) fn all(steps: &mut Run, check: bool) -> Result<()> {
    steps.step("parts made from the code", || {
        for tests in [
            ["--package=authcore", "--lib"],
            ["--package=authcore-store-conformance", "--test=documentation"],
        ] {
            let mut command = cargo(&["test", "--quiet", tests[0], tests[1]]);
            if !check {
                command.env("AUTHCORE_WRITE_DOCS", "1");
            }
            run(command)?;
        }
        Ok(Outcome::Held)
    })?;
    steps.step("tables of tests", || tables(check))
}

/// Fills the last column of each table in `docs/compat` with the tests that hold the row, or checks it, and sees that
/// every row has a test.
pub(crate) fn tables(check: bool) -> Result<Outcome> {
    let tests = Tests::read()?;
    let mut findings = Vec::new();
    let mut pages =
        fs::read_dir("docs/compat")?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    pages.sort();
    for page in pages {
        let system = page.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let before = fs::read_to_string(&page)?;
        let (after, bare) = fill(&before, |row| tests.of(system, row).into_iter().collect());
        findings
            .extend(bare.into_iter().map(|row| format!("{}: no test of {row}", page.display())));
        if before == after {
            continue;
        }
        if check {
            findings.push(format!("{}: outdated; `cargo xtask docs` writes it", page.display()));
        } else {
            fs::write(&page, after)?;
        }
    }
    if findings.is_empty() {
        return Ok(Outcome::Held);
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    Err(Failure::new(format!("{} findings", findings.len())))
}

/// The page with the last column of each table filled whose header ends in `tests`, and the rows without any test. A row is
/// known by its first cell.
fn fill<'a>(page: &str, tests_of: impl Fn(&str) -> Vec<&'a str>) -> (String, Vec<String>) {
    let (mut lines, mut bare, mut in_table) = (Vec::new(), Vec::new(), false);
    for line in page.lines() {
        let cells = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |"));
        let parts =
            cells.and_then(|cells| Some((cells.split_once(" | ")?.0, cells.rsplit_once(" | ")?.0)));
        match parts {
            None => in_table = false,
            Some(_) if line.ends_with("| tests |") => in_table = true,
            Some((id, rest)) if in_table && !id.starts_with("---") => {
                let names = tests_of(id);
                if names.is_empty() {
                    bare.push(id.to_owned());
                }
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                lines.push(format!("| {rest} | {} |", names.join(", ")));
                continue;
            }
            Some(_) => {}
        }
        lines.push(line.to_owned());
    }
    (lines.join("\n") + "\n", bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_the_last_column_and_names_rows_without_tests() {
        let page = "| row | rule | tests |\n| --- | --- | --- |\n| 1 | a | `gone` |\n| 2 | b |  |\n\n| x | y |\n| 1 | c |\n";
        let (filled, bare) = fill(page, |row| if row == "1" { vec!["one", "two"] } else { vec![] });
        let wanted = page.replace("`gone`", "`one`, `two`");
        assert_eq!((filled, bare), (wanted, vec!["2".to_owned()]));
    }
}
