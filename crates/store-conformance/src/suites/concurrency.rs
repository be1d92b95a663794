#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;

use authcore::account::Epoch;
use authcore::session::Session;
use authcore::store::{ChangeSet, CommitError, Conflict, Lookup, Store, StoreHeader};

use crate::make::{
    Build, account, activity, bare, device, id, lookup_device, lookup_username, session, set,
    single_use_key, with_epoch, with_identity, with_username,
};
use crate::trial::{Trial, losers_of_one_winner, race};

/// How many race for one thing.
const MANY: u32 = 32;
/// How often a race of two is run.
const ROUNDS: u32 = 50;

/// All losers of a race that one wins were told the same.
fn assert_losers(results: Vec<Result<(), CommitError>>, expected: &Conflict) {
    for conflict in losers_of_one_winner(results) {
        assert_eq!(conflict, *expected);
    }
}

pub(crate) async fn one_identity_has_one_winner(on: &mut Trial) {
    let sets =
        (0..MANY).map(|number| set().insert(with_identity(bare(number), device("it")))).collect();
    assert_losers(on.race(sets).await, &Conflict::IdentityTaken(device("it")));
    let mut made = 0;
    for number in 0..MANY {
        made += usize::from(on.load(&Lookup::Id(id(number))).await.is_some());
    }
    assert_eq!(made, 1, "no loser's account is there");
    assert!(on.load(&lookup_device("it")).await.is_some());
}

pub(crate) async fn one_username_has_one_winner(on: &mut Trial) {
    let mut inserts = set();
    for number in 0..MANY {
        inserts = inserts.insert(bare(number));
    }
    on.ok(&inserts).await;
    let sets = (0..MANY).map(|number| set().update(with_username(bare(number), "it"), 1)).collect();
    assert_losers(on.race(sets).await, &Conflict::UsernameTaken("it".into()));
    assert!(on.load(&lookup_username("it")).await.is_some());
}

pub(crate) async fn one_id_has_one_winner(on: &mut Trial) {
    let sets =
        (0..MANY).map(|number| set().insert_with(bare(1), activity(number.into()))).collect();
    assert_losers(on.race(sets).await, &Conflict::AccountExists(id(1)));
}

pub(crate) async fn one_version_has_one_update(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let sets = (1..=MANY).map(|epoch| set().update(with_epoch(account(1), epoch), 1)).collect();
    let results = on.race(sets).await;
    let winner =
        (1..).zip(&results).find(|(_, result)| result.is_ok()).map(|(epoch, _)| Epoch::new(epoch));
    assert_losers(results, &Conflict::AccountChanged(id(1)));
    let found = on.get(id(1)).await;
    assert_eq!((found.version.number(), Some(found.account.epoch)), (2, winner));
}

pub(crate) async fn one_version_has_one_activity(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let sets = (1..=MANY).map(|count| set().activity(1, activity(count.into()), 1)).collect();
    let results = on.race(sets).await;
    let winner = (1..).zip(&results).find(|(_, result)| result.is_ok()).map(|(count, _)| count);
    assert_losers(results, &Conflict::ActivityChanged(id(1)));
    let found = on.get(id(1)).await;
    assert_eq!((found.activity_version.number(), Some(found.activity.login_count)), (2, winner));
}

pub(crate) async fn no_update_is_lost(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let counted = race(8, |task| {
        let store = Arc::clone(on.store());
        async move {
            let mut sets = Vec::new();
            for round in 0..20 {
                let opened = session(u32::try_from(task).expect("small") * 100 + round);
                sets.push(add(&*store, &opened).await);
            }
            sets
        }
    })
    .await;
    for set in counted.iter().flatten() {
        on.note(set);
    }
    let found = on.get(id(1)).await;
    let count = (found.activity.login_count, found.activity.sessions.len());
    assert_eq!((count, found.activity_version.number()), ((160, 160), 161));
}

/// Adds a session to account 1, against all others that do the same. Returns the set that did it.
async fn add(store: &dyn Store, opened: &Session) -> ChangeSet {
    let mut lost = None;
    for _ in 0..5000 {
        let found = store.load(&Lookup::Id(id(1))).await.expect("load").expect("it is there");
        let mut next = found.activity;
        // Where a commit's fate was unknown for a while, another may have overtaken it, and its replay was refused.
        if let Some(set) = lost.take()
            && next.sessions.contains(opened)
        {
            return set;
        }
        next.login_count += 1;
        next.sessions.push(opened.clone());
        let set = set().activity(1, next, found.activity_version.number());
        match store.commit(&set).await {
            Ok(()) => return set,
            Err(CommitError::Conflict(Conflict::ActivityChanged(_))) => lost = Some(set),
            Err(error) => panic!("{error:?}"),
        }
        // So that what never ends can at least be dropped.
        tokio::task::yield_now().await;
    }
    panic!("5000 losses in a row: what is loaded is not what a commit is compared with");
}

pub(crate) async fn one_single_use_key_has_one_winner(on: &mut Trial) {
    let sets = (0..MANY).map(|number| set().insert(account(number)).use_up(1)).collect();
    assert_losers(on.race(sets).await, &Conflict::UsedUp(single_use_key(1)));
}

pub(crate) async fn one_set_many_times_is_done_once(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let set = set().activity(1, activity(1), 1).use_up(1).insert(account(2)).raise();
    let again = (0..MANY).map(|_| set.clone()).collect();
    for result in on.race(again).await {
        assert!(result.is_ok(), "the same set again is no rival: {result:?}");
    }
    let found = on.get(id(1)).await;
    assert_eq!((found.activity_version.number(), found.store_epoch), (2, Epoch::new(1)));
}

pub(crate) async fn first_header_wins_a_race(on: &mut Trial) {
    let answers = race(16, |number| {
        let store = Arc::clone(on.store());
        let header = StoreHeader { game: format!("game {number}").into(), folding: 1 };
        async move { store.bind(&header).await.expect("bind") }
    })
    .await;
    assert!(answers.windows(2).all(|pair| pair.first() == pair.last()), "all agree: {answers:?}");
}

pub(crate) async fn swaps_do_not_deadlock(on: &mut Trial) {
    let with = |number, key: &str| with_username(with_identity(bare(number), device(key)), key);
    on.ok(&set().insert(with(1, "a")).insert(with(2, "b"))).await;
    for round in 1..=u64::from(ROUNDS) {
        let (first, second) = if round % 2 == 1 { ("b", "a") } else { ("a", "b") };
        let sets = vec![
            set().update(with(1, first), round).update(with(2, second), round),
            set().update(with(2, second), round).update(with(1, first), round),
        ];
        let losers = losers_of_one_winner(on.race(sets).await);
        let changed = [Conflict::AccountChanged(id(1)), Conflict::AccountChanged(id(2))];
        assert!(losers.iter().all(|conflict| changed.contains(conflict)), "{losers:?}");
        for (key, number) in [(first, 1), (second, 2)] {
            let found = on.load(&lookup_username(key)).await.map(|found| found.account.id);
            assert_eq!(found, Some(id(number)));
        }
    }
}

pub(crate) async fn delete_and_update_exclude_each_other(on: &mut Trial) {
    for number in 0..ROUNDS {
        on.ok(&set().insert(account(number))).await;
        let sets = vec![set().delete(number, 1), set().update(with_epoch(account(number), 1), 1)];
        let results = on.race(sets).await;
        let deleted = results.first().is_some_and(Result::is_ok);
        let expected = if deleted {
            Conflict::AccountMissing(id(number))
        } else {
            Conflict::AccountChanged(id(number))
        };
        assert_losers(results, &expected);
        let found = on.load(&Lookup::Id(id(number))).await.map(|found| found.version.number());
        assert_eq!(found, (!deleted).then_some(2));
    }
}
