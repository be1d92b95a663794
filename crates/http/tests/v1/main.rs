//! What clients of the routes under `/v1/` see, over real sockets and a real database file.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail like tests"
)]

mod account;
mod bans;
mod bearer;
#[path = "../common/mod.rs"]
mod common;
mod cors;
mod external;
mod game;
mod identities;
mod leaving;
mod links;
mod login;
mod merge;
mod named_operators;
mod providers;
mod races;
mod rejections;
mod secrecy;
mod server;
mod transfer;
