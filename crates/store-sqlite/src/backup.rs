//! A copy of the database while it is in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use futures_channel::oneshot;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, ffi};
use tempfile::TempPath;

use crate::config::SqliteConfig;
use crate::db::{Db, Operation};
use crate::error::{BackupError, Stop};
use crate::open;

/// Copies the file through a connection of its own, on a thread of its own: a large copy takes long, and a reader that is busy
/// with it would be missed.
pub(crate) async fn of_file(config: &SqliteConfig, to: PathBuf) -> Result<(), BackupError> {
    if config.inline {
        return from_own_connection(config, &to);
    }
    let (done, answer) = oneshot::channel();
    let config = config.clone();
    thread::Builder::new()
        .name("sqlite-backup".to_owned())
        // Whoever asked may have gone.
        .spawn(move || drop(done.send(from_own_connection(&config, &to))))
        .map_err(BackupError::Thread)?;
    answer.await.unwrap_or_else(|_| Err(BackupError::Thread(io::Error::other("it died"))))
}

fn from_own_connection(config: &SqliteConfig, to: &Path) -> Result<(), BackupError> {
    let connection = open::another(config).map_err(BackupError::Open)?;
    copy(&connection, to)
}

/// Of a store in memory, whose only connection this has to run on.
pub(crate) struct OfMemory(pub(crate) PathBuf);

impl Operation for OfMemory {
    type Out = Result<(), BackupError>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(copy(db.connection(), &self.0))
    }
}

/// There is a file at `to` only when it is whole.
fn copy(from: &Connection, to: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::Write { path: to.to_owned(), source };
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    for path in [to, &unfinished] {
        if fs::exists(path).map_err(failed)? {
            return Err(BackupError::Exists { path: path.to_owned() });
        }
    }
    // Made here, so that of two backups to one path one gives way.
    File::create_new(&unfinished).map_err(failed)?;
    // Removed when it is dropped.
    let unfinished = TempPath::try_from_path(unfinished).map_err(failed)?;
    copy_pages(from, &unfinished)
        .map_err(|source| BackupError::Sqlite { path: to.to_owned(), source })?;
    finish(unfinished, to).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.to_owned() },
        _ => failed(source),
    })
}

fn copy_pages(from: &Connection, to: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(to)?;
    {
        let backup = Backup::new(from, &mut connection)?;
        // All at once, within one transaction that reads: in pieces, every commit would make it begin anew.
        match backup.step(-1)? {
            StepResult::Done => {}
            _ => {
                return Err(rusqlite::Error::SqliteFailure(
                    ffi::Error { code: ErrorCode::DatabaseBusy, extended_code: ffi::SQLITE_BUSY },
                    None,
                ));
            }
        }
    }
    // A copy is one file: it has a log only once it is opened as a store.
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

/// Gives the copy its name, once the disk has it.
fn finish(unfinished: TempPath, to: &Path) -> io::Result<()> {
    File::open(&unfinished)?.sync_all()?;
    // Unlike a rename, this gives way to a file that was made there meanwhile.
    unfinished.persist_noclobber(to)?;
    #[cfg(unix)]
    if let Some(folder) = to.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
