//! The names of all tests, and which row of a specification each holds: a test says so in its name.

use std::collections::BTreeSet;
use std::path::Path;

use crate::failure::Result;
use crate::sources::visit;

/// The systems whose rows tests name.
const SYSTEMS: [&str; 3] = ["gamebase", "braincloud", "nakama"];

/// All tests of the project.
pub(crate) struct Tests(Vec<Test>);

struct Test {
    /// As its author wrote it.
    name: String,
    /// The words of its name, behind those of the system it is about.
    words: Vec<String>,
}

impl Tests {
    pub(crate) fn read() -> Result<Self> {
        let mut tests = Vec::new();
        for directory in ["crates", "examples"] {
            visit(Path::new(directory), &mut |path, text| tests.extend(tests_of(path, text)))?;
        }
        Ok(Self(tests))
    }

    /// The names of the tests that hold a row of a system.
    pub(crate) fn of(&self, system: &str, row: &str) -> BTreeSet<&str> {
        let row = words(row);
        self.0
            .iter()
            .filter(|test| test.words.first().is_some_and(|word| word == system))
            .filter(|test| holds(&test.words, &row))
            .map(|test| test.name.as_str())
            .collect()
    }
}

/// Whether a name holds a row: it has the numbers of the row's section next to each other, and behind them all other words of
/// the row's id, in their order. So `4_1_row_7_and_row_8` holds two rows, and `6_1_9_4` two sections of which none is 1.9.
fn holds(name: &[String], row: &[String]) -> bool {
    let section = row.iter().take_while(|word| is_number(word)).count();
    let (section, rest) = row.split_at(section);
    (0..name.len()).any(|at| {
        let (before, behind) = name.split_at(at);
        let numbers = before.iter().rev().take_while(|word| is_number(word)).count();
        let Some(behind) = behind.strip_prefix(section) else { return false };
        let mut behind = behind.iter();
        numbers.is_multiple_of(section.len().max(1))
            && rest.iter().all(|word| behind.any(|other| other == word))
    })
}

fn is_number(word: &str) -> bool {
    word.parse::<u32>().is_ok()
}

fn tests_of(path: &Path, text: &str) -> Vec<Test> {
    let names = match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => rust_names(text),
        Some("mjs") => script_names(text),
        _ => Vec::new(),
    };
    // These speak of nothing but Nakama, so their names do not repeat it.
    let of_nakama = ["acceptance", "nakama-js"]
        .iter()
        .any(|directory| path.starts_with(Path::new("crates/http/tests").join(directory)));
    names
        .into_iter()
        .map(|name| {
            let mut words = words(&name);
            let already = words.first().is_some_and(|word| SYSTEMS.contains(&word.as_str()));
            if of_nakama && !already {
                words.insert(0, "nakama".to_owned());
            }
            Test { name, words }
        })
        .collect()
}

/// The functions that have a `#[test]` or the like above them.
fn rust_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut attribute = false;
    for line in text.lines().map(str::trim) {
        if is_test_attribute(line) {
            attribute = true;
        } else if let Some(name) = function(line) {
            if attribute {
                names.push(name.to_owned());
            }
            attribute = false;
        }
    }
    names
}

fn is_test_attribute(line: &str) -> bool {
    line.strip_prefix("#[")
        .and_then(|rest| rest.split([']', '(']).next())
        .is_some_and(|path| path.rsplit("::").next() == Some("test"))
}

fn function(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ").unwrap_or(line);
    let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// The titles of `test("...")` and `it("...")`.
fn script_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('(') {
        let (before, after) = text.split_at(at);
        let call = before.rsplit('\n').next().unwrap_or(before).trim();
        let mut rest = after.chars().skip(1).skip_while(|c| c.is_whitespace());
        let Some(quote @ ('"' | '\'' | '`')) = rest.next() else { continue };
        if call == "test" || call == "it" {
            names.push(rest.take_while(|c| *c != quote).collect());
        }
    }
    names
}

/// The words of a name or of a row's id: `X-9` is one word, as is the `t12` that stands for a section 12.
fn words(name: &str) -> Vec<String> {
    name.replace("X-", "x")
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let section = word.strip_prefix('t').filter(|rest| is_number(rest));
            section.unwrap_or(word).to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests(path: &str, text: &str) -> Tests {
        Tests(tests_of(Path::new(path), text))
    }

    fn held(tests: &Tests, system: &str, row: &str) -> Vec<String> {
        tests.of(system, row).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn finds_functions_under_a_test_attribute() {
        let text = concat!(
            "#[test]\n#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nfn one() {}\n",
            "fn helper() {}\n    #[tokio::test(flavor = \"x\")]\n    async fn two() {}\n#[cfg(test)]\nfn three() {}\n"
        );
        assert_eq!(rust_names(text), ["one", "two"]);
    }

    #[test]
    fn finds_titles_of_scripts() {
        let text = "test(\"J1: a\", () => {});\n  it(`b`, f);\ntest(\n  'c', f);\nassert.test(\"d\");\nwait(\"e\");\n";
        assert_eq!(script_names(text), ["J1: a", "b", "c"]);
    }

    #[test]
    fn a_row_is_held_by_its_section_and_its_words_in_order() {
        let name = "gamebase_4_2_b_release_and_x10_both_and_row_7_too";
        let tests = tests("crates/a/src/a.rs", &format!("#[test]\nfn {name}() {{}}\n"));
        for row in ["4.2 B release", "4.2 B row 7", "4.2", "X-10"] {
            assert_eq!(held(&tests, "gamebase", row), [name], "{row}");
        }
        for row in ["X-1", "4.2 release B", "4.2 B rel", "4.7", "2.4", "4.2 B release again"] {
            assert!(held(&tests, "gamebase", row).is_empty(), "{row}");
        }
        assert!(held(&tests, "nakama", "X-10").is_empty());
    }

    #[test]
    fn sections_that_follow_each_other_are_not_mixed_up() {
        let name = "nakama_5_3_6_1_9_4_texts";
        let tests = tests("crates/a/src/a.rs", &format!("#[test]\nfn {name}() {{}}\n"));
        for row in ["5.3", "6.1", "9.4 texts"] {
            assert_eq!(held(&tests, "nakama", row), [name], "{row}");
        }
        for row in ["3.6", "1.9"] {
            assert!(held(&tests, "nakama", row).is_empty(), "{row}");
        }
    }

    #[test]
    fn acceptance_tests_are_nakamas_unless_they_say_otherwise() {
        let text = "#[test]\nfn t12_5_users() {}\n#[test]\nfn gamebase_x1_a() {}\n";
        let tests = tests("crates/http/tests/acceptance/a.rs", text);
        assert_eq!(held(&tests, "nakama", "12.5"), ["t12_5_users"]);
        assert!(held(&tests, "nakama", "X-1").is_empty());
        assert_eq!(held(&tests, "gamebase", "X-1"), ["gamebase_x1_a"]);
    }
}
