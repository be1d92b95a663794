//! The routes under `/v1/`, over HTTP; `docs/http.md` holds what each of them does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail like tests"
)]

mod operators;
mod players;
mod requests;
mod server;
