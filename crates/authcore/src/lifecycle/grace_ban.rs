use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Ban, BanPeriod, BanSource, Machine, Step};

/// An amount of money in minor units (cents, yen) of the one currency that a lockdown names. Whoever reports a payment in
/// another one has converted it (gamebase X-29).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(u64);

impl Amount {
    /// This many minor units.
    #[must_use]
    pub const fn minor(units: u64) -> Self {
        Self(units)
    }

    /// How many minor units.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The sum; what does not fit is the most there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left; nothing when more is taken than there is.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// What releases from a grace ban (gamebase 3.16). At least one condition, by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "all ways to combine an amount and a count")]
pub enum ReleaseRule {
    /// To pay this much.
    Amount {
        /// How much.
        amount: Amount,
    },
    /// To pay this often.
    Count {
        /// How often.
        count: u32,
    },
    /// Both.
    All {
        /// How much.
        amount: Amount,
        /// How often.
        count: u32,
    },
    /// Either.
    Any {
        /// How much.
        amount: Amount,
        /// How often.
        count: u32,
    },
}

impl ReleaseRule {
    /// Whether what was paid is enough.
    #[must_use]
    pub fn is_met(self, paid: Amount, times: u32) -> bool {
        match self {
            Self::Amount { amount } => paid >= amount,
            Self::Count { count } => times >= count,
            Self::All { amount, count } => paid >= amount && times >= count,
            Self::Any { amount, count } => paid >= amount || times >= count,
        }
    }
}

/// A suspension that the player may end by paying (gamebase 1.8, 3.16, 4.6): login succeeds, and the game limits access
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraceBan {
    /// When it began.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub since: DateTime<Utc>,
    /// Until when the rule must hold; strictly before (gamebase X-30).
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub deadline: DateTime<Utc>,
    /// For the player; may be empty.
    pub message: Box<str>,
    /// What releases.
    pub rule: ReleaseRule,
    /// The currency of the rule's amount.
    pub currency: Box<str>,
    /// What was paid since it began, and not refunded.
    pub payments: Vec<Payment>,
    /// How long the ban is that follows when the deadline is missed.
    pub then: BanPeriod,
    /// That ban's template.
    pub template: Option<u32>,
}

/// A payment that counts towards a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The host's name for the purchase.
    pub purchase: Box<str>,
    /// How much.
    pub amount: Amount,
    /// When it was recorded.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
}

/// The refunds that count towards the next lockdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunds {
    /// How many.
    pub count: u32,
    /// How much.
    pub amount: Amount,
}

impl GraceBan {
    /// How many payments count at most.
    pub const PAYMENTS: usize = 256;

    /// What was paid since it began and not refunded: how much, and how often (gamebase 1.8, paymentStatus).
    #[must_use]
    pub fn paid(&self) -> (Amount, u32) {
        let sum = self.payments.iter().fold(Amount::default(), |sum, it| sum.plus(it.amount));
        (sum, u32::try_from(self.payments.len()).unwrap_or(u32::MAX))
    }

    /// The state of [`GRACE_BAN`] that it is in while it runs.
    #[must_use]
    pub const fn status(&self) -> GraceBanStatus {
        GraceBanStatus::Suspended
    }

    /// The ban that follows from it, when it begins at `since` (gamebase 3.16).
    pub(super) fn ban_that_follows(&self, since: DateTime<Utc>) -> Ban {
        Ban::for_abuse(since, self.then, self.template, "")
    }
}

impl Ban {
    /// A ban that refunds lead to.
    pub(super) fn for_abuse(
        since: DateTime<Utc>,
        period: BanPeriod,
        template: Option<u32>,
        registrar: &str,
    ) -> Self {
        Self {
            since,
            expiry: period.from(since),
            message: Box::default(),
            template,
            reason: Box::default(),
            source: BanSource::PurchaseAbuse,
            registrar: registrar.into(),
            flags: Vec::new(),
        }
    }
}

/// How a grace ban stands, as the states of [`GRACE_BAN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraceBanStatus {
    /// There is none.
    None,
    /// It runs.
    Suspended,
    /// It ended well.
    Released,
    /// It became a ban.
    Banned,
    /// The account was withdrawn.
    Withdrawn,
}

/// What may happen to a grace ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GraceBanEvent {
    /// So many refunds that the policy suspends.
    LockdownWithRelease,
    /// A payment within the period, after which the rule does not hold yet.
    PaymentRuleUnmet,
    /// A payment strictly before the deadline, after which the rule holds.
    PaymentRuleMet,
    /// A payment that counted is refunded.
    Refund,
    /// The deadline has come.
    Deadline,
    /// An operator bans.
    OperatorBan,
    /// The account is withdrawn.
    AccountWithdrawn,
}

/// A grace ban (gamebase 4.6).
pub static GRACE_BAN: Machine<GraceBanStatus, GraceBanEvent> = {
    use GraceBanEvent as On;
    use GraceBanStatus::{Banned, None, Released, Suspended, Withdrawn};
    Machine {
        name: "grace ban",
        start: None,
        steps: &[
            Step::new(None, On::LockdownWithRelease, Suspended),
            Step::new(Suspended, On::PaymentRuleUnmet, Suspended),
            Step::new(Suspended, On::PaymentRuleMet, Released),
            Step::new(Suspended, On::Refund, Suspended),
            Step::new(Suspended, On::Deadline, Banned),
            Step::new(Suspended, On::OperatorBan, Banned),
            Step::new(Suspended, On::AccountWithdrawn, Withdrawn),
            Step::new(Released, On::LockdownWithRelease, Suspended),
            Step::new(Banned, On::LockdownWithRelease, Suspended),
        ],
    }
};
