//! Commits over several accounts, on threads: seen whole or not at all, and nobody waits in a circle.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, ProviderId, Version,
};
use authcore::session::Activity;
use authcore::store::{ChangeSet, CommitError, Lookup, Snapshot, Store, Write};
use authcore_store_memory::MemoryStore;
use chrono::DateTime;

const ACCOUNTS: u8 = 12;

/// A future of this store is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

fn id(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

fn key() -> IdentityKey {
    IdentityKey::new(ProviderId::DEVICE, "the only one")
}

fn account(number: u8, owns: bool) -> Account {
    let mut account = Account::new(id(number), DateTime::UNIX_EPOCH);
    account.identities.extend(owns.then(|| Identity {
        ordinal: Ordinal::FIRST,
        key: key(),
        shown: None,
        linked_at: DateTime::UNIX_EPOCH,
        verified_at: None,
        data: None,
    }));
    account
}

fn set(writes: Vec<Write>) -> ChangeSet {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = u128::from(SERIAL.fetch_add(1, Ordering::Relaxed));
    let id = CommitId::new(serial.to_be_bytes());
    ChangeSet { id, require: Vec::new(), writes, events: Vec::new() }
}

/// Accounts of which the first owns the identity.
fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let insert = |number| Write::InsertAccount {
        account: account(number, number == 0).into(),
        activity: Arc::default(),
    };
    now(store.commit(&set((0..ACCOUNTS).map(insert).collect()))).unwrap();
    store
}

fn load(store: &MemoryStore, number: u8) -> Snapshot {
    now(store.load(&Lookup::Id(id(number)))).unwrap().unwrap()
}

/// Commits; the race may be lost.
fn try_to(store: &MemoryStore, writes: Vec<Write>) {
    match now(store.commit(&set(writes))) {
        Err(CommitError::Conflict(_)) => {}
        other => other.unwrap(),
    }
}

/// How often each writer tries. A try is lost only to another's success, which two others lose at most.
const TRIES: u64 = 2000;

/// Writers raise the counts of all accounts together, each naming the accounts in an order of its own. Whoever has seen a
/// count in one account sees no lower one in any other.
#[test]
fn a_commit_is_seen_whole() {
    let store = filled();
    thread::scope(|scope| {
        for writer in 0..3_u8 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..TRIES {
                    let before = load(store, 0);
                    let count = before.activity.login_count + 1;
                    let mut writes: Vec<_> = (0..ACCOUNTS)
                        .map(|number| Write::UpdateActivity {
                            id: id(number),
                            activity: Activity { login_count: count, ..Activity::default() }.into(),
                            expect: before.activity_version,
                        })
                        .collect();
                    writes.rotate_left(usize::from(writer) * 4);
                    if count.is_multiple_of(64) {
                        writes.push(Write::RaiseStoreEpoch);
                    }
                    try_to(store, writes);
                }
            });
        }
        for reader in [0, 5] {
            let store = &store;
            scope.spawn(move || {
                let (mut count, mut epoch) = (0, Epoch::FIRST);
                for number in (0..ACCOUNTS).cycle() {
                    let found = load(store, (number + reader) % ACCOUNTS);
                    assert!(found.activity.login_count >= count, "an older account after a newer");
                    assert!(found.store_epoch >= epoch, "an older epoch after a newer");
                    (count, epoch) = (found.activity.login_count, found.store_epoch);
                    assert_eq!(u64::from(epoch.number()), count / 64, "half of a commit");
                    if count >= TRIES {
                        break;
                    }
                }
            });
        }
    });
    let (first, last) = (load(&store, 0), load(&store, ACCOUNTS - 1));
    assert_eq!(first.activity, last.activity);
    assert!(first.activity.login_count >= TRIES);
}

/// One identity moves about. At every moment exactly one account has it, and whoever looks it up finds an account that
/// says so itself.
#[test]
fn a_moving_identity_always_has_its_owner() {
    let store = filled();
    thread::scope(|scope| {
        for mover in 0..3_u8 {
            let store = &store;
            scope.spawn(move || {
                for turn in 0..2000_u32 {
                    let to =
                        u8::try_from((turn * 7 + u32::from(mover)) % u32::from(ACCOUNTS)).unwrap();
                    let from = now(store.load(&Lookup::Identity(key()))).unwrap().unwrap();
                    if from.account.id == id(to) {
                        continue;
                    }
                    let update = |account: Account, expect| Write::UpdateAccount {
                        account: account.into(),
                        expect,
                    };
                    let gives = Account { identities: Vec::new(), ..from.account };
                    let writes = vec![
                        update(account(to, true), load(store, to).version),
                        update(gives, from.version),
                    ];
                    try_to(store, writes);
                }
            });
        }
        for _ in 0..2 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..10_000 {
                    let found = now(store.load(&Lookup::Identity(key()))).unwrap();
                    let found = found.expect("somebody has it");
                    assert!(found.account.identity(&key()).is_some(), "found by what it has not");
                }
            });
        }
    });
    let owners =
        (0..ACCOUNTS).filter(|number| !load(&store, *number).account.identities.is_empty());
    assert_eq!(owners.count(), 1);
    let owner = now(store.load(&Lookup::Identity(key()))).unwrap().unwrap();
    assert!(owner.version > Version::FIRST, "it has moved");
}
