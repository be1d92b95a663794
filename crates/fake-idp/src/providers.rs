//! The providers, one a file.

#[path = "apple.rs"]
mod apple;
#[path = "google.rs"]
mod google;
#[path = "oidc.rs"]
mod oidc;
#[path = "steam.rs"]
mod steam;

pub use apple::FakeApple;
pub use google::FakeGoogle;
pub use oidc::FakeOidc;
pub use steam::FakeSteam;
