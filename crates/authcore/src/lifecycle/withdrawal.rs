use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::standing::{StandingEvent, check_step};
use super::{BanEnd, BanState, Machine, Step, close_ban};
use crate::account::{Account, Profile, Records};
use crate::event::EventKind;
use crate::refusal::Refusal;
use crate::session::{SessionEvent, end_sessions};
use crate::transfer::{TransferAccount, TransferState};

/// Whether a player has asked to leave, or has left (gamebase 1.7, 3.6, 3.15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Withdrawal {
    /// No.
    #[default]
    None,
    /// Asked for; full service until the date, and final from then on.
    Pending {
        /// When it was asked for.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        since: DateTime<Utc>,
        /// When it becomes final.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        due: DateTime<Utc>,
    },
    /// Final. What remains is a tombstone: the id, the dates and the cause, and nothing on the person.
    Done {
        /// When.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        at: DateTime<Utc>,
        /// On whose word.
        cause: WithdrawalCause,
    },
}

/// On whose word an account was withdrawn (gamebase 1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WithdrawalCause {
    /// The player's, at once (WAA).
    Player,
    /// An operator's, at a console (WACS).
    Operator,
    /// The game server's (WAES).
    Server,
    /// The identity provider's: the account there was deleted (WAAI, WAHI).
    Provider,
    /// The end of the grace period (WAGE).
    GraceExpired,
}

impl Withdrawal {
    /// Whether it is final.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// How far a withdrawal has come, as the states of [`WITHDRAWAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WithdrawalStatus {
    /// Nobody has asked.
    None,
    /// Asked for, not final.
    Pending,
    /// Final.
    Done,
}

/// What may happen to a withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WithdrawalEvent {
    /// The player asks to be withdrawn after the grace days.
    Request,
    /// The player, or an operator, takes the request back before it is due.
    CancelBeforeDue,
    /// Somebody withdraws the account at once.
    WithdrawNow,
    /// The date has come.
    DuePassed,
}

/// The withdrawal of an account (gamebase 3.6, 3.15).
pub static WITHDRAWAL: Machine<WithdrawalStatus, WithdrawalEvent> = {
    use WithdrawalEvent::{CancelBeforeDue, DuePassed, Request, WithdrawNow};
    use WithdrawalStatus::{Done, None, Pending};
    Machine {
        name: "withdrawal",
        start: None,
        steps: &[
            Step::new(None, Request, Pending),
            Step::new(None, WithdrawNow, Done),
            Step::new(Pending, CancelBeforeDue, None),
            Step::new(Pending, WithdrawNow, Done),
            Step::new(Pending, DuePassed, Done),
        ],
    }
};

impl Withdrawal {
    /// The state of [`WITHDRAWAL`] that it is in.
    #[must_use]
    pub const fn status(&self) -> WithdrawalStatus {
        match self {
            Self::None => WithdrawalStatus::None,
            Self::Pending { .. } => WithdrawalStatus::Pending,
            Self::Done { .. } => WithdrawalStatus::Done,
        }
    }

    /// Asks the table.
    fn check(&self, on: WithdrawalEvent) -> Result<(), Refusal> {
        WITHDRAWAL.next(self.status(), on).map(|_| ()).map_err(|no| match no.from {
            WithdrawalStatus::None => Refusal::WithdrawalNotPending,
            WithdrawalStatus::Pending => Refusal::WithdrawalPending,
            WithdrawalStatus::Done => Refusal::Withdrawn,
        })
    }
}

/// Asks for a withdrawal after the grace days (gamebase 3.15).
pub(crate) fn request_withdrawal(
    account: &mut Account,
    grace: TimeDelta,
    now: DateTime<Utc>,
) -> Result<EventKind, Refusal> {
    check_step(account, StandingEvent::RequestWithdrawal)?;
    account.withdrawal.check(WithdrawalEvent::Request)?;
    account.withdrawal = Withdrawal::Pending { since: now, due: now + grace };
    account.updated_at = now;
    Ok(EventKind::WithdrawalRequested)
}

/// Takes the request back (gamebase 3.15). The account is settled, so the date has not come.
pub(crate) fn cancel_withdrawal(
    account: &mut Account,
    now: DateTime<Utc>,
) -> Result<EventKind, Refusal> {
    account.withdrawal.check(WithdrawalEvent::CancelBeforeDue)?;
    check_step(account, StandingEvent::CancelWithdrawal)?;
    account.withdrawal = Withdrawal::None;
    account.updated_at = now;
    Ok(EventKind::WithdrawalCancelled)
}

/// Withdraws at once (gamebase 3.6).
pub(crate) fn withdraw(
    account: &mut Account,
    cause: WithdrawalCause,
    now: DateTime<Utc>,
) -> Result<EventKind, Refusal> {
    check_step(account, StandingEvent::Withdraw)?;
    account.withdrawal.check(WithdrawalEvent::WithdrawNow)?;
    Ok(erase(account, cause, now))
}

/// Makes a tombstone of the account: nothing on the person stays, the logins are free, and all sessions are over
/// (security 105, 107). A ban in force is kept as a past one, without its words.
pub(super) fn erase(account: &mut Account, cause: WithdrawalCause, at: DateTime<Utc>) -> EventKind {
    match std::mem::take(&mut account.ban) {
        BanState::Banned(ban) => close_ban(account, *ban, BanEnd::Withdrawn { at }),
        // Who leaves does not pay any more: the ban that would follow is what is remembered (gamebase X-3).
        BanState::Grace(grace) => {
            let ban = grace.ban_that_follows(at);
            close_ban(account, ban, BanEnd::Withdrawn { at });
        }
        BanState::None => {}
    }
    let Records { past_bans, refunds: _, tickets: _, transfer } =
        std::mem::take(&mut account.records);
    account.records.past_bans = past_bans;
    for past in &mut account.records.past_bans {
        past.ban.message = Box::default();
        past.ban.reason = Box::default();
        if let BanEnd::Released { reason, .. } = &mut past.end {
            *reason = Box::default();
        }
    }
    // So that its id is still told apart from one that never was (gamebase 4.3, 3046).
    account.records.transfer = transfer.map(|transfer| {
        Box::new(TransferAccount {
            id: None,
            password_hash: None,
            device: None,
            state: TransferState::Deleted,
            ..*transfer
        })
    });
    account.username = None;
    account.profile = Profile::default();
    account.identities = Vec::new();
    account.password = None;
    account.withdrawal = Withdrawal::Done { at, cause };
    end_sessions(account, SessionEvent::Withdrawn);
    account.updated_at = at;
    EventKind::Withdrawn { cause }
}
