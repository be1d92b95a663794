//! Sets that fail, the sets beside them, and the reads that arrive meanwhile.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use authcore::store::{ChangeSet, CommitError, Lookup, SingleUseKey, Store, StoreErrorKind, Write};
use authcore_store_sqlite::{SqliteConfig, SqliteStore, StepHook};
use common::*;
use rusqlite::Connection;

/// Where the writer stops, once the writes of a set are done and before they are committed.
struct Stops {
    reached: Receiver<()>,
    go: Sender<()>,
}

/// A store whose writer stops at each set, and which has the account 1.
async fn stopping(path: &Path, readers: usize) -> (SqliteStore, Stops) {
    let (reach, reached) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let ends = Mutex::new((reach, may_go));
    let hook: StepHook = Arc::new(move |step| {
        if step == "commit" {
            let (reach, may_go) = &*ends.lock().unwrap();
            // When the test has failed nobody listens, and the store is to end.
            let _ = reach.send(());
            let _ = may_go.recv();
        }
    });
    let config = SqliteConfig::file(path).with_readers(readers).with_step_hook(hook);
    let store = SqliteStore::open(config).unwrap();
    go.send(()).unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    reached.recv().unwrap();
    (store, Stops { reached, go })
}

/// Asks once: from then on the operation has its place in the queue.
fn asked<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Using up a key makes COMMIT itself fail, by a constraint that is checked only there.
const FAILING_AT_COMMIT: &str = "
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER failing AFTER INSERT ON single_use BEGIN INSERT INTO children VALUES (1); END;";

/// A set that uses up a key, which a trigger is on.
fn using_up(number: u32) -> ChangeSet {
    let key = SingleUseKey::new([1; 32]);
    set(number.into(), [insert(account(number)), Write::UseUp { key, forget_at: at(1) }])
}

#[tokio::test]
async fn reads_are_answered_though_the_commit_beside_them_fails() {
    for readers in [0, 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (store, stops) = stopping(&path, readers).await;
        Connection::open(&path).unwrap().execute_batch(FAILING_AT_COMMIT).unwrap();
        let change = using_up(2);
        let mut commit = store.commit(&change);
        assert!(asked(&mut commit).is_pending());
        stops.reached.recv().unwrap();
        let lookups = [1, 2].map(|number| Lookup::Id(id(number)));
        let [mut there, mut undone] = lookups.each_ref().map(|lookup| store.load(lookup));
        assert!(asked(&mut there).is_pending() && asked(&mut undone).is_pending());
        stops.go.send(()).unwrap();
        let Err(CommitError::Store(error)) = commit.await else { panic!("it was committed") };
        assert_eq!(*error.kind(), StoreErrorKind::Other);
        assert_eq!(there.await.unwrap().unwrap().account, account(1));
        assert!(undone.await.unwrap().is_none(), "nothing of the failed set is seen");
    }
}

#[tokio::test]
async fn reads_are_answered_between_sets_that_are_written_one_by_one() {
    for readers in [0, 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (store, stops) = stopping(&path, readers).await;
        Connection::open(&path)
            .unwrap()
            .execute_batch(
                "CREATE TRIGGER failing AFTER INSERT ON single_use BEGIN SELECT raise(ABORT, 'no'); END",
            )
            .unwrap();
        // While the first is written the others come together; the one that fails makes each go alone.
        let plain = |number: u32| set(number.into(), [insert(account(number))]);
        let changes = [plain(2), using_up(3), plain(4), plain(5)];
        let mut commits: Vec<_> = changes.iter().map(|change| store.commit(change)).collect();
        assert!(asked(&mut commits[0]).is_pending());
        stops.reached.recv().unwrap();
        for commit in &mut commits[1..] {
            assert!(asked(commit).is_pending());
        }
        stops.go.send(()).unwrap();
        stops.reached.recv().unwrap();
        let lookup = Lookup::Id(id(4));
        let mut load = store.load(&lookup);
        assert!(asked(&mut load).is_pending());
        stops.go.send(()).unwrap();
        // The next set is held up, and so is the writer.
        stops.reached.recv().unwrap();
        let Poll::Ready(found) = asked(&mut load) else { panic!("it waits for all of them") };
        assert_eq!(found.unwrap().unwrap().account, account(4));
        stops.go.send(()).unwrap();
        for (commit, change) in commits.into_iter().zip(&changes) {
            assert_eq!(commit.await.is_err(), change.id == commit_id(3));
        }
    }
}

/// A game's own tables may have such a constraint on the store's.
#[tokio::test]
async fn a_constraint_that_is_checked_at_commit_fails_only_the_set_that_breaks_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (store, stops) = stopping(&path, 2).await;
    Connection::open(&path).unwrap().execute_batch(FAILING_AT_COMMIT).unwrap();
    let plain = |number: u32| set(number.into(), [insert(account(number))]);
    let changes = [plain(2), plain(3), using_up(4), plain(5)];
    let mut commits: Vec<_> = changes.iter().map(|change| store.commit(change)).collect();
    assert!(asked(&mut commits[0]).is_pending());
    stops.reached.recv().unwrap();
    // They come together, and are held up no more.
    for commit in &mut commits[1..] {
        assert!(asked(commit).is_pending());
    }
    drop(stops);
    for (commit, change) in commits.into_iter().zip(&changes) {
        assert_eq!(commit.await.is_err(), change.id == commit_id(4));
    }
}
