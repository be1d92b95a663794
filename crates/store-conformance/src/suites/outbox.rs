#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use authcore::account::{Ordinal, ProviderId};
use authcore::event::{Event, EventCursor, EventKind, SessionEnd, StoredEvent};
use authcore::lifecycle::WithdrawalCause;
use authcore::store::{ChangeSet, Store};
use tokio::task::{JoinHandle, yield_now};

use crate::make::{
    Build, NASTY, account, bare, device, event, id, session_id, silent, with_identity,
};
use crate::trial::{Trial, race};

/// Commits so many sets of two events each.
async fn fill(on: &Trial, sets: u32) -> Vec<Event> {
    let mut told = Vec::new();
    for number in 0..sets {
        let set = silent().tell(event(number)).tell(event(number));
        on.ok(&set).await;
        told.extend(set.events);
    }
    told
}

fn bodies(stored: &[StoredEvent]) -> Vec<Event> {
    stored.iter().map(|stored| stored.event.clone()).collect()
}

fn last(stored: &[StoredEvent]) -> EventCursor {
    stored.last().map_or(EventCursor::START, |stored| stored.cursor)
}

pub(crate) async fn every_kind_comes_back(on: &mut Trial) {
    let (ordinal, session) = (Ordinal::new(u32::MAX), session_id(3));
    let linked = |provider| EventKind::IdentityLinked { ordinal, provider };
    let unlinked = |provider| EventKind::IdentityUnlinked { ordinal, provider };
    let withdrawn = |cause| EventKind::Withdrawn { cause };
    let ended = |reason| EventKind::SessionEnded { session, reason };
    let named = ProviderId::new("a-provider_of-32-bytes-in-length").ok();
    let mut set = silent();
    let kinds = [
        EventKind::AccountCreated,
        EventKind::AccountImported,
        EventKind::AccountDeleted,
        EventKind::LoggedIn { session },
        linked(ProviderId::DEVICE),
        unlinked(ProviderId::EMAIL),
        linked(named.unwrap_or(ProviderId::CUSTOM)),
        EventKind::UsernameChanged,
        EventKind::ProfileChanged,
        EventKind::PasswordChanged,
        ended(SessionEnd::LoggedOut),
        ended(SessionEnd::RefreshReused),
        ended(SessionEnd::Unlinked),
        EventKind::SessionsEnded,
        EventKind::Banned,
        EventKind::Unbanned,
        EventKind::GraceBanned,
        EventKind::GraceBanReleased,
        EventKind::PaymentRecorded,
        EventKind::WithdrawalRequested,
        EventKind::WithdrawalCancelled,
        withdrawn(WithdrawalCause::Player),
        withdrawn(WithdrawalCause::Operator),
        withdrawn(WithdrawalCause::Server),
        withdrawn(WithdrawalCause::Provider),
        withdrawn(WithdrawalCause::GraceExpired),
        EventKind::Lost,
        EventKind::TicketIssued { owner: id(5), provider: ProviderId::GUEST },
        EventKind::IdentityMoved { ordinal, provider: ProviderId::CUSTOM, to: id(6) },
        EventKind::MergedInto { survivor: id(7) },
        EventKind::MergedFrom { merged: id(8) },
        EventKind::TransferChanged,
        EventKind::Transferred,
        EventKind::Kickout { reason: NASTY.into() },
    ];
    for (number, kind) in (1..).zip(kinds) {
        set = set.tell(Event { kind, ..event(number) });
    }
    on.ok(&set).await;
    assert_eq!(bodies(&on.all_events().await), set.events);
}

pub(crate) async fn come_in_the_order_of_commits(on: &mut Trial) {
    let told = fill(on, 60).await;
    let all = on.all_events().await;
    assert_eq!(bodies(&all), told);
    assert!(last(&all) > EventCursor::START);
}

pub(crate) async fn are_read_after_a_cursor(on: &mut Trial) {
    fill(on, 5).await;
    let all = on.all_events().await;
    for (index, stored) in all.iter().enumerate() {
        let rest: Vec<_> = all.iter().skip(index + 1).cloned().collect();
        assert_eq!(on.events(stored.cursor, 100).await, rest);
        let one: Vec<_> = rest.first().cloned().into_iter().collect();
        assert_eq!(on.events(stored.cursor, 1).await, one);
    }
    for limit in [0, 1, 3, 10, 11, u32::MAX] {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<_> = all.iter().take(count).cloned().collect();
        assert_eq!(on.events(EventCursor::START, limit).await, page, "limit {limit}");
    }
    let beyond = EventCursor::new(last(&all).number() + 1000);
    assert_eq!(on.events(beyond, 100).await, []);
}

pub(crate) async fn are_pruned_up_to_a_cursor(on: &mut Trial) {
    fill(on, 5).await;
    let all = on.all_events().await;
    assert_eq!(on.prune(EventCursor::START).await, 0);
    let third = last(all.get(..3).unwrap_or_default());
    assert_eq!(on.prune(third).await, 3);
    assert_eq!(on.prune(third).await, 0);
    assert_eq!(on.events(EventCursor::START, 100).await, all.get(3..).unwrap_or_default());
    let beyond = EventCursor::new(last(&all).number() + 1000);
    assert_eq!(on.prune(beyond).await, 7);
    assert_eq!(on.all_events().await, []);
    fill(on, 1).await;
    assert_eq!(on.all_events().await.len(), 2, "what is not there yet is not pruned");
}

pub(crate) async fn cursors_are_never_reused(on: &mut Trial) {
    let mut highest = EventCursor::START;
    for _ in 0..3 {
        fill(on, 2).await;
        let all = on.all_events().await;
        assert!(all.iter().all(|stored| stored.cursor > highest), "cursors grow over every prune");
        assert_eq!(on.events(highest, 100).await, all, "a consumer reads on from where it was");
        highest = last(&all);
        assert_eq!(on.prune(highest).await, 4);
    }
}

/// A consumer that reads along until the writers are done, and may remove what it has read.
fn follow(
    store: &Arc<dyn Store>,
    done: &Arc<AtomicBool>,
    limit: u32,
    prunes: bool,
) -> JoinHandle<Vec<Event>> {
    let (store, done) = (Arc::clone(store), Arc::clone(done));
    tokio::spawn(async move {
        let (mut seen, mut after) = (Vec::new(), EventCursor::START);
        loop {
            // Asked before the page is read: what is written until then is in this page or a later one.
            let last_page = done.load(Ordering::Acquire);
            let page = store.events(after, limit).await.expect("events");
            for stored in &page {
                assert!(stored.cursor > after, "cursors only grow");
                after = stored.cursor;
            }
            if prunes {
                store.prune_events(after).await.expect("prune_events");
            }
            if page.is_empty() {
                if last_page {
                    return seen;
                }
                yield_now().await;
            }
            seen.extend(bodies(&page));
        }
    })
}

/// Each writer commits its sets, one after the other, beside the others; returns those that were applied, by writer.
async fn write(on: &Trial, writers: Vec<Vec<ChangeSet>>) -> Vec<Vec<ChangeSet>> {
    let applied = race(writers.len(), |writer| {
        let (store, sets) = (Arc::clone(on.store()), writers.get(writer).cloned());
        async move {
            let mut applied = Vec::new();
            for set in sets.expect("one for each") {
                if store.commit(&set).await.is_ok() {
                    applied.push(set);
                }
            }
            applied
        }
    })
    .await;
    for set in applied.iter().flatten() {
        on.note(set);
    }
    applied
}

/// What was seen is what was told, and each writer's events are in the order of its commits.
fn assert_seen(seen: &[Event], applied: &[Vec<ChangeSet>]) {
    let told: usize = applied.iter().flatten().map(|set| set.events.len()).sum();
    assert_eq!(seen.len(), told, "a consumer that reads along sees every event once");
    for sets in applied {
        let own: Vec<_> = sets.iter().flat_map(|set| &set.events).collect();
        let seen: Vec<_> = seen.iter().filter(|event| own.contains(event)).collect();
        assert_eq!(seen, own, "one writer's events stay in the order of its commits");
    }
}

/// 16 writers of 20 sets each, of one to three events.
fn usual_writers() -> Vec<Vec<ChangeSet>> {
    let of_writer = |writer: u32| {
        let of_round = |round: u32| {
            let number = writer * 1000 + round;
            (0..=round % 3).fold(silent().insert(account(number)), |set, _| set.tell(event(number)))
        };
        (0..20).map(of_round).collect()
    };
    (0..16).map(of_writer).collect()
}

pub(crate) async fn consumers_miss_nothing(on: &mut Trial) {
    let done = Arc::default();
    let consumers = [1, 7, 1000].map(|limit| follow(on.store(), &done, limit, false));
    let applied = write(on, usual_writers()).await;
    done.store(true, Ordering::Release);
    let all = bodies(&on.all_events().await);
    for consumer in consumers {
        let seen = consumer.await.expect("the consumer ends");
        assert_seen(&seen, &applied);
        assert_eq!(seen, all, "all see them in the order in which they stay");
    }
}

pub(crate) async fn consumer_that_prunes_misses_nothing(on: &mut Trial) {
    let done = Arc::default();
    let consumer = follow(on.store(), &done, 7, true);
    let applied = write(on, usual_writers()).await;
    done.store(true, Ordering::Release);
    let seen = consumer.await.expect("the consumer ends");
    assert_seen(&seen, &applied);
    assert!(on.all_events().await.is_empty());
    on.note_pruned(seen);
}

/// A large set takes its numbers early and is seen late; many small ones come in between.
pub(crate) async fn large_set_among_small_ones_is_not_skipped(on: &mut Trial) {
    let large = |number: u32| {
        let accounts = number..number + 150;
        accounts.fold(silent(), |set, number| set.insert(account(number)).tell(event(number)))
    };
    let small = |number: u32| (0..30).map(|_| silent().tell(event(number))).collect();
    let mut writers: Vec<Vec<ChangeSet>> = (0..6).map(small).collect();
    writers.extend([vec![large(1000), large(2000)], vec![large(3000), large(4000)]]);
    let done = Arc::default();
    let consumer = follow(on.store(), &done, 50, false);
    let applied = write(on, writers).await;
    done.store(true, Ordering::Release);
    assert_seen(&consumer.await.expect("the consumer ends"), &applied);
    assert_eq!(applied.iter().flatten().count(), 6 * 30 + 4);
}

pub(crate) async fn refused_sets_leave_no_gap(on: &mut Trial) {
    // Of the sets of a round one is applied; what the others took numbers for is never seen.
    let of_writer = |writer: u32| {
        let of_round = |round: u32| {
            let made = with_identity(bare(writer * 1000 + round), device(&format!("it-{round}")));
            silent().tell(event(writer)).insert(made)
        };
        (0..20).map(of_round).collect()
    };
    let done = Arc::default();
    let consumer = follow(on.store(), &done, 3, false);
    let applied = write(on, (0..8).map(of_writer).collect()).await;
    done.store(true, Ordering::Release);
    assert_seen(&consumer.await.expect("the consumer ends"), &applied);
    assert_eq!(applied.iter().flatten().count(), 20);
}
