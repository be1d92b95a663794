//! The SQLite store of authcore: one file, one writer thread, group commit.
//!
//! Change sets that wait at the same time are checked and written in one transaction, so that they share one wait for
//! the disk; each has an answer of its own, and one that does not fit leaves the others alone. After a commit for which
//! the disk took a millisecond or more, the next waits for those whom it answered: an eighth of that time, and two
//! milliseconds at most. The writer reads as well when it is at it; while it waits for the disk, and where reads wait for it too, they run
//! on threads and connections of their own.

mod apply;
mod backup;
mod batch;
mod cols;
mod commit;
mod company;
mod config;
mod db;
mod diff;
mod error;
mod file;
mod lanes;
mod migrations;
mod names;
mod open;
mod ops;
mod pace;
mod plan;
mod rows;
mod session_codec;
mod store;
mod threads;

pub use config::{SqliteConfig, StepHook, Synchronous};
pub use error::{BackupError, OpenError};
pub use store::SqliteStore;

/// The README's own example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The example of the page on this store, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sqlite.md")]
struct Guide;
