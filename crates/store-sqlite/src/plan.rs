//! A change set in the form in which the writer gets it. It is made on the caller's thread, so that the writer, which
//! everybody waits for, spends no time on it.

use authcore::account::{Account, AccountId, CommitId, Version};
use authcore::event::EVENT_FORMAT;
use authcore::session::Activity;
use authcore::store::{ChangeSet, CodeKey, OneTimeCode, Require, SingleUseKey, ThrottleKey, Write};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::Fault;
use crate::session_codec;

pub(crate) struct Plan {
    pub(crate) id: CommitId,
    pub(crate) require: Vec<Require>,
    pub(crate) writes: Vec<Planned>,
    pub(crate) events: Vec<EventRow>,
}

/// [`Write`], with what is kept in a form of its own.
pub(crate) enum Planned {
    Insert { account: Box<Account>, rare: RareColumns, activity: ActivityRow },
    Update { account: Box<Account>, rare: RareColumns, expect: Version },
    Delete { id: AccountId, expect: Version },
    Activity { id: AccountId, activity: ActivityRow, expect: Version },
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

pub(crate) struct ActivityRow {
    pub(crate) login_count: i64,
    pub(crate) last_login_at: Option<i64>,
    pub(crate) last_login_ordinal: Option<u32>,
    pub(crate) previous_login_at: Option<i64>,
    pub(crate) sessions: Vec<u8>,
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
                        data: serde_json::to_string(&event.kind).map_err(Fault::other)?,
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
                activity: ActivityRow::new(activity)?,
            },
            Write::UpdateAccount { account, expect } => Self::Update {
                account: account.clone(),
                rare: RareColumns::new(account)?,
                expect: *expect,
            },
            Write::DeleteAccount { id, expect } => Self::Delete { id: *id, expect: *expect },
            Write::UpdateActivity { id, activity, expect } => {
                Self::Activity { id: *id, activity: ActivityRow::new(activity)?, expect: *expect }
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
            ban: json(&account.ban)?,
            withdrawal: json(&account.withdrawal)?,
            records: json(&account.records)?,
            due_at: account.due_at().map(|at| at.timestamp_millis()),
        })
    }
}

/// Nothing for the usual value.
fn json<T: Serialize + Default + PartialEq>(value: &T) -> Result<Option<String>, Fault> {
    if *value == T::default() {
        return Ok(None);
    }
    serde_json::to_string(value).map(Some).map_err(Fault::other)
}

impl ActivityRow {
    fn new(activity: &Activity) -> Result<Self, Fault> {
        Ok(Self {
            login_count: activity.login_count.cast_signed(),
            last_login_at: activity.last_login.map(|login| login.at.timestamp_millis()),
            last_login_ordinal: activity
                .last_login
                .and_then(|login| login.identity)
                .map(authcore::account::Ordinal::number),
            previous_login_at: activity.previous_login_at.map(|at| at.timestamp_millis()),
            sessions: session_codec::encode(&activity.sessions)?,
        })
    }
}
