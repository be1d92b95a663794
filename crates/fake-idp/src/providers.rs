//! The providers, one a file.

#[path = "apple.rs"]
mod apple;
#[path = "google.rs"]
mod google;
#[path = "oidc.rs"]
mod oidc;

pub use apple::FakeApple;
pub use google::FakeGoogle;
pub use oidc::FakeOidc;
