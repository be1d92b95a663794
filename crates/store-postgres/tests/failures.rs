//! What is lost, late or in doubt.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use authcore::account::{Account, Identity, IdentityKey, ProviderId};
use authcore::event::EventCursor;
use authcore::store::{ChangeSet, CommitError, Lookup, Store, StoreErrorKind, Write};
use authcore_store_postgres::PostgresStore;
use common::Schema;
use common::make::*;

/// Ends the store's connections, and returns how many there were.
async fn cut(client: &tokio_postgres::Client, schema: &Schema) -> usize {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
    client.query(sql, &[&schema.name]).await.unwrap().len()
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let client = schema.client().await;
    for number in 1..=20 {
        assert!(cut(&client, &schema).await > 0);
        store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
        assert!(cut(&client, &schema).await > 0);
        assert!(by_id(&store, number).await.is_some());
    }
}

/// Hands the set over until its fate is known.
async fn settle(store: &PostgresStore, set: &ChangeSet) {
    loop {
        match store.commit(set).await {
            Ok(()) => return,
            Err(CommitError::Store(error)) if error.is_retryable() => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_acknowledged_while_connections_break_is_there_once() {
    let schema = Arc::new(Schema::new().await);
    let store = Arc::new(schema.open().await);
    let writers: Vec<_> = (1..=8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                settle(&store, &told(number, set(number.into(), [insert(account(number))]))).await;
                for round in 1..=40 {
                    let write = logins(number, round, round);
                    settle(&store, &told(number, set(u64::from(number) * 1000 + round, [write])))
                        .await;
                }
            })
        })
        .collect();
    let client = schema.client().await;
    let mut cuts = 0;
    while writers.iter().any(|writer| !writer.is_finished()) {
        cuts += cut(&client, &schema).await;
        // Long enough for a new connection to prepare its statements.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(cuts > 0);
    for number in 1..=8 {
        let found = by_id(&*store, number).await.unwrap();
        assert_eq!((found.activity.login_count, found.activity_version.number()), (40, 41));
    }
    let events = store.events(EventCursor::START, 1000).await.unwrap();
    assert_eq!(events.len(), 8 * 41, "each told once");
}

#[tokio::test]
async fn without_a_server_a_call_says_so_soon() {
    let schema = Schema::new().await;
    let config = schema.config().with_connections(1).with_patience(Duration::from_millis(200));
    let store = PostgresStore::connect(config).await.unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let client = schema.client().await;
    client.batch_execute("BEGIN; SELECT 1 FROM accounts FOR UPDATE").await.unwrap();
    let store = Arc::new(store);
    let held = Arc::clone(&store);
    // The only connection waits for the lock.
    let waiting = tokio::spawn(async move { held.commit(&set(2, [update(account(1), 1)])).await });
    until_someone_waits(&schema.client().await, &schema).await;
    let error = store.commit(&set(3, [insert(account(3))])).await.unwrap_err();
    let CommitError::Store(error) = error else { panic!("{error:?}") };
    assert_eq!(*error.kind(), StoreErrorKind::Unavailable);
    let error = store.events(EventCursor::START, 1).await.unwrap_err();
    assert_eq!(*error.kind(), StoreErrorKind::Unavailable);
    // Reads have connections of their own.
    assert!(by_id(&*store, 1).await.is_some());
    client.batch_execute("COMMIT").await.unwrap();
    waiting.await.unwrap().unwrap();
}

async fn until_someone_waits(client: &tokio_postgres::Client, schema: &Schema) {
    let sql =
        "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
    while client.query(sql, &[&schema.name]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A transaction has taken a number and is slow to commit, while another one with a higher number is done.
#[tokio::test]
async fn the_outbox_waits_for_a_number_that_is_not_committed_yet() {
    for options in ["", "-c default_transaction_isolation=serializable"] {
        let schema = Schema::with(options).await;
        let store = Arc::new(schema.open().await);
        // A connection of another node, in the middle of a commit.
        let slow = schema.client().await;
        slow.batch_execute(
            "BEGIN; SELECT pg_advisory_xact_lock_shared(1635084392, 'events'::regclass::oid::int4); \
             INSERT INTO events (at, account_id, format, data) \
             VALUES (5, '00000001-0000-0000-0000-000000000000', 1, '{\"type\": \"profile_changed\"}')",
        )
        .await
        .unwrap();
        store.commit(&told(2, set(1, [insert(account(2))]))).await.unwrap();
        let reader = Arc::clone(&store);
        let reading = tokio::spawn(async move { reader.events(EventCursor::START, 10).await });
        until_someone_waits(&schema.client().await, &schema).await;
        slow.batch_execute("COMMIT").await.unwrap();
        let found = reading.await.unwrap().unwrap();
        let accounts: Vec<_> = found.iter().map(|stored| stored.event.account).collect();
        assert_eq!(accounts, [id(1), id(2)]);
    }
}

#[tokio::test]
async fn a_dropped_commit_leaves_no_transaction_open() {
    let schema = Schema::new().await;
    let store = PostgresStore::connect(schema.config().with_connections(1)).await.unwrap();
    for number in 1..=50_u32 {
        let change: ChangeSet = set(number.into(), [insert(account(number))]);
        let patience = Duration::from_micros(u64::from(number) * 50);
        let _ = tokio::time::timeout(patience, store.commit(&change)).await;
    }
    // There is one connection: it answers when what was submitted is done.
    store.commit(&set(1000, [insert(account(1000))])).await.unwrap();
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE application_name = $1 AND state LIKE 'idle in transaction%'";
    let client = schema.client().await;
    let open: i64 = client.query_one(open, &[&schema.name]).await.unwrap().get(0);
    assert_eq!(open, 0);
    for number in 1..=50_u32 {
        let whole =
            by_id(&store, number).await.is_none_or(|found| found.account == account(number));
        assert!(whole);
    }
}

#[tokio::test]
async fn a_document_names_the_sets_that_wrote_it_last() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let writes: Vec<ChangeSet> =
        (1..=8).map(|round| set(round + 1, [logins(1, round, round)])).collect();
    for change in &writes {
        store.commit(change).await.unwrap();
    }
    // Seven others came after the first of them.
    for change in &writes {
        store.commit(change).await.unwrap();
    }
    let found = by_id(&store, 1).await.unwrap();
    assert_eq!((found.activity.login_count, found.activity_version.number()), (8, 9));
    let other: Write = logins(1, 1, 1);
    assert!(matches!(store.commit(&set(100, [other])).await, Err(CommitError::Conflict(_))));
}

/// The row names eight sets, but no more than one can have come after it: it was not applied.
#[tokio::test]
async fn a_commit_in_doubt_that_lost_a_race_is_told_so() {
    let schema = Schema::new().await;
    let store = Arc::new(schema.open().await);
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    for version in 1..=8 {
        store.commit(&set(1 + version, [logins(1, version, version)])).await.unwrap();
    }
    by_id(&*store, 1).await.unwrap();
    let (other, client) = (schema.client().await, schema.client().await);
    other.batch_execute("BEGIN; UPDATE account_activity SET version = version + 1").await.unwrap();
    let late = Arc::clone(&store);
    let late = tokio::spawn(async move { late.commit(&set(50, [logins(1, 9, 9)])).await });
    until_someone_waits(&client, &schema).await;
    assert!(cut(&client, &schema).await > 0);
    until_someone_waits(&client, &schema).await;
    other.batch_execute("COMMIT").await.unwrap();
    let answer = late.await.unwrap();
    assert!(matches!(answer, Err(CommitError::Conflict(_))), "{answer:?}");
}

/// An account whose answer comes in many parts.
fn crowded(number: u32) -> Account {
    let mut account = account(number);
    for other in 2..=1000 {
        let ordinal = account.next_ordinal;
        let key = IdentityKey::new(ProviderId::CUSTOM, &format!("{number}-{other}-{:0>60}", 0));
        let first = account.identities.first().unwrap().clone();
        account.identities.push(Identity { ordinal, key, ..first });
        account.next_ordinal = ordinal.next();
    }
    account
}

/// While the driver waits for a statement that is new to the connection, nobody takes the answers of those before it.
#[tokio::test]
async fn a_new_connection_is_given_many_statements_with_large_answers() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    for number in 1..=8 {
        store.commit(&set(number.into(), [insert(crowded(number))])).await.unwrap();
    }
    for round in 1..=5 {
        let fresh = PostgresStore::connect(schema.config().with_writers(1)).await.unwrap();
        let updates = (1..=8).map(|number| update(crowded(number), round));
        let logins = (1..=8).map(|number| logins(number, round, round));
        let change = set(100 + round, updates.chain(logins));
        let done = tokio::time::timeout(Duration::from_secs(20), fresh.commit(&change));
        done.await.unwrap().unwrap();
    }
    for _ in 0..5 {
        let fresh = Arc::new(schema.open().await);
        let by_id = (1..=8).map(|number| Lookup::Id(id(number)));
        let device = |number| IdentityKey::new(ProviderId::DEVICE, &format!("device-{number}"));
        let by_key = (1..=8).map(|number| Lookup::Identity(device(number)));
        let lookups: Vec<_> = by_id.chain(by_key).collect();
        let found = tokio::time::timeout(Duration::from_secs(20), fresh.load_many(&lookups));
        assert_eq!(found.await.unwrap().unwrap().iter().flatten().count(), 16);
    }
}
