//! The wrappers do what they say.

use std::sync::Arc;

use authcore::account::{AccountId, CommitId, Epoch};
use authcore::store::{ChangeSet, CommitError, Lookup, Store, StoreErrorKind, Write};
use authcore_store_conformance::wrappers::{
    Answer, Call, Counts, Entry, Fault, Faults, FaultyStore, RecordingStore, SettlingStore, Step,
    TracedStore,
};
use authcore_store_conformance::{cases, table};
use authcore_store_memory::MemoryStore;

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn raise(id: u8) -> ChangeSet {
    ChangeSet {
        id: CommitId::from_bytes([id; 16]),
        require: Vec::new(),
        writes: vec![Write::RaiseStoreEpoch],
        events: Vec::new(),
    }
}

fn kind(result: Result<(), CommitError>) -> Option<StoreErrorKind> {
    match result {
        Err(CommitError::Store(error)) => Some(error.kind().clone()),
        _ => None,
    }
}

#[tokio::test]
async fn traced_store_counts_calls() {
    let store = TracedStore::new(memory());
    let lookup = Lookup::Id(AccountId::from_bytes([1; 16]));
    store.load(&lookup).await.unwrap();
    store.commit(&raise(1)).await.unwrap();
    store.load(&lookup).await.unwrap();
    assert_eq!(store.log(), ["load", "commit", "load"]);
    assert_eq!(store.counts(), Counts { load: 2, commit: 1, ..Counts::default() });
    store.reset();
    assert_eq!(store.counts(), Counts::default());
}

#[tokio::test]
async fn faulty_store_fails_before_and_after() {
    let store = FaultyStore::new(memory(), 0, Faults::NONE);
    store.force(Fault::Before);
    store.force(Fault::After);
    assert_eq!(kind(store.commit(&raise(1)).await), Some(StoreErrorKind::Unavailable));
    assert_eq!(store.epoch().await.unwrap(), Epoch::FIRST, "it was not applied");
    assert_eq!(kind(store.commit(&raise(1)).await), Some(StoreErrorKind::FateUnknown));
    assert_eq!(store.epoch().await.unwrap(), Epoch::new(1), "it was applied");
    store.commit(&raise(1)).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), Epoch::new(1), "it was applied before");
}

#[tokio::test]
async fn faulty_store_repeats_itself() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let store = FaultyStore::new(memory(), seed, Faults::OFTEN);
        let mut run = Vec::new();
        for id in 0..100 {
            run.push(kind(store.commit(&raise(id)).await));
        }
        for expected in [None, Some(StoreErrorKind::Unavailable), Some(StoreErrorKind::FateUnknown)]
        {
            assert!(run.iter().filter(|kind| **kind == expected).count() > 5, "{run:?}");
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn settling_store_does_it_once() {
    let faulty = Arc::new(FaultyStore::new(memory(), 0, Faults::NONE));
    for fault in [Fault::Before, Fault::After, Fault::After, Fault::Before] {
        faulty.force(fault);
    }
    let store = SettlingStore::new(Arc::clone(&faulty) as Arc<dyn Store>);
    store.commit(&raise(1)).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), Epoch::new(1));
}

#[tokio::test]
async fn recording_store_tells_beginning_and_end() {
    let store = RecordingStore::new(memory());
    drop(store.epoch());
    store.epoch().await.unwrap();
    store.commit(&raise(1)).await.unwrap();
    let entry = |call, step| Entry { call, step };
    let history = [
        entry(0, Step::Invoked(Call::Epoch)),
        entry(0, Step::Returned(Answer::Epoch(Epoch::FIRST))),
        entry(2, Step::Invoked(Call::Commit(raise(1)))),
        entry(2, Step::Returned(Answer::Committed)),
    ];
    assert_eq!(store.history(), history);
}

#[test]
fn every_case_is_listed_once() {
    let cases = cases();
    let table = table();
    assert_eq!(table.lines().count(), cases.len() + 2);
    for case in &cases {
        let row = format!("| {} | `{}` |", case.suite, case.name);
        assert_eq!(table.matches(&row).count(), 1, "{row}");
    }
}
