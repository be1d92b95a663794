//! What the provers have in common, which try to break the rules: a small game of two phones, the actions that may be
//! taken in it, and the hands that take them on a real engine. The provers themselves are this package's tests;
//! `docs/proof.md` says what each does.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "parts of tests, which fail by panicking"
)]

mod action;
mod policy;
mod reference;
mod view;
mod world;

pub use action::{Action, BanLength, Device, Has, Id, Outcome, There};
pub use policy::{SECONDS, Spans, policy};
pub use reference::Reference;
pub use view::View;
pub use world::{Hand, Hands, Key, Tokens, World};
