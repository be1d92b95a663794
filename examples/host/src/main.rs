//! The whole of authcore behind HTTP: one binary, one store, Nakama's dialect, and a few routes for operators.

mod cli;
mod config;
mod connections;
mod keys;
mod providers;
mod serve;
mod settings;
mod sweep;
mod v1;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::settings::Settings;

/// A login allocates much and keeps little; the C code of SQLite allocates here, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(options) => Settings::gather(*options, true).and_then(serve::run),
        Command::CheckConfig(options) => Settings::gather(*options, false).map(|settings| {
            println!("the configuration is fine: {settings}");
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("authcore-host: {error}");
            ExitCode::FAILURE
        }
    }
}
