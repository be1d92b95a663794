#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::account::{Account, Version};
use authcore::session::Activity;
use authcore::store::{ChangeSet, Conflict, Lookup};

use crate::make::{
    Build, account, activity, at, bare, code, code_key, device, id, lookup_device, lookup_transfer,
    lookup_username, session, session_ref, set, silent, with_epoch, with_identity, with_transfer,
    with_username,
};
use crate::trial::{Trial, losers_of_one_winner};

/// How many race for one identity.
const MANY: u32 = 32;

/// An account with the identity that the cases are about.
fn holder(number: u32) -> Account {
    with_identity(bare(number), device("it"))
}

async fn holder_of(on: &Trial) -> Option<u32> {
    let found = on.load(&lookup_device("it")).await?;
    assert!(found.account.identity(&device("it")).is_some(), "who is found by it has it");
    (0..100).find(|number| found.account.id == id(*number))
}

pub(crate) async fn identity_moves_with_both_versions(on: &mut Trial) {
    on.ok(&set().insert(holder(1)).insert(account(2))).await;
    let taker = with_identity(account(2), device("it"));
    on.ok(&set().update(with_epoch(bare(1), 1), 1).update(taker.clone(), 1)).await;
    assert_eq!(holder_of(on).await, Some(2));
    let (giver, found) = (on.get(id(1)).await, on.get(id(2)).await);
    assert_eq!((giver.account, giver.version), (with_epoch(bare(1), 1), Version::new(2)));
    assert_eq!((found.account, found.version), (taker, Version::new(2)));
    assert_eq!((giver.activity_version, found.activity_version), (Version::FIRST, Version::FIRST));
}

pub(crate) async fn either_stale_version_writes_nothing(on: &mut Trial) {
    on.ok(&set().insert(holder(1)).insert(bare(2))).await;
    on.ok(&set().update(with_epoch(holder(1), 1), 1).update(with_epoch(bare(2), 1), 1)).await;
    let moved = |giver, taker| {
        [
            set().update(bare(1), giver).update(holder(2), taker),
            set().update(holder(2), taker).update(bare(1), giver),
            set().delete(1, giver).update(holder(2), taker),
            set().update(holder(2), taker).delete(1, giver),
        ]
    };
    for set in moved(1, 2) {
        on.refused(&set, Conflict::AccountChanged(id(1))).await;
    }
    for set in moved(2, 1) {
        on.refused(&set, Conflict::AccountChanged(id(2))).await;
    }
    assert_eq!(holder_of(on).await, Some(1));
    // A stale activity of either spoils it as well.
    for number in [1, 2] {
        let [whole, ..] = moved(2, 2);
        on.refused(&whole.activity(number, activity(1), 9), Conflict::ActivityChanged(id(number)))
            .await;
    }
    let [whole, ..] = moved(2, 2);
    on.ok(&whole.activity(1, activity(1), 1).activity(2, activity(2), 1)).await;
    assert_eq!(holder_of(on).await, Some(2));
    let (giver, taker) = (on.get(id(1)).await, on.get(id(2)).await);
    assert_eq!((giver.activity, taker.activity), (activity(1), activity(2)));
}

pub(crate) async fn new_account_takes_what_the_set_frees(on: &mut Trial) {
    on.ok(&set().insert(holder(1))).await;
    let stale =
        [set().insert(holder(2)).update(bare(1), 9), set().update(bare(1), 9).insert(holder(2))];
    for set in &stale {
        on.refused(set, Conflict::AccountChanged(id(1))).await;
        assert_eq!(on.load(&Lookup::Id(id(2))).await, None, "no half of a new account");
    }
    let kept = with_epoch(holder(1), 1);
    on.refused(&set().insert(holder(2)).update(kept, 1), Conflict::IdentityTaken(device("it")))
        .await;
    on.ok(&set().insert(holder(2)).update(bare(1), 1)).await;
    assert_eq!(holder_of(on).await, Some(2));
    on.ok(&set().update(bare(2), 1).insert(holder(3))).await;
    assert_eq!(holder_of(on).await, Some(3));
    assert_eq!(on.get(id(1)).await.account, bare(1));
    assert_eq!(on.get(id(2)).await.account, bare(2));
}

pub(crate) async fn forced_moves_have_one_winner(on: &mut Trial) {
    let mut inserts = set().insert(holder(0));
    for number in 1..=MANY {
        inserts = inserts.insert(bare(number));
    }
    on.ok(&inserts).await;
    let sets = (1..=MANY)
        .map(|number| match number % 2 {
            0 => set().update(bare(0), 1).update(holder(number), 1),
            _ => set().update(holder(number), 1).update(bare(0), 1),
        })
        .collect();
    for conflict in losers_of_one_winner(on.race(sets).await) {
        assert_eq!(conflict, Conflict::AccountChanged(id(0)));
    }
    let winner = holder_of(on).await;
    assert!(winner.is_some_and(|winner| winner > 0));
    for number in 1..=MANY {
        let won = winner == Some(number);
        let found = on.get(id(number)).await;
        assert_eq!(found.account, if won { holder(number) } else { bare(number) });
        assert_eq!(found.version.number(), if won { 2 } else { 1 }, "a loser is not written");
    }
    assert_eq!(on.get(id(0)).await.version, Version::new(2));
}

pub(crate) async fn opposite_takings_have_one_winner(on: &mut Trial) {
    let with = |number, keys: &[&str]| {
        keys.iter().fold(bare(number), |account, key| with_identity(account, device(key)))
    };
    for round in 0..50 {
        let (a, b) = (round * 2, round * 2 + 1);
        let (mine, theirs) = (&*format!("a{round}"), &*format!("b{round}"));
        on.ok(&set().insert(with(a, &[mine])).insert(with(b, &[theirs]))).await;
        let sets = vec![
            set().update(with(a, &[mine, theirs]), 1).update(bare(b), 1),
            set().update(with(b, &[theirs, mine]), 1).update(bare(a), 1),
        ];
        let losers = losers_of_one_winner(on.race(sets).await);
        let changed = [Conflict::AccountChanged(id(a)), Conflict::AccountChanged(id(b))];
        assert!(losers.iter().all(|conflict| changed.contains(conflict)), "{losers:?}");
        let owners = (on.load(&lookup_device(mine)).await, on.load(&lookup_device(theirs)).await);
        assert_eq!(owners.0, owners.1, "one has both");
        assert!(owners.0.is_some());
    }
}

pub(crate) async fn moving_identity_always_has_an_owner(on: &mut Trial) {
    on.ok(&set().insert(holder(1)).insert(bare(2))).await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (store, done) = (Arc::clone(on.store()), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::Acquire) {
                    let found = store.load(&lookup_device("it")).await.expect("load");
                    let found = found.expect("it belongs to somebody at every moment");
                    assert!(found.account.identity(&device("it")).is_some(), "one moment");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for version in 1..=150 {
        let (giver, taker) = if version % 2 == 1 { (1, 2) } else { (2, 1) };
        on.ok(&silent().update(holder(taker), version).update(bare(giver), version)).await;
        tokio::task::yield_now().await;
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        reader.await.expect("no reader saw half of a move");
    }
}

/// The account that remains gets all that the other one has.
fn merged() -> ChangeSet {
    let survivor = with_identity(with_transfer(account(1), 2), device("device-2"));
    set().update(with_username(survivor, "user-2"), 1).delete(2, 1)
}

pub(crate) async fn merge_takes_all_along(on: &mut Trial) {
    let active = Activity { sessions: vec![session(2)], ..Activity::default() };
    on.ok(&set().insert(account(1)).insert_with(with_transfer(account(2), 2), active)).await;
    on.ok(&set().put_code(code(2, 2, at(9)))).await;
    let stale = ChangeSet { writes: merged().writes.into_iter().rev().collect(), ..merged() };
    on.refused(&stale.update(bare(3), 1), Conflict::AccountMissing(id(3))).await;
    on.ok(&merged()).await;
    for lookup in [
        lookup_device("device-1"),
        lookup_device("device-2"),
        lookup_username("user-2"),
        lookup_transfer(2),
    ] {
        let found = on.load(&lookup).await.map(|found| found.account.id);
        assert_eq!(found, Some(id(1)), "{lookup:?}");
    }
    assert_eq!(on.load(&lookup_username("user-1")).await, None);
    assert_eq!(on.load(&Lookup::Id(id(2))).await, None);
    assert_eq!(on.session(session_ref(2, 2)).await, None);
    assert_eq!(on.code(code_key(2)).await, None);
}
