use chrono::{DateTime, Utc};

use super::banning::put_in_force;
use super::standing::{StandingEvent, ban_expired_event, check_step};
use super::withdrawal::erase;
use super::{
    BAN, BanEnd, BanEvent, BanState, Expiry, GRACE_BAN, GraceBanEvent, WITHDRAWAL, Withdrawal,
    WithdrawalCause, WithdrawalEvent, close_ban,
};
use crate::account::{Account, Records};
use crate::event::EventKind;

/// Applies what time has done, and says what happened.
///
/// Correctness never depends on a background sweep: every operation settles what it loaded before it decides. What comes
/// out is the same whether time was applied step by step or at once; the dates are those on which things fell due, not
/// those on which they were noticed.
pub fn settle(account: &mut Account, now: DateTime<Utc>) -> Vec<EventKind> {
    let mut events = Vec::new();
    if account.due_at().is_none_or(|due| now < due) {
        return events;
    }
    let leaves_at = match account.withdrawal {
        Withdrawal::Pending { due, .. } => Some(due),
        _ => None,
    };
    // What was to happen to a ban until the account is withdrawn happens first: a tombstone remembers a ban that is then
    // in force, and no other.
    settle_ban(account, leaves_at.map_or(now, |due| due.min(now)), &mut events);
    let stands = account.withdrawal.status();
    if let Some(due) = leaves_at
        && now >= due
        && WITHDRAWAL.next(stands, WithdrawalEvent::DuePassed).is_ok()
        && check_step(account, StandingEvent::WithdrawalDue).is_ok()
    {
        events.push(erase(account, WithdrawalCause::GraceExpired, due));
    }
    account.records.tickets.retain(|ticket| now < Records::ticket_forgotten_at(ticket));
    events
}

/// A grace ban whose deadline has come becomes a ban, and a ban whose end has come is over (gamebase ).
fn settle_ban(account: &mut Account, now: DateTime<Utc>, events: &mut Vec<EventKind>) {
    if let BanState::Grace(grace) = &account.ban
        && now >= grace.deadline
        && GRACE_BAN.next(grace.status(), GraceBanEvent::Deadline).is_ok()
        && check_step(account, StandingEvent::GraceDeadlineMissed).is_ok()
    {
        let deadline = grace.deadline;
        let ban = grace.ban_that_follows(deadline);
        events.extend(put_in_force(account, ban, deadline));
    }
    if let BanState::Banned(ban) = &account.ban
        && let Expiry::At(end) = ban.expiry
        && now >= end
        && BAN.next(ban.status(), BanEvent::EndPassed).is_ok()
        && check_step(account, ban_expired_event(account)).is_ok()
        && let BanState::Banned(ban) = std::mem::take(&mut account.ban)
    {
        close_ban(account, *ban, BanEnd::Expired { at: end });
        account.updated_at = end;
        events.push(EventKind::Unbanned);
    }
}
