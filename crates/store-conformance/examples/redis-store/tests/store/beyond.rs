//! What the kit cannot show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::server::Server;
use authcore::account::{Account, AccountId, CommitId};
use authcore::event::{Event, EventCursor, EventKind};
use authcore::session::Activity;
use authcore::store::{ChangeSet, CommitError, Lookup, Store, StoreErrorKind, StoreHeader, Write};
use chrono::DateTime;
use redis_store::RedisStore;

/// A set that makes an account and says so; of each number another one.
fn insert(number: u32) -> ChangeSet {
    let mut random = [7; 16];
    random[..4].copy_from_slice(&number.to_be_bytes());
    let id = AccountId::from_bytes(random);
    let now = DateTime::UNIX_EPOCH;
    let account = Box::new(Account::new(id, now));
    ChangeSet {
        id: CommitId::new(random),
        require: Vec::new(),
        writes: vec![Write::InsertAccount { account, activity: Arc::new(Activity::default()) }],
        events: vec![Event { account: id, at: now, kind: EventKind::AccountCreated }],
    }
}

async fn created(store: &RedisStore) -> Vec<AccountId> {
    let events = store.events(EventCursor::START, u32::MAX).await.unwrap();
    events.iter().map(|stored| stored.event.account).collect()
}

fn kind(refused: Result<(), CommitError>) -> StoreErrorKind {
    match refused {
        Err(CommitError::Store(error)) => error.kind().clone(),
        other => panic!("{other:?}"),
    }
}

/// Commits accounts until one is not answered, or the end has come while none was under way; returns how many were.
async fn write_until_the_end(store: RedisStore, first: u32, end: Arc<AtomicBool>) -> u32 {
    let mut answered = 0;
    while !end.load(Ordering::Relaxed) {
        let outcome = store.commit(&insert(first + answered)).await;
        if outcome.is_err() {
            let kind = kind(outcome);
            let honest = [StoreErrorKind::FateUnknown, StoreErrorKind::Unavailable];
            assert!(honest.contains(&kind), "{kind:?}");
            return answered;
        }
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_a_server_that_is_killed_under_load() {
    let server = Server::start();
    let store = server.store().await;
    let firsts = (0..8).map(|writer| writer * 1_000_000);
    let end = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = firsts
        .map(|first| {
            let writer = write_until_the_end(store.clone(), first, Arc::clone(&end));
            (first, tokio::spawn(writer))
        })
        .collect();
    while created(&store).await.len() < 200 {}
    server.kill();
    end.store(true, Ordering::Relaxed);
    server.start_again();
    let store = server.store().await;
    let mut expected = Vec::new();
    for (first, writer) in writers {
        let answered = writer.await.unwrap();
        for number in first..first + answered {
            let Write::InsertAccount { account, .. } = &insert(number).writes[0] else {
                unreachable!()
            };
            let found = store.load(&Lookup::Id(account.id)).await.unwrap();
            assert_eq!(found.map(|found| found.account), Some((**account).clone()));
        }
        // The one that nobody knows of comes again, and is then there once.
        store.commit(&insert(first + answered)).await.unwrap();
        expected.extend((first..=first + answered).map(|number| insert(number).events[0].account));
    }
    let mut created = created(&store).await;
    created.sort_unstable();
    assert_eq!(created, expected);
}

#[tokio::test]
async fn a_server_that_is_full_or_a_replica_takes_nothing() {
    let server = Server::start();
    let store = server.store().await;
    store.commit(&insert(1)).await.unwrap();
    server.set("maxmemory", "1").await;
    assert_eq!(kind(store.commit(&insert(2)).await), StoreErrorKind::Full);
    assert_eq!(created(&store).await.len(), 1);
    server.set("maxmemory", "0").await;
    server.ask(&["REPLICAOF", "localhost", "1"]).await;
    assert_eq!(kind(store.commit(&insert(2)).await), StoreErrorKind::ReadOnly);
    assert_eq!(created(&store).await.len(), 1);
    server.ask(&["REPLICAOF", "NO", "ONE"]).await;
    store.commit(&insert(2)).await.unwrap();
    assert_eq!(created(&store).await.len(), 2);
}

#[tokio::test]
async fn a_server_that_may_lose_an_answered_commit_is_not_durable() {
    let server = Server::start();
    assert!(server.store().await.capabilities().durable);
    server.set("appendfsync", "everysec").await;
    assert!(!server.store().await.capabilities().durable);
}

#[tokio::test]
async fn what_a_later_release_wrote_is_not_opened() {
    let server = Server::start();
    let store = server.store().await;
    let header = StoreHeader { game: "game".into(), folding: 1 };
    for field in ["layout", "documents"] {
        assert_eq!(store.bind(&header).await.unwrap(), header);
        server.ask(&["HINCRBY", "{game}h", field, "1"]).await;
        let refused = store.bind(&header).await.unwrap_err();
        assert!(matches!(refused.kind(), StoreErrorKind::Corrupt { .. }), "{refused:?}");
        server.ask(&["HINCRBY", "{game}h", field, "-2"]).await;
    }
    // One of an earlier release is, and is from then on of this one.
    assert_eq!(store.bind(&header).await.unwrap(), header);
    assert_eq!(server.ask(&["HGET", "{game}h", "layout"]).await, "1");
}

#[tokio::test]
async fn keyspaces_do_not_meet_and_hold_no_brace() {
    let server = Server::start();
    server.store().await.commit(&insert(1)).await.unwrap();
    let other = RedisStore::connect(&server.url(), "other").await.unwrap();
    other.commit(&insert(1)).await.unwrap();
    assert_eq!(created(&other).await.len(), 1);
    for keyspace in ["", "a}b"] {
        let refused = RedisStore::connect(&server.url(), keyspace).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Other);
    }
}
