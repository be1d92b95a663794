#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;

use authcore::account::{Account, Records};
use authcore::mapping::ForcingTicket;
use authcore::store::{ChangeSet, CommitError, Conflict, Lookup, Store};

use crate::make::{
    Build, account, at, bare, device, id, lookup_device, set, ticket, with_identity, with_ticket,
};
use crate::trial::{Trial, losers_of_one_winner, race};

/// How many race for one ticket.
const MANY: u32 = 32;

/// Account 1 with a ticket for the identity of account 2, used at a time or not.
fn caller(used_at: Option<i64>) -> Account {
    let ticket = ForcingTicket { used_at: used_at.map(at), ..ticket(2, at(1000)) };
    with_ticket(account(1), ticket)
}

pub(crate) async fn ticket_is_used_once(on: &mut Trial) {
    on.ok(&set().insert(caller(None))).await;
    let sets = (0..MANY).map(|time| set().update(caller(Some(time.into())), 1)).collect();
    let results = on.race(sets).await;
    let winner = (0..).zip(&results).find(|(_, result)| result.is_ok()).map(|(time, _)| time);
    for conflict in losers_of_one_winner(results) {
        assert_eq!(conflict, Conflict::AccountChanged(id(1)));
    }
    let found = on.get(id(1)).await;
    assert_eq!((found.account, found.version.number()), (caller(winner), 2));
}

pub(crate) async fn use_moves_the_identity_once(on: &mut Trial) {
    on.ok(&set().insert(caller(None)).insert(account(2))).await;
    let robbed = Account { identities: Vec::new(), ..account(2) };
    let sets = (0..MANY)
        .map(|time| {
            let taker = with_identity(caller(Some(time.into())), device("device-2"));
            set().update(taker, 1).update(robbed.clone(), 1)
        })
        .collect();
    let changed = [Conflict::AccountChanged(id(1)), Conflict::AccountChanged(id(2))];
    for conflict in losers_of_one_winner(on.race(sets).await) {
        assert!(changed.contains(&conflict), "{conflict:?}");
    }
    let found = on.get(id(1)).await;
    assert_eq!(on.load(&lookup_device("device-2")).await.as_ref(), Some(&found));
    assert_eq!((found.account.identities.len(), found.version.number()), (2, 2));
    assert!(found.account.records.tickets.iter().all(|ticket| ticket.used_at.is_some()));
    assert_eq!(on.get(id(2)).await.account, robbed);
}

pub(crate) async fn use_beside_a_change_of_the_owner_is_refused(on: &mut Trial) {
    on.ok(&set().insert(caller(None)).insert(account(2))).await;
    let robbed = Account { identities: Vec::new(), ..account(2) };
    let taker = with_identity(caller(Some(0)), device("device-2"));
    on.ok(&set().update(with_identity(account(2), device("more")), 1)).await;
    let late = set().update(taker, 1).update(robbed, 1);
    on.refused(&late, Conflict::AccountChanged(id(2))).await;
    assert_eq!(on.get(id(1)).await.account, caller(None), "the ticket was not used");
}

pub(crate) async fn every_ticket_is_kept(on: &mut Trial) {
    on.ok(&set().insert(bare(1))).await;
    let kept = race(8, |task| {
        let store = Arc::clone(on.store());
        async move {
            let mut sets = Vec::new();
            for round in 0..5 {
                let number = u32::try_from(task).expect("small") * 100 + round;
                sets.push(add(&*store, &ticket(number, at(1000))).await);
            }
            sets
        }
    })
    .await;
    for set in kept.iter().flatten() {
        on.note(set);
    }
    let found = on.get(id(1)).await;
    assert_eq!((found.account.records.tickets.len(), found.version.number()), (40, 41));
    assert_eq!(on.due(at(1000) + Records::TICKET_MEMORY, 10).await, [id(1)]);
}

/// Adds a ticket to account 1, against all others that do the same. Returns the set that did it.
async fn add(store: &dyn Store, ticket: &ForcingTicket) -> ChangeSet {
    let mut lost = None;
    for _ in 0..5000 {
        let found = store.load(&Lookup::Id(id(1))).await.expect("load").expect("it is there");
        // Where a commit's fate was unknown for a while, another may have overtaken it, and its replay was refused.
        if let Some(set) = lost.take()
            && found.account.records.tickets.contains(ticket)
        {
            return set;
        }
        let set = set().update(with_ticket(found.account, ticket.clone()), found.version.number());
        match store.commit(&set).await {
            Ok(()) => return set,
            Err(CommitError::Conflict(Conflict::AccountChanged(_))) => lost = Some(set),
            Err(error) => panic!("{error:?}"),
        }
        tokio::task::yield_now().await;
    }
    panic!("5000 losses in a row: what is loaded is not what a commit is compared with");
}
