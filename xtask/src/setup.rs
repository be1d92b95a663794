//! Installs what is missing, where that is possible.

use std::path::Path;
use std::process::Command;

use crate::failure::{Failure, Result};
use crate::node;
use crate::process::{cargo, read, run, version};
use crate::step::{Outcome, Run};

pub(crate) fn all(run: &mut Run) -> Result<()> {
    run.step("setup: rustfmt", || Ok(component("fmt", "rustfmt")))?;
    run.step("setup: clippy", || Ok(component("clippy", "clippy")))?;
    run.step("setup: cargo-nextest", || Ok(subcommand("nextest", "0.9.143")))?;
    run.step("setup: cargo-deny", || Ok(subcommand("deny", "0.20.2")))?;
    run.step("setup: cargo-mutants", || Ok(cargo_mutants()))?;
    run.step("setup: node", || Ok(node_and_npm("node")))?;
    run.step("setup: npm", || Ok(node_and_npm("npm")))?;
    run.step("setup: postgresql", || Ok(postgresql()))?;
    run.step("setup: pgbouncer", || Ok(pgbouncer()))?;
    run.step("setup: redis", || Ok(redis()))?;
    run.step("setup: node packages", || Ok(node::install()))
}

pub(crate) fn cargo_mutants() -> Outcome {
    subcommand("mutants", "27.1.0")
}

fn component(subcommand: &str, name: &str) -> Outcome {
    install(
        name,
        || version(cargo(&[subcommand, "--version"])),
        || {
            let mut command = Command::new("rustup");
            command.args(["component", "add", name]);
            run(command)
        },
    )
}

fn subcommand(name: &str, wanted: &str) -> Outcome {
    let package = format!("cargo-{name}");
    install(
        &package,
        || version(cargo(&[name, "--version"])),
        // Takes minutes, which is why it happens only when the tool is missing.
        || run(cargo(&["install", "--locked", &package, "--version", wanted])),
    )
}

fn node_and_npm(program: &str) -> Outcome {
    install(
        program,
        || {
            let mut command = Command::new(program);
            command.arg("--version");
            version(command)
        },
        || debian(&["nodejs", "npm"]),
    )
}

/// The tests of the PostgreSQL store make servers of their own with it.
fn postgresql() -> Outcome {
    install(
        "postgresql",
        || {
            // Debian keeps the server's programs out of the path.
            let installed =
                std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
            let installed = installed.map(|entry| entry.path().join("bin/initdb"));
            installed.chain(["initdb".into()]).find_map(|initdb| {
                let mut command = Command::new(initdb);
                command.arg("--version");
                version(command)
            })
        },
        || debian(&["postgresql"]),
    )
}

/// The tests of the PostgreSQL store put it in front of a server.
fn pgbouncer() -> Outcome {
    install(
        "pgbouncer",
        || {
            ["pgbouncer", "/usr/sbin/pgbouncer"].into_iter().find_map(|program| {
                let mut command = Command::new(program);
                command.arg("--version");
                version(command)
            })
        },
        || debian(&["pgbouncer"]),
    )
}

/// The tests of the example store on Redis start servers of their own with it.
fn redis() -> Outcome {
    install(
        "redis-server",
        || {
            let mut command = Command::new("redis-server");
            command.arg("--version");
            version(command)
        },
        || debian(&["redis-server"]),
    )
}

fn install(
    name: &str,
    present: impl Fn() -> Option<String>,
    install: impl FnOnce() -> Result<()>,
) -> Outcome {
    if let Some(version) = present() {
        println!("{version}");
        return Outcome::Held;
    }
    println!("{name} is missing");
    if let Err(failure) = install() {
        return Outcome::Skipped(format!("{name} is missing and was not installed: {failure}"));
    }
    match present() {
        Some(version) => {
            println!("{version}");
            Outcome::Held
        }
        None => Outcome::Skipped(format!("{name} is missing after its installation")),
    }
}

fn debian(packages: &[&str]) -> Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() || !are_root() {
        return Err(Failure::new("only root on Debian can have it installed"));
    }
    apt_get(&["update", "--quiet"])?;
    let install = ["install", "--quiet", "--yes"];
    apt_get(&[&install, packages].concat())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    run(command)
}

pub(crate) fn are_root() -> bool {
    let mut command = Command::new("id");
    command.arg("-u");
    read(command).is_ok_and(|id| id.trim() == "0")
}
