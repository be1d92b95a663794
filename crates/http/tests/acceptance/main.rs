//! What clients of Nakama see, over real sockets and a real database file. Each test is named after the case of the
//! behaviour notes that it covers; `differs` marks where this server is stricter on purpose.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail like tests"
)]

mod account;
mod authenticate;
#[path = "../common/mod.rs"]
mod common;
mod cors;
mod email;
mod hooks;
mod link;
mod providers;
mod races;
mod secrecy;
mod server;
mod session;
mod transport;
mod unlink;
