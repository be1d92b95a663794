//! Opening a database: how each connection is set up, and the migrations.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};
use sha2::{Digest as _, Sha256};

use crate::config::{SqliteConfig, Synchronous};
use crate::error::OpenError;
use crate::file;

/// The log is cut back to this when it starts over; without, it stays as long as it ever was.
const LOG_BYTES: i64 = 64 * 1024 * 1024;

struct Migration {
    version: u32,
    /// The oldest release, by the newest schema that it knows, which can use a database after this migration.
    min_compatible: u32,
    name: &'static str,
    sql: &'static str,
}

/// In order, without gaps. What was released never changes; its checksum is kept.
const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    min_compatible: 1,
    name: "initial",
    sql: include_str!("../migrations/0001_initial.sql"),
}];

/// The form of this table can never change: older releases read it to learn that they are too old.
const CREATE_MIGRATIONS: &str = "CREATE TABLE migrations (
    version        INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    checksum       BLOB NOT NULL,
    min_compatible INTEGER NOT NULL
) STRICT";

/// A database of something else that has one of these cannot be shared.
const TABLES: &[&str] = &[
    "migrations",
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

/// Opens the first connection, and brings the schema up to date.
pub(crate) fn first(config: &SqliteConfig) -> Result<Connection, OpenError> {
    let place = config.place();
    if let Some(path) = &config.path {
        file::check_length(path)?;
    }
    let mut connection = another(config)?;
    prepare(&mut connection, config).map_err(|error| error.or_at(place))?;
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
enum Trouble {
    Open(OpenError),
    Sqlite(rusqlite::Error),
}

impl Trouble {
    fn or_at(self, place: &Path) -> OpenError {
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

fn prepare(connection: &mut Connection, config: &SqliteConfig) -> Result<(), Trouble> {
    let place = config.place();
    // SQLite falls back to reading when the file may not be written to.
    if connection.is_readonly("main")? {
        return Err(Trouble::Open(OpenError::ReadOnly { path: place.to_owned() }));
    }
    // Before anything is changed: is it ours?
    let transaction = connection.transaction()?;
    if let Some(path) = &config.path
        && file::is_cut_short(path, &transaction)?
    {
        return Err(Trouble::Open(file::cut_short(path)));
    }
    check_tables(&transaction, place)?;
    drop(transaction);
    if config.path.is_some() {
        let mode = use_log(connection)?;
        if mode != "wal" {
            let path = place.to_owned();
            return Err(Trouble::Open(OpenError::NoWriteAheadLog { path }));
        }
    }
    migrate(connection)
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

/// Refuses a database that has tables of our names but no migrations of ours.
fn check_tables(connection: &Connection, place: &Path) -> Result<(), Trouble> {
    let columns: u32 = connection.query_row(
        "SELECT count(*) FROM pragma_table_info('migrations')
         WHERE name IN ('version', 'name', 'checksum', 'min_compatible')",
        [],
        |row| row.get(0),
    )?;
    if columns == 4 {
        return Ok(());
    }
    let mut statement =
        connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE")?;
    for table in TABLES {
        if statement.exists([table])? {
            let (path, table) = (place.to_owned(), (*table).to_owned());
            return Err(Trouble::Open(OpenError::NotOurs { path, table }));
        }
    }
    Ok(())
}

/// Checks what was applied, and applies what was not, each in its own transaction.
fn migrate(connection: &mut Connection) -> Result<(), Trouble> {
    let understood = MIGRATIONS.last().map_or(0, |migration| migration.version);
    // Taken before looking, so that two processes that open a fresh file do not both migrate it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let there: u32 = transaction.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'",
        [],
        |row| row.get(0),
    )?;
    if there == 0 {
        transaction.execute_batch(CREATE_MIGRATIONS)?;
    }
    let newest: Option<(u32, u32)> = transaction
        .query_row(
            "SELECT version, min_compatible FROM migrations ORDER BY version DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    transaction.commit()?;
    if let Some((found, min_compatible)) = newest
        && min_compatible > understood
    {
        return Err(Trouble::Open(OpenError::Newer { found, understood }));
    }
    for migration in MIGRATIONS {
        apply(connection, migration)?;
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &Migration) -> Result<(), Trouble> {
    let checksum = Sha256::digest(migration.sql);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let applied: Option<Vec<u8>> = transaction
        .query_row(
            "SELECT checksum FROM migrations WHERE version = ?1",
            [migration.version],
            |row| row.get(0),
        )
        .optional()?;
    match applied {
        Some(applied) if applied == checksum.as_slice() => return Ok(()),
        Some(_) => {
            let version = migration.version;
            return Err(Trouble::Open(OpenError::MigrationChanged { version }));
        }
        None => {}
    }
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migrations (version, name, checksum, min_compatible) VALUES (?1, ?2, ?3, ?4)",
        (migration.version, migration.name, checksum.as_slice(), migration.min_compatible),
    )?;
    transaction.commit()?;
    tracing::debug!(version = migration.version, name = migration.name, "sqlite.migrated");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), index + 1);
            assert!(migration.min_compatible <= migration.version);
        }
    }

    #[test]
    fn a_database_that_may_only_be_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let mut connection =
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let Err(trouble) = prepare(&mut connection, &SqliteConfig::file(&path)) else {
            panic!("opened a database that may only be read");
        };
        let error = trouble.or_at(&path);
        assert!(matches!(&error, OpenError::ReadOnly { path: named } if *named == path), "{error}");
    }
}
