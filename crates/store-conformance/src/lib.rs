//! The test kit that every authcore store passes, ours and other people's.
//!
//! Whoever writes a [`Store`](authcore::store::Store) runs [`store_conformance!`] on it, and is done when it passes:
//!
//! ```
//! # fn main() {}
//! # mod conformance {
//! use std::sync::Arc;
//!
//! use authcore_store_conformance::{Fixture, store_conformance};
//! use authcore_store_memory::MemoryStore;
//!
//! store_conformance! { factory = || async { Arc::new(MemoryStore::new()) } }
//! # }
//! ```
//!
//! The macro makes one `#[test]` of each [case](cases), grouped in a module for each suite, each on a runtime of its
//! own with four threads. Call it in a module of its own. The factory is called once a case, and makes a fresh, empty
//! store: an `Arc` of it, or a [`Fixture`] where there is more to say.
//!
//! # Wrappers
//!
//! Run the kit also through the [wrappers]; each says something that the plain run does not:
//!
//! ```
//! # fn main() {}
//! # mod conformance {
//! # use std::sync::Arc;
//! # use authcore_store_conformance::{Fixture, store_conformance};
//! # use authcore_store_memory::MemoryStore;
//! mod traced {
//! #   use super::*;
//!     store_conformance! { factory = || async { Fixture::new(Arc::new(MemoryStore::new())).traced() } }
//! }
//! mod faulty {
//! #   use super::*;
//!     // Commits fail before and after they are applied, and are handed over again: this proves "once".
//!     store_conformance! { factory = || async { Fixture::new(Arc::new(MemoryStore::new())).faulty(1) } }
//! }
//! # }
//! ```
//!
//! # What is not run
//!
//! A store declares its [capabilities](authcore::store::Capabilities). A case about something that it does not promise
//! is not applicable, and says so. A case about something that it does promise, but that its fixture cannot show (a
//! durable store without [`Fixture::with_reopen`] or [`Fixture::with_schemas`]), is skipped; with `CONFORMANCE_STRICT=1` in the environment, which a
//! CI should set, a skip is a failure.
//!
//! # Older schemas
//!
//! Whenever a store's schema changes, its author keeps what the release leaves behind after [`seed`]: a file or a dump.
//! [`Fixture::with_schemas`] opens each of them, and the suite `migrations` reads and writes it with today's code.
//!
//! # Without the macro
//!
//! [`run`] is a whole test program, with a filter and an exit code, for a target that says `harness = false`; [`run_all`]
//! runs every case and returns a [`Report`]. [`cases`] is the list that all of these run, [`table`] the list as Markdown.
//!
//! # What each case also checks
//!
//! When a case is over, the outbox must hold every event of every commit that was answered `Ok`, each once, and
//! nothing else. A commit that a case expects to be refused must leave all that it names as it was.

mod case;
mod fixture;
mod history;
#[macro_use]
mod list;
mod make;
mod run;
mod seed;
mod suites;
mod trial;
pub mod wrappers;

pub use case::{Case, Need, Outcome, cases, table};
pub use fixture::Fixture;
pub use run::{Failure, Report, run, run_all, run_with};
pub use seed::seed;

#[doc(hidden)]
pub mod __private {
    pub use crate::run::{FixtureFuture, test};
}
