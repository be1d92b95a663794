//! What can be said on the command line and in the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// An auth server for games.
#[derive(Parser)]
#[command(name = "authcore-host", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve players until SIGINT or SIGTERM.
    Serve(Box<Options>),
    /// Read the configuration as `serve` would, and say whether it is fine.
    CheckConfig(Box<Options>),
}

/// Each may also stand in the environment; most also in the configuration file, which these override.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Where to listen; port 0 takes any free one. Default 127.0.0.1:7350.
    #[arg(long, env = "AUTHCORE_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where players are kept: `sqlite:FILE`, `postgres://USER:PASSWORD@HOST/DATABASE` or `memory`. Default
    /// sqlite:players.db.
    #[arg(long, env = "AUTHCORE_STORE", value_name = "STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// The configuration file.
    #[arg(long, env = "AUTHCORE_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The game's name; a store belongs to one game for life.
    #[arg(long, env = "AUTHCORE_GAME", value_name = "NAME")]
    pub(crate) game: Option<String>,
    /// What game clients present before they are players.
    #[arg(long, env = "AUTHCORE_SERVER_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) server_key: Option<String>,
    /// What operators present; at least 16 bytes. Without one there are no operator routes.
    #[arg(long, env = "AUTHCORE_OPERATOR_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) operator_key: Option<String>,
    /// The secret that tokens are signed with; at least 32 bytes.
    #[arg(long, env = "AUTHCORE_SIGNING_KEY", value_name = "KEY", hide_env_values = true)]
    pub(crate) signing_key: Option<String>,
    /// For trying things out: keys that are missing are made and kept beside the database, and well-known keys are
    /// accepted.
    #[arg(long, env = "AUTHCORE_DEV")]
    pub(crate) dev: bool,
    /// Mounts a storage route that keeps nothing, for the tests of a published client.
    #[arg(long)]
    pub(crate) nakama_test_fixtures: bool,
}
