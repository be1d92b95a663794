//! The PostgreSQL store of authcore: any number of nodes on one database.
//!
//! Reads that wait share a statement. Commits that wait share a statement or a transaction, when each is of one account
//! that was loaded a moment before: their statements check by themselves that nothing has changed since. Every other
//! change set, and whatever such a statement left, is applied in one transaction of its own: the rows that it names are
//! locked and read, it is judged, and its writes are sent together with the commit. Nothing depends on the isolation
//! level: every condition holds by a lock or a unique index, at READ COMMITTED and above.

mod accounts;
mod activity;
mod apply;
mod batch;
mod cols;
mod commit;
mod config;
mod diff;
mod doubts;
mod error;
mod hosts;
mod judge;
mod member;
mod migrate;
mod ops;
mod outbox;
mod param;
mod plan;
mod queue;
mod reads;
mod record;
mod rows;
mod runner;
mod seen;
mod session_codec;
mod state;
mod store;
mod text;
mod tls;
mod tx;
mod writes;

pub use config::PostgresConfig;
pub use error::OpenError;
pub use store::PostgresStore;
