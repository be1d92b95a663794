//! How the server finds rows: by their keys, whatever it knows of the tables.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::task::{Context, Waker};

use authcore::account::{Account, Epoch, IdentityKey, Ordinal, ProviderId, SessionId};
use authcore::session::{Activity, Method, Session, SessionRef, Vars};
use authcore::store::{ChangeSet, Lookup, Require, Store, Write};
use authcore_store_postgres::PostgresStore;
use common::Schema;
use common::make::*;

fn session(number: u32, turn: u8) -> Session {
    let mut bytes = *id(number).as_bytes();
    bytes[15] = turn;
    Session {
        id: SessionId::from_bytes(bytes),
        identity: Some(Ordinal::new(1)),
        method: Method::Device,
        authenticated_at: at(1),
        last_used_at: at(1),
        idle_expires_at: at(2),
        expires_at: at(3),
        generation: 0,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: Vars::default(),
        server_vars: Vars::default(),
        device_name: None,
        device_id: None,
        epoch: Epoch::new(0),
        store_epoch: Epoch::new(0),
    }
}

/// A login, a refresh and a link of one account, as the engine makes them.
async fn visit(store: &PostgresStore, number: u32, round: u64) {
    let key = IdentityKey::new(ProviderId::DEVICE, &format!("device-{number}"));
    let load = async || store.load(&Lookup::Identity(key.clone())).await.unwrap().unwrap();
    let commit = async |turn: u64, require, write| {
        let mut change: ChangeSet = set((round << 40) + (u64::from(number) << 8) + turn, [write]);
        change.require = vec![require];
        store.commit(&change).await.unwrap();
    };
    for (turn, generation) in [(1, 0), (2, 1)] {
        let found = load().await;
        let opened = Session { generation, ..session(number, u8::try_from(round).unwrap()) };
        let activity = Activity { login_count: 1, sessions: vec![opened], ..Activity::default() };
        let write = Write::UpdateActivity {
            id: found.account.id,
            activity: activity.into(),
            expect: found.activity_version,
        };
        commit(turn, Require::Account(found.account.id, found.version), write).await;
    }
    let found = load().await;
    let mut linked: Account = found.account.clone();
    let mut identity = linked.identities.first().unwrap().clone();
    identity.ordinal = linked.next_ordinal;
    identity.key = IdentityKey::new(ProviderId::CUSTOM, &format!("{number}-{round}"));
    linked.next_ordinal = linked.next_ordinal.next();
    linked.identities.push(identity);
    let write = Write::UpdateAccount { account: Box::new(linked), expect: found.version };
    commit(3, Require::Activity(found.account.id, found.activity_version), write).await;
    let at = SessionRef {
        account: id(number),
        session: session(number, u8::try_from(round).unwrap()).id,
    };
    assert!(store.session(at).await.unwrap().is_some());
    assert!(store.load(&Lookup::Id(id(number))).await.unwrap().is_some());
    assert!(store.load(&Lookup::Username("nobody".into())).await.unwrap().is_none());
}

async fn first_logins(store: &PostgresStore, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let change = told(number, set(u64::from(number), [insert(account(number))]));
        store.commit(&change).await.unwrap();
    }
}

/// How many rows were read of each table. What connections did is known when they end.
async fn rows_read(schema: &Schema, store: PostgresStore) -> Vec<(String, i64)> {
    drop(store);
    let client = schema.client().await;
    let sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1";
    while !client.query(sql, &[&schema.name]).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let sql = "SELECT relname::text, (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE schemaname = $1 \
               AND relname IN ('accounts', 'identities', 'account_activity', 'events') ORDER BY 1";
    let rows = client.query(sql, &[&schema.name]).await.unwrap();
    assert_eq!(rows.len(), 4);
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Far fewer than a table has.
fn assert_few(before: &[(String, i64)], after: &[(String, i64)]) {
    for ((table, before), (_, after)) in before.iter().zip(after) {
        assert!(after - before < 700, "{table}: {}", after - before);
    }
}

#[tokio::test]
async fn tables_that_are_known_are_read_by_their_keys() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let writes = (1..=1500).map(|number| insert(account(number)));
    store.commit(&set(1, writes)).await.unwrap();
    schema
        .client()
        .await
        .batch_execute("ANALYZE accounts, identities, account_activity")
        .await
        .unwrap();
    let before = rows_read(&schema, store).await;
    let store = schema.open().await;
    for round in 1..=3 {
        visit(&store, 7, round).await;
    }
    first_logins(&store, 2000..2003).await;
    assert_few(&before, &rows_read(&schema, store).await);
}

#[tokio::test]
async fn nothing_is_read_for_those_who_have_gone() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    store.commit(&set(1, (1..=1500).map(|number| insert(account(number))))).await.unwrap();
    let before = rows_read(&schema, store).await;
    let store = schema.open().await;
    for number in 1..=1500 {
        let lookup = Lookup::Id(id(number));
        let mut load = store.load(&lookup);
        // Asked, and not waited for.
        assert!(load.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert!(by_id(&store, 1).await.is_some());
    assert_few(&before, &rows_read(&schema, store).await);
}

#[tokio::test]
async fn tables_that_have_grown_unseen_are_read_by_their_keys() {
    let schema = Schema::new().await;
    drop(schema.open().await);
    let client = schema.client().await;
    for table in ["accounts", "identities", "account_activity", "events"] {
        let sql = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        client.batch_execute(&sql).await.unwrap();
    }
    let store = schema.open().await;
    let before = rows_read(&schema, store).await;
    let store = schema.open().await;
    // Planned while the tables are empty, and kept.
    first_logins(&store, 1..4).await;
    for round in 1..=6 {
        visit(&store, 1, round).await;
    }
    let writes = (10..=1500).map(|number| insert(account(number)));
    store.commit(&set(1 << 62, writes)).await.unwrap();
    visit(&store, 1, 7).await;
    visit(&store, 1, 8).await;
    visit(&store, 1, 9).await;
    assert_few(&before, &rows_read(&schema, store).await);
}

/// Plans are made for what a table was when it was analyzed: few rows, which are as well read one by one. This store has made
/// some.
async fn analyzed_while_small(schema: &Schema) -> PostgresStore {
    let store = schema.open().await;
    first_logins(&store, 1..4).await;
    visit(&store, 1, 1).await;
    let client = schema.client().await;
    let tables = ["accounts", "identities", "account_activity", "events"];
    for table in tables {
        let sql = format!("ALTER TABLE {table} SET (autovacuum_enabled = false)");
        client.batch_execute(&sql).await.unwrap();
        client.batch_execute(&format!("VACUUM ANALYZE {table}")).await.unwrap();
    }
    visit(&store, 1, 2).await;
    store
}

#[tokio::test]
async fn tables_that_were_analyzed_while_small_are_read_by_their_keys_when_they_have_grown() {
    let schema = Schema::new().await;
    let store = analyzed_while_small(&schema).await;
    let writes = (10..=1500).map(|number| insert(account(number)));
    store.commit(&set(1 << 62, writes)).await.unwrap();
    for round in 3..=30 {
        visit(&store, 1, round).await;
    }
    for (table, rows) in rows_read(&schema, store).await {
        // Whoever reads whole tables has read each of them more than a hundred times.
        assert!(rows < 10_000, "{table}: {rows}");
    }
}

/// The connection that worked last is used next, and others rest until it is not enough.
#[tokio::test]
async fn tables_that_have_grown_while_a_connection_rested_are_read_by_their_keys() {
    let schema = Schema::new().await;
    let store = analyzed_while_small(&schema).await;
    let other = schema.open().await;
    let writes = (10..=1500).map(|number| insert(account(number)));
    other.commit(&set(1 << 62, writes)).await.unwrap();
    drop(other);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    visit(&store, 1, 3).await;
    for (table, rows) in rows_read(&schema, store).await {
        // Not even once whole.
        assert!(rows < 1400, "{table}: {rows}");
    }
}
