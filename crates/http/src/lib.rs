//! HTTP doors to one authcore engine, as axum routers.

mod address;
mod constant_time;
pub mod nakama;
pub mod v1;
