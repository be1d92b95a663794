//! Bringing a schema up to date, however many nodes start at once. No statement gets a name, so that a pooler may be in
//! between.

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::error::OpenError;

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
    version        bigint PRIMARY KEY,
    name           text NOT NULL,
    checksum       bytea NOT NULL,
    min_compatible bigint NOT NULL
)";

/// A schema of something else that has one of these cannot be shared.
const TABLES: &[&str] = &[
    "store",
    "accounts",
    "identities",
    "account_activity",
    "sessions",
    "events",
    "codes",
    "single_use",
    "throttles",
    "recent_commits",
];

/// Checks that the server is one that the store can rely on.
pub(crate) async fn check_server(client: &Client) -> Result<(), OpenError> {
    let server: String = client.query_typed_one("SELECT version()", &[]).await?.try_get(0)?;
    if server.contains("CockroachDB") {
        let lacks = "it has no advisory locks, by which the outbox is read in order";
        return Err(OpenError::Unsupported { server, lacks });
    }
    let found: String = client.query_typed_one("SHOW server_encoding", &[]).await?.try_get(0)?;
    if found != "UTF8" {
        return Err(OpenError::Encoding { found });
    }
    let read_only: String =
        client.query_typed_one("SHOW transaction_read_only", &[]).await?.try_get(0)?;
    if read_only == "on" {
        return Err(OpenError::ReadOnly);
    }
    Ok(())
}

/// Checks what was applied, and applies what was not: all in one transaction, one node after another. The lock is let go
/// when the transaction ends, however it ends.
pub(crate) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    let transaction = client
        .build_transaction()
        // Each statement must see what was committed while this one waited for the lock.
        .isolation_level(tokio_postgres::IsolationLevel::ReadCommitted)
        .start()
        .await?;
    transaction.batch_execute("SELECT pg_advisory_xact_lock(1635084392, 0)").await?;
    if is_there(&transaction, "migrations").await? {
        let sql = "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                   JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = current_schema() AND c.relname = 'migrations' \
                   AND a.attname IN ('version', 'name', 'checksum', 'min_compatible')";
        let columns: i64 = transaction.query_typed_one(sql, &[]).await?.try_get(0)?;
        if columns != 4 {
            return Err(OpenError::NotOurs { table: "migrations".to_owned() });
        }
    } else {
        check_others(&transaction).await?;
        for table in TABLES {
            if is_there(&transaction, table).await? {
                return Err(OpenError::NotOurs { table: (*table).to_owned() });
            }
        }
        transaction.batch_execute(CREATE_MIGRATIONS).await?;
    }
    // The greatest of all: what one migration made impossible, no later one makes possible.
    let sql = "SELECT coalesce(max(version), 0), coalesce(max(min_compatible), 0) FROM migrations";
    let row = transaction.query_typed_one(sql, &[]).await?;
    let (found, min_compatible) = (number(&row, 0)?, number(&row, 1)?);
    let understood = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if min_compatible > understood {
        return Err(OpenError::Newer { found, understood });
    }
    for migration in MIGRATIONS {
        apply(&transaction, migration).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// In the schema that comes first, where a table is made: those behind it are others'.
async fn is_there(
    transaction: &tokio_postgres::Transaction<'_>,
    table: &str,
) -> Result<bool, OpenError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = current_schema() AND c.relname = $1)";
    Ok(transaction.query_typed_one(sql, &[(&table, Type::TEXT)]).await?.try_get(0)?)
}

/// Whether one of the schemas behind the first has a store that this user may read: any other is another game's.
async fn check_others(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), OpenError> {
    let sql = "SELECT n.nspname::text, current_schema()::text FROM pg_namespace n \
               WHERE n.nspname = ANY (current_schemas(false)) AND 2 = (\
                   SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r' \
                   AND c.relname IN ('migrations', 'account_activity') AND has_table_privilege(c.oid, 'SELECT')) \
               ORDER BY array_position(current_schemas(false), n.nspname) LIMIT 1";
    match transaction.query_typed_opt(sql, &[]).await? {
        None => Ok(()),
        Some(row) => Err(OpenError::Elsewhere { schema: row.try_get(0)?, first: row.try_get(1)? }),
    }
}

fn number(row: &tokio_postgres::Row, column: usize) -> Result<u32, OpenError> {
    let number: i64 = row.try_get(column)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

async fn apply(
    transaction: &tokio_postgres::Transaction<'_>,
    migration: &Migration,
) -> Result<(), OpenError> {
    let checksum = Sha256::digest(migration.sql);
    let version = i64::from(migration.version);
    let sql = "SELECT checksum FROM migrations WHERE version = $1";
    if let Some(row) = transaction.query_typed_opt(sql, &[(&version, Type::INT8)]).await? {
        let applied: &[u8] = row.try_get(0)?;
        if applied == checksum.as_slice() {
            return Ok(());
        }
        return Err(OpenError::MigrationChanged { version: migration.version });
    }
    transaction.batch_execute(migration.sql).await?;
    let sql =
        "INSERT INTO migrations (version, name, checksum, min_compatible) VALUES ($1, $2, $3, $4)";
    let min_compatible = i64::from(migration.min_compatible);
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&version, Type::INT8),
        (&migration.name, Type::TEXT),
        (&checksum.as_slice(), Type::BYTEA),
        (&min_compatible, Type::INT8),
    ];
    transaction.execute_typed(sql, &params).await?;
    tracing::debug!(version, name = migration.name, "postgres.migrated");
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
}
