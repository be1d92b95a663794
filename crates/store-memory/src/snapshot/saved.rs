//! What a snapshot holds. Bans, withdrawals, records, sessions, identity keys and kinds of events are in it as serde makes
//! them, as in every store; times are in milliseconds.

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, Profile, Records,
    Username, Version,
};
use authcore::event::{Event, EventCursor, EventKind, StoredEvent};
use authcore::lifecycle::{BanState, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Session};
use authcore::store::{CodeKey, CodePurpose, OneTimeCode, SingleUseKey, StoreHeader, ThrottleKey};
use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::kept::{Documents, Kept, KeptAccount, KeptActivity};

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    pub(super) header: Option<SavedHeader>,
    pub(super) epoch: Epoch,
    pub(super) epoch_by: Option<CommitId>,
    /// By id.
    pub(super) accounts: Vec<SavedAccount>,
    /// By key, and so are the next two.
    pub(super) codes: Vec<SavedCode>,
    pub(super) single_use: Vec<SavedUse>,
    pub(super) throttles: Vec<SavedThrottle>,
    /// Oldest first.
    pub(super) recent: Vec<CommitId>,
    /// By cursor.
    pub(super) events: Vec<SavedEvent>,
    pub(super) last_cursor: EventCursor,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedHeader(#[serde(with = "HeaderForm")] pub(super) StoreHeader);

#[derive(Serialize, Deserialize)]
#[serde(remote = "StoreHeader", deny_unknown_fields)]
struct HeaderForm {
    game: Box<str>,
    folding: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedAccount {
    pub(super) id: AccountId,
    version: u64,
    by: CommitId,
    epoch: Epoch,
    username: Option<SavedUsername>,
    #[serde(with = "ProfileForm")]
    profile: Profile,
    identities: Vec<SavedIdentity>,
    password: Option<SavedPassword>,
    ban: BanState,
    withdrawal: Withdrawal,
    records: Records,
    next_ordinal: Ordinal,
    #[serde(with = "ts_milliseconds")]
    created_at: DateTime<Utc>,
    #[serde(with = "ts_milliseconds")]
    updated_at: DateTime<Utc>,
    activity: SavedActivity,
}

#[derive(Serialize, Deserialize)]
struct SavedUsername(#[serde(with = "UsernameForm")] Username);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Username", deny_unknown_fields)]
struct UsernameForm {
    shown: Box<str>,
    key: Box<str>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Profile", deny_unknown_fields)]
struct ProfileForm {
    display_name: Box<str>,
    avatar_url: Box<str>,
    lang_tag: Box<str>,
    location: Box<str>,
    timezone: Box<str>,
    metadata: Box<str>,
}

#[derive(Serialize, Deserialize)]
struct SavedIdentity(#[serde(with = "IdentityForm")] Identity);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Identity", deny_unknown_fields)]
struct IdentityForm {
    ordinal: Ordinal,
    key: IdentityKey,
    shown: Option<Box<str>>,
    #[serde(with = "ts_milliseconds")]
    linked_at: DateTime<Utc>,
    #[serde(with = "ts_milliseconds_option")]
    verified_at: Option<DateTime<Utc>>,
    data: Option<Box<str>>,
}

#[derive(Serialize, Deserialize)]
struct SavedPassword(#[serde(with = "PasswordForm")] Password);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Password", deny_unknown_fields)]
struct PasswordForm {
    hash: Box<str>,
    version: u32,
    #[serde(with = "ts_milliseconds")]
    set_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedActivity {
    version: u64,
    by: CommitId,
    login_count: u64,
    last_login: Option<SavedLogin>,
    #[serde(with = "ts_milliseconds_option")]
    previous_login_at: Option<DateTime<Utc>>,
    sessions: Vec<Session>,
}

#[derive(Serialize, Deserialize)]
struct SavedLogin(#[serde(with = "LoginForm")] LoginRecord);

#[derive(Serialize, Deserialize)]
#[serde(remote = "LoginRecord", deny_unknown_fields)]
struct LoginForm {
    #[serde(with = "ts_milliseconds")]
    at: DateTime<Utc>,
    identity: Option<Ordinal>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedCode {
    pub(super) by: CommitId,
    #[serde(with = "CodeForm")]
    pub(super) code: OneTimeCode,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OneTimeCode", deny_unknown_fields)]
struct CodeForm {
    key: CodeKey,
    #[serde(with = "purpose")]
    purpose: CodePurpose,
    account: AccountId,
    credential_generation: u32,
    tries_left: u32,
    #[serde(with = "ts_milliseconds")]
    expires_at: DateTime<Utc>,
}

mod purpose {
    use authcore::store::CodePurpose;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
    pub(super) fn serialize<S: Serializer>(it: &CodePurpose, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(it.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CodePurpose, D::Error> {
        let name = String::deserialize(from)?;
        CodePurpose::from_name(&name).ok_or_else(|| D::Error::custom("no purpose"))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedUse {
    pub(super) key: SingleUseKey,
    pub(super) by: CommitId,
    #[serde(with = "ts_milliseconds")]
    pub(super) forget_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedThrottle {
    pub(super) key: ThrottleKey,
    #[serde(with = "ts_milliseconds")]
    pub(super) used_up_until: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedEvent {
    pub(super) cursor: EventCursor,
    pub(super) account: AccountId,
    #[serde(with = "ts_milliseconds")]
    pub(super) at: DateTime<Utc>,
    pub(super) kind: EventKind,
}

impl From<StoredEvent> for SavedEvent {
    fn from(StoredEvent { cursor, event: Event { account, at, kind } }: StoredEvent) -> Self {
        Self { cursor, account, at, kind }
    }
}

impl From<SavedEvent> for StoredEvent {
    fn from(SavedEvent { cursor, account, at, kind }: SavedEvent) -> Self {
        Self { cursor, event: Event { account, at, kind } }
    }
}

impl From<&Documents> for SavedAccount {
    fn from(Documents { account: kept, activity }: &Documents) -> Self {
        let Account {
            id,
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
        } = kept.value.account();
        Self {
            id,
            version: kept.version.number(),
            by: kept.by,
            epoch,
            username: username.map(SavedUsername),
            profile,
            identities: identities.into_iter().map(SavedIdentity).collect(),
            password: password.map(SavedPassword),
            ban,
            withdrawal,
            records,
            next_ordinal,
            created_at,
            updated_at,
            activity: activity.as_ref().into(),
        }
    }
}

impl From<&Kept<KeptActivity>> for SavedActivity {
    fn from(kept: &Kept<KeptActivity>) -> Self {
        let Activity { login_count, last_login, previous_login_at, sessions } =
            kept.value.activity();
        Self {
            version: kept.version.number(),
            by: kept.by,
            login_count,
            last_login: last_login.map(SavedLogin),
            previous_login_at,
            sessions,
        }
    }
}

impl From<SavedAccount> for Documents {
    fn from(saved: SavedAccount) -> Self {
        let account = Account {
            id: saved.id,
            username: saved.username.map(|SavedUsername(username)| username),
            profile: saved.profile,
            identities: saved.identities.into_iter().map(|SavedIdentity(it)| it).collect(),
            password: saved.password.map(|SavedPassword(password)| password),
            ban: saved.ban,
            withdrawal: saved.withdrawal,
            records: saved.records,
            epoch: saved.epoch,
            next_ordinal: saved.next_ordinal,
            created_at: saved.created_at,
            updated_at: saved.updated_at,
        };
        let activity = Activity {
            login_count: saved.activity.login_count,
            last_login: saved.activity.last_login.map(|SavedLogin(login)| login),
            previous_login_at: saved.activity.previous_login_at,
            sessions: saved.activity.sessions,
        };
        let kept_activity = Kept {
            value: KeptActivity::new(&activity),
            version: Version::new(saved.activity.version),
            by: saved.activity.by,
        };
        let kept = Kept {
            value: KeptAccount::new(&account),
            version: Version::new(saved.version),
            by: saved.by,
        };
        Self { account: kept.into(), activity: kept_activity.into() }
    }
}
