//! Accounts and change sets to test with.

use authcore::account::{
    Account, AccountId, CommitId, Identity, IdentityKey, Ordinal, ProviderId, Version,
};
use authcore::event::{Event, EventKind};
use authcore::session::Activity;
use authcore::store::{ChangeSet, Lookup, Snapshot, Store, Write};
use chrono::{DateTime, Utc};

pub(crate) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

pub(crate) fn id(number: u32) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId::from_bytes(bytes)
}

/// An account with one device.
pub(crate) fn account(number: u32) -> Account {
    let mut account = Account::new(id(number), at(5));
    account.identities.push(Identity {
        ordinal: Ordinal::new(1),
        key: IdentityKey::new(ProviderId::DEVICE, &format!("device-{number}")),
        shown: None,
        linked_at: at(5),
        verified_at: None,
        data: None,
    });
    account.next_ordinal = Ordinal::new(2);
    account
}

pub(crate) fn insert(account: Account) -> Write {
    Write::InsertAccount { account: Box::new(account), activity: Activity::default().into() }
}

pub(crate) fn update(account: Account, expect: u64) -> Write {
    Write::UpdateAccount { account: Box::new(account), expect: Version::new(expect) }
}

pub(crate) fn logins(number: u32, login_count: u64, expect: u64) -> Write {
    let activity = Activity { login_count, ..Activity::default() };
    Write::UpdateActivity {
        id: id(number),
        activity: activity.into(),
        expect: Version::new(expect),
    }
}

pub(crate) fn set(number: u64, writes: impl IntoIterator<Item = Write>) -> ChangeSet {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    ChangeSet {
        id: CommitId::from_bytes(bytes),
        require: Vec::new(),
        writes: writes.into_iter().collect(),
        events: Vec::new(),
    }
}

/// The same, with an event of the account.
pub(crate) fn told(number: u32, set: ChangeSet) -> ChangeSet {
    let event = Event { account: id(number), at: at(5), kind: EventKind::ProfileChanged };
    ChangeSet { events: vec![event], ..set }
}

pub(crate) async fn by_id(store: &dyn Store, number: u32) -> Option<Snapshot> {
    store.load(&Lookup::Id(id(number))).await.unwrap()
}
