//! Starting other programs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, io, thread};

use serde_json::Value;

use crate::failure::{Failure, Result};

/// The cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    // Cargo tells us about our own package; a build script further down that looks at these would be built anew.
    for (name, _) in env::vars_os() {
        let ours = |prefix: &str| name.to_string_lossy().starts_with(prefix);
        if ours("CARGO_PKG_") || ours("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a program whose output goes straight to ours.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let name = describe(&command);
    println!("$ {name}");
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("`{name}` did not start: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{name}` failed ({status})"))) }
}

/// Runs a program, shows its output as it comes, and returns it: for runners whose closing lines have to be read.
pub(crate) fn run_and_read(mut command: Command) -> Result<String> {
    let name = describe(&command);
    println!("$ {name}");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("`{name}` did not start: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (shown, errors) = thread::scope(|scope| {
        let shown = scope.spawn(|| show(stdout, &mut io::stdout()));
        let errors = scope.spawn(|| show(stderr, &mut io::stderr()));
        (shown.join(), errors.join())
    });
    let status = child.wait()?;
    let (Ok(shown), Ok(errors)) = (shown, errors) else {
        return Err(Failure::new(format!("the output of `{name}` was lost")));
    };
    if status.success() {
        Ok(shown? + &errors?)
    } else {
        Err(Failure::new(format!("`{name}` failed ({status})")))
    }
}

/// Runs a program quietly and returns what it prints.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let name = describe(&command);
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("`{name}` did not start: {error}")))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("`{name}` failed ({}): {}", output.status, errors.trim())))
    }
}

/// What a program says its version is, or nothing when it is not there.
pub(crate) fn version(command: Command) -> Option<String> {
    let text = read(command).ok()?;
    text.lines().next().map(str::to_owned)
}

/// Builds the host and returns where its program is.
pub(crate) fn build_host(release: bool) -> Result<PathBuf> {
    let mut arguments =
        vec!["build", "--package=authcore-host", "--message-format=json-render-diagnostics"];
    if release {
        arguments.push("--release");
    }
    let mut command = cargo(&arguments);
    println!("$ {}", describe(&command));
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(Failure::new("the host does not build"));
    }
    // Asking cargo is right under any target directory.
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name") == Some(&"authcore-host".into()))
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .ok_or_else(|| Failure::new("cargo did not say where the host's program is"))
}

fn show(from: Option<impl Read>, to: &mut impl Write) -> io::Result<String> {
    let mut seen = String::new();
    let Some(from) = from else { return Ok(seen) };
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        seen.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(seen)
}

fn describe(command: &Command) -> String {
    // The path of the toolchain says nothing to a reader.
    let program = PathBuf::from(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
