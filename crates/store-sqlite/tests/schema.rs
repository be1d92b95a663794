//! The files that `tests/conformance.rs` opens as what each schema left behind. With `AUTHCORE_WRITE_SCHEMAS` set, the
//! newest is written.

#![allow(clippy::allow_attributes, clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::path::Path;

use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use rusqlite::Connection;

fn names(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn texts(file: &Connection, sql: &str) -> Vec<String> {
    let mut statement = file.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The whole file as SQL. Text is written in hexadecimal, which keeps its NUL.
fn dump(file: &Connection) -> String {
    let mut dump = String::new();
    let objects = "SELECT sql || ';' FROM sqlite_schema \
                   WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for sql in texts(file, objects) {
        writeln!(dump, "{sql}").unwrap();
    }
    let tables = "SELECT name FROM sqlite_schema \
                  WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid";
    for table in texts(file, tables) {
        let columns =
            texts(file, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"));
        let literal = |column: &String| {
            let text = format!("'CAST(x''' || hex({column}) || ''' AS TEXT)'");
            format!("CASE typeof({column}) WHEN 'text' THEN {text} ELSE quote({column}) END")
        };
        let literals: Vec<_> = columns.iter().map(literal).collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY 1", literals.join(" || ', ' || "));
        for row in texts(file, &sql) {
            writeln!(dump, "INSERT INTO {table} ({}) VALUES ({row});", columns.join(", ")).unwrap();
        }
    }
    dump
}

#[tokio::test]
async fn the_newest_schema_is_kept_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = SqliteStore::open(SqliteConfig::file(&path)).unwrap();
    authcore_store_conformance::seed(&store).await;
    drop(store);
    let dump = dump(&Connection::open(&path).unwrap());

    let migrations = names("migrations");
    let newest = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/schemas")
        .join(migrations.last().unwrap());
    if std::env::var_os("AUTHCORE_WRITE_SCHEMAS").is_some() {
        std::fs::write(&newest, &dump).unwrap();
    }
    assert_eq!(names("tests/schemas"), migrations, "one for each migration, made right after it");
    let kept = std::fs::read_to_string(&newest).unwrap();
    let newest = newest.display();
    assert!(kept == dump, "{newest} is outdated; AUTHCORE_WRITE_SCHEMAS=1 writes it");
}
