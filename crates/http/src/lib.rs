//! HTTP doors to one authcore engine, as axum routers.

mod address;
mod constant_time;
pub mod nakama;
mod panics;
pub mod v1;
