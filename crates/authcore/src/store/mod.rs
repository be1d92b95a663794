//! The contract between the engine and a store.
//!
//! A store keeps snapshots and applies change sets; it decides nothing. Whoever writes one runs the conformance kit
//! (`authcore-store-conformance`) and is done when it passes; `docs/store-authors.md` is the guide.

mod error;
#[cfg(test)]
mod format_tests;
mod hex;
mod throttle;

pub use error::{StoreError, StoreErrorKind};
pub use throttle::{Admission, Charge};

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::account::{Account, AccountId, CommitId, Epoch, IdentityKey, Version};
use crate::event::{Event, EventCursor, StoredEvent};
use crate::session::{Activity, SessionRef, SessionSnapshot};

/// Where accounts are kept.
///
/// # Who does what
///
/// The engine reads a snapshot, decides, and hands over one [`ChangeSet`]. The store re-checks every condition inside
/// its own transaction, and applies all of the set or nothing.
///
/// # What must hold
///
/// - **Atomic.** A change set is applied whole or not at all, also when the process dies in between.
/// - **Durable.** When `commit` answers `Ok`, the change survives whatever the store's documentation says it does.
/// - **Linearizable.** A read that begins after a commit was answered sees it, on every node. A snapshot is of one moment,
///   the lookup and the store's epoch included: no cache, no lagging replica, no second read that may see another state.
/// - **Unique.** At most one account owns an [`IdentityKey`], at most one a username key, and at most one a
///   [`TransferKey`]. This is judged on the
///   state *after* the whole change set, so an identity can move between two accounts in one set.
/// - **Once.** A change set that is handed over again under the same [`CommitId`] answers `Ok` and changes nothing, at
///   least while one document still names it as its last writer. A store that can answer
///   [`StoreErrorKind::FateUnknown`] remembers the ids of its recent commits besides, for longer than a caller keeps
///   asking: a document may be overwritten in between.
/// - **In order.** Events become readable in the order of their cursors: a consumer that has read up to a cursor never
///   misses an event, also under concurrent commits.
/// - **No clock, no randomness.** Times and ids arrive in the arguments. Expiry is data: what has expired is returned
///   until [`sweep`](Self::sweep) is told to remove it.
/// - **Strings are bytes.** Keys are compared exactly: no case folding, no trimming, no collation, and NUL is a
///   character like any other. What is empty is not what is absent. Keys of 4 kB are distinct in their last byte.
/// - **Numbers and times are whole.** Counts take all of a `u64`. A time is kept to the millisecond and may lie before 1970;
///   what is finer is cut off.
///
/// # Cancel safety
///
/// A `commit` whose future is dropped may still be applied, and is then applied whole. All other methods may be
/// dropped at any time.
///
/// # Wrappers
///
/// A wrapper forwards every method. There are no default methods, so that the compiler says when one is missing.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// What the store promises.
    fn capabilities(&self) -> Capabilities;

    /// Records `header` in a fresh store, and returns what is recorded. Concurrent calls agree on one winner.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read or written.
    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError>;

    /// Reads one account as one consistent snapshot; `Ok(None)` when there is none. Found by a key, the account has that
    /// key: a key that moves meanwhile is found on the one account or the other.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError>;

    /// Reads several accounts, one answer for each lookup, in the order asked, repetitions included; each is consistent in
    /// itself.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError>;

    /// Reads one session with the epochs that decide whether it is alive; `Ok(None)` when the account or the session
    /// is gone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError>;

    /// Reads the store's epoch: sessions of a lower one are dead.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn epoch(&self) -> Result<Epoch, StoreError>;

    /// Lists at most `limit` accounts whose [`due_at`](Account::due_at) has come at `now`, the longest overdue first; those
    /// due at the same time in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError>;

    /// Applies a change set, all or nothing. A set that was applied before is `Ok`, also where its conditions no longer
    /// hold; a set that was refused before is judged anew.
    ///
    /// All conditions are judged before the first write, on the state before the set: each of `require` in its order, then
    /// each write's own condition in the order of the writes. Then uniqueness, on the state after the set: account by
    /// account in the order of the writes, of each its identities in their order, its username, its transfer account.
    /// Codes and throttles are written in the order of the writes. Events get their cursors in the set's order.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`] with the first condition that did not hold in that order. [`CommitError::Store`] when the
    /// store failed; when it cannot tell whether the set was applied, the kind is [`StoreErrorKind::FateUnknown`], and with
    /// any other kind it was not. A [`Require`] or [`Write`] that the store does not know is [`StoreErrorKind::Other`],
    /// before anything is written.
    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError>;

    /// Charges a throttle, atomically: of any number of parallel charges no more are admitted than its limit allows.
    /// See [`Charge::apply`] for the rule.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read or written.
    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError>;

    /// Reads a one-time code; `Ok(None)` when there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError>;

    /// Reads at most `limit` events after a cursor, oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be read.
    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError>;

    /// Removes the events up to and including a cursor, and returns how many there were. Cursors are never reused, also
    /// after everything was pruned. It need not be one transaction.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be written.
    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError>;

    /// Removes at most `limit` each of the codes, single-use keys and throttles that are over at `now` (their moment is `now`
    /// or before), and returns how many there were. Nothing depends on it but the store's size. It need not be one
    /// transaction, but what was replaced meanwhile and is not over stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot be written.
    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError>;
}

/// The format of what serde makes of [`Account`], [`Activity`] and [`OneTimeCode`], for a store that keeps them so. It is
/// raised when a field changes its meaning or goes; a field that is added is read as its default where it is missing. A
/// store notes the number, and does not open what has a higher one ([`StoreErrorKind::Corrupt`]): it would lose what it does
/// not know. A lower one it raises before it writes.
pub const DOCUMENT_FORMAT: u32 = 1;

/// What a store promises; the conformance kit chooses its cases by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store says what it promises about each")]
pub struct Capabilities {
    /// Acknowledged commits survive the end of the process.
    pub durable: bool,
    /// Several processes may use it at once. The kit does not test it.
    pub multi_process: bool,
}

/// What a store is bound to for life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreHeader {
    /// The game whose players it keeps; one store is one game.
    pub game: Box<str>,
    /// [`Folding::version`](crate::account::Folding::version) of its username and email keys.
    pub folding: u32,
}

/// How to find an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Lookup {
    /// By id.
    Id(AccountId),
    /// By one of its logins.
    Identity(IdentityKey),
    /// By its folded username.
    Username(Box<str>),
    /// By the id of its transfer account.
    Transfer(TransferKey),
}

/// An account as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The account.
    pub account: Account,
    /// How often the account was written.
    pub version: Version,
    /// Its logins and sessions.
    pub activity: Activity,
    /// How often the activity was written.
    pub activity_version: Version,
    /// The store's epoch.
    pub store_epoch: Epoch,
}

/// What a commit does: conditions, writes, events; all or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Names the set, so that handing it over twice does it once.
    pub id: CommitId,
    /// What must hold besides the writes' own conditions.
    pub require: Vec<Require>,
    /// What to write. No document is written twice in one set.
    pub writes: Vec<Write>,
    /// What happened.
    pub events: Vec<Event>,
}

/// A condition on something that the set does not write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Require {
    /// The account is still at this version.
    Account(AccountId, Version),
    /// The account's activity is still at this version.
    Activity(AccountId, Version),
    /// The account is still in this epoch.
    Epoch(AccountId, Epoch),
    /// The account has a password, and it is still this one.
    PasswordVersion(AccountId, u32),
    /// The code is there, with this many tries left; whether it has expired does not matter.
    Code(CodeKey, u32),
}

/// A write, with the condition that is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// Makes an account. Conflict when the id is taken.
    InsertAccount {
        /// The account, at [`Version::FIRST`].
        account: Box<Account>,
        /// Its activity, at [`Version::FIRST`]; shared, so that a store may keep it without a copy.
        activity: Arc<Activity>,
    },
    /// Replaces an account, its identities included, and raises its version by one. Its activity and codes stay.
    UpdateAccount {
        /// What it becomes.
        account: Box<Account>,
        /// The version that it must have.
        expect: Version,
    },
    /// Removes an account, its activity, the keys that it is found by and the codes that are its, but no events,
    /// single-use keys and throttles. Made again, the id begins at [`Version::FIRST`].
    DeleteAccount {
        /// Which.
        id: AccountId,
        /// The version that it must have.
        expect: Version,
    },
    /// Replaces an account's activity, and raises its version by one.
    UpdateActivity {
        /// Whose.
        id: AccountId,
        /// What it becomes; shared, so that a store may keep it without a copy.
        activity: Arc<Activity>,
        /// The version that it must have.
        expect: Version,
    },
    /// Writes a one-time code, in place of one of the same key, whose owner loses it. The account that it names need not
    /// be there.
    PutCode(OneTimeCode),
    /// Removes a one-time code; nothing happens when there is none.
    DeleteCode(CodeKey),
    /// Uses up something that may be used once. Conflict when it was used before.
    UseUp {
        /// What.
        key: SingleUseKey,
        /// From when on it may be forgotten.
        forget_at: DateTime<Utc>,
    },
    /// Forgets what was charged to a throttle.
    ResetThrottle(ThrottleKey),
    /// Ends everybody's sessions: raises the store's epoch by one.
    RaiseStoreEpoch,
}

/// Why a change set was not applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A condition did not hold; nothing was written.
    #[error("the commit lost a race: {0:?}")]
    Conflict(Conflict),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The condition that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// The account is not there.
    AccountMissing(AccountId),
    /// An account of this id is there already.
    AccountExists(AccountId),
    /// The account has another version, epoch or password version.
    AccountChanged(AccountId),
    /// The account's activity has another version.
    ActivityChanged(AccountId),
    /// Another account owns the identity.
    IdentityTaken(IdentityKey),
    /// Another account has the username; its key.
    UsernameTaken(Box<str>),
    /// Another account has the transfer account's id.
    TransferTaken(TransferKey),
    /// The code is gone, or has another number of tries left.
    CodeChanged(CodeKey),
    /// It was used before.
    UsedUp(SingleUseKey),
}

macro_rules! digest_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The key with exactly these bytes.
            #[must_use]
            pub const fn new(digest: [u8; 32]) -> Self {
                Self(digest)
            }

            /// The bytes, for a store to keep.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }

        impl Serialize for $name {
            /// As 64 hexadecimal digits.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&hex::Hex(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                hex::digest(deserializer).map(Self)
            }
        }
    };
}

digest_key! {
    /// Names a throttle: a digest of what is limited and for whom.
    ThrottleKey
}
digest_key! {
    /// Finds a one-time code: a digest of the secret that the player holds.
    CodeKey
}
digest_key! {
    /// Names something that may be used once: a digest of it.
    SingleUseKey
}
digest_key! {
    /// Finds a transfer account: a keyed digest of its id.
    TransferKey
}

/// A code that may be used once, for one purpose. Exhaustive on purpose, like [`Account`]. A store may keep it as
/// the JSON that serde makes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeCode {
    /// A digest of the secret; the secret itself is not kept.
    pub key: CodeKey,
    /// What it may be used for.
    pub purpose: CodePurpose,
    /// Whose it is.
    pub account: AccountId,
    /// The account's password version when it was made: it dies with the next change.
    pub credential_generation: u32,
    /// How many wrong tries it survives.
    pub tries_left: u32,
    /// When it ends.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub expires_at: DateTime<Utc>,
}

/// What a one-time code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodePurpose {
    /// To confirm an email address.
    VerifyEmail,
    /// To set a new password without the old one.
    ResetPassword,
    /// To remember that an identity's last owner was banned when it was withdrawn: the key is a keyed digest of the
    /// identity, the account is the tombstone (gamebase X-4).
    CarriedBan,
    /// To know a payment or a refund again that was reported before: the key is a digest of the account and the
    /// purchase (gamebase 3.16).
    Purchase,
}

impl CodePurpose {
    /// The name under which a store keeps it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::CarriedBan => "carried_ban",
            Self::Purchase => "purchase",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::VerifyEmail, Self::ResetPassword, Self::CarriedBan, Self::Purchase]
            .into_iter()
            .find(|purpose| purpose.as_str() == name)
    }
}
