use serde::{Deserialize, Serialize};

use super::{BanState, Machine, NoSuchStep, Step, Withdrawal};
use crate::account::Account;
use crate::refusal::Refusal;

/// How an account stands. Bans, withdrawal and the loss of all logins are machines of their own; where several hold, the
/// first of this list is reported (gamebase 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// Gone for good; its logins are free again (gamebase `D`).
    Withdrawn,
    /// No login opens it any more; an operator may repair it (gamebase `M`).
    Missing,
    /// Banned: no login (gamebase `B`).
    Banned,
    /// Suspended with a way out: login succeeds, the game limits access (gamebase `P`).
    GraceBanned,
    /// About to be withdrawn: full service until then (gamebase `T`).
    WithdrawalPending,
    /// Nothing special (gamebase `Y`).
    Normal,
}

impl Standing {
    /// Gamebase's letter for it (gamebase 1.3).
    #[must_use]
    pub const fn gamebase_code(self) -> char {
        match self {
            Self::Withdrawn => 'D',
            Self::Missing => 'M',
            Self::Banned => 'B',
            Self::GraceBanned => 'P',
            Self::WithdrawalPending => 'T',
            Self::Normal => 'Y',
        }
    }
}

/// How a settled account stands.
#[must_use]
pub fn standing(account: &Account) -> Standing {
    if account.withdrawal.is_done() {
        return Standing::Withdrawn;
    }
    if !account.has_a_login() {
        return Standing::Missing;
    }
    match (&account.ban, &account.withdrawal) {
        (BanState::Banned(_), _) => Standing::Banned,
        (BanState::Grace(_), _) => Standing::GraceBanned,
        (BanState::None, Withdrawal::Pending { .. }) => Standing::WithdrawalPending,
        (BanState::None, _) => Standing::Normal,
    }
}

/// What changes how an account stands. What a step depends on besides is part of the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StandingEvent {
    /// The player asks to be withdrawn after the grace days.
    RequestWithdrawal,
    /// The player, or an operator, takes the request back before it is due.
    CancelWithdrawal,
    /// Somebody withdraws the account at once.
    Withdraw,
    /// A pending withdrawal's date has come.
    WithdrawalDue,
    /// A ban is registered.
    Ban,
    /// A ban is registered in the place of the one in force.
    ReplaceBan,
    /// So many refunds that the policy bans, without a way out.
    LockdownWithoutRelease,
    /// So many refunds that the policy suspends, with a way out.
    LockdownWithRelease,
    /// A grace ban's rule holds before its deadline; no withdrawal is pending.
    GraceRuleMetNothingPending,
    /// The same, and a withdrawal is pending.
    GraceRuleMetWithdrawalPending,
    /// A grace ban's deadline has come.
    GraceDeadlineMissed,
    /// An operator lifts the ban; no withdrawal is pending.
    UnbanNothingPending,
    /// The same, and a withdrawal is pending.
    UnbanWithdrawalPending,
    /// A temporary ban's end has come; no withdrawal is pending.
    BanExpiredNothingPending,
    /// The same, and a withdrawal is pending.
    BanExpiredWithdrawalPending,
    /// The last login is taken away.
    LastIdentityTaken,
    /// An operator gives a lost account a login; nothing else is the matter.
    ReviveNothingElse,
    /// The same, and a withdrawal is pending.
    ReviveWithdrawalPending,
    /// The same, and a grace ban runs.
    ReviveGraceBanned,
    /// The same, and a ban is in force.
    ReviveBanned,
}

/// How an account stands, and what changes it (gamebase 4.2). It begins with the first login.
pub static STANDING: Machine<Standing, StandingEvent> = {
    use Standing::{Banned, GraceBanned, Missing, Normal, WithdrawalPending, Withdrawn};
    use StandingEvent as On;
    Machine {
        name: "standing",
        start: Normal,
        steps: &[
            Step::new(Normal, On::RequestWithdrawal, WithdrawalPending),
            Step::new(Normal, On::Withdraw, Withdrawn),
            Step::new(Normal, On::Ban, Banned),
            Step::new(Normal, On::LockdownWithoutRelease, Banned),
            Step::new(Normal, On::LockdownWithRelease, GraceBanned),
            Step::new(Normal, On::LastIdentityTaken, Missing),
            Step::new(WithdrawalPending, On::CancelWithdrawal, Normal),
            Step::new(WithdrawalPending, On::Withdraw, Withdrawn),
            Step::new(WithdrawalPending, On::WithdrawalDue, Withdrawn),
            Step::new(WithdrawalPending, On::Ban, Banned),
            Step::new(WithdrawalPending, On::LockdownWithoutRelease, Banned),
            Step::new(WithdrawalPending, On::LockdownWithRelease, GraceBanned),
            Step::new(WithdrawalPending, On::LastIdentityTaken, Missing),
            Step::new(GraceBanned, On::GraceRuleMetNothingPending, Normal),
            Step::new(GraceBanned, On::GraceRuleMetWithdrawalPending, WithdrawalPending),
            Step::new(GraceBanned, On::GraceDeadlineMissed, Banned),
            Step::new(GraceBanned, On::Ban, Banned),
            Step::new(GraceBanned, On::RequestWithdrawal, GraceBanned),
            Step::new(GraceBanned, On::CancelWithdrawal, GraceBanned),
            Step::new(GraceBanned, On::Withdraw, Withdrawn),
            Step::new(GraceBanned, On::WithdrawalDue, Withdrawn),
            Step::new(GraceBanned, On::LastIdentityTaken, Missing),
            Step::new(Banned, On::UnbanNothingPending, Normal),
            Step::new(Banned, On::UnbanWithdrawalPending, WithdrawalPending),
            Step::new(Banned, On::BanExpiredNothingPending, Normal),
            Step::new(Banned, On::BanExpiredWithdrawalPending, WithdrawalPending),
            Step::new(Banned, On::ReplaceBan, Banned),
            Step::new(Banned, On::CancelWithdrawal, Banned),
            Step::new(Banned, On::Withdraw, Withdrawn),
            Step::new(Banned, On::WithdrawalDue, Withdrawn),
            Step::new(Banned, On::LastIdentityTaken, Missing),
            Step::new(Missing, On::ReviveNothingElse, Normal),
            Step::new(Missing, On::ReviveWithdrawalPending, WithdrawalPending),
            Step::new(Missing, On::ReviveGraceBanned, GraceBanned),
            Step::new(Missing, On::ReviveBanned, Banned),
            Step::new(Missing, On::CancelWithdrawal, Missing),
            Step::new(Missing, On::Withdraw, Withdrawn),
            Step::new(Missing, On::WithdrawalDue, Withdrawn),
            Step::new(Missing, On::GraceDeadlineMissed, Missing),
            Step::new(Missing, On::UnbanNothingPending, Missing),
            Step::new(Missing, On::UnbanWithdrawalPending, Missing),
            Step::new(Missing, On::BanExpiredNothingPending, Missing),
            Step::new(Missing, On::BanExpiredWithdrawalPending, Missing),
        ],
    }
};

/// Asks [`STANDING`] whether a settled account may take a step; the refusal says why not.
pub(crate) fn check_step(account: &Account, on: StandingEvent) -> Result<(), Refusal> {
    STANDING.next(standing(account), on).map(|_| ()).map_err(refused)
}

/// What a player or an operator is told of a step that the table does not have.
const fn refused(no: NoSuchStep<Standing, StandingEvent>) -> Refusal {
    use StandingEvent as On;
    match (no.from, no.on) {
        (Standing::Withdrawn, _) => Refusal::Withdrawn,
        (Standing::Missing, _) => Refusal::Missing,
        (Standing::Banned, On::Ban) => Refusal::AlreadyBanned,
        (_, On::RequestWithdrawal) => Refusal::WithdrawalPending,
        (_, On::CancelWithdrawal | On::WithdrawalDue) => Refusal::WithdrawalNotPending,
        (_, On::GraceRuleMetNothingPending | On::GraceRuleMetWithdrawalPending) => {
            Refusal::NoGraceBan
        }
        _ => Refusal::NotBanned,
    }
}

/// The event of a lifted ban, of an account that may be about to be withdrawn.
pub(super) const fn unban_event(account: &Account) -> StandingEvent {
    match account.withdrawal {
        Withdrawal::Pending { .. } => StandingEvent::UnbanWithdrawalPending,
        _ => StandingEvent::UnbanNothingPending,
    }
}

/// The event of a ban whose end has come.
pub(super) const fn ban_expired_event(account: &Account) -> StandingEvent {
    match account.withdrawal {
        Withdrawal::Pending { .. } => StandingEvent::BanExpiredWithdrawalPending,
        _ => StandingEvent::BanExpiredNothingPending,
    }
}

/// The event of a grace ban whose rule holds.
pub(super) const fn rule_met_event(account: &Account) -> StandingEvent {
    match account.withdrawal {
        Withdrawal::Pending { .. } => StandingEvent::GraceRuleMetWithdrawalPending,
        _ => StandingEvent::GraceRuleMetNothingPending,
    }
}

/// The event of a lost account that gets a login.
pub(crate) const fn revive_event(account: &Account) -> StandingEvent {
    match (&account.ban, &account.withdrawal) {
        (BanState::Banned(_), _) => StandingEvent::ReviveBanned,
        (BanState::Grace(_), _) => StandingEvent::ReviveGraceBanned,
        (BanState::None, Withdrawal::Pending { .. }) => StandingEvent::ReviveWithdrawalPending,
        (BanState::None, _) => StandingEvent::ReviveNothingElse,
    }
}
