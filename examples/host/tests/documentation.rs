//! `docs/http.md`, command by command, against the real host.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const KEY: &str = "the-key-that-the-host-was-given";

/// A part of the page that does something.
enum Part {
    /// The configuration file.
    File(String),
    /// Commands; the last one's answer counts.
    Commands(String),
    /// What is in the answer, at least.
    Answer(Value),
    /// Which part of the answer is kept under which name.
    Keep { path: String, name: String },
}

fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            parts.push(match language {
                "toml" => Part::File(block),
                "sh" => Part::Commands(block),
                "json" => Part::Answer(serde_json::from_str(&block).unwrap()),
                other => panic!("what is {other}?"),
            });
        } else if let Some(kept) = line.strip_prefix("Keep ") {
            for pair in kept.trim_end_matches('.').split(", ") {
                let (path, name) = pair.split_once(" as ").unwrap();
                let (path, name) = (path.trim_matches('`'), name.trim_matches(['`', '$']));
                parts.push(Part::Keep { path: path.into(), name: name.into() });
            }
        }
    }
    parts
}

/// Whether everything in `wanted` is in `found`; objects and the items of lists may hold more.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted
            .iter()
            .all(|(name, wanted)| found.get(name).is_some_and(|found| holds(found, wanted))),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| holds(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

struct Host(Child, String);

impl Host {
    fn start(file: &str) -> (Self, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host.toml"), file).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_authcore-host"))
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--config", "host.toml"])
            .args(["--operator-key", KEY])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        (Self(child, address), folder)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_command_of_the_page_answers_as_it_says() {
    let page = include_str!("../../../docs/http.md");
    let mut host = None;
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    let (mut answer, mut last, mut looked_at) = (Value::Null, String::new(), 0);
    for part in parts(page) {
        match part {
            Part::File(file) => host = Some(Host::start(&file)),
            Part::Commands(commands) if commands.starts_with("export ") => {
                let (host, _) = host.as_ref().unwrap();
                kept.insert("HOST".into(), host.1.clone());
                kept.insert("OPERATOR_KEY".into(), KEY.into());
            }
            Part::Commands(commands) => {
                let output = Command::new("sh").args(["-ec", &commands]).envs(&kept).output();
                let output = output.unwrap();
                assert!(output.status.success(), "{commands}");
                let text = String::from_utf8(output.stdout).unwrap();
                // Commands of one block print their answers one behind the other.
                let answers = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
                answer = answers.last().unwrap().unwrap_or_else(|_| panic!("{commands}\n{text}"));
                last = commands;
            }
            Part::Answer(wanted) => {
                assert!(holds(&answer, &wanted), "{last}\nanswered {answer:#}\nnot {wanted:#}");
                looked_at += 1;
            }
            Part::Keep { path, name } => {
                let pointer = format!("/{}", path.replace('.', "/"));
                let value = answer.pointer(&pointer).and_then(Value::as_str);
                let value = value.unwrap_or_else(|| panic!("{last}\nhas no {path}: {answer:#}"));
                kept.insert(name, value.into());
            }
        }
    }
    assert!(looked_at >= 20, "the page has answers: {looked_at}");
}
