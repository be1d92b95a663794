//! The store behind pgbouncer in transaction mode.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::Arc;

use authcore::store::Store;
use authcore_store_conformance::{Fixture, store_conformance};
use common::make::*;
use common::pooler::{POOLED, Pooled};

async fn fresh() -> Fixture {
    let pooled = Arc::new(Pooled::new().await);
    let fixture = Fixture::new(Arc::new(pooled.open(true).await.unwrap())).with_reopen(move || {
        let pooled = Arc::clone(&pooled);
        async move { Arc::new(pooled.open(true).await.unwrap()) as _ }
    });
    fixture.with_schemas(common::names_in("tests/schemas"), |name| {
        let dump = std::fs::read_to_string(common::path_of("tests/schemas").join(name));
        async move { Arc::new(Pooled::of(&dump.unwrap()).await.open(true).await.unwrap()) as _ }
    })
}

mod kit {
    use super::*;

    store_conformance! { factory = || async { fresh().await } }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_connections_share_a_few() {
    let pooled = Pooled::new().await;
    let store = Arc::new(pooled.open(true).await.unwrap());
    let tasks: Vec<_> = (1..=64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let change = told(number, set(number.into(), [insert(account(number))]));
                store.commit(&change).await.unwrap();
                for round in 1..=5 {
                    assert!(by_id(&*store, number).await.is_some());
                    let write = logins(number, round, round);
                    let change = set(u64::from(number) * 1000 + round, [write]);
                    store.commit(&change).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1";
    let client = pooled.client().await;
    let backends: i64 = client.query_one(sql, &[&pooled.user]).await.unwrap().get(0);
    assert!((1..=POOLED).contains(&backends), "{backends}");
    let sql = format!("SELECT count(*) FROM {}.account_activity WHERE version = 6", pooled.user);
    let written: i64 = client.query_one(&sql, &[]).await.unwrap().get(0);
    assert_eq!(written, 64);
}
