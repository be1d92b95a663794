//! The conformance kit on the store, and through its wrappers.

use std::sync::Arc;

use authcore::store::Store;
use authcore_store_conformance::{Fixture, seed, store_conformance};
use map_store::{Database, MapStore};

fn open(database: &Database) -> Arc<dyn Store> {
    Arc::new(MapStore::open(database))
}

/// A store on a database of its own, which can be closed and opened again.
fn fresh() -> Fixture {
    let database = Database::default();
    let again = database.clone();
    Fixture::new(open(&database))
        .with_reopen(move || {
            let database = again.clone();
            async move { open(&database) }
        })
        // There was one format so far. Before it changes, what it leaves behind becomes a file.
        .with_schemas(vec!["1".to_owned()], |_| async {
            let store = open(&Database::default());
            seed(&*store).await;
            store
        })
        .keeping(database)
}

mod plain {
    use super::*;

    store_conformance! { factory = || async { fresh() } }
}

mod traced {
    use super::*;

    store_conformance! { factory = || async { fresh().traced() } }
}

mod faulty {
    use super::*;

    store_conformance! { factory = || async { fresh().faulty(1) } }
}
