//! What happened, for the outbox: written in the same commit as the change that it tells of.
//!
//! Events carry ids only, no personal data, so that they may be kept when an account is erased.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Ordinal, ProviderId, SessionId};
use crate::lifecycle::WithdrawalCause;

/// The format of [`EventKind`] as a store keeps it. A reader that meets a higher one is too old for it.
pub const EVENT_FORMAT: u32 = 1;

/// One thing that happened to an account. A store may keep it as the JSON that serde makes of it, beside [`EVENT_FORMAT`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The account.
    pub account: AccountId,
    /// When, in milliseconds, by the engine's clock.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EventKind,
}

/// What happened. As JSON it is an object with `type` and the fields below.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// An account was made by a first login.
    AccountCreated,
    /// An account was brought in from another system.
    AccountImported,
    /// An account and all that belongs to it is gone.
    AccountDeleted,
    /// A player logged in (written only when the policy asks for it).
    LoggedIn {
        /// The session that was opened.
        session: SessionId,
    },
    /// A login now belongs to the account.
    IdentityLinked {
        /// Its number.
        ordinal: Ordinal,
        /// Its provider.
        provider: ProviderId,
    },
    /// A login no longer belongs to the account.
    IdentityUnlinked {
        /// Its number.
        ordinal: Ordinal,
        /// Its provider.
        provider: ProviderId,
    },
    /// The username changed.
    UsernameChanged,
    /// The profile changed.
    ProfileChanged,
    /// The password was set, changed or removed.
    PasswordChanged,
    /// One session ended.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Why.
        reason: SessionEnd,
    },
    /// All sessions of the account ended at once.
    SessionsEnded,
    /// The account was banned.
    Banned,
    /// The ban was lifted, or its end came.
    Unbanned,
    /// The account was suspended, with a way out.
    GraceBanned,
    /// The grace ban ended well.
    GraceBanReleased,
    /// A payment or refund was recorded.
    PaymentRecorded,
    /// The player asked to be withdrawn.
    WithdrawalRequested,
    /// The request was taken back.
    WithdrawalCancelled,
    /// The account was withdrawn; its identities are free.
    Withdrawn {
        /// On whose word.
        cause: WithdrawalCause,
    },
    /// The account has lost its last login.
    Lost,
    /// A link was refused because another account owns the identity, and a forcing ticket was given.
    TicketIssued {
        /// The account that owns the identity.
        owner: AccountId,
        /// The identity's provider.
        provider: ProviderId,
    },
    /// An identity moved to another account.
    IdentityMoved {
        /// Its number in this account.
        ordinal: Ordinal,
        /// Its provider.
        provider: ProviderId,
        /// Where it went.
        to: AccountId,
    },
    /// This account was merged into another and is gone.
    MergedInto {
        /// The survivor.
        survivor: AccountId,
    },
    /// Another account was merged into this one.
    MergedFrom {
        /// The one that is gone.
        merged: AccountId,
    },
    /// A transfer account was issued, renewed, blocked or unblocked.
    TransferChanged,
    /// The account was transferred to another device; the old device's sessions ended.
    Transferred,
    /// The players' clients are to be told to leave; the account is nobody's when all are meant.
    Kickout {
        /// For operators only.
        reason: String,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SessionEnd {
    /// The player logged out.
    LoggedOut,
    /// A refresh token was used a second time: somebody else may hold it (security 57).
    RefreshReused,
    /// The identity that opened it left the account (gamebase X-24, 4.8).
    Unlinked,
}

/// A place in the outbox. Cursors only grow, in the order of commits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EventCursor(u64);

impl EventCursor {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The cursor with this number, as a store or a consumer kept it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, to keep.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// An event as read from the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place; read on from here.
    pub cursor: EventCursor,
    /// The event.
    pub event: Event,
}
