//! What payments and refunds do: a grace ban and its release, a lockdown (gamebase 3.16, 4.6).

use chrono::{DateTime, Utc};

use super::banning::put_in_force;
use super::standing::{StandingEvent, check_step, rule_met_event, standing};
use super::{
    Amount, Ban, BanState, GRACE_BAN, GraceBan, GraceBanEvent, GraceBanStatus, Payment, Refunds,
    STANDING,
};
use crate::account::Account;
use crate::event::EventKind;
use crate::policy::Lockdown;
use crate::refusal::{Field, Refusal, Rule};

/// Counts a payment towards the release of a settled account's grace ban, so strictly before its deadline; releases when
/// its rule then holds.
pub(crate) fn record_payment(
    account: &mut Account,
    payment: Payment,
    currency: &str,
    now: DateTime<Utc>,
) -> Result<Vec<EventKind>, Refusal> {
    if account.withdrawal.is_done() {
        return Err(Refusal::Withdrawn);
    }
    let BanState::Grace(grace) = &account.ban else {
        return Err(Refusal::NoGraceBan);
    };
    check_currency(&grace.currency, currency)?;
    let (paid, times) = grace.paid();
    let met = grace.rule.is_met(paid.plus(payment.amount), times.saturating_add(1));
    if !met && grace.payments.len() >= GraceBan::PAYMENTS {
        return Err(Refusal::TooManyPayments { most: GraceBan::PAYMENTS });
    }
    let on = if met { GraceBanEvent::PaymentRuleMet } else { GraceBanEvent::PaymentRuleUnmet };
    GRACE_BAN.next(grace.status(), on).map_err(|_| Refusal::NoGraceBan)?;
    let mut events = vec![EventKind::PaymentRecorded];
    if met {
        check_step(account, rule_met_event(account))?;
        account.ban = BanState::None;
        events.push(EventKind::GraceBanReleased);
    } else if let BanState::Grace(grace) = &mut account.ban {
        grace.payments.push(payment);
    }
    account.updated_at = now;
    Ok(events)
}

/// A refund, as the host reports it.
pub(crate) struct Refund<'a> {
    /// The purchase that was refunded.
    pub(crate) purchase: &'a str,
    /// How much of it.
    pub(crate) amount: Amount,
    /// In which currency.
    pub(crate) currency: &'a str,
    /// The operator who reports it.
    pub(crate) registrar: &'a str,
}

/// Counts a refund of a settled account: lowers what a running grace ban has counted, and sets off the lockdown when there
/// are so many. Nothing happens where neither is the matter.
pub(crate) fn record_refund(
    account: &mut Account,
    refund: &Refund<'_>,
    lockdown: Option<&Lockdown>,
    now: DateTime<Utc>,
) -> Result<Vec<EventKind>, Refusal> {
    if account.withdrawal.is_done() {
        return Err(Refusal::Withdrawn);
    }
    if let Some(lockdown) = lockdown {
        check_currency(&lockdown.currency, refund.currency)?;
    }
    let mut events = Vec::new();
    if let BanState::Grace(grace) = &mut account.ban {
        check_currency(&grace.currency, refund.currency)?;
        if take_back(grace, refund)? {
            events.push(EventKind::PaymentRecorded);
        }
    }
    if let Some(lockdown) = lockdown {
        let refunds = &mut account.records.refunds;
        refunds.count = refunds.count.saturating_add(1);
        refunds.amount = refunds.amount.plus(refund.amount);
        events = vec![EventKind::PaymentRecorded];
        if lockdown.trigger.is_set_off(*refunds) {
            events.extend(lock_down(account, lockdown, refund.registrar, now));
        }
    }
    if !events.is_empty() {
        account.updated_at = now;
    }
    Ok(events)
}

/// Takes a refund off the payment that it is of; says whether there was one.
fn take_back(grace: &mut GraceBan, refund: &Refund<'_>) -> Result<bool, Refusal> {
    let status = grace.status();
    let of_it = |payment: &Payment| *payment.purchase == *refund.purchase;
    let Some(index) = grace.payments.iter().position(of_it) else {
        return Ok(false);
    };
    GRACE_BAN.next(status, GraceBanEvent::Refund).map_err(|_| Refusal::NoGraceBan)?;
    if let Some(payment) = grace.payments.get_mut(index) {
        payment.amount = payment.amount.minus(refund.amount);
        if payment.amount == Amount::default() {
            grace.payments.remove(index);
        }
    }
    Ok(true)
}

/// Suspends or bans, as the policy says, where the account's standing lets it. The refunds are then counted once and for
/// all (gamebase 4.6).
fn lock_down(
    account: &mut Account,
    lockdown: &Lockdown,
    registrar: &str,
    now: DateTime<Utc>,
) -> Option<EventKind> {
    let on = match lockdown.release {
        Some(_) => StandingEvent::LockdownWithRelease,
        None => StandingEvent::LockdownWithoutRelease,
    };
    STANDING.next(standing(account), on).ok()?;
    account.records.refunds = Refunds::default();
    let Some(release) = &lockdown.release else {
        let ban = Ban::for_abuse(now, lockdown.ban, lockdown.template, registrar);
        return put_in_force(account, ban, now);
    };
    GRACE_BAN.next(GraceBanStatus::None, GraceBanEvent::LockdownWithRelease).ok()?;
    account.ban = BanState::Grace(Box::new(GraceBan {
        since: now,
        deadline: now + release.period,
        message: release.message.as_str().into(),
        rule: release.rule,
        currency: lockdown.currency.as_str().into(),
        payments: Vec::new(),
        then: lockdown.ban,
        template: lockdown.template,
    }));
    Some(EventKind::GraceBanned)
}

fn check_currency(expected: &str, given: &str) -> Result<(), Refusal> {
    if expected == given {
        Ok(())
    } else {
        Err(Refusal::Invalid { field: Field::Currency, rule: Rule::Unknown })
    }
}
