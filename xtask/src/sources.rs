//! Rules about the sources that no compiler checks.

use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::node;
use crate::step::Outcome;

pub(crate) fn check() -> Result<Outcome> {
    let mut findings = Vec::new();
    let mut files = 0;
    let rules = fs::read_to_string(RULES)?;
    let mut inspect = |path: &Path, text: &str| {
        files += 1;
        findings.extend(skipped_tests(path, text));
        let unknown = rules_named(text).into_iter();
        let unknown = unknown.filter(|rule| !rules.contains(&format!("\n| {rule} |")));
        findings
            .extend(unknown.map(|rule| format!("{}: {rule} is not in {RULES}", path.display())));
    };
    for directory in ["crates", "examples", "benches", "docs", "fuzz", "xtask"] {
        visit(Path::new(directory), &mut inspect)?;
    }
    for page in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        inspect(Path::new(page), &fs::read_to_string(page)?);
    }
    let lock = node::directory().join("package-lock.json");
    if lock.exists() && fs::read_to_string(&lock)?.contains("\"resolved\"") {
        // Such a line names the registry of whoever wrote the file, and every other machine would ask that one.
        findings.push(format!("{}: names a registry", lock.display()));
    }
    if findings.is_empty() {
        println!(
            "{files} files: no test is switched off, no lock file names a registry, every rule is known"
        );
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

/// Where the numbers of rules are explained.
const RULES: &str = "docs/rules.md";

/// The rules that a text names as its source: `security 16, 21`, `security 56-60`, `providers.md J1 to J5`, and the test
/// `security_22_…`.
fn rules_named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for word in ["security ", "security_", "providers.md "] {
        for (at, _) in text.match_indices(word) {
            let rest = text.get(at + word.len()..).unwrap_or_default();
            let ends = |c: char| !(c.is_ascii_alphanumeric() || " ,-".contains(c));
            let list = rest.split(ends).next().unwrap_or_default().replace('-', " to ");
            let (mut before, mut goes_on) = (0, false);
            for part in list.split([' ', ',']).filter(|part| !part.is_empty()) {
                match (part, rule(word, part)) {
                    ("and", _) => {}
                    ("to", _) => goes_on = true,
                    (_, Some((letter, number))) => {
                        let first = if goes_on { before + 1 } else { number };
                        named.extend((first..=number).map(|number| format!("{letter}{number}")));
                        (before, goes_on) = (number, false);
                    }
                    _ => break,
                }
            }
        }
    }
    named
}

/// The letter of a rule, where there is one, and its number.
fn rule<'a>(word: &str, part: &'a str) -> Option<(&'a str, u32)> {
    let letters = usize::from(word == "providers.md ");
    let (letter, number) = part.split_at_checked(letters)?;
    let known = letter.is_empty() || ["H", "J", "K", "P"].contains(&letter);
    Some((letter, number.parse().ok()?)).filter(|_| known)
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
    fn finds_the_rules_that_a_text_names() {
        let named = |text| rules_named(text).join(" ");
        assert_eq!(named("for it (security 16, 21; nakama 6.2)."), "16 21");
        assert_eq!(named("security 35 and 36, and more"), "35 36");
        assert_eq!(named("| at most a day (security 34). | 600 s |"), "34");
        assert_eq!(named("(security 38, 56-59, 63)"), "38 56 57 58 59 63");
        assert_eq!(named("(providers.md J1 to J3, X3)"), "J1 J2 J3");
        assert_eq!(named("fn security_22_nonces_have_3_tries()"), "22");
        assert_eq!(named("providers.md 3.4, and for security it is 5"), "");
    }

    #[test]
    fn finds_tests_that_are_switched_off() {
        let off = concat!("#[", "ignore = \"later\"]\nfn test() {}");
        assert_eq!(skipped_tests(Path::new("a.rs"), off).len(), 1);
        let off = concat!("test", ".", "skip('a', () => {})");
        assert_eq!(skipped_tests(Path::new("a.mjs"), off).len(), 1);
        assert!(skipped_tests(Path::new("a.md"), off).is_empty());
    }
}
