//! Commits, loads, charges and snapshots of the store itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use authcore::account::{
    Account, AccountId, CommitId, Identity, IdentityKey, Ordinal, ProviderId, Version,
};
use authcore::event::{Event, EventCursor, EventKind, StoredEvent};
use authcore::session::Activity;
use authcore::store::{
    Admission, ChangeSet, Charge, CommitError, Conflict, Lookup, Snapshot, Store as _, ThrottleKey,
    Write,
};
use authcore_store_memory::MemoryStore;
use authcore_testkit::run;
use chrono::{DateTime, TimeDelta};
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::thread;

/// Other ones in each schedule, so that they are in other shards.
fn id() -> AccountId {
    AccountId::from_bytes(thread_rng().r#gen())
}

fn key() -> IdentityKey {
    IdentityKey::new(ProviderId::DEVICE, "the only one")
}

fn account(id: AccountId, owns: bool) -> Account {
    let mut account = Account::new(id, DateTime::UNIX_EPOCH);
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
    let id = CommitId::from_bytes(thread_rng().r#gen());
    ChangeSet { id, require: Vec::new(), writes, events: Vec::new() }
}

fn insert(id: AccountId, owns: bool) -> Write {
    Write::InsertAccount { account: account(id, owns).into(), activity: Arc::default() }
}

fn update(id: AccountId, owns: bool, expect: Version) -> Write {
    Write::UpdateAccount { account: account(id, owns).into(), expect }
}

fn load(store: &MemoryStore, lookup: &Lookup) -> Option<Snapshot> {
    run(store.load(lookup)).unwrap()
}

/// One wins, the other is told who stood in the way, and whoever looks finds nobody or the winner.
pub(crate) fn two_commits_race_for_one_identity() {
    let store = MemoryStore::new();
    let ids = [id(), id()];
    let answers = thread::scope(|scope| {
        let store = &store;
        let writers =
            ids.map(|id| scope.spawn(move || run(store.commit(&set(vec![insert(id, true)])))));
        let mut seen = None;
        for _ in 0..3 {
            let found = load(store, &Lookup::Identity(key())).map(|found| found.account.id);
            assert!(seen.is_none() || found == seen, "another owner than before");
            seen = found;
        }
        writers.map(|writer| writer.join().unwrap())
    });
    let owner = load(&store, &Lookup::Identity(key())).unwrap().account.id;
    for (id, answer) in ids.iter().zip(answers) {
        match answer {
            Ok(()) => assert_eq!(*id, owner),
            Err(CommitError::Conflict(Conflict::IdentityTaken(taken))) => {
                assert_eq!((*id != owner, taken), (true, key()));
                assert!(load(&store, &Lookup::Id(*id)).is_none(), "half of a commit");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// At every moment exactly one account has it, and says so.
pub(crate) fn an_identity_moves_while_it_is_looked_up() {
    let store = MemoryStore::new();
    let [from, to] = [id(), id()];
    run(store.commit(&set(vec![insert(from, true), insert(to, false)]))).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            let there = vec![update(to, true, Version::FIRST), update(from, false, Version::FIRST)];
            run(store.commit(&set(there))).unwrap();
            let second = Version::FIRST.next();
            let back = vec![update(to, false, second), update(from, true, second)];
            run(store.commit(&set(back))).unwrap();
        });
        for _ in 0..3 {
            let found = load(&store, &Lookup::Identity(key()));
            let account = found.map(|found| found.account);
            let owns = |account: &Account| account.identity(&key()).is_some();
            assert!(account.as_ref().is_some_and(owns), "nobody, or found by what it has not");
        }
    });
    assert_eq!(load(&store, &Lookup::Identity(key())).unwrap().account.id, from);
}

/// Whoever keeps the last cursor misses none, and the events of one commit are beside each other.
pub(crate) fn the_outbox_is_read_while_it_is_written() {
    let store = MemoryStore::new();
    let writers = [id(), id()];
    let events = |after, limit| run(store.events(after, limit)).unwrap();
    let mut seen: Vec<StoredEvent> = Vec::new();
    thread::scope(|scope| {
        for account in writers {
            let store = &store;
            scope.spawn(move || {
                for second in [1, 2] {
                    let at = DateTime::from_timestamp(second, 0).unwrap();
                    let kinds = [EventKind::AccountCreated, EventKind::Banned];
                    let events = kinds.map(|kind| Event { account, at, kind }).into();
                    run(store.commit(&ChangeSet { events, ..set(Vec::new()) })).unwrap();
                }
            });
        }
        for _ in 0..4 {
            let after = seen.last().map_or(EventCursor::START, |last| last.cursor);
            seen.extend(events(after, 3));
        }
    });
    let after = seen.last().map_or(EventCursor::START, |last| last.cursor);
    seen.extend(events(after, 8));
    let all = events(EventCursor::START, 100);
    assert_eq!(seen, all, "a reader has missed some");
    assert_eq!(all.len(), 8);
    for pair in all.chunks(2) {
        let [first, second] = pair else { panic!("{pair:?}") };
        let (first, second) = (&first.event, &second.event);
        assert_eq!((first.account, first.at), (second.account, second.at), "apart");
        assert_eq!((&first.kind, &second.kind), (&EventKind::AccountCreated, &EventKind::Banned));
    }
}

/// Exactly the limit is admitted.
pub(crate) fn a_throttle_is_charged_from_all_sides() {
    let store = MemoryStore::new();
    let key = ThrottleKey::new(thread_rng().r#gen());
    let charge = |limit| Charge {
        key,
        cost: 1,
        limit,
        window: TimeDelta::minutes(1),
        now: DateTime::UNIX_EPOCH,
    };
    let limit = thread_rng().gen_range(1..=3);
    let admitted: usize = thread::scope(|scope| {
        let sides = [(); 3].map(|()| {
            scope.spawn(|| {
                let answers = [(); 2].map(|()| run(store.consume(&charge(limit))).unwrap());
                answers.iter().filter(|answer| **answer == Admission::Admitted).count()
            })
        });
        sides.map(|side| side.join().unwrap()).iter().sum()
    });
    assert_eq!(u32::try_from(admitted).unwrap(), limit);
}

/// It is of one moment: as many logins in one account as in the other, as many events, and as high an epoch. Whoever loads
/// the accounts beside it sees no commit by half either.
pub(crate) fn a_snapshot_is_taken_during_commits() {
    let store = MemoryStore::new();
    let ids = [id(), id()];
    run(store.commit(&set(ids.map(|id| insert(id, false)).into()))).unwrap();
    let commits = AtomicU64::new(0);
    let taken = thread::scope(|scope| {
        scope.spawn(|| {
            let mut expect = Version::FIRST;
            for count in 1..=2 {
                let activity = Arc::new(Activity { login_count: count, ..Activity::default() });
                let log_in =
                    |id| Write::UpdateActivity { id, activity: Arc::clone(&activity), expect };
                let mut writes: Vec<_> = ids.map(log_in).into();
                writes.push(Write::RaiseStoreEpoch);
                let (account, at) = (ids[0], DateTime::UNIX_EPOCH);
                let events = vec![Event { account, at, kind: EventKind::SessionsEnded }];
                run(store.commit(&ChangeSet { events, ..set(writes) })).unwrap();
                commits.fetch_add(1, Ordering::SeqCst);
                expect = expect.next();
            }
        });
        scope.spawn(|| {
            let mut least = 0;
            for id in ids {
                let seen = load(&store, &Lookup::Id(id)).unwrap();
                let count = seen.activity.login_count;
                assert_eq!(u64::from(seen.store_epoch.number()), count, "seen without its epoch");
                assert!(count >= least, "an older account after a newer");
                least = count;
            }
        });
        [(); 2].map(|()| {
            let least = commits.load(Ordering::SeqCst);
            (least, store.snapshot().unwrap())
        })
    });
    for (least, bytes) in taken {
        let then = MemoryStore::from_snapshot(&bytes).unwrap();
        let [one, other] = ids.map(|id| load(&then, &Lookup::Id(id)).unwrap());
        let count = one.activity.login_count;
        assert!(count >= least, "older than when it was asked for");
        assert_eq!(other.activity.login_count, count, "half of a commit");
        assert_eq!(u64::from(one.store_epoch.number()), count, "without its epoch");
        let events = run(then.events(EventCursor::START, 100)).unwrap();
        assert_eq!(u64::try_from(events.len()).unwrap(), count, "without its event");
    }
}
