use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::BanPeriod;

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
