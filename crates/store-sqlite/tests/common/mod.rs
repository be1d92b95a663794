//! Accounts and change sets to test with.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "helpers of tests, of which each test file uses some"
)]

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId,
    Records, SessionId, Username, Version,
};
use authcore::event::{Event, EventKind};
use authcore::lifecycle::{Ban, BanSource, BanState, Expiry, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Method, Session};
use authcore::store::{
    ChangeSet, CommitError, Conflict, Lookup, Require, Snapshot, Store, TransferKey, Write,
};
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use chrono::{DateTime, Utc};

pub(crate) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

/// The last moment that can be kept.
pub(crate) fn last_moment() -> DateTime<Utc> {
    at(DateTime::<Utc>::MAX_UTC.timestamp_millis())
}

pub(crate) fn id(number: u32) -> AccountId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId::from_bytes(bytes)
}

pub(crate) fn commit_id(number: u64) -> CommitId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    CommitId::from_bytes(bytes)
}

pub(crate) fn device(subject: &str) -> IdentityKey {
    IdentityKey::new(ProviderId::DEVICE, subject)
}

pub(crate) fn identity(ordinal: u32, key: IdentityKey) -> Identity {
    Identity {
        ordinal: Ordinal::new(ordinal),
        key,
        shown: None,
        linked_at: at(5),
        verified_at: None,
        data: None,
    }
}

/// An account with one device.
pub(crate) fn account(number: u32) -> Account {
    let mut account = Account::new(id(number), at(5));
    account.identities.push(identity(1, device(&format!("device-{number}"))));
    account.next_ordinal = Ordinal::new(2);
    account
}

pub(crate) fn named(number: u32, username: &str) -> Account {
    let name = Username { shown: username.to_uppercase().into(), key: username.into() };
    Account { username: Some(name), ..account(number) }
}

pub(crate) fn ban(since: DateTime<Utc>, expiry: Expiry) -> Ban {
    Ban {
        since,
        expiry,
        message: "".into(),
        template: None,
        reason: "".into(),
        source: BanSource::Console,
        registrar: "".into(),
        flags: Vec::new(),
    }
}

pub(crate) fn transfer_key(number: u32) -> TransferKey {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    TransferKey::new(digest)
}

pub(crate) fn transfer(number: u32) -> TransferAccount {
    TransferAccount {
        key: transfer_key(number),
        id: None,
        password_hash: None,
        issued_by: IssuedBy::Auto,
        device: None,
        issued_at: at(5),
        expiry: Expiry::Never,
        state: TransferState::Issued { failures: 0 },
    }
}

/// An account with one device and a transfer account.
pub(crate) fn transferable(number: u32, key: u32) -> Account {
    let records = Records { transfer: Some(transfer(key).into()), ..Records::default() };
    Account { records, ..account(number) }
}

pub(crate) fn session(number: u8) -> Session {
    Session {
        id: SessionId::from_bytes([number; 16]),
        identity: Some(Ordinal::FIRST),
        method: Method::Device,
        authenticated_at: at(1_760_000_000_000),
        last_used_at: at(1_760_000_000_000),
        idle_expires_at: at(1_762_000_000_000),
        expires_at: at(1_790_000_000_000),
        generation: 0,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: [].into(),
        server_vars: [].into(),
        device_name: None,
        device_id: None,
        epoch: Epoch::FIRST,
        store_epoch: Epoch::FIRST,
    }
}

/// An account and an activity that have everything there is, with texts and times that are easy to get wrong.
pub(crate) fn full(number: u32) -> (Account, Activity) {
    let odd = "\u{0}\u{1f600} e\u{301} \u{e9} \u{10ffff} ' \" % \\ \u{feff}";
    let key = |kind: &str| {
        let provider = ProviderId::new("google-play_2").unwrap();
        IdentityKey::scoped(provider, &format!("{kind}{number}{odd}"), odd, odd)
    };
    let (first, last) = (at(DateTime::<Utc>::MIN_UTC.timestamp_millis()), last_moment());
    let account = Account {
        id: id(number),
        username: Some(Username { shown: odd.into(), key: format!("{number}{odd}").into() }),
        profile: Profile {
            display_name: odd.into(),
            avatar_url: "".into(),
            lang_tag: "de".into(),
            location: odd.repeat(20).into(),
            timezone: "\u{0}".into(),
            metadata: "{\"a\": [1, 2.50, null]}".into(),
        },
        identities: vec![
            Identity {
                shown: Some(odd.into()),
                verified_at: Some(first),
                linked_at: last,
                data: Some(odd.into()),
                ..identity(3, key("a"))
            },
            identity(4, key("b")),
            identity(u32::MAX - 1, device(&format!("{number}"))),
        ],
        password: Some(Password { hash: "$argon2id$".into(), version: u32::MAX, set_at: at(-1) }),
        ban: BanState::Banned(Ban { message: odd.into(), ..ban(first, Expiry::At(last)) }.into()),
        withdrawal: Withdrawal::Pending { since: first, due: last },
        records: Records { transfer: Some(transfer(number).into()), ..Records::default() },
        epoch: Epoch::new(u32::MAX),
        next_ordinal: Ordinal::new(u32::MAX),
        created_at: first,
        updated_at: last,
    };
    let mut revoked = session(2);
    revoked.method = Method::Provider;
    revoked.identity = None;
    revoked.access_revoked = true;
    revoked.authenticated_at = first;
    revoked.expires_at = last;
    revoked.generation = u32::MAX;
    revoked.client_vars = [(odd.into(), String::new()), (String::new(), odd.into())].into();
    revoked.server_vars = [("k".into(), "v".into())].into();
    revoked.device_name = Some(odd.into());
    revoked.device_id = Some("".into());
    let activity = Activity {
        login_count: u64::MAX,
        last_login: Some(LoginRecord { at: last, identity: None }),
        previous_login_at: Some(first),
        sessions: vec![session(1), revoked],
    };
    (account, activity)
}

pub(crate) fn insert(account: Account) -> Write {
    Write::InsertAccount { account: Box::new(account), activity: Activity::default().into() }
}

pub(crate) fn update(account: Account, expect: u64) -> Write {
    Write::UpdateAccount { account: Box::new(account), expect: Version::new(expect) }
}

pub(crate) fn login(number: u32, logins: u64, expect: u64) -> Write {
    let activity = Activity {
        login_count: logins,
        last_login: Some(LoginRecord { at: at(9), identity: Some(Ordinal::FIRST) }),
        previous_login_at: None,
        sessions: vec![session(1)],
    };
    Write::UpdateActivity {
        id: id(number),
        activity: activity.into(),
        expect: Version::new(expect),
    }
}

pub(crate) fn event(number: u32, kind: EventKind) -> Event {
    Event { account: id(number), at: at(7), kind }
}

pub(crate) fn set(commit: u64, writes: impl IntoIterator<Item = Write>) -> ChangeSet {
    ChangeSet {
        id: commit_id(commit),
        require: Vec::new(),
        writes: writes.into_iter().collect(),
        events: Vec::new(),
    }
}

pub(crate) fn requiring(
    commit: u64,
    require: impl IntoIterator<Item = Require>,
    writes: impl IntoIterator<Item = Write>,
) -> ChangeSet {
    ChangeSet { require: require.into_iter().collect(), ..set(commit, writes) }
}

pub(crate) fn conflict(result: Result<(), CommitError>) -> Conflict {
    match result {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("no conflict: {other:?}"),
    }
}

pub(crate) async fn by_id(store: &SqliteStore, number: u32) -> Option<Snapshot> {
    store.load(&Lookup::Id(id(number))).await.unwrap()
}

pub(crate) async fn owner_of(store: &SqliteStore, key: &IdentityKey) -> Option<AccountId> {
    let lookup = Lookup::Identity(key.clone());
    store.load(&lookup).await.unwrap().map(|snapshot| snapshot.account.id)
}

pub(crate) fn memory() -> SqliteStore {
    SqliteStore::open(SqliteConfig::in_memory()).unwrap()
}

/// A store of each kind, to run one test on all of them.
pub(crate) fn each_kind() -> Vec<(&'static str, tempfile::TempDir, SqliteStore)> {
    type Kind = (&'static str, fn(std::path::PathBuf) -> SqliteConfig);
    let kinds: [Kind; 6] = [
        ("file", |path| SqliteConfig::file(path)),
        ("no readers", |path| SqliteConfig::file(path).with_readers(0)),
        ("small queue", |path| SqliteConfig::file(path).with_queue(1).with_batch(1)),
        ("inline", |path| SqliteConfig::file(path).inline()),
        ("memory", |_| SqliteConfig::in_memory()),
        ("inline memory", |_| SqliteConfig::in_memory().inline()),
    ];
    kinds
        .into_iter()
        .map(|(name, config)| {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(config(folder.path().join("a.db"))).unwrap();
            (name, folder, store)
        })
        .collect()
}
