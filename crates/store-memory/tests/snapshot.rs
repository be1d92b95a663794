//! Stores to bytes and back.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use authcore::account::{
    Account, AccountId, CommitId, Epoch, Identity, IdentityKey, Ordinal, ProviderId, SessionId,
    Username, Version,
};
use authcore::event::{Event, EventCursor, EventKind};
use authcore::lifecycle::{Ban, BanSource, BanState, Expiry, Withdrawal};
use authcore::password::Password;
use authcore::session::{Activity, LoginRecord, Method, Session};
use authcore::store::{
    ChangeSet, Charge, CodeKey, CodePurpose, CommitError, OneTimeCode, SingleUseKey, Store,
    StoreHeader, ThrottleKey, TransferKey, Write,
};
use authcore::transfer::{IssuedBy, TransferAccount, TransferState};
use authcore_store_memory::{MemoryStore, SnapshotError};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

fn at() -> impl Strategy<Value = DateTime<Utc>> {
    (-1_000_000_000_000_i64..4_000_000_000_000)
        .prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap())
}

fn text() -> impl Strategy<Value = Box<str>> {
    "\\PC{0,9}".prop_map(Into::into)
}

/// Few, so that sets meet what is there.
fn small() -> impl Strategy<Value = u8> {
    0..6_u8
}

fn identity() -> impl Strategy<Value = Identity> {
    let provider = prop_oneof![
        Just(ProviderId::DEVICE),
        Just(ProviderId::EMAIL),
        Just(ProviderId::new("own-1").unwrap())
    ];
    let optional = (prop::option::of(text()), prop::option::of(at()), prop::option::of(text()));
    (provider, text(), text(), text(), any::<u32>(), at(), optional).prop_map(
        |(provider, tenant, issuer, subject, ordinal, linked_at, (shown, verified_at, data))| {
            let key = IdentityKey::scoped(provider, &tenant, &issuer, &subject);
            let ordinal = Ordinal::new(ordinal);
            Identity { ordinal, key, shown, linked_at, verified_at, data }
        },
    )
}

fn standing() -> impl Strategy<Value = (BanState, Withdrawal, Option<TransferAccount>)> {
    let ban = (at(), at(), text()).prop_map(|(since, end, text)| {
        BanState::Banned(Box::new(Ban {
            since,
            expiry: Expiry::At(end),
            message: text.clone(),
            template: Some(7),
            reason: text.clone(),
            source: BanSource::AppGuard,
            registrar: text.clone(),
            flags: vec![text],
        }))
    });
    let withdrawal = (at(), at()).prop_map(|(since, due)| Withdrawal::Pending { since, due });
    let transfer = (small(), at(), text()).prop_map(|(number, issued_at, text)| TransferAccount {
        key: TransferKey::new([number; 32]),
        id: Some(text.clone()),
        password_hash: Some(text),
        issued_by: IssuedBy::Manual,
        device: None,
        issued_at,
        expiry: Expiry::Never,
        state: TransferState::Issued { failures: 3 },
    });
    (
        prop_oneof![3 => Just(BanState::None), 1 => ban],
        prop_oneof![3 => Just(Withdrawal::None), 1 => withdrawal],
        prop::option::weighted(0.3, transfer),
    )
}

fn account() -> impl Strategy<Value = Account> {
    let username =
        prop::option::of((text(), text()).prop_map(|(shown, key)| Username { shown, key }));
    let password = (text(), any::<u32>(), at()).prop_map(|(hash, version, set_at)| Password {
        hash,
        version,
        set_at,
    });
    let identities = prop::collection::vec(identity(), 0..3);
    let profile = prop::option::of(text());
    (
        small(),
        username,
        profile,
        identities,
        prop::option::of(password),
        standing(),
        any::<[u32; 2]>(),
        [at(), at()],
    )
        .prop_map(
            |(
                id,
                username,
                profile,
                identities,
                password,
                (ban, withdrawal, transfer),
                [epoch, ordinal],
                [made, changed],
            )| {
                let mut account = Account::new(AccountId::from_bytes([id; 16]), made);
                account.username = username;
                if let Some(text) = profile {
                    account.profile.display_name = text.clone();
                    account.profile.metadata = text;
                }
                account.identities = identities;
                account.password = password;
                account.ban = ban;
                account.withdrawal = withdrawal;
                account.records.transfer = transfer.map(Box::new);
                account.epoch = Epoch::new(epoch);
                account.next_ordinal = Ordinal::new(ordinal);
                account.updated_at = changed;
                account
            },
        )
}

fn session() -> impl Strategy<Value = Session> {
    let vars = || prop::collection::btree_map(any::<String>(), any::<String>(), 0..3);
    let device = || prop::option::of(text());
    (
        any::<[u8; 16]>(),
        [at(), at(), at(), at()],
        any::<[u32; 4]>(),
        any::<[bool; 2]>(),
        vars(),
        vars(),
        device(),
        device(),
    )
        .prop_map(
            |(
                id,
                times,
                numbers,
                [access_revoked, refresh_revoked],
                client_vars,
                server_vars,
                device_name,
                device_id,
            )| Session {
                id: SessionId::from_bytes(id),
                identity: (numbers[0] % 2 == 0).then(|| Ordinal::new(numbers[0])),
                method: [
                    Method::Device,
                    Method::Custom,
                    Method::Guest,
                    Method::Password,
                    Method::Provider,
                ][usize::from(id[0]) % 5],
                authenticated_at: times[0],
                last_used_at: times[1],
                idle_expires_at: times[2],
                expires_at: times[3],
                generation: numbers[1],
                access_revoked,
                refresh_revoked,
                client_vars,
                server_vars,
                device_name,
                device_id,
                epoch: Epoch::new(numbers[2]),
                store_epoch: Epoch::new(numbers[3]),
            },
        )
}

fn activity() -> impl Strategy<Value = Arc<Activity>> {
    let login = (at(), any::<Option<u32>>())
        .prop_map(|(at, identity)| LoginRecord { at, identity: identity.map(Ordinal::new) });
    (
        any::<u64>(),
        prop::option::of(login),
        prop::option::of(at()),
        prop::collection::vec(session(), 0..3),
    )
        .prop_map(|(login_count, last_login, previous_login_at, sessions)| {
            Activity { login_count, last_login, previous_login_at, sessions }.into()
        })
}

fn code() -> impl Strategy<Value = OneTimeCode> {
    (small(), small(), any::<[u32; 2]>(), at()).prop_map(
        |(key, account, [generation, tries_left], expires_at)| OneTimeCode {
            key: CodeKey::new([key; 32]),
            purpose: [
                CodePurpose::VerifyEmail,
                CodePurpose::ResetPassword,
                CodePurpose::CarriedBan,
            ][usize::from(key) % 3],
            account: AccountId::from_bytes([account; 16]),
            credential_generation: generation,
            tries_left,
            expires_at,
        },
    )
}

fn write() -> impl Strategy<Value = Write> {
    let expect = || (1..4_u64).prop_map(Version::new);
    let digest = || small().prop_map(|number| [number; 32]);
    prop_oneof![
        4 => (account(), activity())
            .prop_map(|(account, activity)| Write::InsertAccount { account: account.into(), activity }),
        2 => (account(), expect())
            .prop_map(|(account, expect)| Write::UpdateAccount { account: account.into(), expect }),
        2 => (small(), activity(), expect()).prop_map(|(id, activity, expect)| {
            Write::UpdateActivity { id: AccountId::from_bytes([id; 16]), activity, expect }
        }),
        1 => (small(), expect()).prop_map(|(id, expect)| {
            Write::DeleteAccount { id: AccountId::from_bytes([id; 16]), expect }
        }),
        2 => code().prop_map(Write::PutCode),
        1 => digest().prop_map(|key| Write::DeleteCode(CodeKey::new(key))),
        2 => (digest(), at()).prop_map(|(key, forget_at)| {
            Write::UseUp { key: SingleUseKey::new(key), forget_at }
        }),
        1 => digest().prop_map(|key| Write::ResetThrottle(ThrottleKey::new(key))),
        1 => Just(Write::RaiseStoreEpoch),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Write>, Vec<Event>),
    Charge(Charge),
    Prune(u64),
    Sweep(DateTime<Utc>),
    Bind(Box<str>),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        Just(EventKind::AccountCreated),
        any::<String>().prop_map(|reason| EventKind::Kickout { reason }),
    ];
    let event = (small(), at(), kind).prop_map(|(id, at, kind)| Event {
        account: AccountId::from_bytes([id; 16]),
        at,
        kind,
    });
    let charge = (small(), at()).prop_map(|(key, now)| {
        let (key, window) = (ThrottleKey::new([key; 32]), TimeDelta::seconds(9));
        Charge { key, cost: 1, limit: 3, window, now }
    });
    prop_oneof![
        12 => (prop::collection::vec(write(), 0..3), prop::collection::vec(event, 0..3))
            .prop_map(|(writes, events)| Step::Commit(writes, events)),
        2 => charge.prop_map(Step::Charge),
        1 => (0..9_u64).prop_map(Step::Prune),
        1 => at().prop_map(Step::Sweep),
        1 => text().prop_map(Step::Bind),
    ]
}

/// Does the steps, one after the other; what is refused changes nothing.
async fn play(store: &MemoryStore, steps: Vec<Step>) {
    for (number, step) in (0_u128..).zip(steps) {
        match step {
            Step::Commit(writes, events) => {
                let id = CommitId::new(number.to_be_bytes());
                let set = ChangeSet { id, require: Vec::new(), writes, events };
                match store.commit(&set).await {
                    Err(CommitError::Conflict(_)) => {}
                    other => other.unwrap(),
                }
            }
            Step::Charge(charge) => drop(store.consume(&charge).await.unwrap()),
            Step::Prune(cursor) => {
                store.prune_events(EventCursor::new(cursor)).await.unwrap();
            }
            Step::Sweep(now) => drop(store.sweep(now, 2).await.unwrap()),
            Step::Bind(game) => {
                store.bind(&StoreHeader { game, folding: 2 }).await.unwrap();
            }
        }
    }
}

proptest! {
    /// The two stores hold the same, and go on in the same way.
    #[test]
    fn a_store_comes_back_from_its_snapshot(
        steps in prop::collection::vec(step(), 0..16),
        more in prop::collection::vec(step(), 0..6),
    ) {
        runtime().block_on(async {
            let store = MemoryStore::new();
            play(&store, steps).await;
            let bytes = store.snapshot().unwrap();
            let again = MemoryStore::from_snapshot(&bytes).unwrap();
            prop_assert!(again.snapshot().unwrap() == bytes, "the same contents");
            play(&store, more.clone()).await;
            play(&again, more).await;
            prop_assert!(again.snapshot().unwrap() == store.snapshot().unwrap(), "the same ways");
            Ok(())
        })?;
    }

    #[test]
    fn no_bytes_are_a_panic(bytes: Vec<u8>, head in "authcore-memory-store [0-9 a-f]{0,70}\n?") {
        prop_assert!(MemoryStore::from_snapshot(&bytes).is_err());
        let mut all = head.into_bytes();
        all.extend(bytes);
        prop_assert!(MemoryStore::from_snapshot(&all).is_err());
    }
}

/// One of each, from a release of format 1: every later one reads it.
const FORMAT_1: &[u8] = include_bytes!("snapshot-1.txt");

fn example() -> MemoryStore {
    let store = MemoryStore::new();
    let at = |millis: i64| DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap();
    let mut account = Account::new(AccountId::from_bytes([1; 16]), at(0));
    account.username = Some(Username { shown: "Ann".into(), key: "ann".into() });
    account.identities.push(Identity {
        ordinal: Ordinal::FIRST,
        key: IdentityKey::new(ProviderId::EMAIL, "ann@example.com"),
        shown: Some("Ann@example.com".into()),
        linked_at: at(0),
        verified_at: Some(at(1)),
        data: None,
    });
    account.password = Some(Password { hash: "$argon2id$x".into(), version: 2, set_at: at(2) });
    let id = account.id;
    let session = Session {
        id: SessionId::from_bytes([2; 16]),
        identity: Some(Ordinal::FIRST),
        method: Method::Password,
        authenticated_at: at(3),
        last_used_at: at(3),
        idle_expires_at: at(1000),
        expires_at: at(2000),
        generation: 4,
        access_revoked: false,
        refresh_revoked: true,
        client_vars: [("a".to_owned(), "b".to_owned())].into(),
        server_vars: [].into(),
        device_name: Some("phone".into()),
        device_id: None,
        epoch: Epoch::FIRST,
        store_epoch: Epoch::FIRST,
    };
    let activity = Activity {
        login_count: 5,
        last_login: Some(LoginRecord { at: at(3), identity: Some(Ordinal::FIRST) }),
        previous_login_at: Some(at(1)),
        sessions: vec![session],
    };
    let code = OneTimeCode {
        key: CodeKey::new([6; 32]),
        purpose: CodePurpose::ResetPassword,
        account: id,
        credential_generation: 2,
        tries_left: 3,
        expires_at: at(500),
    };
    let insert = Write::InsertAccount { account: account.into(), activity: activity.into() };
    let use_up = Write::UseUp { key: SingleUseKey::new([7; 32]), forget_at: at(600) };
    let writes = [vec![insert, Write::PutCode(code), use_up, Write::RaiseStoreEpoch], vec![]];
    let key = ThrottleKey::new([8; 32]);
    let charge = Charge { key, cost: 1, limit: 3, window: TimeDelta::seconds(9), now: at(4) };
    runtime().block_on(async {
        store.bind(&StoreHeader { game: "game".into(), folding: 1 }).await.unwrap();
        for (number, writes) in (9..).zip(writes) {
            let events = vec![Event { account: id, at: at(0), kind: EventKind::AccountCreated }];
            let id = CommitId::from_bytes([number; 16]);
            store.commit(&ChangeSet { id, require: vec![], writes, events }).await.unwrap();
        }
        store.prune_events(EventCursor::new(1)).await.unwrap();
        store.consume(&charge).await.unwrap();
    });
    store
}

#[test]
fn format_1_is_read_and_still_written() {
    let store = MemoryStore::from_snapshot(FORMAT_1).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(text(&store.snapshot().unwrap()), text(FORMAT_1));
    assert_eq!(text(&example().snapshot().unwrap()), text(FORMAT_1));
}

#[test]
fn a_newer_format_is_named() {
    let newer = FORMAT_1.strip_prefix(b"authcore-memory-store 1").unwrap();
    let newer = [b"authcore-memory-store 2", newer].concat();
    let error = MemoryStore::from_snapshot(&newer).unwrap_err();
    assert_eq!(error, SnapshotError::Newer { format: 2 });
}

#[test]
fn what_was_cut_off_or_changed_is_refused() {
    for length in 0..FORMAT_1.len() {
        assert!(MemoryStore::from_snapshot(&FORMAT_1[..length]).is_err(), "cut off at {length}");
    }
    assert!(MemoryStore::from_snapshot(&[FORMAT_1, b" "].concat()).is_err());
    for place in 0..FORMAT_1.len() {
        let mut changed = FORMAT_1.to_vec();
        changed[place] ^= 1;
        assert!(MemoryStore::from_snapshot(&changed).is_err(), "changed at {place}");
    }
}

/// Nothing in it is trusted because its digest is right.
#[test]
fn contents_that_make_no_store_are_refused() {
    let body = std::str::from_utf8(FORMAT_1).unwrap().split_once('\n').unwrap().1;
    let accounts = r#""accounts":["#;
    let (before, rest) = body.split_once(accounts).unwrap();
    let (account, after) = rest.split_once(r#"],"codes""#).unwrap();
    let other = account.replacen("01010101", "02020202", 1);
    let cases = [
        ("accounts", format!("{before}{accounts}{account},{account}],\"codes\"{after}")),
        ("keys", format!("{before}{accounts}{account},{other}],\"codes\"{after}")),
        ("cursors", body.replacen(r#""last_cursor":2"#, r#""last_cursor":1"#, 1)),
        ("contents", body.replacen("reset_password", "no_purpose", 1)),
        ("contents", body.replacen(r#"{"header""#, r#"{"more":0,"header""#, 1)),
    ];
    for (what, body) in cases {
        let digest = Sha256::digest(&body);
        let digest: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = format!("authcore-memory-store 1 {}\n{body}", digest.concat());
        let error = MemoryStore::from_snapshot(bytes.as_bytes()).unwrap_err();
        assert_eq!(error, SnapshotError::Corrupt { what });
    }
}
