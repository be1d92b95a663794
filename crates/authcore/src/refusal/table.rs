//! The table of all refusals and what each system says to them, for the documentation.

use std::fmt::Write as _;

use super::samples::{OPERATIONS, all};
use super::{Operation, Refusal, nakama_status};

/// What is said during each operation: one answer where all are the same, or each with its operations, the most frequent
/// last and without.
fn by_operation(say: impl Fn(Operation) -> String) -> String {
    let mut groups: Vec<(String, Vec<Operation>)> = Vec::new();
    for operation in OPERATIONS {
        let said = say(operation);
        match groups.iter_mut().find(|(text, _)| *text == said) {
            Some((_, operations)) => operations.push(operation),
            None => groups.push((said, vec![operation])),
        }
    }
    groups.sort_by_key(|(_, operations)| operations.len());
    let (rest, special) = groups.split_last().unwrap();
    let mut cell = String::new();
    for (text, operations) in special {
        let names: Vec<_> = operations.iter().map(|operation| format!("{operation:?}")).collect();
        write!(cell, "{} at {}; ", text, names.join(", ")).unwrap();
    }
    if special.is_empty() {
        return rest.0.clone();
    }
    write!(cell, "else {}", rest.0).unwrap();
    cell
}

fn gamebase(refusal: &Refusal, operation: Operation) -> String {
    let answer = refusal.gamebase(operation);
    let code = answer.server_code.map_or_else(String::new, |code| format!(" ({code})"));
    format!("{} `{}`{code}", answer.number, answer.name)
}

fn braincloud(refusal: &Refusal, operation: Operation) -> String {
    let answer = refusal.braincloud(operation);
    format!("{}/{}", answer.status, answer.reason_code)
}

fn nakama(refusal: &Refusal, operation: Operation) -> String {
    let answer = refusal.nakama(operation);
    format!("{}/{} `{}`", nakama_status(answer.code), answer.code, answer.text)
}

fn table() -> String {
    let mut table = String::from(
        "| code | what it says | Gamebase | brainCloud | Nakama |\n| --- | --- | --- | --- | --- |\n",
    );
    for refusal in all() {
        let [gamebase, braincloud, nakama] =
            [gamebase, braincloud, nakama].map(|say| by_operation(|at| say(&refusal, at)));
        let code = refusal.code();
        writeln!(table, "| `{code}` | {refusal} | {gamebase} | {braincloud} | {nakama} |").unwrap();
    }
    // Samples name an account of their own, which a reader need not see.
    table.replace("01010101-0101-0101-0101-010101010101", "A")
}

#[test]
fn codes_and_answers_do_not_change() {
    insta::assert_snapshot!(table());
}

#[test]
fn the_documented_table_is_true() {
    crate::documentation::check("refusals.md", "refusals", &table());
}

#[test]
fn each_refusal_has_a_code_of_its_own_and_a_row() {
    let mut codes: Vec<_> = all().iter().map(Refusal::code).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut arms: Vec<_> = include_str!("mod.rs")
        .lines()
        .filter(|line| line.trim_start().starts_with("Self::"))
        .filter_map(|line| line.split_once(" => \"")?.1.split('"').next())
        .collect();
    arms.sort_unstable();
    assert_eq!(codes, arms);
}
