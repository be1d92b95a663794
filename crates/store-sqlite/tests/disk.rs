//! Disks that are full, and files that may only be read.
#![cfg(unix)]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use authcore::event::{EventCursor, EventKind};
use authcore::store::{CommitError, Store, StoreErrorKind};
use authcore_store_sqlite::{BackupError, OpenError, SqliteConfig, SqliteStore};
use common::*;
use rusqlite::Connection;

const ROLE: &str = "AUTHCORE_TEST_ROLE";
const FOLDER: &str = "AUTHCORE_TEST_FOLDER";

/// This test's own binary, to play a role under conditions that a process cannot leave.
fn play(role: &str, folder: &Path, command: &mut Command) {
    let status = command
        .args(["--exact", "another_process", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .status()
        .unwrap();
    assert!(status.success(), "{role}");
}

fn this_binary() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// What [`play`] runs; nothing when it is run as a test.
#[tokio::test]
async fn another_process() {
    let (Some(role), Some(folder)) = (std::env::var_os(ROLE), std::env::var_os(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    match role.to_str() {
        Some("no_room") => no_room(folder, StoreErrorKind::Other).await,
        Some("full") => no_room(folder, StoreErrorKind::Full).await,
        Some("read_only") => read_only(folder).await,
        role => panic!("{role:?}?"),
    }
}

fn with_text(version: u64, letter: char) -> authcore::store::Write {
    let mut account = account(1);
    account.profile.metadata = letter.to_string().repeat(20_000).into();
    update(account, version)
}

/// Writes one account again and again, which lets the log grow but not the database, until the log cannot. A checkpoint makes
/// room.
async fn no_room(folder: &Path, kind: StoreErrorKind) {
    let path = folder.join("a.db");
    let config = SqliteConfig::file(&path).with_checkpoint_every(Duration::from_secs(1));
    let store = SqliteStore::open(config).unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let (mut version, mut letter, mut refused) = (1, 'a', 0);
    // What somebody else gives up when there is no more room: a checkpoint takes some before it gives some back.
    let spare = folder.join("spare");
    while refused < 3 {
        let _ = std::fs::write(&spare, vec![0; 100_000]);
        letter = if letter == 'z' { 'a' } else { char::from(u8::try_from(letter).unwrap() + 1) };
        let mut change = set(version + 1, [with_text(version, letter)]);
        change.events.push(event(1, EventKind::AccountCreated));
        let mut waited = 0;
        // What is read beside it is answered all the same.
        while let (Err(error), _) = tokio::join!(store.commit(&change), by_id(&store, 1)) {
            let CommitError::Store(error) = error else { panic!("{error:?}") };
            assert_eq!(*error.kind(), kind);
            assert!(std::error::Error::source(&error).is_some());
            refused += u32::from(waited == 0);
            waited += 1;
            assert!(waited < 200, "there is room again");
            let _ = std::fs::remove_file(&spare);
            // Nothing was written, and what was acknowledged is there.
            let found = by_id(&store, 1).await.unwrap();
            assert_eq!(found.version.number(), version);
            std::thread::sleep(Duration::from_millis(100));
        }
        version += 1;
        let found = by_id(&store, 1).await.unwrap();
        assert!(found.account.profile.metadata.starts_with(letter));
    }
    std::fs::write(folder.join("version"), version.to_string()).unwrap();
    // Without the destructor, as when the process is killed: the log is left as it is.
    std::process::exit(0);
}

/// A limit on the length of files stands for the disk: it needs no rights, and writes fail in the middle of a log.
#[tokio::test]
async fn a_log_that_cannot_grow_costs_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    play("no_room", folder.path(), command.args(["-c", script]).arg(this_binary()));
    check_after_no_room(folder.path()).await;
}

/// A disk of a megabyte, which only the one process sees.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_costs_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let alone = |then: &str| {
        let mount = format!("mount -t tmpfs -o size=1m none \"${FOLDER}\" && {then}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]);
        command
    };
    let may = alone("true").env(FOLDER, &disk).status().is_ok_and(|status| status.success());
    if !may {
        let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
        assert!(!in_ci, "nobody may make a file system here");
        eprintln!("not tried: nobody may make a file system here");
        return;
    }
    let script = format!("\"$0\" \"$@\" && cp -a \"${FOLDER}\" \"${FOLDER}/../left\"");
    play("full", &disk, alone(&script).arg(this_binary()));
    check_after_no_room(&folder.path().join("left")).await;
}

/// What [`no_room`] left behind.
async fn check_after_no_room(folder: &Path) {
    let path = folder.join("a.db");
    let version: u64 = std::fs::read_to_string(folder.join("version")).unwrap().parse().unwrap();
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    assert_eq!(by_id(&store, 1).await.unwrap().version.number(), version);
    let events = store.events(EventCursor::START, u32::MAX).await.unwrap();
    assert_eq!(u64::try_from(events.len()).unwrap(), version - 1);
    store.commit(&set(u64::MAX, [with_text(version, '!')])).await.unwrap();
    drop(store);
    let answer: String = Connection::open(&path)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(answer, "ok");
}

fn permit(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A store in a folder of its own, closed.
async fn closed_store(folder: &Path) -> PathBuf {
    std::fs::create_dir(folder).unwrap();
    let path = folder.join("a.db");
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    path
}

async fn read_only(folder: &Path) {
    let refused = |path: &Path| SqliteStore::open(SqliteConfig::file(path)).unwrap_err();
    let is_read_only = |path: &Path| {
        let error = refused(path);
        assert!(
            matches!(&error, OpenError::ReadOnly { path: named } if named == path),
            "{error:?}"
        );
    };
    let cannot_open = |path: &Path| {
        let error = refused(path);
        assert!(
            matches!(&error, OpenError::CannotOpen { path: named, .. } if named == path),
            "{error:?}"
        );
    };

    let path = closed_store(&folder.join("file")).await;
    permit(&path, 0o444);
    is_read_only(&path);
    permit(&path, 0o000);
    cannot_open(&path);
    permit(&path, 0o644);
    SqliteStore::open(SqliteConfig::file(&path)).unwrap();

    // SQLite needs two more files in the folder.
    let place = folder.join("folder");
    let path = closed_store(&place).await;
    permit(&place, 0o555);
    is_read_only(&path);
    cannot_open(&place.join("fresh.db"));
    permit(&place, 0o755);

    // Who has a file open keeps the right to it.
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    permit(&path, 0o444);
    permit(&place, 0o555);
    store.commit(&set(2, [insert(account(2))])).await.unwrap();
    let copy = place.join("copy.db");
    let error = store.backup(&copy).await.unwrap_err();
    assert!(matches!(error, BackupError::Open(OpenError::ReadOnly { .. })), "{error:?}");
    permit(&path, 0o644);
    let error = store.backup(&copy).await.unwrap_err();
    assert!(matches!(&error, BackupError::Write { path, .. } if *path == copy), "{error:?}");
    drop(store);
    permit(&place, 0o755);
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    assert!(by_id(&store, 2).await.is_some());
}

/// As a user whom permissions bind.
#[test]
fn what_may_only_be_read_is_refused_when_it_is_opened() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65_534;
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(this_binary());
    if std::fs::metadata(folder.path()).unwrap().uid() == 0 {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    play("read_only", folder.path(), &mut command);
}
