//! Rules about the sources that no compiler checks.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::node;
use crate::step::Outcome;

pub(crate) fn check() -> Result<Outcome> {
    let mut findings = Vec::new();
    let mut files = 0;
    for directory in ["crates", "examples", "benches", "fuzz", "xtask"] {
        visit(Path::new(directory), &mut |path, text| {
            files += 1;
            findings.extend(skipped_tests(path, text));
        })?;
    }
    let lock = node::directory().join("package-lock.json");
    if lock.exists() && fs::read_to_string(&lock)?.contains("\"resolved\"") {
        // Such a line names the registry of whoever wrote the file, and every other machine would ask that one.
        findings.push(format!("{}: names a registry", lock.display()));
    }
    if findings.is_empty() {
        println!("{files} files: no test is switched off, no lock file names a registry");
        return Ok(Outcome::Held);
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    Err(Failure::new(format!("{} findings", findings.len())))
}

/// A test that is switched off proves nothing and looks as if it did.
fn skipped_tests(path: &Path, text: &str) -> Vec<String> {
    let marks: &[&str] = match path.extension().and_then(|extension| extension.to_str()) {
        // Written in two halves, so that this file does not find itself.
        Some("rs") => &[concat!("#[", "ignore")],
        Some("mjs" | "js") => &[
            concat!(".", "skip("),
            concat!(".", "only("),
            concat!(".", "todo("),
            concat!("skip", ": "),
            concat!("only", ": "),
            concat!("todo", ": "),
        ],
        _ => return Vec::new(),
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark)))
        .map(|(at, line)| format!("{}:{}: {}", path.display(), at + 1, line.trim()))
        .collect()
}

/// Hands over every text file under a directory.
pub(crate) fn visit(directory: &Path, seen: &mut impl FnMut(&Path, &str)) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() && name != "node_modules" && name != "target" {
            visit(&path, seen)?;
        } else if kind.is_file() {
            // What is not text is no source.
            if let Ok(text) = fs::read_to_string(&path) {
                seen(&path, &text);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_tests_that_are_switched_off() {
        let off = concat!("#[", "ignore = \"later\"]\nfn test() {}");
        assert_eq!(skipped_tests(Path::new("a.rs"), off).len(), 1);
        let off = concat!("test", ".", "skip('a', () => {})");
        assert_eq!(skipped_tests(Path::new("a.mjs"), off).len(), 1);
        assert!(skipped_tests(Path::new("a.md"), off).is_empty());
    }
}
