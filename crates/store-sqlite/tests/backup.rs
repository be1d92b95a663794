//! Backups while the store is in use.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use authcore::store::Store;
use authcore_store_sqlite::{BackupError, SqliteConfig, SqliteStore};
use common::*;
use rusqlite::Connection;

fn check(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let answer: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_holds_what_was_acknowledged_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteConfig::file(folder.path().join("a.db"))).unwrap();
    let store = Arc::new(store);
    let (acknowledged, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let writing = tokio::spawn({
        let (store, acknowledged, stop) =
            (Arc::clone(&store), Arc::clone(&acknowledged), Arc::clone(&stop));
        async move {
            let mut number = 0;
            while !stop.load(Ordering::SeqCst) {
                // Two accounts in one set: a backup has both or none.
                number += 1;
                let pair = [insert(account(number)), insert(account(1_000_000 + number))];
                store.commit(&set(number.into(), pair)).await.unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        }
    });
    for round in 1..=5u32 {
        while acknowledged.load(Ordering::SeqCst) < round * 50 {
            tokio::task::yield_now().await;
        }
        let before = acknowledged.load(Ordering::SeqCst);
        let path = folder.path().join(format!("{round}.db"));
        store.backup(&path).await.unwrap();
        check(&path);
        let copy = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
        for number in 1..=before {
            assert_eq!(by_id(&copy, number).await.unwrap().account, account(number));
        }
        for number in before + 1..before + 100 {
            let first = by_id(&copy, number).await.is_some();
            assert_eq!(by_id(&copy, 1_000_000 + number).await.is_some(), first);
        }
        // It is a store of its own.
        copy.commit(&set(u64::MAX, [insert(account(u32::MAX))])).await.unwrap();
    }
    assert!(!writing.is_finished());
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    assert!(by_id(&store, u32::MAX).await.is_none());
}

#[tokio::test]
async fn every_kind_of_store_is_backed_up() {
    for (kind, folder, store) in each_kind() {
        store.commit(&set(1, [insert(account(1))])).await.unwrap();
        let path = folder.path().join("copy.db");
        store.backup(&path).await.unwrap();
        check(&path);
        let copy = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
        assert_eq!(by_id(&copy, 1).await.unwrap().account, account(1), "{kind}");
    }
}

#[tokio::test]
async fn a_backup_writes_over_nothing() {
    for (kind, folder, store) in each_kind() {
        let path = folder.path().join("copy.db");
        let part = folder.path().join("copy.db.part");
        for taken in [&path, &part] {
            std::fs::write(taken, "mine").unwrap();
            let error = store.backup(&path).await.unwrap_err();
            assert!(matches!(&error, BackupError::Exists { path } if path == taken), "{kind}");
            assert_eq!(std::fs::read_to_string(taken).unwrap(), "mine");
            std::fs::remove_file(taken).unwrap();
        }
        // A link to nowhere stands for a file that is made meanwhile: it is noticed only when the copy gets its name.
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", &path).unwrap();
            let error = store.backup(&path).await.unwrap_err();
            assert!(
                matches!(&error, BackupError::Exists { path: taken } if *taken == path),
                "{kind}"
            );
            assert_eq!(std::fs::read_link(&path).unwrap(), Path::new("nowhere"));
            assert!(!part.exists());
            std::fs::remove_file(&path).unwrap();
        }
        store.backup(&path).await.unwrap();
        assert!(!part.exists());
        let missing = folder.path().join("missing/copy.db");
        let error = store.backup(&missing).await.unwrap_err();
        assert!(matches!(&error, BackupError::Write { path, .. } if *path == missing), "{kind}");
    }
}
