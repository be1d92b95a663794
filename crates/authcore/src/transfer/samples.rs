//! A guest with a transfer account, for tests.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Characters, IssuedBy, KeyFormat, LockRule, TransferAccount, TransferRules, TransferState,
};
use crate::account::{Account, AccountId, IdentityKey, ProviderId};
use crate::lifecycle::Expiry;
use crate::store::TransferKey;

pub(super) const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Digits; a week to live; three wrong passwords block for an hour.
pub(super) fn rules() -> TransferRules {
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    let failures = NonZeroU32::new(3).unwrap();
    TransferRules {
        id: digits,
        password: Some(digits),
        one_time: false,
        lifetime: Some(TimeDelta::days(7)),
        lock: Some(LockRule { failures, period: Some(TimeDelta::hours(1)) }),
        not_before: None,
    }
}

/// A guest with a transfer account that was issued just now.
pub(crate) fn guest() -> Account {
    let mut account = Account::new(AccountId::from_bytes([1; 16]), NOW);
    account.add_identity(IdentityKey::new(ProviderId::GUEST, "the-key-of-a-device"), None, NOW);
    account.records.transfer = Some(Box::new(TransferAccount {
        key: TransferKey::new([1; 32]),
        id: Some("123456789012".into()),
        password_hash: Some("a hash".into()),
        issued_by: IssuedBy::Auto,
        device: Some("first device".into()),
        issued_at: NOW,
        expiry: Expiry::At(NOW + TimeDelta::days(7)),
        state: TransferState::Issued { failures: 0 },
    }));
    account
}
