//! Opening files: good ones, bad ones and those of others.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::error::Error as _;
use std::path::Path;

use authcore::session::SessionRef;
use authcore::store::{Lookup, Store, StoreErrorKind, StoreHeader, Write};
use authcore_store_sqlite::{OpenError, SqliteConfig, SqliteStore, Synchronous};
use common::*;
use rusqlite::Connection;

fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteConfig::file(path))
}

/// Why a file is refused, which is left as it was.
fn refused(path: &Path) -> OpenError {
    let bytes = || std::fs::read(path).ok();
    let before = bytes();
    let Err(error) = open(path) else { panic!("{} was opened", path.display()) };
    assert!(!error.to_string().is_empty());
    assert!(bytes() == before, "{} was changed", path.display());
    error
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    // Not a URI, whatever it looks like.
    let path = folder.path().join("file:a%20b?mode=memory");
    for synchronous in [Synchronous::Full, Synchronous::Normal, Synchronous::Off] {
        let store = SqliteStore::open(SqliteConfig::file(&path).with_synchronous(synchronous));
        let store = store.unwrap();
        if by_id(&store, 1).await.is_none() {
            let (account, activity) = full(1);
            let write =
                Write::InsertAccount { account: Box::new(account), activity: activity.into() };
            store.commit(&set(1, [write])).await.unwrap();
            let header = StoreHeader { game: "g".into(), folding: 1 };
            store.bind(&header).await.unwrap();
        }
        drop(store);
        let store = open(&path).unwrap();
        assert_eq!(by_id(&store, 1).await.unwrap().account, full(1).0);
        let other = StoreHeader { game: "h".into(), folding: 1 };
        assert_eq!(&*store.bind(&other).await.unwrap().game, "g");
    }
    assert!(path.exists());
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "the log is gone once the store is dropped");
}

#[tokio::test]
async fn a_store_in_memory_is_gone_when_dropped() {
    let store = memory();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    assert!(!store.capabilities().durable);
    drop(store);
    assert!(by_id(&memory(), 1).await.is_none());
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain");
    std::fs::write(&file, "text").unwrap();
    let unusable = [
        folder.path().join("missing/a.db"),
        file.join("a.db"),
        folder.path().to_owned(),
        Path::new("/proc/a.db").to_owned(),
    ];
    for path in unusable {
        let error = refused(&path);
        assert!(
            matches!(&error, OpenError::CannotOpen { path: named, .. } if *named == path),
            "{error:?}"
        );
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert!(error.source().is_some());
    }
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    for text in ["x".to_owned(), "hello, this is text\n".to_owned(), "text ".repeat(10_000)] {
        std::fs::write(&path, &text).unwrap();
        let error = refused(&path);
        assert!(
            matches!(&error, OpenError::NotADatabase { path: named } if *named == path),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path).unwrap();
    for number in 0..200 {
        store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
    }
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    for length in [whole.len() / 2, whole.len() - 1, 4096, 5000, 50, 17] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = refused(&path);
        assert!(
            matches!(&error, OpenError::Corrupt { path: named, .. } if *named == path),
            "{length}: {error:?}"
        );
    }
    std::fs::write(&path, &whole).unwrap();
    open(&path).unwrap();
}

/// The file as a backup is, which opening it as a store changes.
fn without_log(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    connection
}

#[test]
fn a_newer_schema_is_used_while_it_is_compatible() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path).unwrap());
    let newer = |min_compatible: u32| {
        let sql = "INSERT OR REPLACE INTO migrations VALUES (9, 'later', x'00', ?1)";
        without_log(&path).execute(sql, [min_compatible]).unwrap();
    };
    newer(1);
    open(&path).unwrap();
    newer(2);
    let error = refused(&path);
    assert!(matches!(error, OpenError::Newer { found: 9, understood: 1 }), "{error:?}");
}

#[test]
fn a_migration_that_was_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    drop(open(&path).unwrap());
    let sql = "UPDATE migrations SET checksum = x'00'";
    without_log(&path).execute(sql, []).unwrap();
    let error = refused(&path);
    assert!(matches!(error, OpenError::MigrationChanged { version: 1 }), "{error:?}");
}

#[test]
fn somebody_else_s_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql, table) in [
        ("a.db", "CREATE TABLE Accounts (id)", "accounts"),
        ("b.db", "CREATE TABLE migrations (version, applied)", "migrations"),
        ("c.db", "CREATE VIEW events AS SELECT 1", "events"),
    ] {
        let path = folder.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let error = refused(&path);
        assert!(
            matches!(&error, OpenError::NotOurs { table: named, .. } if named == table),
            "{error:?}"
        );
    }
    // Tables of other names are no hindrance.
    let path = folder.path().join("d.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (id)").unwrap();
    open(&path).unwrap();
}

#[test]
fn a_fresh_file_may_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
    }
}

#[tokio::test]
async fn values_that_make_no_sense_name_their_column() {
    let folder = tempfile::tempdir().unwrap();
    let damages = [
        ("UPDATE accounts SET created_at = 9223372036854775807", "accounts.created_at"),
        ("UPDATE accounts SET epoch = -1", "accounts.epoch"),
        ("UPDATE accounts SET next_ordinal = 4294967296", "accounts.next_ordinal"),
        ("UPDATE accounts SET display_name = CAST(x'ff' AS TEXT)", "accounts.display_name"),
        ("UPDATE accounts SET ban = '\"none\"'", "accounts.ban"),
        ("UPDATE accounts SET ban = '{\"kind\":\"banned\"}'", "accounts.ban"),
        ("UPDATE accounts SET withdrawal = '{\"kind\":\"else\"}'", "accounts.withdrawal"),
        ("UPDATE accounts SET records = '{'", "accounts.records"),
        ("UPDATE accounts SET records = '{\"transfer\":{}}'", "accounts.records"),
        ("UPDATE identities SET data = CAST(x'ff' AS TEXT)", "identities.data"),
        ("UPDATE account_activity SET sessions = x''", "account_activity.sessions"),
        ("UPDATE account_activity SET sessions = x'0105'", "account_activity.sessions"),
        ("UPDATE identities SET provider = 'No Name'", "identities.provider"),
        ("UPDATE identities SET ordinal = -1", "identities.ordinal"),
    ];
    for (index, (sql, column)) in damages.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.db"));
        let store = open(&path).unwrap();
        store.commit(&set(1, [insert(account(1))])).await.unwrap();
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let error = store.load(&Lookup::Id(id(1))).await.unwrap_err();
        assert_eq!(*error.kind(), StoreErrorKind::Corrupt { what: column.into() }, "{sql}");
    }
    // What only a session's account tells.
    let path = folder.path().join("session.db");
    let store = open(&path).unwrap();
    let (account, activity) = full(1);
    let write = Write::InsertAccount { account: Box::new(account), activity: activity.into() };
    store.commit(&set(1, [write])).await.unwrap();
    let sql = "UPDATE accounts SET due_at = 9223372036854775807";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let at = SessionRef { account: id(1), session: session(1).id };
    let error = store.session(at).await.unwrap_err();
    assert_eq!(*error.kind(), StoreErrorKind::Corrupt { what: "accounts.due_at".into() });
}
