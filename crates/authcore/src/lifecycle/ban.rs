use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::GraceBan;

/// When something ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// It does not.
    Never,
    /// From this moment on it is over: expired when `now >= date` (gamebase X-31).
    At(#[serde(with = "chrono::serde::ts_milliseconds")] DateTime<Utc>),
}

impl Expiry {
    /// Whether it is over at `now`.
    #[must_use]
    pub fn is_over(self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Never => false,
            Self::At(date) => now >= date,
        }
    }
}

/// A ban (gamebase 1.6). What it says to the player is `message`, or the words of its template; all else is for operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// When it began: a ban takes effect when it is registered.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub since: DateTime<Utc>,
    /// When it ends.
    pub expiry: Expiry,
    /// Why, for the player; may be empty. A template's words go before it.
    pub message: Box<str>,
    /// The code of the [`BanTemplate`](crate::policy::BanTemplate) whose words the player gets.
    pub template: Option<u32>,
    /// Why, for operators only.
    pub reason: Box<str>,
    /// Which kind of system registered it.
    pub source: BanSource,
    /// The operator who registered it.
    pub registrar: Box<str>,
    /// Marks of the host's own, such as `leaderboard`.
    pub flags: Vec<Box<str>>,
}

/// Which kind of system registered or lifted a ban (gamebase 1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BanSource {
    /// A person, at an operator's console.
    Console,
    /// The game's server.
    AppServer,
    /// A guard against cheating.
    AppGuard,
    /// The engine itself, for refunds or a grace ban that ran out.
    PurchaseAbuse,
    /// Another system.
    Other,
}

/// Whether an account is banned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BanState {
    /// It is not.
    #[default]
    None,
    /// It is suspended, and may still buy itself free (gamebase 3.16).
    Grace(Box<GraceBan>),
    /// It is.
    Banned(Box<Ban>),
}

impl BanState {
    /// The ban, when there is one.
    #[must_use]
    pub const fn ban(&self) -> Option<&Ban> {
        match self {
            Self::None | Self::Grace(_) => None,
            Self::Banned(ban) => Some(ban),
        }
    }

    /// The grace ban, when there is one.
    #[must_use]
    pub const fn grace(&self) -> Option<&GraceBan> {
        match self {
            Self::Grace(grace) => Some(grace),
            Self::None | Self::Banned(_) => None,
        }
    }
}

/// A ban that is over, kept for operators (gamebase 4.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastBan {
    /// The ban.
    pub ban: Ban,
    /// How it ended.
    pub end: BanEnd,
}

/// How a ban ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum BanEnd {
    /// An operator lifted it.
    Released {
        /// When.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        at: DateTime<Utc>,
        /// From which kind of system.
        source: BanSource,
        /// Who.
        by: Box<str>,
        /// Why, for operators only.
        reason: Box<str>,
    },
    /// Its end came.
    Expired {
        /// When: the ban's own end, whenever that was noticed.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        at: DateTime<Utc>,
    },
    /// Another ban took its place.
    Replaced {
        /// When.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        at: DateTime<Utc>,
    },
    /// The account was withdrawn while it was in force.
    Withdrawn {
        /// When.
        #[serde(with = "chrono::serde::ts_milliseconds")]
        at: DateTime<Utc>,
    },
}

/// What a refused login tells the player of a ban (gamebase 1.6, BanInfo). Reasons are never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanInfo {
    /// The banned account, for support.
    pub account: crate::account::AccountId,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it ends.
    pub expiry: Expiry,
    /// The words for the player, in the language that was asked for where the template has it.
    pub message: Box<str>,
    /// Whom to turn to; may be empty.
    pub support_contact: Box<str>,
    /// Where to turn to; may be empty.
    pub support_url: Box<str>,
}
