//! The conformance kit, and what it cannot show. Each test has a Redis server of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod beyond;
mod conformance;
mod server;
