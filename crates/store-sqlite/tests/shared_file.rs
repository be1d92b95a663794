//! Beside the tables of a game in one file.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;

use authcore::store::Store;
use authcore_store_sqlite::{OpenError, SqliteConfig, SqliteStore};
use common::*;
use rusqlite::Connection;

/// A game that has taken every name of ours for tables of its own, and rows that nobody may touch.
fn game(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    for table in [
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
    ] {
        let sql =
            format!("CREATE TABLE {table} (mine TEXT); INSERT INTO {table} VALUES ('{table}')");
        connection.execute_batch(&sql).unwrap();
    }
    connection
}

fn prefixed(path: &Path, prefix: &str) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteConfig::file(path).with_table_prefix(prefix))
}

#[tokio::test]
async fn a_prefix_keeps_the_tables_of_a_game_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let game = game(&path);
    assert!(matches!(prefixed(&path, ""), Err(OpenError::NotOurs { .. })));
    // Two stores with a prefix each are two games.
    let stores = ["auth_", "other_"].map(|prefix| prefixed(&path, prefix).unwrap());
    stores[0].commit(&set(1, [insert(account(1))])).await.unwrap();
    assert!(by_id(&stores[0], 1).await.is_some());
    assert!(by_id(&stores[1], 1).await.is_none());
    drop(stores);
    let store = prefixed(&path, "auth_").unwrap();
    assert_eq!(by_id(&store, 1).await.unwrap().account, account(1));

    let sql = "SELECT group_concat(mine) FROM (SELECT * FROM accounts UNION SELECT * FROM events)";
    let mine: String = game.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(mine, "accounts,events");
}

#[tokio::test]
async fn a_game_joins_its_tables_with_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = prefixed(&path, "auth_").unwrap();
    store.commit(&set(1, [insert(named(1, "ada")), insert(named(2, "bob"))])).await.unwrap();
    let game = Connection::open(&path).unwrap();
    game.execute_batch(
        "CREATE TABLE characters (
             name       TEXT PRIMARY KEY,
             account_id BLOB NOT NULL REFERENCES auth_accounts (id) ON DELETE CASCADE
         ) STRICT",
    )
    .unwrap();
    let sql = "INSERT INTO characters VALUES (?1, ?2)";
    game.execute(sql, ("Grim", id(1).as_bytes())).unwrap();
    game.execute(sql, ("Mild", id(2).as_bytes())).unwrap();
    let names = || -> String {
        let sql = "SELECT group_concat(c.name || ' ' || a.username) FROM characters c \
                   JOIN auth_accounts a ON a.id = c.account_id ORDER BY c.name";
        game.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(names(), "Grim ADA,Mild BOB");
    // The game's rows go with the account.
    let delete = authcore::store::Write::DeleteAccount {
        id: id(1),
        expect: authcore::account::Version::FIRST,
    };
    store.commit(&set(2, [delete])).await.unwrap();
    assert_eq!(names(), "Mild BOB");
}

#[test]
fn a_prefix_that_is_no_name_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let error = prefixed(&path, "a; DROP TABLE x").unwrap_err();
    assert!(matches!(&error, OpenError::TablePrefix { prefix } if prefix == "a; DROP TABLE x"));
    assert!(!path.exists());
}
