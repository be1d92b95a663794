//! The stores that the cases run on: a fresh one for each.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use authcore::store::Store;
use authcore_store_memory::MemoryStore;
use authcore_store_sqlite::{SqliteConfig, SqliteStore, Synchronous};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::common::Schema;

/// A kind of store.
pub(crate) trait Kind: 'static {
    const NAME: &'static str;
    /// One case here for so many on memory.
    const SHARE: u64;
    /// What must live as long as the store.
    type Ground;

    fn fresh() -> (Arc<dyn Store>, Self::Ground);

    fn block_on<F: Future>(future: F) -> F::Output {
        futures_executor::block_on(future)
    }
}

pub(crate) struct Memory;

impl Kind for Memory {
    const NAME: &'static str = "memory";
    const SHARE: u64 = 1;
    type Ground = ();

    fn fresh() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }
}

pub(crate) struct Sqlite;

impl Kind for Sqlite {
    const NAME: &'static str = "sqlite";
    const SHARE: u64 = 100;
    type Ground = TempDir;

    fn fresh() -> (Arc<dyn Store>, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::file(folder.path().join("accounts.db"))
            .with_synchronous(Synchronous::Off)
            .inline();
        (Arc::new(SqliteStore::open(config).unwrap()), folder)
    }
}

pub(crate) struct Postgres;

impl Kind for Postgres {
    const NAME: &'static str = "postgresql";
    const SHARE: u64 = 1000;
    type Ground = Schema;

    fn fresh() -> (Arc<dyn Store>, Schema) {
        runtime().block_on(async {
            let schema = Schema::new().await;
            (Arc::new(schema.open().await) as Arc<dyn Store>, schema)
        })
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        runtime().block_on(future)
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}
