use authcore::account::{Account, AccountId, Records};
use authcore::lifecycle::{Expiry, Withdrawal, WithdrawalCause};
use authcore::session::Activity;
use chrono::{DateTime, Utc};

use crate::make::{
    Build, account, activity, at, bare, full_account, full_activity, full_transfer, id, leaving,
    session, session_ref, set, ticket, with_ban, with_grace, with_ticket,
};
use crate::trial::Trial;

/// After every date of these cases.
fn later() -> DateTime<Utc> {
    at(1_000_000_000)
}

fn ids(numbers: &[u32]) -> Vec<AccountId> {
    numbers.iter().map(|number| id(*number)).collect()
}

pub(crate) async fn nobody_is_due_without_a_date(on: &mut Trial) {
    let mut gone = with_ticket(with_ban(bare(3), Expiry::At(at(1))), ticket(1, at(2)));
    gone.withdrawal = Withdrawal::Done { at: at(3), cause: WithdrawalCause::Player };
    let mut guest = bare(4);
    guest.records.transfer = Some(full_transfer(4).into());
    on.ok(&set()
        .insert_with(account(1), full_activity(1))
        .insert(with_ban(bare(2), Expiry::Never))
        .insert(gone)
        .insert(guest))
        .await;
    assert_eq!(on.due(later(), 10).await, []);
}

pub(crate) async fn every_date_counts_from_its_moment(on: &mut Trial) {
    let both = leaving(with_ban(bare(5), Expiry::At(at(60))), at(50));
    // A ticket is remembered for a while after its end.
    let until = |millis| at(millis) - Records::TICKET_MEMORY;
    let tickets = with_ticket(with_ticket(bare(6), ticket(1, until(70))), ticket(2, until(60)));
    let accounts = [
        (with_ban(bare(1), Expiry::At(at(10))), 10),
        (with_grace(bare(2), at(20)), 20),
        (leaving(bare(3), at(30)), 30),
        (with_ticket(bare(4), ticket(1, until(40))), 40),
        (both, 50),
        (tickets, 60),
        // Long ago, before 1970.
        (leaving(bare(7), at(-1_800_000_000_000)), -1_800_000_000_000),
    ];
    for (account, millis) in accounts {
        assert_eq!(account.due_at(), Some(at(millis)), "what the case stands on");
        on.ok(&set().insert(account.clone())).await;
        let due = [account.id];
        let before = on.due(at(millis - 1), 10).await;
        assert!(!before.contains(&account.id), "not a millisecond before");
        assert!(on.due(at(millis), 10).await.ends_with(&due), "at that very moment");
        assert!(on.due(later(), 10).await.contains(&account.id), "and until it is settled");
    }
    assert_eq!(on.due(later(), 10).await, ids(&[7, 1, 2, 3, 4, 5, 6]));
}

pub(crate) async fn longest_overdue_come_first(on: &mut Trial) {
    // Neither in the order of dates nor of ids; ids differ in each of their bytes.
    let dates = [(70_000, 3), (1, 5), (300, 3), (2, -4), (65_536, 3), (256, 9), (255, 3)];
    for (number, millis) in dates {
        on.ok(&set().insert(leaving(bare(number), at(millis)))).await;
    }
    let order = [2, 255, 300, 65_536, 70_000, 1, 256];
    assert_eq!(on.due(later(), 10).await, ids(&order), "by date, then by id");
    assert_eq!(on.due(at(4), 10).await, ids(&order[..5]));
}

pub(crate) async fn list_keeps_to_its_limit(on: &mut Trial) {
    let mut inserts = set();
    for number in 1..=5 {
        inserts = inserts.insert(leaving(bare(number), at(number.into())));
    }
    on.ok(&inserts).await;
    let all = ids(&[1, 2, 3, 4, 5]);
    for limit in [0, 1, 3, 5, 6, u32::MAX] {
        let count = usize::try_from(limit).unwrap_or(usize::MAX);
        let first: Vec<_> = all.iter().take(count).copied().collect();
        assert_eq!(on.due(later(), limit).await, first, "limit {limit}");
    }
    assert_eq!(on.due(at(2), 1).await, ids(&[1]));
}

pub(crate) async fn list_follows_every_write(on: &mut Trial) {
    let listed = async |on: &Trial| on.due(at(100), 10).await;
    on.ok(&set().insert(account(1)).insert(leaving(account(2), at(50)))).await;
    assert_eq!(listed(on).await, ids(&[2]));
    on.ok(&set().update(leaving(account(1), at(40)), 1)).await;
    assert_eq!(listed(on).await, ids(&[1, 2]), "an update gives it a date");
    on.ok(&set().update(leaving(account(1), at(60)), 2)).await;
    assert_eq!(listed(on).await, ids(&[2, 1]), "an update puts it off");
    on.ok(&set().update(leaving(account(1), at(101)), 3)).await;
    assert_eq!(listed(on).await, ids(&[2]), "an update puts it off for longer");
    on.ok(&set().update(leaving(account(1), at(30)), 4).activity(2, activity(1), 1)).await;
    assert_eq!(listed(on).await, ids(&[1, 2]), "logins change nothing");
    on.ok(&set().update(account(1), 5)).await;
    assert_eq!(listed(on).await, ids(&[2]), "an update takes its date away");
    on.ok(&set().delete(2, 1)).await;
    assert_eq!(listed(on).await, [], "the deleted are not due");
    on.ok(&set().insert(account(2))).await;
    assert_eq!(listed(on).await, [], "also when one of that id is made again");
    on.ok(&set().insert(full_account(3)).update(with_grace(account(2), at(5)), 1)).await;
    assert_eq!(listed(on).await, ids(&[2, 3]));
    on.ok(&set().update(leaving(account(2), at(90)), 2).delete(3, 1)).await;
    assert_eq!(listed(on).await, ids(&[2]), "a set of several writes is listed whole");
}

pub(crate) async fn settled_accounts_leave_the_list(on: &mut Trial) {
    // What a sweep does: it settles what the list begins with, until nothing is left.
    for number in 1..=7 {
        on.ok(&set().insert(leaving(account(number), at(number.into())))).await;
    }
    let mut settled = Vec::new();
    loop {
        let due = on.due(at(6), 2).await;
        if due.is_empty() {
            break;
        }
        for one in due {
            let found = on.get(one).await;
            let withdrawal = Withdrawal::Done { at: at(6), cause: WithdrawalCause::GraceExpired };
            let gone = Account { withdrawal, identities: Vec::new(), ..found.account };
            on.ok(&set().update(gone, found.version.number())).await;
            settled.push(one);
        }
        assert!(settled.len() <= 6, "what was settled is listed again: {settled:?}");
    }
    assert_eq!(settled, ids(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(on.due(at(7), 2).await, ids(&[7]));
}

pub(crate) async fn session_tells_when_its_account_is_due(on: &mut Trial) {
    let due_at = async |on: &Trial| {
        let found = on.session(session_ref(1, 1)).await;
        assert!(found.is_some(), "the session is there");
        found.and_then(|found| found.account_due_at)
    };
    let active = Activity { sessions: vec![session(1)], ..Activity::default() };
    on.ok(&set().insert_with(account(1), active.clone())).await;
    assert_eq!(due_at(on).await, None);
    on.ok(&set().update(leaving(account(1), at(40)), 1)).await;
    assert_eq!(due_at(on).await, Some(at(40)));
    let banned = leaving(with_ban(account(1), Expiry::At(at(30))), at(40));
    on.ok(&set().update(banned, 2)).await;
    assert_eq!(due_at(on).await, Some(at(30)), "the earliest date");
    on.ok(&set().activity(1, Activity { login_count: 1, ..active }, 1)).await;
    assert_eq!(due_at(on).await, Some(at(30)), "a login leaves it");
    on.ok(&set().update(with_ban(account(1), Expiry::Never), 3)).await;
    assert_eq!(due_at(on).await, None);
}
