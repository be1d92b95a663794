//! A change set in the form in which it is written: owned, so that it outlives the call that handed it over, and with
//! what is kept as JSON in its final form.

use std::sync::Arc;

use authcore::account::{Account, AccountId, CommitId, Version};
use authcore::event::EVENT_FORMAT;
use authcore::session::Activity;
use authcore::store::{
    ChangeSet, CodeKey, OneTimeCode, Require, SingleUseKey, ThrottleKey, TransferKey, Write,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::Fault;
use crate::text;

pub(crate) struct Plan {
    pub(crate) id: CommitId,
    pub(crate) require: Vec<Require>,
    pub(crate) writes: Vec<Planned>,
    pub(crate) events: Vec<EventRow>,
}

/// [`Write`], with what is kept in a form of its own.
pub(crate) enum Planned {
    Insert { account: Box<Account>, rare: RareColumns, activity: Arc<Activity> },
    Update { account: Box<Account>, rare: RareColumns, expect: Version },
    Delete { id: AccountId, expect: Version },
    Activity { id: AccountId, activity: Arc<Activity>, expect: Version },
    PutCode(OneTimeCode),
    DeleteCode(CodeKey),
    UseUp { key: SingleUseKey, forget_at: DateTime<Utc> },
    ResetThrottle(ThrottleKey),
    RaiseStoreEpoch,
}

/// What few accounts have: all NULL for the others.
pub(crate) struct RareColumns {
    pub(crate) ban: Option<String>,
    pub(crate) withdrawal: Option<String>,
    pub(crate) records: Option<String>,
    pub(crate) due_at: Option<i64>,
}

pub(crate) struct EventRow {
    pub(crate) at: i64,
    pub(crate) account: AccountId,
    pub(crate) format: u32,
    pub(crate) data: String,
}

/// The contract has a condition or a write that this store does not know yet.
#[derive(Debug, thiserror::Error)]
#[error("the change set has a part that the store does not know")]
pub(crate) struct UnknownPart;

impl Plan {
    pub(crate) fn new(change: &ChangeSet) -> Result<Self, Fault> {
        Ok(Self {
            id: change.id,
            require: change.require.clone(),
            writes: change.writes.iter().map(Planned::new).collect::<Result<_, _>>()?,
            events: change
                .events
                .iter()
                .map(|event| {
                    Ok(EventRow {
                        at: event.at.timestamp_millis(),
                        account: event.account,
                        format: EVENT_FORMAT,
                        data: json(&event.kind)?,
                    })
                })
                .collect::<Result<_, Fault>>()?,
        })
    }

    /// Whether a document that the set writes tells by itself that the set was applied: a second application would
    /// fail on its condition.
    pub(crate) fn has_witness(&self) -> bool {
        self.writes.iter().any(|write| {
            matches!(
                write,
                Planned::Insert { .. }
                    | Planned::Update { .. }
                    | Planned::Activity { .. }
                    | Planned::UseUp { .. }
            )
        })
    }

    pub(crate) fn deletes(&self) -> bool {
        self.writes.iter().any(|write| matches!(write, Planned::Delete { .. }))
    }

    /// Whether the set's id must be kept apart, for lack of a document that keeps it.
    pub(crate) fn is_remembered(&self) -> bool {
        let does_something = !self.writes.is_empty() || !self.events.is_empty();
        does_something && (!self.has_witness() || self.deletes())
    }
}

impl Planned {
    fn new(write: &Write) -> Result<Self, Fault> {
        Ok(match write {
            Write::InsertAccount { account, activity } => Self::Insert {
                account: account.clone(),
                rare: RareColumns::new(account)?,
                activity: Arc::clone(activity),
            },
            Write::UpdateAccount { account, expect } => Self::Update {
                account: account.clone(),
                rare: RareColumns::new(account)?,
                expect: *expect,
            },
            Write::DeleteAccount { id, expect } => Self::Delete { id: *id, expect: *expect },
            Write::UpdateActivity { id, activity, expect } => {
                Self::Activity { id: *id, activity: Arc::clone(activity), expect: *expect }
            }
            Write::PutCode(code) => Self::PutCode(code.clone()),
            Write::DeleteCode(key) => Self::DeleteCode(*key),
            Write::UseUp { key, forget_at } => Self::UseUp { key: *key, forget_at: *forget_at },
            Write::ResetThrottle(key) => Self::ResetThrottle(*key),
            Write::RaiseStoreEpoch => Self::RaiseStoreEpoch,
            _ => return Err(Fault::other(UnknownPart)),
        })
    }
}

impl RareColumns {
    fn new(account: &Account) -> Result<Self, Fault> {
        Ok(Self {
            ban: rare(&account.ban)?,
            withdrawal: rare(&account.withdrawal)?,
            records: rare(&account.records)?,
            due_at: account.due_at().map(|at| at.timestamp_millis()),
        })
    }
}

/// Nothing for the usual value.
fn rare<T: Serialize + Default + PartialEq>(value: &T) -> Result<Option<String>, Fault> {
    if *value == T::default() { Ok(None) } else { json(value).map(Some) }
}

/// As a `jsonb` column takes it.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map(text::encode_json).map_err(Fault::other)
}

/// What an account's transfer account is found by.
pub(crate) fn transfer_key(account: &Account) -> Option<&TransferKey> {
    account.records.transfer.as_ref().map(|transfer| &transfer.key)
}
