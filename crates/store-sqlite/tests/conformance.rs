//! The conformance kit on the SQLite store: on a file, in memory, without threads, and through the wrappers.

#![expect(clippy::expect_used, reason = "a store that does not open has failed the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use authcore::store::Store;
use authcore_store_conformance::wrappers::RecordingStore;
use authcore_store_conformance::{Fixture, store_conformance};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};

fn open(config: SqliteConfig) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(config).expect("the store opens"))
}

/// A store on a file of its own, which can be closed and opened again.
fn on_file(configure: fn(&Path) -> SqliteConfig) -> Fixture {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("players.db");
    let again = path.clone();
    let schemas = folder.path().to_owned();
    Fixture::new(open(configure(&path)))
        .with_reopen(move || {
            let path = again.clone();
            async move { open(configure(&path)) }
        })
        .with_schemas(names_of_schemas(), move |name| {
            let store = open_schema(name, &schemas.join(name));
            async move { store }
        })
        .keeping(folder)
}

fn folder_of_schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas")
}

fn names_of_schemas() -> Vec<String> {
    let files = std::fs::read_dir(folder_of_schemas()).expect("the schemas there were");
    files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect()
}

/// What a release with this schema left behind.
fn open_schema(name: &str, path: &Path) -> Arc<dyn Store> {
    let sql = std::fs::read_to_string(folder_of_schemas().join(name)).expect("the schema");
    let left = rusqlite::Connection::open(path).expect("the file opens");
    left.execute_batch(&sql).expect("the file is made");
    drop(left);
    open(SqliteConfig::file(path))
}

fn file(path: &Path) -> SqliteConfig {
    SqliteConfig::file(path)
}

mod on_a_file {
    use super::*;

    store_conformance! { factory = || async { on_file(file) } }
}

mod prefixed {
    use super::*;

    /// In the file of a game that has tables of the same names.
    fn shared(path: &Path) -> SqliteConfig {
        for table in ["accounts", "identities", "events", "store", "codes"] {
            let sql = format!("CREATE TABLE IF NOT EXISTS {table} (mine TEXT)");
            let game = rusqlite::Connection::open(path).expect("the file opens");
            game.execute_batch(&sql).expect("the table is made");
        }
        file(path).with_table_prefix("auth_")
    }

    store_conformance! { factory = || async { on_file(shared) } }
}

mod in_memory {
    use super::*;

    store_conformance! { factory = || async { Fixture::new(open(SqliteConfig::in_memory())) } }
}

mod inline {
    use super::*;

    store_conformance! { factory = || async { on_file(|path| file(path).inline()) } }
}

mod traced {
    use super::*;

    store_conformance! { factory = || async { on_file(file).traced() } }
}

mod recorded {
    use super::*;

    store_conformance! {
        factory = || async { on_file(file).wrapped(|store| Arc::new(RecordingStore::new(store))) }
    }
}

mod faulty {
    use super::*;

    store_conformance! { factory = || async { on_file(file).faulty(1) } }
}
