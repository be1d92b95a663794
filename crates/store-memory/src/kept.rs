//! Documents as they are kept: what most accounts do not have takes one word.

mod account;
mod activity;

pub(crate) use account::KeptAccount;
pub(crate) use activity::KeptActivity;

use std::sync::Arc;

use authcore::account::{CommitId, Epoch, SessionId, Version};
use authcore::session::SessionSnapshot;
use authcore::store::Snapshot;

/// A document with what the store notes about it.
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    pub(crate) version: Version,
    /// The change set that wrote it last.
    pub(crate) by: CommitId,
}

impl<T> Kept<T> {
    pub(crate) const fn first(value: T, by: CommitId) -> Self {
        Self { value, version: Version::FIRST, by }
    }

    pub(crate) const fn next(&self, value: T, by: CommitId) -> Self {
        Self { value, version: self.version.next(), by }
    }
}

pub(crate) type AccountDocument = Kept<KeptAccount>;
pub(crate) type ActivityDocument = Kept<KeptActivity>;

/// The two documents of one account.
#[derive(Clone)]
pub(crate) struct Documents {
    pub(crate) account: Arc<AccountDocument>,
    pub(crate) activity: Arc<ActivityDocument>,
}

/// An account that was found, at one moment.
pub(crate) struct Found {
    pub(crate) documents: Documents,
    pub(crate) store_epoch: Epoch,
}

impl Found {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let Documents { account, activity } = &self.documents;
        Snapshot {
            account: account.value.account(),
            version: account.version,
            activity: activity.value.activity(),
            activity_version: activity.version,
            store_epoch: self.store_epoch,
        }
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<SessionSnapshot> {
        let Documents { account, activity } = &self.documents;
        Some(SessionSnapshot {
            session: activity.value.session(id)?,
            account_epoch: account.value.epoch,
            store_epoch: self.store_epoch,
            account_due_at: account.value.due_at(),
            activity_version: activity.version,
        })
    }
}
