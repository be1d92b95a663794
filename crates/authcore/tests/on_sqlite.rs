//! The rules of the domain through the engine, on the SQLite store.

#[path = "domain/mod.rs"]
mod domain;

use std::cell::RefCell;
use std::sync::Arc;

use authcore::store::Store;
use authcore_store_sqlite::{SqliteConfig, SqliteStore, Synchronous};
use tempfile::TempDir;

thread_local! {
    /// Removed when the test's thread ends, after the stores in them were closed.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

/// A fresh store, in a file that need not outlive the test.
#[expect(clippy::unwrap_used, reason = "a test that cannot begin has failed")]
fn store() -> Arc<dyn Store> {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::file(folder.path().join("accounts.db"))
        .with_synchronous(Synchronous::Off)
        .inline();
    let store = SqliteStore::open(config).unwrap();
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    Arc::new(store)
}
