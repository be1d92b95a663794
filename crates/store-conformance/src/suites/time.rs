#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::Account;
use authcore::lifecycle::{Expiry, PastBan, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord};
use authcore::store::{Admission, Charge, Conflict};
use chrono::{DateTime, TimeDelta, Utc};

use crate::make::{
    Build, account, at, ban, ban_ends, bare, charge, code, code_key, device, event, full_grace, id,
    leaving, session, set, silent, single_use_key, ticket, transfer, with_ban, with_identity,
    with_ticket,
};
use crate::trial::Trial;

fn first_moment() -> DateTime<Utc> {
    millis(DateTime::<Utc>::MIN_UTC.timestamp_millis())
}

fn last_moment() -> DateTime<Utc> {
    millis(DateTime::<Utc>::MAX_UTC.timestamp_millis())
}

fn millis(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).expect("a time")
}

/// Long before 1970, the last second before it, its first moment, the time of most cases, and the year 9999.
fn times() -> [DateTime<Utc>; 5] {
    [-8_520_336_000_000, -1000, 0, 1_700_000_000_123, 253_402_300_000_000].map(millis)
}

fn after(time: DateTime<Utc>, by: i64) -> DateTime<Utc> {
    time + TimeDelta::milliseconds(by)
}

pub(crate) async fn times_keep_their_millisecond(on: &mut Trial) {
    let times: [DateTime<Utc>; 8] = [
        DateTime::UNIX_EPOCH,
        DateTime::UNIX_EPOCH - TimeDelta::milliseconds(1),
        // 1700 and 9999: beyond what nanoseconds in 64 bits can say.
        DateTime::UNIX_EPOCH - TimeDelta::days(98_616),
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(253_402_300_799_999),
        // The first and the last that can be said at all.
        first_moment(),
        last_moment(),
        at(1),
        at(999),
    ];
    for (number, time) in (1..).zip(times) {
        let mut made = with_ban(bare(number), Expiry::At(time));
        (made.created_at, made.updated_at) = (time, time);
        let mut opened = session(number);
        (opened.last_used_at, opened.idle_expires_at, opened.expires_at) = (time, time, time);
        let active = Activity {
            previous_login_at: Some(time),
            sessions: vec![opened],
            ..Activity::default()
        };
        let mut told = event(number);
        told.at = time;
        on.ok(&silent()
            .insert_with(made.clone(), active.clone())
            .put_code(code(number, number, time))
            .tell(told))
            .await;
        let found = on.get(id(number)).await;
        assert_eq!((found.account, found.activity), (made, active), "{time}");
        assert_eq!(on.code(code_key(number)).await, Some(code(number, number, time)), "{time}");
    }
    let found: Vec<_> = on.all_events().await.iter().map(|stored| stored.event.at).collect();
    assert_eq!(found, times);
}

pub(crate) async fn every_date_comes_back(on: &mut Trial) {
    for (number, time) in (1..).zip(times()) {
        let mut made = with_identity(bare(number), device(&format!("{number}")));
        for identity in &mut made.identities {
            (identity.linked_at, identity.verified_at) = (after(time, 1), Some(after(time, 2)));
        }
        made.password = Some(Password { hash: "hash".into(), version: 1, set_at: after(time, 3) });
        made.withdrawal = Withdrawal::Pending { since: after(time, 4), due: after(time, 5) };
        let mut past = ban(Expiry::At(after(time, 6)));
        past.since = after(time, 7);
        let ends = ban_ends(number).into_iter();
        made.records.past_bans = ends.map(|end| PastBan { ban: past.clone(), end }).collect();
        let mut made = with_ticket(made, ticket(number, after(time, 8)));
        for ticket in &mut made.records.tickets {
            ticket.used_at = Some(after(time, 9));
        }
        let mut transferable = transfer(number);
        (transferable.issued_at, transferable.expiry) =
            (after(time, 10), Expiry::At(after(time, 11)));
        made.records.transfer = Some(transferable.into());
        let mut grace = full_grace(number);
        (grace.since, grace.deadline) = (after(time, 12), after(time, 13));
        for payment in &mut grace.payments {
            payment.at = after(time, 14);
        }
        made.ban = authcore::lifecycle::BanState::Grace(grace.into());
        let mut opened = session(number);
        opened.authenticated_at = after(time, 15);
        let active = Activity {
            last_login: Some(LoginRecord { at: after(time, 16), identity: None }),
            previous_login_at: Some(after(time, 17)),
            sessions: vec![opened],
            ..Activity::default()
        };
        on.ok(&set().insert_with(made.clone(), active.clone())).await;
        let found = on.get(id(number)).await;
        assert_eq!((found.account, found.activity), (made, active), "{time}");
    }
}

/// What is over at a moment, and not a millisecond before; also before 1970.
pub(crate) async fn ends_count_from_their_millisecond(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    for time in times() {
        let ends = [(1, -1), (2, 0), (3, 1)];
        let filled = ends.into_iter().fold(set(), |filled, (number, by)| {
            let end = after(time, by);
            filled.put_code(code(number, 1, end)).use_up_until(number, end)
        });
        on.ok(&filled).await;
        assert_eq!(on.sweep(after(time, -2)).await, 0, "{time}");
        for (number, by) in ends {
            assert!(on.code(code_key(number)).await.is_some(), "what is over stays: {time}");
            let again = set().use_up(number);
            on.refused(&again, Conflict::UsedUp(single_use_key(number))).await;
            assert_eq!(on.sweep(after(time, by)).await, 2, "at its millisecond: {time}");
            assert_eq!(on.code(code_key(number)).await, None);
        }
    }
}

pub(crate) async fn dates_are_in_order(on: &mut Trial) {
    // Neither in order nor of one length when they are written out; the sign counts.
    let dates = [100, -1, 99, -1000, 0, 1_000_000_000_000, -99, 9, -100, 1];
    for (number, date) in (1..).zip(dates) {
        let made = match number % 2 {
            0 => with_ban(bare(number), Expiry::At(millis(date))),
            _ => leaving(bare(number), millis(date)),
        };
        on.ok(&set().insert(made)).await;
    }
    on.ok(&set().insert(leaving(bare(20), first_moment()))).await;
    on.ok(&set().insert(leaving(bare(21), last_moment()))).await;
    let order = [20, 4, 9, 7, 2, 5, 10, 8, 3, 1, 6, 21].map(id);
    assert_eq!(on.due(last_moment(), 20).await, order);
    for (count, now) in [(1, -1001), (2, -1000), (5, -1), (6, 0), (11, 2_000_000_000_000)] {
        let due: Vec<_> = order.iter().take(count).copied().collect();
        assert_eq!(on.due(millis(now), 20).await, due, "at {now}");
    }
}

pub(crate) async fn throttles_refill_at_any_time(on: &mut Trial) {
    for (number, time) in (1..).zip(times()) {
        let all = |by| Charge { cost: 5, ..charge(number, after(time, by)) };
        assert_eq!(on.consume(&all(0)).await, Admission::Admitted, "{time}");
        let retry_at = after(time, 1000);
        assert_eq!(on.consume(&all(999)).await, Admission::Refused { retry_at }, "{time}");
        assert_eq!(on.sweep(after(time, 999)).await, 0, "{time}");
        assert_eq!(on.consume(&all(1000)).await, Admission::Admitted, "{time}");
        assert_eq!(on.sweep(after(time, 2000)).await, 1, "{time}");
    }
}

pub(crate) async fn far_ends_do_not_come_early(on: &mut Trial) {
    let far = after(last_moment(), -1);
    let made = Account { withdrawal: Withdrawal::None, ..leaving(account(1), far) };
    on.ok(&set().insert(made).put_code(code(1, 1, far)).use_up_until(1, far)).await;
    on.ok(&set().update(leaving(account(1), far), 1)).await;
    let before = after(far, -1);
    assert_eq!((on.sweep(before).await, on.due(before, 1).await), (0, Vec::new()));
    assert_eq!((on.sweep(far).await, on.due(far, 1).await), (2, vec![id(1)]));
}
