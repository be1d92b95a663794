//! Guest transfer accounts: an id and a password that carry a guest to another device (gamebase 1.9, 3.14, 4.3).

mod attempt;
mod format;
mod issue;
mod machine;
mod request;
mod rules;
#[cfg(test)]
pub(crate) mod samples;

pub use format::{Characters, KeyFormat};
pub use machine::{TRANSFER, TransferEvent, TransferStatus, status};
pub use request::{Reissue, Renewal, Transfer, TransferInfo};
pub use rules::{LockRule, TransferRules};

pub(crate) use attempt::{admit_try, count_failure, is_same_device, lose_guest, transfer};
pub(crate) use format::LONGEST_KEY;
pub(crate) use issue::{Fresh, check_put, put, unblock};
pub(crate) use machine::{delete_transfer, is_guest_only};

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::lifecycle::Expiry;
use crate::store::TransferKey;

/// The transfer account that an account has, or had. A pure record; its secrets are hashed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferAccount {
    /// What it is found by: a keyed digest of its id.
    pub key: TransferKey,
    /// The id, to show; absent where it is the only secret.
    pub id: Option<Box<str>>,
    /// The password's hash, where there is a password.
    pub password_hash: Option<Box<str>>,
    /// How it was made.
    pub issued_by: IssuedBy,
    /// The device that the account is on, where its client said so: the one that it was issued or renewed on, or
    /// transferred to since.
    pub device: Option<Box<str>>,
    /// When it was issued, or last renewed.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub issued_at: DateTime<Utc>,
    /// When it ends.
    pub expiry: Expiry,
    /// Whether it may be used.
    pub state: TransferState,
}

impl fmt::Debug for TransferAccount {
    /// Shows neither the id nor the password's hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransferAccount")
            .field("issued_by", &self.issued_by)
            .field("issued_at", &self.issued_at)
            .field("expiry", &self.expiry)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How a transfer account was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IssuedBy {
    /// The engine chose id and password.
    Auto,
    /// The player chose.
    Manual,
}

/// Whether a transfer account may be used (gamebase 4.3). That it has expired is told by its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TransferState {
    /// It may.
    Issued {
        /// How many wrong passwords there were in a row.
        failures: u32,
    },
    /// Too many wrong passwords.
    Blocked {
        /// How many there were.
        failures: u32,
        /// Until when.
        until: Expiry,
    },
    /// It was good for one transfer.
    Used,
    /// The account is no longer a guest, or is gone.
    Deleted,
}

/// What a player is told of a block (gamebase 1.9, TransferAccountFailInfo).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// The id that was tried.
    pub id: Box<str>,
    /// How many wrong passwords there were.
    pub failures: u32,
    /// Until when.
    pub until: Expiry,
    /// When the transfer account was issued.
    pub issued_at: DateTime<Utc>,
}

impl fmt::Debug for Block {
    /// Does not show the id: with it and a password, whoever reads a log has the account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("failures", &self.failures)
            .field("until", &self.until)
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_state_and_neither_the_id_nor_the_hash() {
        let transfer = samples::guest().records.transfer.unwrap();
        let (until, issued_at) = (Expiry::Never, samples::NOW);
        let block = Block { id: "123456789012".into(), failures: 3, until, issued_at };
        let seen = format!("{transfer:?} {block:?}");
        assert!(seen.starts_with("TransferAccount { issued_by: Auto, "), "{seen}");
        assert!(seen.contains("Block { failures: 3, until: Never, "), "{seen}");
        assert!(!seen.contains("123456789012") && !seen.contains("a hash"), "{seen}");
    }
}
