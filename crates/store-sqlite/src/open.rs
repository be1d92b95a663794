//! Opening a database: how each connection is set up.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::config::{SqliteConfig, Synchronous};
use crate::error::OpenError;
use crate::migrations::{self, MIGRATIONS};
use crate::names::Prefix;
use crate::{file, names};

/// The log is cut back to this when it starts over; without, it stays as long as it ever was.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

/// Opens the first connection, and brings the schema up to date.
pub(crate) fn first(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let place = config.place();
    let prefix = Prefix::new(&config.table_prefix)?;
    if let Some(path) = &config.path {
        file::check_length(path)?;
    }
    let mut connection = another(config)?;
    prepare(&mut connection, config, &prefix).map_err(|error| error.or_at(place))?;
    Ok(connection)
}

/// Opens one more connection to a database that is ready.
pub(crate) fn another(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let place = config.place();
    // Without SQLITE_OPEN_URI: a path is a path, also when it begins with `file:`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match &config.path {
        Some(path) => Connection::open_with_flags(path, flags),
        None => Connection::open_in_memory(),
    }
    .map_err(|error| OpenError::of(place, error))?;
    // SQLite falls back to reading when the file may not be written to. Asked before anything is read: that would leave a log
    // and its index in the folder which may only be read either, also when the file may be written to again.
    if connection.is_readonly("main").map_err(|error| OpenError::of(place, error))? {
        return Err(OpenError::ReadOnly { path: place.to_owned() });
    }
    set_up(&connection, config).map_err(|error| OpenError::of(place, error))?;
    Ok(connection)
}

fn set_up(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    connection.busy_timeout(config.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    // The bundled SQLite has STAT4, with which statements are planned anew when their parameters change. That made a
    // load almost three times as dear.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // In a file that somebody else may have written, views and defaults run no functions with side effects.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.pragma_update(
        None,
        "synchronous",
        match config.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
            Synchronous::Off => "OFF",
        },
    )?;
    // Mapped memory halves the throughput: each commit of another connection drops the mapping.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    Ok(())
}

/// Either a finished error, or one of SQLite's that the place is still to be added to.
pub(crate) enum Trouble {
    Open(OpenError),
    Sqlite(rusqlite::Error),
}

impl Trouble {
    pub(crate) fn or_at(self, place: &Path) -> OpenError {
        match self {
            Self::Open(error) => error,
            Self::Sqlite(error) => OpenError::of(place, error),
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare(
    connection: &mut Connection,
    config: &SqliteConfig,
    prefix: &Prefix,
) -> Result<(), Trouble> {
    let place = config.place();
    // Before anything is changed: is it ours, and can this release use it?
    let transaction = connection.transaction()?;
    if let Some(path) = &config.path
        && file::is_cut_short(path, &transaction)?
    {
        return Err(Trouble::Open(file::cut_short(path)));
    }
    names::check_free(&transaction, prefix, place)?;
    migrations::check(&transaction, prefix, MIGRATIONS)?;
    drop(transaction);
    if config.path.is_some() {
        let mode = use_log(connection)?;
        if mode != "wal" {
            let path = place.to_owned();
            return Err(Trouble::Open(OpenError::NoWriteAheadLog { path }));
        }
    }
    migrations::migrate(connection, prefix, MIGRATIONS)
}

/// Switches to a write-ahead log, and returns which kind of journal there is now.
fn use_log(connection: &Connection) -> rusqlite::Result<String> {
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode == "wal" {
        return Ok(mode);
    }
    let mut tries = 0;
    loop {
        let switched =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        match switched {
            // Somebody else opens the fresh file as well. The switch does not wait for them, but a transaction does.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries < 50 =>
            {
                tries += 1;
                connection.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            }
            switched => return switched,
        }
    }
}
