//! Opening databases: fresh ones, those of other releases, those of others.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use authcore::store::{Store, StoreHeader};
use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};
use common::Schema;
use common::make::*;

async fn refused(schema: &Schema) -> OpenError {
    match schema.try_open().await {
        Ok(store) => panic!("opened: {store:?}"),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_make_one_schema() {
    for options in ["", "-c default_transaction_isolation=serializable"] {
        let schema = std::sync::Arc::new(Schema::with(options).await);
        let nodes: Vec<_> = (0..8)
            .map(|_| {
                let schema = std::sync::Arc::clone(&schema);
                tokio::spawn(async move { schema.open().await })
            })
            .collect();
        for (number, node) in (1..).zip(nodes) {
            let node = node.await.unwrap();
            node.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
        }
        let rows =
            schema.client().await.query("SELECT version FROM migrations", &[]).await.unwrap();
        assert_eq!(rows.len(), 1);
        let store = schema.open().await;
        assert!(by_id(&store, 8).await.is_some());
    }
}

#[tokio::test]
async fn a_newer_schema_is_used_only_where_it_says_so() {
    let schema = Schema::new().await;
    schema.open().await.commit(&set(1, [insert(account(1))])).await.unwrap();
    let client = schema.client().await;
    let newer = "INSERT INTO migrations VALUES (2, 'newer', '', 1)";
    client.execute(newer, &[]).await.unwrap();
    assert!(by_id(&schema.open().await, 1).await.is_some(), "compatible with this release");
    client
        .execute("UPDATE migrations SET min_compatible = 2 WHERE version = 2", &[])
        .await
        .unwrap();
    let error = refused(&schema).await;
    assert!(matches!(error, OpenError::Newer { found: 2, understood: 1 }), "{error:?}");
    client.execute("INSERT INTO migrations VALUES (3, 'adds more', '', 1)", &[]).await.unwrap();
    let error = refused(&schema).await;
    assert!(matches!(error, OpenError::Newer { found: 3, understood: 1 }), "{error:?}");
}

#[tokio::test]
async fn a_migration_in_another_form_is_refused() {
    let schema = Schema::new().await;
    drop(schema.open().await);
    schema.client().await.execute("UPDATE migrations SET checksum = 'x'", &[]).await.unwrap();
    let error = refused(&schema).await;
    assert!(matches!(error, OpenError::MigrationChanged { version: 1 }), "{error:?}");
}

#[tokio::test]
async fn a_schema_of_something_else_stays_as_it_was() {
    let schema = Schema::new().await;
    let client = schema.client().await;
    client.batch_execute("CREATE TABLE sessions (id int)").await.unwrap();
    let error = refused(&schema).await;
    assert!(matches!(&error, OpenError::NotOurs { table } if table == "sessions"), "{error:?}");
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn migrations_of_something_else_stay_as_they_were() {
    let schema = Schema::new().await;
    let client = schema.client().await;
    client.batch_execute("CREATE TABLE migrations (id int)").await.unwrap();
    let error = refused(&schema).await;
    assert!(matches!(&error, OpenError::NotOurs { table } if table == "migrations"), "{error:?}");
}

#[tokio::test]
async fn what_lies_in_a_schema_behind_the_first_is_not_looked_at() {
    let behind = Schema::new().await;
    behind.client().await.batch_execute("CREATE TABLE events (id int)").await.unwrap();
    let first = Schema::before(&behind).await;
    first.open().await.commit(&set(1, [insert(account(1))])).await.unwrap();
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables: i64 = behind.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(tables, 1);
}

#[tokio::test]
async fn a_store_that_another_schema_was_put_before_is_not_begun_anew() {
    let behind = Schema::new().await;
    behind.open().await.commit(&set(1, [insert(account(1))])).await.unwrap();
    let first = Schema::before(&behind).await;
    let error = refused(&first).await;
    let OpenError::Elsewhere { schema, first: made_in } = &error else { panic!("{error:?}") };
    let names = "SELECT current_schema()::text, current_schemas(false)::text[]";
    let row = first.client().await.query_one(names, &[]).await.unwrap();
    let (current, all): (String, Vec<String>) = (row.get(0), row.get(1));
    assert_eq!((schema, made_in), (&all[1], &current));
    let sql = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()";
    let tables: i64 = first.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(tables, 0);
    assert!(by_id(&behind.open().await, 1).await.is_some());
}

/// As where each game has a role and a schema of the same name, and one began in `public`.
#[tokio::test]
async fn a_store_of_another_user_behind_the_first_schema_is_not_looked_at() {
    let behind = Schema::new().await;
    drop(behind.open().await);
    let first = Schema::before(&behind).await;
    let (client, role) = (first.client().await, format!("role_of_{}", first.name));
    let rights = format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {} TO {role}; GRANT ALL ON SCHEMA {} TO {role}",
        behind.name, first.name
    );
    client.batch_execute(&rights).await.unwrap();
    let first = first.under(&role);
    first.open().await.commit(&set(1, [insert(account(1))])).await.unwrap();
    assert!(by_id(&behind.open().await, 1).await.is_none());
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_refused() {
    let schema = Schema::with("-c default_transaction_read_only=on").await;
    assert!(matches!(refused(&schema).await, OpenError::ReadOnly));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_an_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = PostgresConfig::url(&format!("postgres://u:secret@127.0.0.1:{free}/d")).unwrap();
    let error = PostgresStore::connect(config).await.unwrap_err();
    assert!(matches!(error, OpenError::CannotConnect(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"));
}

#[tokio::test]
async fn stores_in_two_schemas_of_one_database_do_not_meet() {
    let (first, second) = (Schema::new().await.open().await, Schema::new().await.open().await);
    for (store, game) in [(&first, "one"), (&second, "two")] {
        let header = StoreHeader { game: game.into(), folding: 1 };
        assert_eq!(store.bind(&header).await.unwrap(), header);
        store.commit(&set(1, [insert(account(1))])).await.unwrap();
    }
}
