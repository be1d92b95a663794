//! Group commit, several at once, crashes between writes.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use authcore::account::Version;
use authcore::event::{EventCursor, EventKind};
use authcore::store::{
    Admission, Charge, CommitError, Conflict, Require, Store, StoreErrorKind, ThrottleKey, Write,
};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use chrono::TimeDelta;
use common::*;
use rusqlite::Connection;
use tokio::task::JoinSet;

fn sound(path: &std::path::Path) {
    let connection = Connection::open(path).unwrap();
    let verdict: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_at_once_gets_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    for config in [
        SqliteConfig::file(&path),
        SqliteConfig::file(&path).with_readers(0),
        SqliteConfig::file(&path).with_queue(2).with_batch(3),
        SqliteConfig::file(&path).inline(),
    ] {
        let _ = std::fs::remove_file(&path);
        let store = Arc::new(SqliteStore::open(config).unwrap());
        store.commit(&set(0, [insert(account(0))])).await.unwrap();
        let mut tasks = JoinSet::new();
        for number in 1..=64 {
            let store = Arc::clone(&store);
            tasks.spawn(async move {
                // Every tenth wants the device of the first account.
                let mut wanted = account(number);
                if number % 10 == 0 {
                    wanted.identities = account(0).identities;
                }
                let mut change = set(number.into(), [insert(wanted)]);
                change.events.push(event(number, EventKind::AccountCreated));
                let answer = store.commit(&change).await;
                // Whoever has an answer sees what it says.
                let there = by_id(&store, number).await.is_some();
                assert_eq!(there, answer.is_ok());
                (number, answer)
            });
        }
        while let Some(done) = tasks.join_next().await {
            let (number, answer) = done.unwrap();
            if number % 10 == 0 {
                assert_eq!(conflict(answer), Conflict::IdentityTaken(device("device-0")));
            } else {
                answer.unwrap();
            }
        }
        let told = store.events(EventCursor::START, 99).await.unwrap();
        assert_eq!(told.len(), 58);
        drop(store);
        sound(&path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_logins_of_one_account_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    // Two stores on one file stand for two processes.
    let stores: Vec<_> =
        (0..2).map(|_| Arc::new(SqliteStore::open(SqliteConfig::file(&path)).unwrap())).collect();
    stores[0].commit(&set(0, [insert(account(1))])).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..8u64 {
        let store = Arc::clone(&stores[usize::try_from(task % 2).unwrap()]);
        tasks.spawn(async move {
            for turn in 0..25 {
                loop {
                    let snapshot = by_id(&store, 1).await.unwrap();
                    let write = login(
                        1,
                        snapshot.activity.login_count + 1,
                        snapshot.activity_version.number(),
                    );
                    let require = Require::Account(id(1), snapshot.version);
                    let change = requiring(1 + task * 1000 + turn, [require], [write]);
                    match store.commit(&change).await {
                        Ok(()) => break,
                        Err(CommitError::Conflict(Conflict::ActivityChanged(_))) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let snapshot = by_id(&stores[1], 1).await.unwrap();
    assert_eq!(snapshot.activity.login_count, 200);
    assert_eq!(snapshot.activity_version, Version::new(201));
    drop(stores);
    sound(&path);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_misses_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteConfig::file(folder.path().join("a.db"))).unwrap();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for task in 0..8u32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for turn in 0..50 {
                let number = task * 1000 + turn;
                let mut change = set(number.into(), []);
                change.events =
                    vec![event(number, EventKind::Banned), event(number, EventKind::Unbanned)];
                store.commit(&change).await.unwrap();
            }
        });
    }
    let (mut seen, mut after) = (Vec::new(), EventCursor::START);
    while seen.len() < 800 {
        for stored in store.events(after, 7).await.unwrap() {
            assert!(stored.cursor > after);
            after = stored.cursor;
            seen.push(stored.event);
        }
        tokio::task::yield_now().await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.events(after, 9).await.unwrap(), []);
    for pair in seen.chunks(2) {
        assert_eq!(pair[0].account, pair[1].account, "a set's events stay together");
        assert_eq!((&pair[0].kind, &pair[1].kind), (&EventKind::Banned, &EventKind::Unbanned));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttle_admits_no_more_than_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(SqliteConfig::file(folder.path().join("a.db"))).unwrap();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        let charge = Charge {
            key: ThrottleKey::new([1; 32]),
            cost: 1,
            limit: 10,
            window: TimeDelta::seconds(60),
            now: at(0),
        };
        tasks.spawn(async move { store.consume(&charge).await.unwrap() == Admission::Admitted });
    }
    let mut admitted = 0;
    while let Some(done) = tasks.join_next().await {
        admitted += u32::from(done.unwrap());
    }
    assert_eq!(admitted, 10);
}

/// Panics at one step, and notes which steps there were.
fn crashing(at: usize) -> (Arc<Mutex<Vec<&'static str>>>, authcore_store_sqlite::StepHook) {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let count = AtomicUsize::new(0);
    let hook: authcore_store_sqlite::StepHook = Arc::new(move |step| {
        seen.lock().unwrap().push(step);
        let now = count.fetch_add(1, Ordering::SeqCst);
        assert!(now != at, "crash");
    });
    (steps, hook)
}

fn rich_set() -> authcore::store::ChangeSet {
    let (account, activity) = full(1);
    let delete = Write::DeleteAccount { id: id(2), expect: Version::FIRST };
    let writes = [
        Write::InsertAccount { account: Box::new(account), activity: activity.into() },
        update(named(3, "new"), 1),
        delete,
        login(4, 1, 1),
        Write::RaiseStoreEpoch,
    ];
    let mut change = set(2, writes);
    change.events.push(event(1, EventKind::AccountCreated));
    change
}

#[test]
fn a_crash_between_two_writes_leaves_nothing() {
    let initial = set(1, [insert(account(2)), insert(account(3)), insert(account(4))]);
    let begun = |path: &std::path::Path| {
        let store = SqliteStore::open(SqliteConfig::file(path).inline()).unwrap();
        ready(store.commit(&initial)).unwrap();
    };
    let mut at = 0;
    loop {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        begun(&path);
        let (steps, hook) = crashing(at);
        let config = SqliteConfig::file(&path).inline().with_step_hook(hook);
        let store = SqliteStore::open(config).unwrap();
        let before = dump(&path);
        let crashed = catch_unwind(AssertUnwindSafe(|| ready(store.commit(&rich_set())))).is_err();
        let reached = steps.lock().unwrap().len();
        if !crashed {
            assert_eq!(reached, at, "every step was tried");
            assert!(at > 10, "only {at} steps");
            assert_ne!(dump(&path), before);
            break;
        }
        assert_eq!(dump(&path), before, "step {at}, {:?}", steps.lock().unwrap().last());
        // The same store still works, and the set can be handed over again.
        ready(store.commit(&rich_set())).unwrap();
        ready(store.commit(&rich_set())).unwrap();
        assert_eq!(ready(store.events(EventCursor::START, 9)).unwrap().len(), 1);
        drop(store);
        sound(&path);
        at += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_fails_in_the_middle_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let hook: authcore_store_sqlite::StepHook =
        Arc::new(|step| assert!(step != "single_use", "crash"));
    let store = SqliteStore::open(SqliteConfig::file(&path).with_step_hook(hook)).unwrap();
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 1..=64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut change = set(number.into(), [insert(account(number))]);
            if number % 16 == 0 {
                let key = authcore::store::SingleUseKey::new([1; 32]);
                change.writes.push(Write::UseUp { key, forget_at: at(1) });
            }
            (number, store.commit(&change).await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (number, answer) = done.unwrap();
        let there = by_id(&store, number).await.is_some();
        assert_eq!(there, number % 16 != 0);
        match answer {
            Ok(()) => assert!(there),
            Err(CommitError::Store(error)) => {
                assert_eq!(*error.kind(), StoreErrorKind::Other);
                assert!(!there);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    drop(store);
    sound(&path);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_wait_for_a_commit_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = Arc::new(SqliteStore::open(SqliteConfig::file(&path)).unwrap());
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    // Another process that writes for long.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = Arc::clone(&store);
    let commit = tokio::spawn(async move { writing.commit(&set(2, [insert(account(2))])).await });
    for _ in 0..500 {
        assert!(by_id(&store, 1).await.is_some());
        tokio::task::yield_now().await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { by_id(&store, 2).await.is_none() });
    }
    while let Some(done) = tasks.join_next().await {
        assert!(done.unwrap(), "nothing of a commit shows before it is done");
    }
    assert!(!commit.is_finished());
    other.execute_batch("ROLLBACK").unwrap();
    commit.await.unwrap().unwrap();
    assert!(by_id(&store, 2).await.is_some());
}

#[tokio::test]
async fn a_writer_that_never_gets_its_turn_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let config = SqliteConfig::file(&path).with_busy_timeout(std::time::Duration::from_millis(10));
    let store = SqliteStore::open(config).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let Err(CommitError::Store(error)) = store.commit(&set(1, [insert(account(1))])).await else {
        panic!("it was committed");
    };
    assert_eq!(*error.kind(), StoreErrorKind::Unavailable);
    assert!(error.is_retryable());
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
}

/// A trigger makes COMMIT itself fail, by a constraint that is checked only there.
#[tokio::test]
async fn a_failed_commit_is_undone_and_says_so() {
    for inline in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let config = SqliteConfig::file(&path);
        let config = if inline { config.inline() } else { config };
        let store = SqliteStore::open(config).unwrap();
        let other = Connection::open(&path).unwrap();
        other
            .execute_batch(
                "CREATE TABLE parents (id INTEGER PRIMARY KEY);
                 CREATE TABLE children (id REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER failing AFTER INSERT ON single_use BEGIN INSERT INTO children VALUES (1); END;",
            )
            .unwrap();
        let key = authcore::store::SingleUseKey::new([1; 32]);
        let using_up = || Write::UseUp { key, forget_at: at(1) };
        let change = set(1, [insert(account(1)), using_up()]);
        let Err(CommitError::Store(error)) = store.commit(&change).await else {
            panic!("it was committed");
        };
        assert_eq!(*error.kind(), StoreErrorKind::Other);
        assert!(std::error::Error::source(&error).is_some());
        assert!(by_id(&store, 1).await.is_none());
        // The connection is as good as before, and the set can be handed over again.
        store.commit(&set(2, [insert(account(2))])).await.unwrap();
        other.execute_batch("DROP TRIGGER failing").unwrap();
        store.commit(&change).await.unwrap();
        assert!(by_id(&store, 1).await.is_some());
        drop((store, other));
        sound(&path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_is_done_before_the_store_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    let sets: Vec<_> =
        (0..50).map(|number| set(number.into(), [insert(account(number))])).collect();
    for change in &sets {
        // Asked once, then dropped: it has its place in the queue.
        let mut commit = store.commit(change);
        std::future::poll_fn(|context| {
            let _ = commit.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    drop(store);
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    for number in 0..50 {
        assert!(by_id(&store, number).await.is_some(), "{number}");
    }
}

/// The answer of a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// Everything that a file holds, as text.
fn dump(path: &std::path::Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let tables = [
        "store",
        "accounts",
        "identities",
        "account_activity",
        "events",
        "codes",
        "single_use",
        "throttles",
        "recent_commits",
    ];
    let mut lines = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
            lines.push(format!("{table} {values:?}"));
        }
    }
    lines
}
