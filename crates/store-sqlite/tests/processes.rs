//! Several processes on one file: this test's own binary, started again.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use authcore::account::Version;
use authcore::store::{CommitError, Conflict, Require, Store, Write};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use common::*;

const ROLE: &str = "AUTHCORE_TEST_ROLE";
const FILE: &str = "AUTHCORE_TEST_FILE";

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteConfig::file(path)).unwrap()
}

/// Another process that has the file open. It does one thing for each line it gets, and then says what came of it.
struct Other {
    process: Child,
    orders: Option<ChildStdin>,
    words: mpsc::Receiver<String>,
}

impl Other {
    fn start(path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "another_process", "--nocapture"])
            .env(ROLE, "other")
            .env(FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, words) = mpsc::channel();
        let out = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once("said: ") {
                    let _ = to.send(word.to_owned());
                }
            }
        });
        let other = Self { orders: process.stdin.take(), process, words };
        assert_eq!(other.hear(), "ready");
        other
    }

    fn tell(&mut self, order: &str) {
        writeln!(self.orders.as_mut().unwrap(), "{order}").unwrap();
    }

    fn hear(&self) -> String {
        self.words.recv_timeout(Duration::from_mins(1)).unwrap()
    }

    fn ask(&mut self, order: &str) -> String {
        self.tell(order);
        self.hear()
    }

    /// Closes its store and ends.
    fn end(mut self) {
        drop(self.orders.take());
        assert!(self.process.wait().unwrap().success());
    }

    /// Ends in the middle of whatever it does.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What [`Other`] runs; nothing when it is run as a test.
#[tokio::test]
async fn another_process() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let store = open(Path::new(&std::env::var_os(FILE).unwrap()));
    println!("said: ready");
    for order in std::io::stdin().lines() {
        let order = order.unwrap();
        let (order, number) = order.split_once(' ').unwrap();
        let number: u32 = number.parse().unwrap();
        match order {
            "has" => println!("said: {}", by_id(&store, number).await.is_some()),
            "insert" => {
                store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
                println!("said: done");
            }
            "log_in" => println!("said: {}", log_in(&store, 1000, number).await),
            "raise_epoch" => {
                store.commit(&set(number.into(), [Write::RaiseStoreEpoch])).await.unwrap();
                println!("said: done");
            }
            "insert_for_ever" => {
                for number in number.. {
                    store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
                    println!("said: {number}");
                }
            }
            order => panic!("{order}?"),
        }
    }
}

/// Logs the first account in so many times, each time from what it finds; how often another one was faster.
async fn log_in(store: &SqliteStore, first_commit: u64, times: u32) -> u32 {
    let mut lost = 0;
    for turn in 0..u64::from(times) {
        loop {
            let snapshot = by_id(store, 1).await.unwrap();
            let count = snapshot.activity.login_count + 1;
            let write = login(1, count, snapshot.activity_version.number());
            let require = Require::Account(id(1), snapshot.version);
            match store.commit(&requiring(first_commit + turn, [require], [write])).await {
                Ok(()) => break,
                Err(CommitError::Conflict(Conflict::ActivityChanged(_))) => lost += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    lost
}

#[tokio::test]
async fn what_one_process_was_told_the_other_sees() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    assert!(store.capabilities().multi_process);
    let mut other = Other::start(&path);
    for number in 1..20 {
        let (ours, theirs) = (number * 2, number * 2 + 1);
        store.commit(&set(ours.into(), [insert(account(ours))])).await.unwrap();
        assert_eq!(other.ask(&format!("has {ours}")), "true");
        assert_eq!(other.ask(&format!("insert {theirs}")), "done");
        assert!(by_id(&store, theirs).await.is_some());
        // Whatever is kept in memory of the epoch must not outlive the other's change of it.
        let before = store.epoch().await.unwrap().number();
        assert_eq!(other.ask(&format!("raise_epoch {}", 1000 + number)), "done");
        assert_eq!(store.epoch().await.unwrap().number(), before + 1);
        assert_eq!(by_id(&store, ours).await.unwrap().store_epoch.number(), before + 1);
    }
    other.end();
}

#[tokio::test]
async fn of_logins_in_two_processes_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    store.commit(&set(0, [insert(account(1))])).await.unwrap();
    let mut other = Other::start(&path);
    other.tell("log_in 200");
    log_in(&store, 1, 200).await;
    other.hear();
    let snapshot = by_id(&store, 1).await.unwrap();
    assert_eq!(snapshot.activity.login_count, 400);
    assert_eq!(snapshot.activity_version, Version::new(401));
    other.end();
    assert!(sound(&path));
}

#[tokio::test]
async fn a_process_that_is_killed_takes_nothing_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = open(&path);
    let mut first = 1;
    for round in 0..3 {
        let mut other = Other::start(&path);
        other.tell(&format!("insert_for_ever {first}"));
        let mut last = first;
        while last < first + 50 {
            last = other.hear().parse().unwrap();
            // Both write at the same time.
            let ours = 1_000_000 + round * 1_000_000 + last;
            store.commit(&set(ours.into(), [insert(account(ours))])).await.unwrap();
        }
        other.kill();
        for number in first..=last {
            assert!(by_id(&store, number).await.is_some(), "{number} was acknowledged");
        }
        first = last + 1_000;
    }
    drop(store);
    assert!(sound(&path));
}

/// The locks that a process has on a file go when it closes any descriptor of it. SQLite knows; nothing else may open the
/// file. Another process might take itself for the last one and remove the log: older releases of SQLite do.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn opening_the_file_again_keeps_the_locks_of_those_who_have_it_open() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let ours = |locks: &str| {
        let inode = format!(":{} ", std::fs::metadata(&path).unwrap().ino());
        let process = format!(" {} ", std::process::id());
        locks.lines().filter(|lock| lock.contains(&inode) && lock.contains(&process)).count()
    };
    // The list is read in parts, and hides a line from who reads it while others lock and unlock: then it is read again.
    let locked = || (0..100).any(|_| ours(&std::fs::read_to_string("/proc/locks").unwrap()) == 1);
    let store = open(&path);
    by_id(&store, 1).await;
    assert!(locked());
    drop(open(&path));
    assert!(locked());
    Other::start(&path).end();
    store.commit(&set(2, [insert(account(2))])).await.unwrap();
    let mut other = Other::start(&path);
    assert_eq!(other.ask("has 2"), "true");
    other.end();
}

fn sound(path: &Path) -> bool {
    let connection = rusqlite::Connection::open(path).unwrap();
    let answer: String =
        connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    answer == "ok"
}
