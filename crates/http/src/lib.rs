//! HTTP doors to one authcore engine, as axum routers.

pub mod nakama;
