//! How long the log becomes.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authcore::store::Store;
use authcore_store_sqlite::{SqliteConfig, SqliteStore, Synchronous};
use common::*;
use tokio::task::JoinSet;

const MIB: u64 = 1 << 20;
/// What the log is cut back to.
const KEPT: u64 = 64 * MIB;
/// That, and what comes to it between some looks: a fifth of a second each.
const BOUND: u64 = 6 * KEPT;
/// How much an update of [`load`] writes.
const TEXT: u64 = 500_000;

fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(path.with_file_name("a.db-wal")).map_or(0, |metadata| metadata.len())
}

/// Writers that never pause, until they are told to stop; how many bytes each wrote.
fn load(store: &Arc<SqliteStore>, stop: &Arc<AtomicBool>) -> JoinSet<u64> {
    let mut tasks = JoinSet::new();
    for number in 1..=4u32 {
        let (store, stop) = (Arc::clone(store), Arc::clone(stop));
        tasks.spawn(async move {
            let mut version = 0;
            store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
            while !stop.load(Ordering::SeqCst) {
                version += 1;
                let mut account = account(number);
                // Another text each time: SQLite does not write pages that stay the same.
                let letter = if version % 2 == 0 { "x" } else { "y" };
                account.profile.metadata = letter.repeat(usize::try_from(TEXT).unwrap()).into();
                let commit = 1000 + version * 10 + u64::from(number);
                store.commit(&set(commit, [update(account, version)])).await.unwrap();
            }
            version * TEXT
        });
    }
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded_under_load_and_gone_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let config = SqliteConfig::file(&path).with_synchronous(Synchronous::Off);
    let store = Arc::new(SqliteStore::open(config).unwrap());
    let stop = Arc::new(AtomicBool::new(false));

    // While somebody reads one old state, nothing behind it can be taken out of the log.
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM accounts").unwrap();
    let tasks = load(&store, &stop);
    while log_bytes(&path) < BOUND + KEPT {
        tokio::task::yield_now().await;
    }
    reader.execute_batch("COMMIT").unwrap();
    // The load goes on, and the log comes back nevertheless; then it stays so.
    while log_bytes(&path) > BOUND {
        tokio::task::yield_now().await;
    }
    let mut longest = 0;
    let before = by_id(&store, 1).await.unwrap().version.number();
    // Of four who write as much each.
    while (by_id(&store, 1).await.unwrap().version.number() - before) * 4 * TEXT < 5 * BOUND {
        longest = longest.max(log_bytes(&path));
    }
    assert!(longest < BOUND, "{longest}");
    stop.store(true, Ordering::SeqCst);
    let written: u64 = tasks.join_all().await.into_iter().sum();
    assert!(written > 5 * BOUND, "{written}");

    // Without a load it is emptied.
    while log_bytes(&path) > 0 {
        tokio::task::yield_now().await;
    }
    assert!(by_id(&store, 1).await.is_some());
}

#[tokio::test]
async fn a_log_that_was_held_is_emptied_without_another_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let config = SqliteConfig::file(&path).with_checkpoint_every(Duration::from_millis(5));
    let store = SqliteStore::open(config).unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM accounts").unwrap();
    store.commit(&set(2, [insert(account(2))])).await.unwrap();
    // Many turns without a write, of which none can empty it.
    std::thread::sleep(Duration::from_millis(500));
    assert!(log_bytes(&path) > 0);
    reader.execute_batch("COMMIT").unwrap();
    while log_bytes(&path) > 0 {
        tokio::task::yield_now().await;
    }
}
