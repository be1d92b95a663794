use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use authcore::store::{CommitError, Conflict, StoreError, StoreErrorKind};
use rusqlite::{ErrorCode, ffi};

use crate::file;

const STORE: &str = "sqlite";

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file can neither be opened nor made: its folder is missing, or may not be written to.
    #[error("cannot open or make the database {}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The file, or its folder, may only be read.
    #[error("the database {} may only be read", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{} is not a SQLite database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a damaged database, such as one that was cut short.
    #[error("the database {} is damaged", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The database belongs to something else: a table of a name that the store needs is there already.
    #[error("the database {} belongs to something else: it has a table {table} already", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// The database was written by a newer release, and this one is too old to use it.
    #[error("the database has schema {found}; this release understands up to {understood}")]
    Newer {
        /// The schema that was found.
        found: u32,
        /// The newest schema that this release knows.
        understood: u32,
    },
    /// A migration that was applied is not the one that this release knows under the number.
    #[error("migration {version} was applied in another form than the one that this release knows")]
    MigrationChanged {
        /// Its number.
        version: u32,
    },
    /// The file system does not support a write-ahead log, as is the case for network file systems.
    #[error("the database {} cannot have a write-ahead log", path.display())]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
    },
    /// The prefix of the tables is no name: lower-case letters, digits and `_`, at most 32, none of the digits first, and not
    /// `sqlite_`, which is SQLite's own.
    #[error("{prefix:?} cannot be a prefix of tables")]
    TablePrefix {
        /// The prefix.
        prefix: String,
    },
    /// The disk has no room for what a store needs beside its file, or for the file itself.
    #[error("there is no room for the database {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// SQLite failed in another way.
    #[error("cannot prepare the database")]
    Sqlite(#[source] rusqlite::Error),
}

impl OpenError {
    /// What an error of SQLite means while the file at `path` is opened.
    pub(crate) fn of(path: &std::path::Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) {
            return Self::Full { path, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::CannotOpen { path, source }
            }
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::NotADatabase) => file::no_database(&path),
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, source },
            _ => Self::Sqlite(source),
        }
    }
}

/// A backup was not made. There is nothing of it at its path, unless the disk failed last of all, to keep its name: then the whole
/// of it is there ([`Write`](BackupError::Write)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file already, which is left alone: at the path, or at the path with `.part` behind it, where a backup is
    /// while it is made (or was, when its process ended).
    #[error("there is a file {} already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder is missing, may not be written to, or has no room.
    #[error("cannot write the backup {}", path.display())]
    Write {
        /// Where the backup was to be.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// SQLite could not read the store, or could not write the backup.
    #[error("cannot copy the database to {}", path.display())]
    Sqlite {
        /// Where the backup was to be.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The store's file could not be opened once more.
    #[error("cannot open the database for a backup")]
    Open(#[source] OpenError),
    /// The store in memory cannot be read.
    #[error("cannot read the store")]
    Store(#[from] StoreError),
    /// The thread that makes the backup could not be started, or died.
    #[error("the backup's thread failed")]
    Thread(#[source] std::io::Error),
}

/// A failure on its way to its callers. One failed COMMIT goes to many of them, hence `Clone`.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: StoreErrorKind,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Fault {
    pub(crate) const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// What `what` (a table and column) holds makes no sense.
    pub(crate) fn corrupt(what: &str) -> Self {
        Self::new(StoreErrorKind::Corrupt { what: what.to_owned() })
    }

    pub(crate) fn other(source: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind: StoreErrorKind::Other, source: Some(Arc::new(source)) }
    }

    pub(crate) fn is_unavailable(&self) -> bool {
        self.kind == StoreErrorKind::Unavailable
    }

    pub(crate) fn is_constraint(&self) -> bool {
        let source = self.source.as_ref().and_then(|it| it.downcast_ref::<rusqlite::Error>());
        source.and_then(rusqlite::Error::sqlite_error_code) == Some(ErrorCode::ConstraintViolation)
    }
}

/// Also when there is no room for the index of the log, which SQLite tells as a failure to size it.
fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match error.sqlite_error_code() {
            _ if is_full(&error) => StoreErrorKind::Full,
            Some(ErrorCode::ReadOnly) => StoreErrorKind::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreErrorKind::Corrupt { what: "the database file".to_owned() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreErrorKind::Unavailable
            }
            _ => StoreErrorKind::Other,
        };
        Self { kind, source: Some(Arc::new(error)) }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let error = Self::new(STORE, fault.kind);
        match fault.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// Why an operation stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Conflict(Conflict),
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Stop {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

impl From<Stop> for CommitError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Conflict(conflict) => Self::Conflict(conflict),
            Stop::Fault(fault) => Self::Store(fault.into()),
        }
    }
}

impl From<Stop> for StoreError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Fault(fault) => fault.into(),
            Stop::Conflict(_) => Self::new(STORE, StoreErrorKind::Other),
        }
    }
}

/// An operation panicked; its transaction was undone.
#[derive(Debug)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation panicked")
    }
}

impl StdError for Panicked {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_whatever_there_was_no_room_for() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE] {
            let error = || rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(Fault::from(error()).kind, StoreErrorKind::Full);
            let opening = OpenError::of(std::path::Path::new("a.db"), error());
            assert!(matches!(opening, OpenError::Full { .. }));
        }
        let other = ffi::Error::new(ffi::SQLITE_IOERR_WRITE);
        let fault = Fault::from(rusqlite::Error::SqliteFailure(other, None));
        assert_eq!(fault.kind, StoreErrorKind::Other);
    }
}
