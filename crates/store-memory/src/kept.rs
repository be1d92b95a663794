//! Documents as they are kept: what most accounts do not have takes one word.

use std::sync::{Arc, LazyLock};

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, Profile, Records, Username,
};
use authcore::account::{SessionId, Version};
use authcore::lifecycle::{BanState, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, SessionSnapshot};
use authcore::store::{Snapshot, TransferKey};
use chrono::{DateTime, Utc};

static USUAL_PROFILE: LazyLock<Profile> = LazyLock::new(Profile::default);

/// A document with what the store notes about it.
#[derive(Clone)]
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

    pub(crate) fn next(&self, value: T, by: CommitId) -> Self {
        Self { value, version: self.version.next(), by }
    }
}

/// An account without its id, which is what it is found by.
pub(crate) struct KeptAccount {
    username: Option<KeptUsername>,
    profile: Option<Box<Profile>>,
    identities: Box<[Identity]>,
    password: Option<Box<Password>>,
    /// What few accounts have.
    rare: Option<Box<Rare>>,
    pub(crate) epoch: Epoch,
    next_ordinal: Ordinal,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Clone, Default, PartialEq)]
struct Rare {
    ban: BanState,
    withdrawal: Withdrawal,
    records: Records,
    due_at: Option<DateTime<Utc>>,
}

struct KeptUsername {
    shown: Box<str>,
    /// Where it differs from the shown form.
    key: Option<Box<str>>,
}

impl KeptUsername {
    fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.shown)
    }
}

impl KeptAccount {
    pub(crate) fn new(account: &Account) -> Self {
        // Names every field, so that a new one cannot be lost in silence.
        let Account {
            id: _,
            username,
            profile,
            identities,
            password,
            ban,
            withdrawal,
            records,
            epoch,
            next_ordinal,
            created_at,
            updated_at,
        } = account;
        let rare = Rare {
            ban: ban.clone(),
            withdrawal: *withdrawal,
            records: records.clone(),
            due_at: account.due_at(),
        };
        Self {
            username: username.as_ref().map(|Username { shown, key }| KeptUsername {
                shown: shown.clone(),
                key: (key != shown).then(|| key.clone()),
            }),
            profile: (*profile != *USUAL_PROFILE).then(|| Box::new(profile.clone())),
            identities: identities.as_slice().into(),
            password: password.clone().map(Box::new),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            epoch: *epoch,
            next_ordinal: *next_ordinal,
            created_at: *created_at,
            updated_at: *updated_at,
        }
    }

    fn account(&self, id: AccountId) -> Account {
        let rare = self.rare.as_deref().cloned().unwrap_or_default();
        Account {
            id,
            username: self
                .username
                .as_ref()
                .map(|name| Username { shown: name.shown.clone(), key: name.key().into() }),
            profile: self.profile.as_deref().unwrap_or(&USUAL_PROFILE).clone(),
            identities: self.identities.to_vec(),
            password: self.password.as_deref().cloned(),
            ban: rare.ban,
            withdrawal: rare.withdrawal,
            records: rare.records,
            epoch: self.epoch,
            next_ordinal: self.next_ordinal,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    pub(crate) fn identity_keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.identities.iter().map(|identity| &identity.key)
    }

    pub(crate) fn username_key(&self) -> Option<&str> {
        self.username.as_ref().map(KeptUsername::key)
    }

    pub(crate) fn transfer_key(&self) -> Option<&TransferKey> {
        let transfer = self.rare.as_deref()?.records.transfer.as_ref()?;
        Some(&transfer.key)
    }

    pub(crate) fn due_at(&self) -> Option<DateTime<Utc>> {
        self.rare.as_deref()?.due_at
    }

    pub(crate) fn password_version(&self) -> Option<u32> {
        self.password.as_ref().map(|password| password.version)
    }
}

/// The two documents of one account.
#[derive(Clone)]
pub(crate) struct Documents {
    pub(crate) account: Arc<Kept<KeptAccount>>,
    pub(crate) activity: Kept<Arc<Activity>>,
}

/// An account that was found, at one moment.
pub(crate) struct Found {
    pub(crate) id: AccountId,
    pub(crate) documents: Documents,
    pub(crate) store_epoch: Epoch,
}

impl Found {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let Documents { account, activity } = &self.documents;
        Snapshot {
            account: account.value.account(self.id),
            version: account.version,
            activity: (*activity.value).clone(),
            activity_version: activity.version,
            store_epoch: self.store_epoch,
        }
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<SessionSnapshot> {
        let Documents { account, activity } = &self.documents;
        let session = activity.value.sessions.iter().find(|session| session.id == id)?;
        Some(SessionSnapshot {
            session: session.clone(),
            account_epoch: account.value.epoch,
            store_epoch: self.store_epoch,
            account_due_at: account.value.due_at(),
            activity_version: activity.version,
        })
    }
}
