//! An auth engine that a game's server embeds.
//!
//! It says who a player is, whether they may play, and which of their logins belong together. It is a library, not a
//! service: a pure core without a runtime, network, database or clock, to which a host adds one [`Store`](store::Store)
//! and as many [`Verifier`](verifier::Verifier)s as it has identity providers.
//!
//! ```
//! # futures_executor::block_on(async {
//! use authcore::{Credential, Engine, Login, MasterKey, RequestContext};
//! use authcore_store_memory::MemoryStore;
//! # fn now() -> chrono::DateTime<chrono::Utc> { chrono::DateTime::UNIX_EPOCH }
//!
//! let engine = Engine::builder("my-game", MemoryStore::new())
//!     .signing_key(MasterKey::new(b"thirty-two bytes of real secrecy")?)
//!     .clock(now) // a host passes `chrono::Utc::now`
//!     .open()
//!     .await?;
//!
//! let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
//! let player = engine.login(&RequestContext::new(), login).await?;
//! println!("welcome, {}", player.account.id);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Where to look
//!
//! | to do | see |
//! | --- | --- |
//! | embed it | [`Engine`], [`EngineBuilder`] |
//! | let players in | [`Engine::login`], [`Credential`], [`Engine::resume`], [`Engine::refresh`], [`Engine::verify`] |
//! | join logins | [`Engine::link`], [`Engine::unlink`], [`Engine::link_forcibly`], [`Engine::merge`] |
//! | carry a guest to another device | [`Engine::issue_transfer_account`], [`Engine::transfer`] |
//! | keep players out | [`Engine::ban`], [`Engine::set_closure`], [`Hooks`] |
//! | let players leave | [`Engine::withdraw`], [`Engine::request_withdrawal`], [`Engine::export`] |
//! | mend accounts | [`Engine::move_identity`], [`Engine::unlink_identity`], [`Engine::restore_pending`] |
//! | let time do its work | [`Engine::sweep`] |
//! | choose what is allowed | [`Policy`] |
//! | understand a "no" | [`Refusal`] |
//! | follow what happens | [`Engine::events`], [`event`] |
//! | write a store | [`store`] |
//! | write a verifier | [`verifier`] |
//!
//! # Promises
//!
//! Every operation is linearizable per account and per identity. An acknowledged write is as durable as the store says.
//! A session that was ended is over for [`Engine::verify`] when the call that ended it returns, on every node and after
//! any restart; for [`Engine::verify_stateless`] when its access token ends. A token of one game never verifies for
//! another.

pub mod account;
mod clock;
mod command;
mod context;
mod credential;
#[cfg(test)]
mod documentation;
mod engine;
mod error;
pub mod event;
mod gate;
mod hooks;
pub mod lifecycle;
pub mod mapping;
pub mod password;
pub mod policy;
mod proof;
mod random;
pub mod refusal;
mod secret;
pub mod session;
pub mod store;
pub mod transfer;
pub mod verifier;

pub use authcore_jose::{Algorithm, KeyError, MasterKey};

pub use clock::Clock;
pub use command::{
    FindAccounts, Friend, Link, LoggedIn, Login, Logout, Merge, Merged, Refresh, Refreshed, Resume,
    Unlink,
};
pub use context::RequestContext;
pub use credential::Credential;
pub use engine::{BanRequest, Engine, EngineBuilder, ImportedAccount, ImportedIdentity, OpenError};
pub use engine::{Export, Failed, Kickout, Purchase, Swept, UnbanRequest};
pub use error::{Error, Fault};
pub use gate::{Closed, Closure, TestDevice};
pub use hooks::{Done, Hooks, Intent};
pub use policy::Policy;
pub use proof::{Authenticated, Operator};
pub use random::{Random, RandomError, SystemRandom};
pub use refusal::Refusal;
pub use secret::Secret;
pub use session::TokenPair;
pub use transfer::Transfer;
