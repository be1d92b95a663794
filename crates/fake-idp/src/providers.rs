//! The providers, one a file.

#[path = "google.rs"]
mod google;
#[path = "oidc.rs"]
mod oidc;

pub use google::FakeGoogle;
pub use oidc::FakeOidc;
