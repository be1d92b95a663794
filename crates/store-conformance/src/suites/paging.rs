#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::{Account, AccountId};
use authcore::event::{EventCursor, StoredEvent};
use authcore::lifecycle::{Withdrawal, WithdrawalCause};

use crate::make::{Build, at, bare, code, event, id, leaving, set, silent};
use crate::trial::Trial;

/// Tells so many events, one a commit.
async fn tell(on: &Trial, count: u32) {
    for number in 0..count {
        on.ok(&silent().tell(event(number))).await;
    }
}

fn last(page: &[StoredEvent], after: EventCursor) -> EventCursor {
    page.last().map_or(after, |stored| stored.cursor)
}

pub(crate) async fn pages_of_events_make_the_whole(on: &mut Trial) {
    tell(on, 23).await;
    let all = on.events(EventCursor::START, u32::MAX).await;
    assert_eq!(all.len(), 23);
    for limit in [1, 2, 5, 22, 23, 24] {
        let (mut pages, mut after) = (Vec::new(), EventCursor::START);
        loop {
            let page = on.events(after, limit).await;
            after = last(&page, after);
            let is_last = page.is_empty();
            pages.extend(page);
            if is_last {
                break;
            }
            assert!(pages.len() <= all.len(), "pages of {limit} do not end");
        }
        assert_eq!(pages, all, "pages of {limit}");
    }
}

pub(crate) async fn pages_of_events_stay_under_inserts(on: &mut Trial) {
    tell(on, 10).await;
    let (mut seen, mut after) = (Vec::new(), EventCursor::START);
    for _ in 0..5 {
        let page = on.events(after, 4).await;
        assert_eq!(page.len(), 4);
        tell(on, 3).await;
        assert_eq!(on.events(after, 4).await, page, "a full page is what it was");
        after = last(&page, after);
        seen.extend(page);
    }
    seen.extend(on.events(after, 100).await);
    assert_eq!(seen, on.all_events().await, "what came in between is behind");
    assert_eq!(seen.len(), 25);
}

pub(crate) async fn pages_of_events_stay_under_prunes(on: &mut Trial) {
    tell(on, 20).await;
    let all = on.all_events().await;
    let (mut seen, mut after) = (Vec::new(), EventCursor::START);
    for _ in 0..5 {
        let page = on.events(after, 4).await;
        after = last(&page, after);
        seen.extend(page);
        // A consumer removes what it has read, a little late.
        on.prune(EventCursor::new(after.number() - 1)).await;
    }
    assert_eq!(seen, all, "what is removed moves no page");
    assert_eq!(on.events(after, 10).await, []);
}

/// Settles the accounts of a page, as a sweep does.
async fn settle(on: &Trial, page: &[AccountId]) {
    for one in page {
        let found = on.get(*one).await;
        let withdrawal = Withdrawal::Done { at: at(0), cause: WithdrawalCause::GraceExpired };
        let gone = Account { withdrawal, ..found.account };
        on.ok(&silent().update(gone, found.version.number())).await;
    }
}

pub(crate) async fn pages_of_due_accounts_stay_under_inserts(on: &mut Trial) {
    let all = (0..12).fold(set(), |set, number| set.insert(leaving(bare(number), at(100))));
    on.ok(&all).await;
    let mut met = Vec::new();
    for number in 20.. {
        let page = on.due(at(100), 3).await;
        assert_eq!(on.due(at(100), 3).await, page, "the list is what it was");
        if page.is_empty() {
            break;
        }
        settle(on, &page).await;
        met.extend(page);
        // One that is due later, and, for a while, one that is due before all others.
        let late = leaving(bare(number), at(101));
        on.ok(&silent().insert(late)).await;
        if number < 23 {
            let early = leaving(bare(number + 20), at(i64::from(number)));
            on.ok(&silent().insert(early)).await;
            assert_eq!(on.due(at(100), 1).await, [id(number + 20)], "the longest overdue first");
        }
        assert!(met.len() <= 15, "what was settled is listed again: {met:?}");
    }
    met.sort_unstable();
    let due: Vec<_> = (0..12).chain(40..43).map(id).collect();
    assert_eq!(met, due, "each is met once");
}

pub(crate) async fn pages_of_a_sweep_reach_everything(on: &mut Trial) {
    on.ok(&set().insert(bare(1))).await;
    let fill = async |on: &Trial, numbers: std::ops::Range<u32>| {
        let end = |number: u32| at(i64::from(number));
        let filled = numbers.fold(silent(), |set, number| {
            set.put_code(code(number, 1, end(number))).use_up_until(number, end(number))
        });
        on.ok(&filled).await;
    };
    fill(on, 0..20).await;
    let mut swept = 0;
    for round in 0..4 {
        swept += on.store().sweep(at(99), 5).await.expect("sweep");
        // Two that are over, and two that are not.
        fill(on, 20 + round * 2..22 + round * 2).await;
        fill(on, 100 + round * 2..102 + round * 2).await;
    }
    assert_eq!(swept, 4 * 2 * 5, "each page is full while there is enough");
    swept += on.sweep(at(99)).await;
    assert_eq!(swept, 2 * 28);
    assert_eq!(on.sweep(at(99)).await, 0);
    assert_eq!(on.sweep(at(200)).await, 2 * 8, "what was not over is left");
}
