use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
