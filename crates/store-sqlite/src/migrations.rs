//! The migrations of the schema.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use sha2::{Digest as _, Sha256};

use crate::error::OpenError;
use crate::names::Prefix;
use crate::open::Trouble;

pub(crate) struct Migration {
    version: u32,
    /// The oldest release, by the newest schema that it knows, which can use a database after this migration.
    min_compatible: u32,
    name: &'static str,
    sql: &'static str,
}

/// In order, without gaps. What was released never changes; its checksum is kept.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
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

/// Refuses a schema that this release cannot use.
pub(crate) fn check(
    connection: &Connection,
    prefix: &Prefix,
    migrations: &[Migration],
) -> Result<(), Trouble> {
    if !are_there(connection, prefix)? {
        return Ok(());
    }
    let understood = migrations.last().map_or(0, |migration| migration.version);
    // The greatest of all: what one migration made impossible, no later one makes possible.
    let (found, min_compatible): (u32, u32) = connection.query_row(
        &prefix.render(
            "SELECT coalesce(max(version), 0), coalesce(max(min_compatible), 0) FROM migrations",
        ),
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if min_compatible > understood {
        return Err(Trouble::Open(OpenError::Newer { found, understood }));
    }
    for migration in migrations {
        is_applied(connection, prefix, migration)?;
    }
    Ok(())
}

/// Checks what was applied, and applies what was not, each in its own transaction.
pub(crate) fn migrate(
    connection: &mut Connection,
    prefix: &Prefix,
    migrations: &[Migration],
) -> Result<(), Trouble> {
    // Taken before looking, so that two processes that open a fresh file do not both migrate it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check(&transaction, prefix, migrations)?;
    if !are_there(&transaction, prefix)? {
        transaction.execute_batch(&prefix.render(CREATE_MIGRATIONS))?;
    }
    transaction.commit()?;
    for migration in migrations {
        apply(connection, prefix, migration)?;
    }
    Ok(())
}

fn are_there(connection: &Connection, prefix: &Prefix) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
    statement.exists([prefix.name("migrations")])
}

/// Of the text without a prefix, so that it says the same in every file.
fn checksum(migration: &Migration) -> impl AsRef<[u8]> {
    Sha256::digest(migration.sql)
}

fn is_applied(
    connection: &Connection,
    prefix: &Prefix,
    migration: &Migration,
) -> Result<bool, Trouble> {
    let applied: Option<Vec<u8>> = connection
        .query_row(
            &prefix.render("SELECT checksum FROM migrations WHERE version = ?1"),
            [migration.version],
            |row| row.get(0),
        )
        .optional()?;
    match applied {
        Some(applied) if applied != checksum(migration).as_ref() => {
            let version = migration.version;
            Err(Trouble::Open(OpenError::MigrationChanged { version }))
        }
        applied => Ok(applied.is_some()),
    }
}

fn apply(
    connection: &mut Connection,
    prefix: &Prefix,
    migration: &Migration,
) -> Result<(), Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_applied(&transaction, prefix, migration)? {
        return Ok(());
    }
    transaction.execute_batch(&prefix.render(migration.sql))?;
    let sql =
        "INSERT INTO migrations (version, name, checksum, min_compatible) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(
        &prefix.render(sql),
        (migration.version, migration.name, checksum(migration).as_ref(), migration.min_compatible),
    )?;
    transaction.commit()?;
    tracing::debug!(version = migration.version, name = migration.name, "sqlite.migrated");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const FIRST: Migration = Migration {
        version: 1,
        min_compatible: 1,
        name: "first",
        sql: "CREATE TABLE store (a); INSERT INTO store VALUES (1);",
    };
    /// Adds what a release that knows only the first can leave alone.
    const ADDS: Migration = Migration {
        version: 2,
        min_compatible: 1,
        name: "adds",
        sql: "ALTER TABLE store ADD COLUMN b DEFAULT 2;",
    };
    /// Takes away what that release needs.
    const TAKES: Migration = Migration {
        version: 3,
        min_compatible: 2,
        name: "takes",
        sql: "ALTER TABLE store DROP COLUMN a;",
    };
    const ADDS_MORE: Migration = Migration {
        version: 4,
        min_compatible: 1,
        name: "adds more",
        sql: "CREATE TABLE codes (a);",
    };

    fn run(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenError> {
        migrate(connection, &Prefix::default(), migrations)
            .map_err(|trouble| trouble.or_at(Path::new("a.db")))
    }

    fn columns(connection: &Connection) -> Vec<String> {
        let statement = connection.prepare("SELECT * FROM store").unwrap();
        statement.column_names().map(str::to_owned).collect()
    }

    fn versions(connection: &Connection) -> Vec<u32> {
        let mut statement = connection.prepare("SELECT version FROM migrations").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn migrations_are_numbered_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version).unwrap(), index + 1);
            assert!(migration.min_compatible <= migration.version);
        }
    }

    #[test]
    fn an_older_release_opens_a_newer_schema_while_it_is_compatible() {
        let mut connection = Connection::open_in_memory().unwrap();
        run(&mut connection, &[FIRST]).unwrap();
        run(&mut connection, &[FIRST, ADDS]).unwrap();
        assert_eq!(columns(&connection), ["a", "b"]);
        // The older one, beside it or after it: it changes nothing.
        run(&mut connection, &[FIRST]).unwrap();
        assert_eq!(versions(&connection), [1, 2]);
        run(&mut connection, &[FIRST, ADDS, TAKES]).unwrap();
        let refused = run(&mut connection, &[FIRST]);
        assert!(matches!(refused, Err(OpenError::Newer { found: 3, understood: 1 })));
        run(&mut connection, &[FIRST, ADDS]).unwrap();
        assert_eq!(
            (columns(&connection), versions(&connection)),
            (vec!["b".into()], vec![1, 2, 3])
        );
        // A later migration that takes nothing away does not bring back what an earlier one took.
        run(&mut connection, &[FIRST, ADDS, TAKES, ADDS_MORE]).unwrap();
        let refused = run(&mut connection, &[FIRST]);
        assert!(matches!(refused, Err(OpenError::Newer { found: 4, understood: 1 })));
    }

    #[test]
    fn a_migration_that_fails_leaves_the_one_before_it() {
        let broken = "ALTER TABLE store ADD COLUMN c; INSERT INTO nowhere VALUES (1);";
        let mut connection = Connection::open_in_memory().unwrap();
        let failing = Migration { sql: broken, ..ADDS };
        assert!(matches!(run(&mut connection, &[FIRST, failing]), Err(OpenError::Sqlite(_))));
        assert_eq!((columns(&connection), versions(&connection)), (vec!["a".into()], vec![1]));
        run(&mut connection, &[FIRST, ADDS, TAKES]).unwrap();
        assert_eq!(
            (columns(&connection), versions(&connection)),
            (vec!["b".into()], vec![1, 2, 3])
        );
    }
}
