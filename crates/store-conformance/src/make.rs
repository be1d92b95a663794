//! Test data. Whatever has the same number is the same.
#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, Profile, ProviderId,
    SessionId, Username, Version,
};
use authcore::event::{Event, EventKind};
use authcore::lifecycle::{BanState, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Method, Session, SessionRef, Vars};
use authcore::store::{
    ChangeSet, Charge, CodeKey, CodePurpose, OneTimeCode, Require, SingleUseKey, ThrottleKey, Write,
};
use chrono::{DateTime, TimeDelta, Utc};

mod rare;

pub(crate) use rare::{
    ban, ban_ends, full_ban, full_grace, full_records, full_transfer, leaving, lookup_transfer,
    ticket, transfer, transfer_key, with_ban, with_grace, with_ticket, with_transfer,
};

/// Text that a collation, a trim or a C string would spoil.
pub(crate) const NASTY: &str = " A\u{0}b\u{1f600}e\u{301}\u{e9}\\'\"%_\r\n\u{feff}\u{10ffff} ";

/// Some milliseconds into the time that most cases are set in.
pub(crate) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_123 + millis)
}

pub(crate) fn id(number: u32) -> AccountId {
    let mut random = [7; 10];
    random[6..].copy_from_slice(&number.to_be_bytes());
    AccountId::new(at(0), &random)
}

pub(crate) fn session_id(number: u32) -> SessionId {
    SessionId::new(u128::from(number).to_be_bytes())
}

pub(crate) fn session_ref(account: u32, session: u32) -> SessionRef {
    SessionRef { account: id(account), session: session_id(session) }
}

fn digest(number: u32) -> [u8; 32] {
    let mut digest = [9; 32];
    digest[..4].copy_from_slice(&number.to_be_bytes());
    digest
}

pub(crate) fn code_key(number: u32) -> CodeKey {
    CodeKey::new(digest(number))
}

pub(crate) fn single_use_key(number: u32) -> SingleUseKey {
    SingleUseKey::new(digest(number))
}

pub(crate) fn throttle_key(number: u32) -> ThrottleKey {
    ThrottleKey::new(digest(number))
}

pub(crate) fn device(subject: &str) -> IdentityKey {
    IdentityKey::new(ProviderId::DEVICE, subject)
}

pub(crate) fn lookup_device(subject: &str) -> authcore::store::Lookup {
    authcore::store::Lookup::Identity(device(subject))
}

pub(crate) fn lookup_username(key: &str) -> authcore::store::Lookup {
    authcore::store::Lookup::Username(key.into())
}

/// An account without identities and username.
pub(crate) fn bare(number: u32) -> Account {
    Account::new(id(number), at(0))
}

/// An account with the identity `device-<number>` and the username `user-<number>`.
pub(crate) fn account(number: u32) -> Account {
    let account = with_identity(bare(number), device(&format!("device-{number}")));
    with_username(account, &format!("user-{number}"))
}

pub(crate) fn with_identity(mut account: Account, key: IdentityKey) -> Account {
    let ordinal = account.next_ordinal;
    account.next_ordinal = ordinal.next();
    account.identities.push(Identity {
        ordinal,
        key,
        shown: None,
        linked_at: at(1),
        verified_at: None,
        data: None,
    });
    account
}

pub(crate) fn with_username(mut account: Account, key: &str) -> Account {
    account.username = Some(Username { shown: key.into(), key: key.into() });
    account
}

pub(crate) fn with_epoch(mut account: Account, epoch: u32) -> Account {
    account.epoch = Epoch::new(epoch);
    account
}

/// An account with a value in every field, none of them the usual one, and no two alike.
pub(crate) fn full_account(number: u32) -> Account {
    let provider = ProviderId::new("play-games_2").expect("a good name");
    let text = |what: &str| -> Box<str> { format!("{what}{NASTY}{number}").into() };
    Account {
        id: id(number),
        username: Some(Username { shown: text("shown"), key: text("key") }),
        profile: Profile {
            display_name: text("name"),
            avatar_url: text("avatar"),
            lang_tag: text("lang"),
            location: text("location"),
            timezone: text("timezone"),
            metadata: text("metadata"),
        },
        identities: vec![
            Identity {
                ordinal: Ordinal::new(2),
                key: IdentityKey::scoped(
                    provider,
                    &text("tenant"),
                    &text("issuer"),
                    &text("subject"),
                ),
                shown: Some(text("as typed")),
                linked_at: at(1),
                verified_at: Some(at(2)),
                data: Some(text("data")),
            },
            Identity {
                ordinal: Ordinal::new(5),
                key: IdentityKey::new(ProviderId::EMAIL, &text("email")),
                shown: Some("".into()),
                linked_at: at(3),
                verified_at: None,
                data: None,
            },
            Identity {
                ordinal: Ordinal::new(u32::MAX),
                key: IdentityKey::new(ProviderId::GUEST, &text("guest")),
                shown: None,
                linked_at: at(-4),
                verified_at: Some(at(5)),
                data: Some("".into()),
            },
        ],
        password: Some(Password { hash: text("$argon2id$"), version: u32::MAX, set_at: at(6) }),
        ban: BanState::Banned(full_ban(number).into()),
        withdrawal: Withdrawal::Pending { since: at(-70), due: at(71) },
        records: full_records(number),
        epoch: Epoch::new(u32::MAX),
        next_ordinal: Ordinal::new(u32::MAX),
        created_at: at(-9),
        updated_at: at(10),
    }
}

/// A session with the usual value in every field that has one.
pub(crate) fn session(number: u32) -> Session {
    Session {
        id: session_id(number),
        identity: None,
        method: Method::Device,
        authenticated_at: at(0),
        last_used_at: at(0),
        idle_expires_at: at(1000),
        expires_at: at(2000),
        generation: 0,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: Vars::new(),
        server_vars: Vars::new(),
        device_name: None,
        device_id: None,
        epoch: Epoch::FIRST,
        store_epoch: Epoch::FIRST,
    }
}

/// A session with a value in every field, no two alike.
pub(crate) fn full_session(number: u32) -> Session {
    let vars = |what: &str| -> Vars {
        let pairs = [(what, ""), ("", what), (NASTY, NASTY), ("b", "2"), ("a", "1")];
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    Session {
        id: session_id(number),
        identity: Some(Ordinal::new(5)),
        method: Method::Provider,
        authenticated_at: at(1),
        last_used_at: at(2),
        idle_expires_at: at(3),
        expires_at: at(4),
        generation: u32::MAX,
        access_revoked: true,
        refresh_revoked: false,
        client_vars: vars("client"),
        server_vars: vars("server"),
        device_name: Some(NASTY.into()),
        device_id: Some("".into()),
        epoch: Epoch::new(8),
        store_epoch: Epoch::new(9),
    }
}

/// An activity with a value in every field, and three sessions that are in no order of their own.
pub(crate) fn full_activity(number: u32) -> Activity {
    let mut revoked = session(number + 2);
    revoked.refresh_revoked = true;
    Activity {
        login_count: u64::try_from(i64::MAX).expect("it fits"),
        last_login: Some(LoginRecord { at: at(11), identity: Some(Ordinal::new(3)) }),
        previous_login_at: Some(at(-12)),
        sessions: vec![session(number + 1), full_session(number), revoked],
    }
}

/// An activity that can be told from others by its count.
pub(crate) fn activity(login_count: u64) -> Activity {
    Activity { login_count, ..Activity::default() }
}

pub(crate) fn code(number: u32, account: u32, expires_at: DateTime<Utc>) -> OneTimeCode {
    OneTimeCode {
        key: code_key(number),
        purpose: CodePurpose::ResetPassword,
        account: id(account),
        credential_generation: 3,
        tries_left: 5,
        expires_at,
    }
}

/// A charge of 1 against a throttle of 5 in a second.
pub(crate) fn charge(number: u32, now: DateTime<Utc>) -> Charge {
    Charge { key: throttle_key(number), cost: 1, limit: 5, window: TimeDelta::seconds(1), now }
}

/// An event unlike all others of the process.
pub(crate) fn event(account: u32) -> Event {
    static SERIAL: AtomicI64 = AtomicI64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    Event { account: id(account), at: at(serial), kind: EventKind::ProfileChanged }
}

/// A commit id unlike all others of the process.
pub(crate) fn commit_id() -> CommitId {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    CommitId::new(u128::from(serial).to_be_bytes())
}

/// An empty change set.
pub(crate) fn silent() -> ChangeSet {
    ChangeSet { id: commit_id(), require: Vec::new(), writes: Vec::new(), events: Vec::new() }
}

/// A change set with one event, which shows in every outbox whether and how often the set was applied.
pub(crate) fn set() -> ChangeSet {
    silent().tell(event(0))
}

/// Builds a change set up.
pub(crate) trait Build: Sized {
    fn require(self, require: Require) -> Self;
    fn write(self, write: Write) -> Self;
    fn tell(self, event: Event) -> Self;

    fn insert(self, account: Account) -> Self {
        self.insert_with(account, Activity::default())
    }

    fn insert_with(self, account: Account, activity: Activity) -> Self {
        let (account, activity) = (Box::new(account), activity.into());
        self.write(Write::InsertAccount { account, activity })
    }

    fn update(self, account: Account, expect: u64) -> Self {
        self.write(Write::UpdateAccount {
            account: Box::new(account),
            expect: Version::new(expect),
        })
    }

    fn delete(self, number: u32, expect: u64) -> Self {
        self.write(Write::DeleteAccount { id: id(number), expect: Version::new(expect) })
    }

    fn activity(self, number: u32, activity: Activity, expect: u64) -> Self {
        let (id, activity) = (id(number), activity.into());
        self.write(Write::UpdateActivity { id, activity, expect: Version::new(expect) })
    }

    fn put_code(self, code: OneTimeCode) -> Self {
        self.write(Write::PutCode(code))
    }

    fn delete_code(self, number: u32) -> Self {
        self.write(Write::DeleteCode(code_key(number)))
    }

    fn use_up(self, number: u32) -> Self {
        self.use_up_until(number, at(1_000_000))
    }

    fn use_up_until(self, number: u32, forget_at: DateTime<Utc>) -> Self {
        self.write(Write::UseUp { key: single_use_key(number), forget_at })
    }

    fn reset(self, number: u32) -> Self {
        self.write(Write::ResetThrottle(throttle_key(number)))
    }

    fn raise(self) -> Self {
        self.write(Write::RaiseStoreEpoch)
    }
}

impl Build for ChangeSet {
    fn require(mut self, require: Require) -> Self {
        self.require.push(require);
        self
    }

    fn write(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    fn tell(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }
}
