//! How many lines of what decides who somebody is are run by the tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::process::{cargo, read, run};
use crate::step::{Outcome, Run};

/// What is counted, without the tests that stand in it.
const PARTS: [&str; 4] = [
    "crates/jose/src",
    "crates/verifiers/src",
    "crates/verifier-script/src",
    "crates/authcore/src/session",
];
/// Whose tests run it: their own, and those of the host that log in with each provider.
const TESTS: [&[&str]; 3] = [
    &["-pauthcore-jose", "-pauthcore-verifiers", "-pauthcore-verifier-script", "--lib", "--tests"],
    &["-pauthcore", "--lib", "--test=engine", "--test=on_memory"],
    &["-pauthcore-host", "--test=providers"],
];
const COMPILES: &str = "AUTHCORE_XTASK_COMPILES";

/// Cargo starts this program in place of the compiler, for the packages of the workspace alone.
pub(crate) fn compile_if_asked() {
    if env::var_os(COMPILES).is_some() {
        let mut compiler = Command::new(env::args_os().nth(1).unwrap_or_default());
        let status = compiler.args(env::args_os().skip(2)).arg("-Cinstrument-coverage").status();
        exit(status.ok().and_then(|status| status.code()).unwrap_or(1));
    }
}

pub(crate) fn all(steps: &mut Run) -> Result<()> {
    let (folder, mut programs) = (tempfile::tempdir()?, Vec::new());
    for tests in TESTS {
        steps.step("tests", || {
            let built = read(instrumented(&["test", "--no-run", "--message-format=json"], tests)?)?;
            let messages = built.lines().filter_map(|line| serde_json::from_str(line).ok());
            let program = |it: Value| Some(it.get("executable")?.as_str()?.to_owned());
            programs.extend(messages.filter_map(program).map(|it| format!("--object={it}")));
            let mut command = instrumented(&["nextest", "run"], tests)?;
            command.env("LLVM_PROFILE_FILE", folder.path().join("%4m.profraw"));
            run(command)?;
            Ok(Outcome::Held)
        })?;
    }
    programs.sort();
    programs.dedup();
    steps.step("lines", || lines(folder.path(), &programs))
}

fn instrumented(first: &[&str], tests: &[&str]) -> Result<Command> {
    let mut command = cargo(&[first, tests].concat());
    command.env(COMPILES, "1").env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?);
    Ok(command)
}

fn lines(folder: &Path, programs: &[String]) -> Result<Outcome> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir"]);
    // They come with `rustup component add llvm-tools`.
    let tools = PathBuf::from(read(rustc)?.trim()).with_file_name("bin");
    let (mut merge, merged) = (Command::new(tools.join("llvm-profdata")), folder.join("merged"));
    merge.args(["merge", "-sparse", "-o"]).arg(&merged).arg(folder);
    read(merge)?;
    let mut export = Command::new(tools.join("llvm-cov"));
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(merged).args(programs);
    let (mut counts, mut part, mut tests) = (BTreeMap::<&str, [u32; 2]>::new(), None, None);
    for line in read(export)?.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let is_test = path.ends_with("wycheproof.rs") || path.ends_with("tests.rs");
            part = PARTS.iter().find(|part| path.contains(**part) && !is_test);
            let text = part.map_or_else(|| Ok(String::new()), |_| fs::read_to_string(path))?;
            tests = text.lines().position(|line| line == "#[cfg(test)]");
        } else if let (Some(said), Some(part)) = (line.strip_prefix("DA:"), part) {
            let (at, count) = said.split_once(',').ok_or_else(|| Failure::new("no lcov"))?;
            let at: usize = at.parse().map_err(|_| Failure::new("no lcov"))?;
            for name in [*part, "together"].into_iter().filter(|_| tests.is_none_or(|it| at <= it))
            {
                let [ran, all] = counts.entry(name).or_default();
                (*ran, *all) = (*ran + u32::from(count != "0"), *all + 1);
            }
        }
    }
    for (name, [ran, all]) in counts {
        println!("{name}: {:.2} % ({ran} of {all} lines)", 100.0 * f64::from(ran) / f64::from(all));
    }
    Ok(Outcome::Held)
}
