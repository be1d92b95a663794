//! What the contract says, on each kind of store.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authcore::account::{Account, Epoch, IdentityKey, ProviderId, Version};
use authcore::event::{EventCursor, EventKind, SessionEnd};
use authcore::lifecycle::{BanState, Expiry};
use authcore::session::{Activity, SessionRef};
use authcore::store::{
    Admission, Charge, CodeKey, CodePurpose, Conflict, Lookup, OneTimeCode, Require, SingleUseKey,
    Store, StoreHeader, ThrottleKey, Write,
};
use authcore_store_sqlite::{SqliteConfig, SqliteStore, StepHook};
use chrono::TimeDelta;
use common::*;

fn code(number: u8, tries_left: u32) -> OneTimeCode {
    OneTimeCode {
        key: CodeKey::new([number; 32]),
        purpose: CodePurpose::ResetPassword,
        account: id(1),
        credential_generation: u32::MAX,
        tries_left,
        expires_at: at(1000),
    }
}

#[tokio::test]
async fn every_field_comes_back() {
    for (kind, _folder, store) in each_kind() {
        let (account, activity) = full(1);
        let write = Write::InsertAccount {
            account: Box::new(account.clone()),
            activity: activity.clone().into(),
        };
        store.commit(&set(1, [write])).await.unwrap();
        let loaded = by_id(&store, 1).await.unwrap();
        assert_eq!(loaded.account, account, "{kind}");
        assert_eq!(loaded.activity, activity, "{kind}");
        assert_eq!((loaded.version, loaded.activity_version), (Version::FIRST, Version::FIRST));
        for session in &activity.sessions {
            let at = SessionRef { account: account.id, session: session.id };
            let found = store.session(at).await.unwrap().unwrap();
            assert_eq!(found.session, *session, "{kind}");
            assert_eq!(found.account_epoch, account.epoch);
        }

        // And again by an update that changes or clears each.
        let bare = Account {
            ban: BanState::Banned(ban(last_moment(), Expiry::Never).into()),
            identities: vec![],
            ..Account::new(account.id, at(0))
        };
        let writes = [
            update(bare.clone(), 1),
            Write::UpdateActivity {
                id: account.id,
                activity: Activity::default().into(),
                expect: Version::FIRST,
            },
        ];
        store.commit(&set(2, writes)).await.unwrap();
        let loaded = by_id(&store, 1).await.unwrap();
        assert_eq!(loaded.account, bare, "{kind}");
        assert_eq!(loaded.activity, Activity::default(), "{kind}");
        assert_eq!((loaded.version, loaded.activity_version), (Version::new(2), Version::new(2)));
        assert_eq!(owner_of(&store, &account.identities[0].key).await, None, "{kind}");
    }
}

#[tokio::test]
async fn an_account_is_found_by_exactly_its_keys() {
    let store = memory();
    let (first, _) = full(1);
    store.commit(&set(1, [insert(first.clone()), insert(named(2, "\u{e9}"))])).await.unwrap();
    for identity in &first.identities {
        assert_eq!(owner_of(&store, &identity.key).await, Some(first.id));
    }
    let by_name = |key: &'static str| {
        let store = &store;
        async move { store.load(&Lookup::Username(key.into())).await.unwrap().map(|s| s.account.id) }
    };
    assert_eq!(by_name("\u{e9}").await, Some(id(2)));
    for other in ["e\u{301}", "\u{c9}", "\u{e9}\u{0}", " \u{e9}", ""] {
        assert_eq!(by_name(other).await, None, "{other:?}");
    }
    for other in ["device-2\u{0}", "DEVICE-2", "device-2 ", "device-"] {
        assert_eq!(owner_of(&store, &device(other)).await, None, "{other:?}");
    }
    let elsewhere = IdentityKey::scoped(ProviderId::DEVICE, "t", "", "device-2");
    assert_eq!(owner_of(&store, &elsewhere).await, None);
    let lookups = [Lookup::Id(id(2)), Lookup::Id(id(9)), Lookup::Identity(device("1"))];
    let found = store.load_many(&lookups).await.unwrap();
    let ids: Vec<_> = found.iter().map(|found| found.as_ref().map(|s| s.account.id)).collect();
    assert_eq!(ids, [Some(id(2)), None, Some(id(1))]);
}

#[tokio::test]
async fn each_condition_has_its_conflict() {
    for (kind, _folder, store) in each_kind() {
        let mut first = named(1, "ann");
        first.password = full(1).0.password;
        first.records = transferable(1, 1).records;
        let key = CodeKey::new([1; 32]);
        let single_use = SingleUseKey::new([1; 32]);
        let using_up = || Write::UseUp { key: single_use, forget_at: at(1) };
        let begin = set(1, [insert(first.clone()), Write::PutCode(code(1, 3)), using_up()]);
        store.commit(&begin).await.unwrap();
        let (v1, v2, huge) = (Version::FIRST, Version::new(2), Version::new(u64::MAX));
        let delete = |number, expect| Write::DeleteAccount { id: id(number), expect };
        let taken = Account { identities: first.identities.clone(), ..account(2) };

        let requires = [
            (Require::Account(id(9), v1), Conflict::AccountMissing(id(9))),
            (Require::Account(id(1), v2), Conflict::AccountChanged(id(1))),
            (Require::Account(id(1), huge), Conflict::AccountChanged(id(1))),
            (Require::Activity(id(9), v1), Conflict::AccountMissing(id(9))),
            (Require::Activity(id(1), v2), Conflict::ActivityChanged(id(1))),
            (Require::Epoch(id(9), Epoch::FIRST), Conflict::AccountMissing(id(9))),
            (Require::Epoch(id(1), Epoch::new(1)), Conflict::AccountChanged(id(1))),
            (Require::PasswordVersion(id(9), 1), Conflict::AccountMissing(id(9))),
            (Require::PasswordVersion(id(1), 1), Conflict::AccountChanged(id(1))),
            (Require::Code(key, 2), Conflict::CodeChanged(key)),
            (Require::Code(CodeKey::new([9; 32]), 3), Conflict::CodeChanged(CodeKey::new([9; 32]))),
        ];
        for (require, expected) in requires {
            let change = requiring(2, [require.clone()], [insert(account(3))]);
            assert_eq!(conflict(store.commit(&change).await), expected, "{kind} {require:?}");
            // A login takes a shorter way to the same answers.
            let change = requiring(2, [require], [login(1, 1, 1)]);
            assert_eq!(conflict(store.commit(&change).await), expected, "{kind}");
        }
        let writes = [
            (insert(account(1)), Conflict::AccountExists(id(1))),
            (update(account(9), 1), Conflict::AccountMissing(id(9))),
            (update(account(1), 2), Conflict::AccountChanged(id(1))),
            (delete(9, v1), Conflict::AccountMissing(id(9))),
            (delete(1, v2), Conflict::AccountChanged(id(1))),
            (login(9, 1, 1), Conflict::AccountMissing(id(9))),
            (login(1, 1, 2), Conflict::ActivityChanged(id(1))),
            (using_up(), Conflict::UsedUp(single_use)),
            (insert(taken.clone()), Conflict::IdentityTaken(first.identities[0].key.clone())),
            (insert(named(2, "ann")), Conflict::UsernameTaken("ann".into())),
            (insert(transferable(2, 1)), Conflict::TransferTaken(transfer_key(1))),
        ];
        for (write, expected) in writes {
            let change = set(2, [write, insert(account(3))]);
            assert_eq!(conflict(store.commit(&change).await), expected, "{kind}");
        }
        for require in [Require::Account(id(1), v2), Require::Account(id(9), v1)] {
            let change = requiring(2, [require], [login(1, 1, 7)]);
            let answer = conflict(store.commit(&change).await);
            assert!(!matches!(answer, Conflict::ActivityChanged(_)), "require comes first");
        }

        assert!(by_id(&store, 3).await.is_none(), "{kind}: a conflict writes nothing");
        assert_eq!(by_id(&store, 1).await.unwrap().activity, Activity::default());
        let holds = [
            Require::Account(id(1), v1),
            Require::Activity(id(1), v1),
            Require::Epoch(id(1), Epoch::FIRST),
            Require::PasswordVersion(id(1), u32::MAX),
            Require::Code(key, 3),
        ];
        store.commit(&requiring(2, holds, [login(1, 1, 1)])).await.unwrap();
    }
}

#[tokio::test]
async fn uniqueness_is_judged_after_the_whole_set() {
    for (kind, _folder, store) in each_kind() {
        let (ann, bob) = (named(1, "ann"), named(2, "bob"));
        store.commit(&set(1, [insert(ann.clone()), insert(bob.clone())])).await.unwrap();

        // Both names and both devices change hands, in either order of the writes.
        let swapped = |ann: &Account, bob: &Account| {
            let ann2 = Account {
                username: bob.username.clone(),
                identities: bob.identities.clone(),
                ..ann.clone()
            };
            let bob2 = Account {
                username: ann.username.clone(),
                identities: ann.identities.clone(),
                ..bob.clone()
            };
            (ann2, bob2)
        };
        let (ann2, bob2) = swapped(&ann, &bob);
        let change = set(2, [update(ann2.clone(), 1), update(bob2.clone(), 1)]);
        store.commit(&change).await.unwrap();
        assert_eq!(by_id(&store, 1).await.unwrap().account, ann2, "{kind}");
        assert_eq!(owner_of(&store, &ann.identities[0].key).await, Some(id(2)), "{kind}");

        // A new account takes what a deleted one had, though the deletion comes last.
        let heir = Account { id: id(3), ..ann2.clone() };
        let delete = Write::DeleteAccount { id: id(1), expect: Version::new(2) };
        store.commit(&set(3, [insert(heir.clone()), delete])).await.unwrap();
        assert_eq!(owner_of(&store, &heir.identities[0].key).await, Some(id(3)), "{kind}");

        // One that keeps its identity does not give it away, and two cannot have one.
        let greedy = Account { identities: bob2.identities.clone(), ..account(4) };
        let key = bob2.identities[0].key.clone();
        let change = set(4, [insert(greedy), update(bob2.clone(), 2)]);
        assert_eq!(conflict(store.commit(&change).await), Conflict::IdentityTaken(key), "{kind}");
        let twins = [named(5, "eve"), Account { id: id(6), ..named(7, "eve") }];
        let change = set(5, twins.map(insert));
        let answer = conflict(store.commit(&change).await);
        assert_eq!(answer, Conflict::UsernameTaken("eve".into()), "{kind}");
        let twins = [account(5), Account { id: id(6), ..account(5) }];
        let change = set(5, twins.map(insert));
        let answer = conflict(store.commit(&change).await);
        assert_eq!(answer, Conflict::IdentityTaken(device("device-5")), "{kind}");
        let twins = [transferable(5, 1), transferable(6, 1)];
        let answer = conflict(store.commit(&set(5, twins.map(insert))).await);
        assert_eq!(answer, Conflict::TransferTaken(transfer_key(1)), "{kind}");
    }
}

#[tokio::test]
async fn one_account_s_identities_may_trade_places() {
    let store = memory();
    let mut account = account(1);
    account.identities.push(identity(2, device("other")));
    store.commit(&set(1, [insert(account.clone())])).await.unwrap();
    let keys = [account.identities[1].key.clone(), account.identities[0].key.clone()];
    for (identity, key) in account.identities.iter_mut().zip(keys) {
        identity.key = key;
    }
    store.commit(&set(2, [update(account.clone(), 1)])).await.unwrap();
    assert_eq!(by_id(&store, 1).await.unwrap().account, account);
}

type Change = fn(&mut Account);

#[tokio::test]
async fn only_what_changed_of_an_account_s_keys_is_written() {
    let steps = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&steps);
    let hook: StepHook = Arc::new(move |step| {
        seen.fetch_add(usize::from(step == "identities"), Ordering::SeqCst);
    });
    let config = SqliteConfig::in_memory().with_step_hook(hook);
    let store = SqliteStore::open(config).unwrap();
    let mut account = named(1, "ann");
    account.identities =
        (1..=100).map(|number| identity(number, device(&format!("d{number}")))).collect();
    store.commit(&set(1, [insert(account.clone())])).await.unwrap();
    assert_eq!(steps.swap(0, Ordering::SeqCst), 100);

    let changes: [(Change, usize); 8] = [
        (|account| account.profile.location = "here".into(), 0),
        (|account| account.identities[50].verified_at = Some(at(9)), 1),
        (|account| account.identities[0].shown = Some("Shown".into()), 1),
        (|account| account.identities.push(identity(101, device("new"))), 1),
        (|account| drop(account.identities.remove(7)), 1),
        (|account| account.identities[9].key = device("other"), 2),
        (|account| account.identities.truncate(90), 10),
        (|account| account.username.as_mut().unwrap().shown = "aNN".into(), 0),
    ];
    for (version, (change, written)) in (1..).zip(changes) {
        change(&mut account);
        let change = set(version + 1, [update(account.clone(), version)]);
        store.commit(&change).await.unwrap();
        assert_eq!(by_id(&store, 1).await.unwrap().account, account);
        assert_eq!(steps.swap(0, Ordering::SeqCst), written, "change {version}");
    }
}

#[tokio::test]
async fn all_keys_of_two_accounts_change_hands_in_one_set() {
    for (kind, _folder, store) in each_kind() {
        let many = |number: u32, name: &str| {
            let identities = (1..=200)
                .map(|ordinal| identity(ordinal, device(&format!("{name}{ordinal}"))))
                .collect();
            Account { identities, ..named(number, name) }
        };
        let (ann, bob, eve) = (many(1, "ann"), many(2, "bob"), many(3, "eve"));
        store.commit(&set(1, [ann.clone(), bob.clone(), eve].map(insert))).await.unwrap();
        let swapped = [Account { id: id(2), ..ann }, Account { id: id(1), ..bob }];
        // The last of one stays where it is as well: nothing happens.
        let mut greedy = swapped.clone();
        greedy[1].identities.push(identity(201, device("ann200")));
        let answer = conflict(store.commit(&set(2, greedy.map(|a| update(a, 1)))).await);
        assert_eq!(answer, Conflict::IdentityTaken(device("ann200")), "{kind}");
        let mut greedy = swapped.clone();
        greedy[0].identities.push(identity(201, device("eve7")));
        let answer = conflict(store.commit(&set(3, greedy.map(|a| update(a, 1)))).await);
        assert_eq!(answer, Conflict::IdentityTaken(device("eve7")), "{kind}");
        store.commit(&set(4, swapped.clone().map(|a| update(a, 1)))).await.unwrap();
        for account in swapped {
            let key = Lookup::Username(account.username.as_ref().unwrap().key.clone());
            assert_eq!(store.load(&key).await.unwrap().unwrap().account, account, "{kind}");
        }
    }
}

#[tokio::test]
async fn a_set_that_is_handed_over_again_is_done_once() {
    for (kind, _folder, store) in each_kind() {
        let used_up = Write::UseUp { key: SingleUseKey::new([5; 32]), forget_at: at(1) };
        let delete = Write::DeleteAccount { id: id(2), expect: Version::FIRST };
        let first = requiring(3, [Require::Account(id(1), Version::FIRST)], [login(1, 1, 1)]);
        let mut epoch = set(6, [Write::RaiseStoreEpoch]);
        epoch.events.push(event(1, EventKind::SessionsEnded));
        let mut telling = set(7, []);
        telling.events.push(event(1, EventKind::Banned));
        let sets = [
            set(1, [insert(account(1)), insert(account(2))]),
            set(2, [update(named(1, "ann"), 1)]),
            first.clone(),
            set(4, [delete]),
            set(5, [used_up]),
            epoch,
            telling,
            requiring(8, [], [Write::PutCode(code(1, 3))]),
            requiring(
                9,
                [Require::Code(CodeKey::new([1; 32]), 3)],
                [Write::PutCode(code(1, 2)), Write::ResetThrottle(ThrottleKey::new([0; 32]))],
            ),
        ];
        for mut change in sets {
            if change.id == first.id {
                change.require[0] = Require::Account(id(1), Version::new(2));
            }
            store.commit(&change).await.unwrap();
            let before = store.load_many(&[Lookup::Id(id(1)), Lookup::Id(id(2))]).await.unwrap();
            let events = store.events(EventCursor::START, 99).await.unwrap();
            for _ in 0..2 {
                let again = store.commit(&change).await;
                assert!(again.is_ok(), "{kind} {:?}: {again:?}", change.id);
            }
            let after = store.load_many(&[Lookup::Id(id(1)), Lookup::Id(id(2))]).await.unwrap();
            assert_eq!(before, after, "{kind}");
            assert_eq!(store.events(EventCursor::START, 99).await.unwrap(), events, "{kind}");
        }
        assert_eq!(store.epoch().await.unwrap(), Epoch::new(1), "{kind}");

        // Not the last word any more.
        store.commit(&set(10, [login(1, 2, 2)])).await.unwrap();
        let answer = conflict(store.commit(&set(3, [login(1, 1, 1)])).await);
        assert_eq!(answer, Conflict::ActivityChanged(id(1)), "{kind}");
        // Somebody else's set is no replay.
        let answer = conflict(store.commit(&set(11, [insert(account(1))])).await);
        assert_eq!(answer, Conflict::AccountExists(id(1)), "{kind}");
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_its_events_only() {
    for (kind, _folder, store) in each_kind() {
        let (account, activity) = full(1);
        let session = activity.sessions[0].id;
        let write =
            Write::InsertAccount { account: Box::new(account.clone()), activity: activity.into() };
        let mut change = set(1, [write, Write::PutCode(code(1, 1))]);
        change.events.push(event(1, EventKind::AccountCreated));
        store.commit(&change).await.unwrap();
        let delete = Write::DeleteAccount { id: id(1), expect: Version::FIRST };
        store.commit(&set(2, [delete])).await.unwrap();
        assert!(by_id(&store, 1).await.is_none(), "{kind}");
        assert_eq!(owner_of(&store, &account.identities[0].key).await, None, "{kind}");
        assert!(store.code(&CodeKey::new([1; 32])).await.unwrap().is_none(), "{kind}");
        let at = SessionRef { account: id(1), session };
        assert!(store.session(at).await.unwrap().is_none(), "{kind}");
        assert_eq!(store.events(EventCursor::START, 9).await.unwrap().len(), 1, "{kind}");
        // Its name and logins are free again.
        store.commit(&set(3, [insert(account)])).await.unwrap();
    }
}

#[tokio::test]
async fn codes_are_put_replaced_and_removed() {
    let store = memory();
    let key = CodeKey::new([1; 32]);
    for tries in [3, 0] {
        store.commit(&set(tries.into(), [Write::PutCode(code(1, tries))])).await.unwrap();
        assert_eq!(store.code(&key).await.unwrap(), Some(code(1, tries)));
    }
    let verify = OneTimeCode { purpose: CodePurpose::VerifyEmail, ..code(1, 1) };
    store.commit(&set(9, [Write::PutCode(verify.clone())])).await.unwrap();
    assert_eq!(store.code(&key).await.unwrap(), Some(verify));
    for number in [4, 5] {
        store.commit(&set(number, [Write::DeleteCode(key)])).await.unwrap();
        assert_eq!(store.code(&key).await.unwrap(), None);
    }
}

#[tokio::test]
async fn events_come_back_in_order_and_cursors_are_not_reused() {
    for (kind, _folder, store) in each_kind() {
        let ended =
            EventKind::SessionEnded { session: session(1).id, reason: SessionEnd::RefreshReused };
        let mut change = set(1, []);
        change.events =
            vec![event(1, EventKind::AccountCreated), event(2, ended), event(1, EventKind::Banned)];
        store.commit(&change).await.unwrap();
        let all = store.events(EventCursor::START, 99).await.unwrap();
        let told: Vec<_> = all.iter().map(|stored| stored.event.clone()).collect();
        assert_eq!(told, change.events, "{kind}");
        assert!(all.is_sorted_by(|a, b| a.cursor < b.cursor));
        let rest = store.events(all[0].cursor, 1).await.unwrap();
        assert_eq!(rest, all[1..2]);
        assert_eq!(store.events(EventCursor::new(u64::MAX), 9).await.unwrap(), []);
        assert_eq!(store.events(EventCursor::START, 0).await.unwrap(), []);

        assert_eq!(store.prune_events(all[1].cursor).await.unwrap(), 2, "{kind}");
        assert_eq!(store.events(EventCursor::START, 99).await.unwrap(), all[2..]);
        assert_eq!(store.prune_events(EventCursor::new(u64::MAX)).await.unwrap(), 1);
        change.id = commit_id(2);
        store.commit(&change).await.unwrap();
        let later = store.events(EventCursor::START, 1).await.unwrap();
        assert!(later[0].cursor > all[2].cursor, "{kind}: a pruned cursor came back");
    }
}

#[tokio::test]
async fn a_long_outbox_is_pruned_whole() {
    let store = memory();
    let mut change = set(1, []);
    change.events = vec![event(1, EventKind::Banned); 5000];
    store.commit(&change).await.unwrap();
    let all = store.events(EventCursor::START, u32::MAX).await.unwrap();
    assert_eq!(store.prune_events(all[4499].cursor).await.unwrap(), 4500);
    assert_eq!(store.events(EventCursor::START, u32::MAX).await.unwrap(), all[4500..]);
}

fn charge(key: u8, cost: u32, limit: u32, window: i64, now: i64) -> Charge {
    Charge {
        key: ThrottleKey::new([key; 32]),
        cost,
        limit,
        window: TimeDelta::milliseconds(window),
        now: at(now),
    }
}

#[tokio::test]
async fn throttles_follow_the_rule_to_the_nanosecond() {
    for (kind, _folder, store) in each_kind() {
        // 300 in 100 ms: a third of a millisecond each, which milliseconds could not count.
        let mut kept = None;
        for _ in 0..300 {
            let charge = charge(1, 1, 300, 100, 50);
            let (expected, until) = charge.apply(kept);
            kept = Some(until);
            assert_eq!(store.consume(&charge).await.unwrap(), expected, "{kind}");
        }
        let ask = charge(1, 0, 300, 100, 50);
        assert_eq!(store.consume(&ask).await.unwrap(), Admission::Admitted);
        let more = charge(1, 1, 300, 100, 50);
        assert_eq!(store.consume(&more).await.unwrap(), more.apply(kept).0, "{kind}");
        assert!(matches!(store.consume(&more).await.unwrap(), Admission::Refused { .. }));
        let later = charge(1, 1, 300, 100, 51);
        assert_eq!(store.consume(&later).await.unwrap(), Admission::Admitted, "{kind}");
        store.commit(&set(1, [Write::ResetThrottle(later.key)])).await.unwrap();
        let again = charge(1, 300, 300, 100, 50);
        assert_eq!(store.consume(&again).await.unwrap(), Admission::Admitted, "{kind}");
    }
}

#[tokio::test]
async fn a_sweep_takes_what_is_over_and_no_more_than_asked() {
    for (kind, _folder, store) in each_kind() {
        let mut writes = Vec::new();
        for number in 0..4 {
            let over = at(100 + i64::from(number % 2));
            writes.push(Write::PutCode(OneTimeCode { expires_at: over, ..code(number, 1) }));
            writes.push(Write::UseUp { key: SingleUseKey::new([number; 32]), forget_at: over });
        }
        store.commit(&set(1, writes)).await.unwrap();
        for key in 0..4 {
            let charge = charge(key, 1, 1, 100 + i64::from(key % 2), 0);
            store.consume(&charge).await.unwrap();
        }
        assert_eq!(store.sweep(at(99), 9).await.unwrap(), 0, "{kind}");
        assert_eq!(store.sweep(at(100), 1).await.unwrap(), 3, "{kind}");
        assert_eq!(store.sweep(at(100), 9).await.unwrap(), 3, "{kind}");
        assert!(store.code(&CodeKey::new([1; 32])).await.unwrap().is_some());
        assert_eq!(store.sweep(last_moment(), 9).await.unwrap(), 6, "{kind}");
        let used_up = Write::UseUp { key: SingleUseKey::new([1; 32]), forget_at: at(1) };
        store.commit(&set(2, [used_up])).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_header_stays() {
    for (kind, _folder, store) in each_kind() {
        let header = |game: &str| StoreHeader { game: game.into(), folding: 2 };
        assert_eq!(store.bind(&header("a")).await.unwrap(), header("a"), "{kind}");
        assert_eq!(store.bind(&header("b")).await.unwrap(), header("a"), "{kind}");
    }
}

#[tokio::test]
async fn a_raised_epoch_shows_at_once() {
    for (kind, _folder, store) in each_kind() {
        store.commit(&set(1, [insert(account(1)), Write::RaiseStoreEpoch])).await.unwrap();
        assert_eq!(by_id(&store, 1).await.unwrap().store_epoch, Epoch::new(1), "{kind}");
        store.commit(&set(2, [Write::RaiseStoreEpoch])).await.unwrap();
        assert_eq!(store.epoch().await.unwrap(), Epoch::new(2), "{kind}");
    }
}
