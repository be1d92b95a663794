//! That the tables are those of the specification, and that the rules are those of the tables.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::banning::put_in_force;
use super::standing::{ban_expired_event, check_step, rule_met_event, unban_event};
use super::*;
use crate::account::{Account, AccountId, IdentityKey, ProviderId};
use crate::event::EventKind;
use crate::mapping::ForcingTicket;
use crate::policy::{GraceRelease, Lockdown, RefundTrigger};
use crate::refusal::Refusal;
use crate::store::CodeKey;

use super::Standing::{Banned, GraceBanned, Missing, Normal, WithdrawalPending, Withdrawn};
use super::StandingEvent as On;

fn leads<S, E>(machine: &Machine<S, E>, from: S, on: E, to: S)
where
    S: Copy + PartialEq + fmt::Debug,
    E: Copy + PartialEq + fmt::Debug,
{
    assert_eq!(machine.next(from, on), Ok(to));
}

fn refuses<S, E>(machine: &Machine<S, E>, from: S, on: E)
where
    S: Copy + PartialEq + fmt::Debug,
    E: Copy + PartialEq + fmt::Debug,
{
    assert_eq!(machine.next(from, on), Err(NoSuchStep { machine: machine.name, from, on }));
}

fn is_a_function<S: Copy + Eq + Hash, E: Copy + Eq + Hash>(machine: &Machine<S, E>) {
    let pairs: HashSet<_> = machine.steps.iter().map(|step| (step.from, step.on)).collect();
    assert_eq!(pairs.len(), machine.steps.len(), "{}", machine.name);
}

#[test]
fn no_table_says_two_things_of_one_step() {
    is_a_function(&STANDING);
    is_a_function(&BAN);
    is_a_function(&GRACE_BAN);
    is_a_function(&WITHDRAWAL);
}

macro_rules! rows {
    ($machine:expr; $($name:ident: $from:expr, $on:expr => $to:expr;)*) => {
        $(#[test] fn $name() { leads(&$machine, $from, $on, $to); })*
    };
}

macro_rules! no_rows {
    ($machine:expr; $($name:ident: $from:expr, $($on:expr),+;)*) => {
        $(#[test] fn $name() { $(refuses(&$machine, $from, $on);)+ })*
    };
}

#[test]
fn gamebase_4_2_none_first_guest_login_and_first_idp_login_give_y() {
    assert_eq!(STANDING.start, Normal);
}

rows! { STANDING;
    gamebase_4_2_y_request_pending_gives_t: Normal, On::RequestWithdrawal => WithdrawalPending;
    gamebase_4_2_y_withdraw_gives_d: Normal, On::Withdraw => Withdrawn;
    gamebase_4_2_y_ban_gives_b: Normal, On::Ban => Banned;
    gamebase_4_2_y_lockdown_without_release_gives_b: Normal, On::LockdownWithoutRelease => Banned;
    gamebase_4_2_y_lockdown_with_release_gives_p: Normal, On::LockdownWithRelease => GraceBanned;
    gamebase_4_2_y_last_identity_taken_gives_m: Normal, On::LastIdentityTaken => Missing;
    gamebase_4_2_t_cancel_gives_y: WithdrawalPending, On::CancelWithdrawal => Normal;
    gamebase_4_2_t_withdraw_gives_d: WithdrawalPending, On::Withdraw => Withdrawn;
    gamebase_4_2_t_deadline_gives_d: WithdrawalPending, On::WithdrawalDue => Withdrawn;
    gamebase_4_2_t_ban_gives_b: WithdrawalPending, On::Ban => Banned;
    gamebase_4_2_t_lockdown_with_release_gives_p: WithdrawalPending, On::LockdownWithRelease => GraceBanned;
    gamebase_4_2_t_last_identity_taken_gives_m: WithdrawalPending, On::LastIdentityTaken => Missing;
    gamebase_4_2_p_conditions_met_gives_y: GraceBanned, On::GraceRuleMetNothingPending => Normal;
    gamebase_4_2_p_conditions_met_gives_t_while_pending: GraceBanned, On::GraceRuleMetWithdrawalPending => WithdrawalPending;
    gamebase_4_2_p_deadline_missed_gives_b: GraceBanned, On::GraceDeadlineMissed => Banned;
    gamebase_4_2_p_operator_ban_gives_b: GraceBanned, On::Ban => Banned;
    gamebase_4_2_p_withdraw_gives_d: GraceBanned, On::Withdraw => Withdrawn;
    gamebase_4_2_p_request_pending_stays_p: GraceBanned, On::RequestWithdrawal => GraceBanned;
    gamebase_4_2_b_release_gives_y: Banned, On::UnbanNothingPending => Normal;
    gamebase_4_2_b_release_gives_t_while_pending: Banned, On::UnbanWithdrawalPending => WithdrawalPending;
    gamebase_4_2_b_expired_gives_y: Banned, On::BanExpiredNothingPending => Normal;
    gamebase_4_2_b_expired_gives_t_while_pending: Banned, On::BanExpiredWithdrawalPending => WithdrawalPending;
    gamebase_4_2_b_withdraw_gives_d: Banned, On::Withdraw => Withdrawn;
    gamebase_4_2_b_pending_deadline_gives_d: Banned, On::WithdrawalDue => Withdrawn;
    gamebase_4_2_m_add_mapping_gives_y: Missing, On::ReviveNothingElse => Normal;
    gamebase_4_2_m_withdraw_gives_d: Missing, On::Withdraw => Withdrawn;
    gamebase_4_2_m_inherited_deadline_gives_d: Missing, On::WithdrawalDue => Withdrawn;
}

no_rows! { STANDING;
    gamebase_4_2_t_request_again_is_no_step: WithdrawalPending, On::RequestWithdrawal;
    gamebase_4_2_b_ban_is_no_step: Banned, On::Ban;
    gamebase_4_2_m_ban_and_request_are_no_steps: Missing, On::Ban, On::RequestWithdrawal;
}

#[test]
fn gamebase_4_2_d_is_terminal() {
    assert!(STANDING.steps.iter().all(|step| step.from != Withdrawn));
}

rows! { BAN;
    gamebase_4_5_none_register_temporary: BanStatus::None, BanEvent::RegisterTemporary => BanStatus::Temporary;
    gamebase_4_5_none_register_permanent: BanStatus::None, BanEvent::RegisterPermanent => BanStatus::Permanent;
    gamebase_4_5_temporary_ban_release: BanStatus::Temporary, BanEvent::Release => BanStatus::Released;
    gamebase_4_5_permanent_ban_release: BanStatus::Permanent, BanEvent::Release => BanStatus::Released;
    gamebase_4_5_ban_temporary_end_gives_expired: BanStatus::Temporary, BanEvent::EndPassed => BanStatus::Expired;
    gamebase_4_5_expired_login_gives_release_expired: BanStatus::Expired, BanEvent::Login => BanStatus::ReleaseExpired;
    gamebase_4_5_expired_release_by_operator: BanStatus::Expired, BanEvent::Release => BanStatus::Released;
    gamebase_4_5_expired_new_ban: BanStatus::Expired, BanEvent::RegisterPermanent => BanStatus::Permanent;
    gamebase_4_5_ban_member_becomes_d: BanStatus::Permanent, BanEvent::AccountWithdrawn => BanStatus::Withdrawn;
}

#[test]
fn who_is_refused_a_step_is_told_what_is_not_there() {
    let account = account();
    for (on, refusal) in [
        (On::CancelWithdrawal, Refusal::WithdrawalNotPending),
        (On::WithdrawalDue, Refusal::WithdrawalNotPending),
        (On::GraceRuleMetNothingPending, Refusal::NoGraceBan),
        (On::GraceRuleMetWithdrawalPending, Refusal::NoGraceBan),
        (On::UnbanNothingPending, Refusal::NotBanned),
        (On::ReplaceBan, Refusal::NotBanned),
    ] {
        assert_eq!(check_step(&account, on), Err(refusal), "{on:?}");
    }
}

#[test]
fn what_lifts_a_ban_leads_back_to_a_withdrawal_that_is_pending() {
    let mut account = account();
    assert_eq!(unban_event(&account), On::UnbanNothingPending);
    assert_eq!(ban_expired_event(&account), On::BanExpiredNothingPending);
    assert_eq!(rule_met_event(&account), On::GraceRuleMetNothingPending);
    account.withdrawal = Withdrawal::Pending { since: START, due: at(9) };
    assert_eq!(unban_event(&account), On::UnbanWithdrawalPending);
    assert_eq!(ban_expired_event(&account), On::BanExpiredWithdrawalPending);
    assert_eq!(rule_met_event(&account), On::GraceRuleMetWithdrawalPending);
}

#[test]
fn an_account_is_updated_by_a_refund_that_counts_and_by_no_other() {
    let of = |purchase| Refund {
        purchase,
        amount: Amount::minor(1),
        currency: "USD",
        registrar: "test",
    };
    let mut account = account();
    assert_eq!(record_refund(&mut account, &of("x"), None, at(1)), Ok(vec![]));
    assert_eq!(account.updated_at, START, "nothing counts refunds");
    refund(&mut account, true, at(2));
    assert_eq!(account.updated_at, at(2));
}

#[test]
fn gamebase_4_5_a_ban_begins_only_where_the_table_lets_it() {
    let gone = PastBan { ban: a_ban(START, None), end: BanEnd::Withdrawn { at: START } };
    let mut account = account();
    account.records.past_bans.push(gone);
    let before = account.clone();
    assert_eq!(put_in_force(&mut account, a_ban(START, None), START), None);
    assert_eq!(account, before);
}

no_rows! { BAN;
    gamebase_4_5_ban_permanent_time_is_no_step: BanStatus::Permanent, BanEvent::EndPassed;
}

rows! { GRACE_BAN;
    gamebase_4_6_none_lockdown: GraceBanStatus::None, GraceBanEvent::LockdownWithRelease => GraceBanStatus::Suspended;
    gamebase_4_6_suspended_purchase: GraceBanStatus::Suspended, GraceBanEvent::PaymentRuleUnmet => GraceBanStatus::Suspended;
    gamebase_4_6_suspended_rule_true: GraceBanStatus::Suspended, GraceBanEvent::PaymentRuleMet => GraceBanStatus::Released;
    gamebase_4_6_suspended_refund: GraceBanStatus::Suspended, GraceBanEvent::Refund => GraceBanStatus::Suspended;
    gamebase_4_6_suspended_deadline: GraceBanStatus::Suspended, GraceBanEvent::Deadline => GraceBanStatus::Banned;
    gamebase_4_6_suspended_operator_ban: GraceBanStatus::Suspended, GraceBanEvent::OperatorBan => GraceBanStatus::Banned;
    gamebase_4_6_released_new_lockdown: GraceBanStatus::Released, GraceBanEvent::LockdownWithRelease => GraceBanStatus::Suspended;
}

#[test]
fn the_documented_diagrams_are_true() {
    let block = |diagram: String| format!("```mermaid\n{diagram}```");
    for (name, diagram) in [
        ("standing machine", STANDING.diagram()),
        ("ban machine", BAN.diagram()),
        ("grace ban machine", GRACE_BAN.diagram()),
        ("withdrawal machine", WITHDRAWAL.diagram()),
    ] {
        crate::documentation::check("machines.md", name, &block(diagram));
    }
}

const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn at(minutes: i64) -> DateTime<Utc> {
    START + TimeDelta::minutes(minutes)
}

fn account() -> Account {
    let mut account = Account::new(AccountId::from_bytes([1; 16]), START);
    account.add_identity(IdentityKey::new(ProviderId::CUSTOM, "ann"), None, START);
    account
}

fn a_ban(since: DateTime<Utc>, minutes: Option<u32>) -> Ban {
    let period = minutes.map_or(BanPeriod::Permanent, |minutes| BanPeriod::Seconds(60 * minutes));
    Ban::for_abuse(since, period, None, "test")
}

fn a_lockdown(release: bool) -> Lockdown {
    Lockdown {
        trigger: RefundTrigger::Count(std::num::NonZeroU32::MIN),
        currency: "USD".into(),
        ban: BanPeriod::Seconds(60 * 10),
        template: None,
        release: release.then(|| GraceRelease {
            period: TimeDelta::minutes(7),
            rule: ReleaseRule::Count { count: 2 },
            message: String::new(),
        }),
    }
}

fn refund(account: &mut Account, release: bool, now: DateTime<Utc>) -> Vec<EventKind> {
    let refund =
        Refund { purchase: "x", amount: Amount::minor(1), currency: "USD", registrar: "test" };
    record_refund(account, &refund, Some(&a_lockdown(release)), now).unwrap()
}

#[test]
fn gamebase_x30_a_payment_at_the_deadline_comes_too_late() {
    let mut account = account();
    refund(&mut account, true, START);
    let deadline = account.ban.grace().unwrap().deadline;
    let mut before = account.clone();
    assert_eq!(settle(&mut before, deadline - TimeDelta::milliseconds(1)), []);
    assert!(before.ban.grace().is_some());
    assert_eq!(settle(&mut account, deadline), [EventKind::Banned]);
    let payment = Payment { purchase: "p".into(), amount: Amount::minor(9), at: deadline };
    let refused = record_payment(&mut account, payment, "USD", deadline);
    assert_eq!(refused, Err(Refusal::NoGraceBan));
}

#[test]
fn gamebase_x31_each_date_counts_from_its_first_moment_on() {
    let moment = TimeDelta::milliseconds(1);
    let mut banned = account();
    put_in_force(&mut banned, a_ban(START, Some(5)), START).unwrap();
    let mut pending = account();
    request_withdrawal(&mut pending, TimeDelta::days(7), START).unwrap();
    for (account, date) in [(banned, at(5)), (pending, START + TimeDelta::days(7))] {
        let mut before = account.clone();
        settle(&mut before, date - moment);
        assert_eq!(before, account);
        let mut after = account.clone();
        assert_eq!(settle(&mut after, date).len(), 1);
        assert_ne!(standing(&after), standing(&account));
    }
}

#[test]
fn gamebase_x2_what_falls_due_after_the_withdrawal_does_not_happen_however_late_it_is_settled() {
    let mut account = account();
    request_withdrawal(&mut account, TimeDelta::minutes(5), START).unwrap();
    put_in_force(&mut account, a_ban(START, Some(6)), START).unwrap();
    let cause = WithdrawalCause::GraceExpired;
    assert_eq!(settle(&mut account, at(60)), [EventKind::Withdrawn { cause }]);
    assert_eq!(account.withdrawal, Withdrawal::Done { at: at(5), cause });
    assert_eq!(account.records.past_bans[0].end, BanEnd::Withdrawn { at: at(5) });
}

#[test]
fn past_bans_are_bounded_and_the_oldest_gives_way() {
    let mut account = account();
    for minute in 0..=100 {
        put_in_force(&mut account, a_ban(at(minute), None), at(minute)).unwrap();
    }
    put_in_force(&mut account, a_ban(at(101), None), at(101)).unwrap();
    let past = &account.records.past_bans;
    assert_eq!(past.len(), crate::account::Records::PAST_BANS);
    assert_eq!(past[0].ban.since, at(1));
}

#[test]
fn a_ticket_is_remembered_a_day_after_its_end_and_then_forgotten() {
    let mut account = account();
    account.records.tickets.push(ForcingTicket {
        key: CodeKey::new([1; 32]),
        identity: IdentityKey::new(ProviderId::CUSTOM, "other"),
        ordinal: None,
        owner: AccountId::from_bytes([2; 16]),
        owner_standing: Normal,
        expires_at: at(10),
        used_at: None,
    });
    let forgotten_at = at(10) + TimeDelta::days(1);
    assert_eq!(account.due_at(), Some(forgotten_at));
    put_in_force(&mut account, a_ban(START, Some(5)), START).unwrap();
    assert_eq!(settle(&mut account, at(5)), [EventKind::Unbanned]);
    assert_eq!(account.records.tickets.len(), 1, "what else falls due forgets no ticket");
    settle(&mut account, forgotten_at - TimeDelta::milliseconds(1));
    assert_eq!(account.records.tickets.len(), 1);
    assert_eq!(settle(&mut account, forgotten_at), []);
    assert_eq!(account.records.tickets, []);
    assert_eq!(account.due_at(), None);
}

#[test]
fn gamebase_4_9_600_601_602() {
    let mut account = account();
    let only = account.identities[0].ordinal;
    assert_eq!(revoked(&account, Some(only), only).gamebase_code(), 600);
    let second = account.add_identity(IdentityKey::new(ProviderId::DEVICE, "d"), None, START);
    assert_eq!(revoked(&account, Some(only), only).gamebase_code(), 601);
    assert_eq!(revoked(&account, Some(only), second).gamebase_code(), 602);
    assert_eq!(revoked(&account, None, only).gamebase_code(), 602);
}

/// Something that is done to an account.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Request,
    Cancel,
    Withdraw,
    Ban(Option<u32>),
    Replace,
    Unban,
    Refund(bool),
    Pay,
    Lose,
    Revive,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Request),
        Just(Deed::Cancel),
        Just(Deed::Withdraw),
        prop::option::of(1u32..8).prop_map(Deed::Ban),
        Just(Deed::Replace),
        Just(Deed::Unban),
        any::<bool>().prop_map(Deed::Refund),
        Just(Deed::Pay),
        Just(Deed::Lose),
        Just(Deed::Revive),
    ]
}

/// Does it by the rules, and says the step of [`STANDING`] that it was.
fn perform(account: &mut Account, deed: Deed, now: DateTime<Utc>) -> Option<On> {
    let before = account.clone();
    let done = |ok: bool, on| ok.then_some(on);
    match deed {
        Deed::Request => {
            let grace = TimeDelta::minutes(9);
            done(request_withdrawal(account, grace, now).is_ok(), On::RequestWithdrawal)
        }
        Deed::Cancel => done(cancel_withdrawal(account, now).is_ok(), On::CancelWithdrawal),
        Deed::Withdraw => {
            done(withdraw(account, WithdrawalCause::Player, now).is_ok(), On::Withdraw)
        }
        Deed::Ban(minutes) => done(ban(account, a_ban(now, minutes), false, now).is_ok(), On::Ban),
        Deed::Replace => {
            let banned = before.ban.ban().is_some();
            let ok = ban(account, a_ban(now, None), true, now).is_ok();
            done(ok, if banned { On::ReplaceBan } else { On::Ban })
        }
        Deed::Unban => {
            let end = BanEnd::Released {
                at: now,
                source: BanSource::Console,
                by: "test".into(),
                reason: Box::default(),
            };
            let told = unban(account, end, None, now).ok()?;
            told.map(|_| unban_event(&before))
        }
        Deed::Refund(release) => {
            if account.withdrawal.is_done() {
                return None;
            }
            refund(account, release, now).into_iter().find_map(|event| match event {
                EventKind::GraceBanned => Some(On::LockdownWithRelease),
                EventKind::Banned => Some(On::LockdownWithoutRelease),
                _ => None,
            })
        }
        Deed::Pay => {
            let payment = Payment { purchase: "p".into(), amount: Amount::minor(1), at: now };
            let events = record_payment(account, payment, "USD", now).ok()?;
            events.contains(&EventKind::GraceBanReleased).then(|| rule_met_event(&before))
        }
        Deed::Lose => {
            check_step(account, On::LastIdentityTaken).ok()?;
            account.identities.clear();
            Some(On::LastIdentityTaken)
        }
        Deed::Revive => {
            let on = revive_event(account);
            check_step(account, on).ok()?;
            account.add_identity(IdentityKey::new(ProviderId::CUSTOM, "back"), None, now);
            Some(on)
        }
    }
}

proptest! {
    /// The standing that the parts of an account add up to is always the one that the table says; and it does not matter
    /// when time is applied.
    #[test]
    fn gamebase_4_2_the_rules_are_those_of_the_table(
        deeds in prop::collection::vec((0i64..6, deed()), 1..20),
    ) {
        let mut account = account();
        let mut now = START;
        for (minutes, deed) in deeds {
            now += TimeDelta::minutes(minutes);
            let mut late = account.clone();
            for minute in (0..minutes).rev() {
                settle(&mut account, now - TimeDelta::minutes(minute));
            }
            settle(&mut late, now);
            settle(&mut account, now);
            prop_assert_eq!(&late, &account, "settled step by step and at once");
            let from = standing(&account);
            let before = account.clone();
            let step = perform(&mut account, deed, now);
            if step.is_none() && !matches!(deed, Deed::Refund(_) | Deed::Pay | Deed::Unban) {
                prop_assert_eq!(&before, &account, "a refusal changes nothing");
            }
            let expected = step.map_or(Ok(from), |on| STANDING.next(from, on));
            prop_assert_eq!(expected, Ok(standing(&account)));
        }
    }
}
