//! How long the log becomes.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use authcore::store::Store;
use authcore_store_sqlite::{SqliteConfig, SqliteStore, Synchronous};
use common::*;

const MIB: u64 = 1 << 20;

fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(path.with_file_name("a.db-wal")).map_or(0, |metadata| metadata.len())
}

/// Three times what the log may hold is written without a pause, while others read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_bounded_under_a_load_that_never_pauses() {
    const WRITERS: u32 = 4;
    const TEXT: usize = 500_000;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let config = SqliteConfig::file(&path)
        .with_synchronous(Synchronous::Off)
        .with_checkpoint_every(Duration::from_millis(20));
    let store = Arc::new(SqliteStore::open(config).unwrap());
    let written = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 1..=WRITERS {
        let (store, written, path) = (Arc::clone(&store), Arc::clone(&written), path.clone());
        tasks.spawn(async move {
            let mut longest = 0;
            store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
            for version in 1.. {
                let mut account = account(number);
                account.profile.metadata = "x".repeat(TEXT).into();
                let commit = 1000 + version * 10 + u64::from(number);
                store.commit(&set(commit, [update(account, version)])).await.unwrap();
                by_id(&store, number).await.unwrap();
                let bytes = u64::try_from(TEXT).unwrap();
                longest = longest.max(log_bytes(&path));
                if written.fetch_add(bytes, Ordering::Relaxed) > 192 * MIB {
                    break;
                }
            }
            longest
        });
    }
    let longest = tasks.join_all().await.into_iter().max().unwrap();
    assert!(longest < 128 * MIB, "{longest}");
    assert!(longest > 32 * MIB, "the load was too small to tell: {longest}");
}
