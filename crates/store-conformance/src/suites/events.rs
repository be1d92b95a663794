use authcore::account::{Ordinal, ProviderId};
use authcore::event::{Event, EventCursor, EventKind, SessionEnd, StoredEvent};
use authcore::lifecycle::WithdrawalCause;

use crate::make::{Build, NASTY, event, id, session_id, silent};
use crate::trial::Trial;

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
