//! Commits that share a statement or a transaction: each has a result of its own.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use authcore::account::{Account, Epoch, IdentityKey, ProviderId, Username, Version};
use authcore::event::EventCursor;
use authcore::store::{
    ChangeSet, CommitError, Conflict, Lookup, Require, SingleUseKey, Snapshot, Store, Write,
};
use authcore_store_postgres::PostgresStore;
use common::Schema;
use common::make::*;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

type Committed = Result<(), CommitError>;

/// A store with one writer, which waits for a row that is locked.
struct Held {
    schema: Schema,
    store: Arc<PostgresStore>,
    lock: Client,
    first: JoinHandle<Committed>,
}

impl Held {
    /// With the accounts `1..=accounts`, the first of which is locked.
    async fn new(accounts: u32) -> Self {
        let schema = Schema::new().await;
        let store = PostgresStore::connect(schema.config().with_writers(1)).await.unwrap();
        for number in 1..=accounts {
            store.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
        }
        for number in 1..=accounts {
            by_id(&store, number).await.unwrap();
        }
        let store = Arc::new(store);
        let lock = schema.client().await;
        lock.batch_execute(&format!(
            "BEGIN; SELECT 1 FROM account_activity WHERE account_id = '{}' FOR UPDATE",
            id(1)
        ))
        .await
        .unwrap();
        let first = commit(&store, login(1, 1));
        let client = schema.client().await;
        let sql = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        while client.query(sql, &[&schema.name]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { schema, store, lock, first }
    }

    /// Hands over what shares a batch, and lets the writer go on.
    async fn release(self, batch: Vec<ChangeSet>) -> (Schema, Arc<PostgresStore>, Vec<Committed>) {
        let waiting: Vec<_> = batch.into_iter().map(|set| commit(&self.store, set)).collect();
        // Each has handed its set over when it first waits.
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.lock.batch_execute("COMMIT").await.unwrap();
        self.first.await.unwrap().unwrap();
        let mut answers = Vec::new();
        for waiting in waiting {
            answers.push(waiting.await.unwrap());
        }
        (self.schema, self.store, answers)
    }
}

fn commit(store: &Arc<PostgresStore>, set: ChangeSet) -> JoinHandle<Committed> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(&set).await })
}

/// A login as the engine makes it, of an account that nobody has changed.
fn login(number: u32, expect: u64) -> ChangeSet {
    let change = set(1000 * u64::from(number) + expect, [logins(number, expect, expect)]);
    ChangeSet { require: vec![Require::Account(id(number), Version::FIRST)], ..change }
}

/// In how many transactions rows were last written.
async fn transactions(schema: &Schema, table: &str, condition: &str) -> i64 {
    let sql = format!("SELECT count(DISTINCT xmin::text) FROM {table} WHERE {condition}");
    schema.client().await.query_one(&sql, &[]).await.unwrap().get(0)
}

fn conflict(answer: &Committed) -> &Conflict {
    match answer {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("{other:?}"),
    }
}

fn device(number: u32) -> IdentityKey {
    IdentityKey::new(ProviderId::DEVICE, &format!("device-{number}"))
}

/// Its first account's second login, of another identity.
fn linked(number: u32, key: IdentityKey) -> Account {
    let mut account = account(number);
    let mut identity = account.identities.first().unwrap().clone();
    identity.ordinal = account.next_ordinal;
    identity.key = key;
    account.next_ordinal = account.next_ordinal.next();
    account.identities.push(identity);
    account
}

#[tokio::test]
async fn logins_that_wait_are_one_transaction() {
    let held = Held::new(30).await;
    let (schema, store, answers) = held.release((2..=30).map(|n| login(n, 1)).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let others = format!("account_id <> '{}'", id(1));
    assert_eq!(transactions(&schema, "account_activity", &others).await, 1);
    assert_eq!(by_id(&*store, 30).await.unwrap().activity.login_count, 1);
}

#[tokio::test]
async fn first_logins_and_links_that_wait_are_one_transaction() {
    let held = Held::new(10).await;
    let key = |number| IdentityKey::new(ProviderId::CUSTOM, &format!("custom-{number}"));
    let links = (2..=10).map(|n| told(n, set(u64::from(n) + 100, [update(linked(n, key(n)), 1)])));
    let first = (11..=20).map(|n| told(n, set(n.into(), [insert(account(n))])));
    let (schema, store, answers) = held.release(links.chain(first).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let others = format!("account_id <> '{}'", id(1));
    assert_eq!(transactions(&schema, "account_activity", &others).await, 1);
    assert_eq!(transactions(&schema, "events", "true").await, 1);
    let events = store.events(EventCursor::START, 100).await.unwrap();
    assert_eq!(events.len(), 19);
    assert_eq!(by_id(&*store, 10).await.unwrap().account, linked(10, key(10)));
    assert_eq!(by_id(&*store, 20).await.unwrap().account, account(20));
}

#[tokio::test]
async fn a_lost_race_is_nobody_elses() {
    let held = Held::new(10).await;
    // Behind the back of what was loaded.
    let sql = format!(
        "UPDATE account_activity SET version = 5 WHERE account_id = '{}'; \
         UPDATE accounts SET version = 5 WHERE id = '{}'; \
         UPDATE account_activity SET account_version = 5 WHERE account_id = '{}'; \
         DELETE FROM accounts WHERE id = '{}'; DELETE FROM account_activity WHERE account_id = '{}'",
        id(3),
        id(4),
        id(4),
        id(5),
        id(5)
    );
    held.schema.client().await.batch_execute(&sql).await.unwrap();
    let (_schema, store, answers) =
        held.release((2..=7).map(|number| login(number, 1)).collect()).await;
    assert!(answers[0].is_ok() && answers[4].is_ok() && answers[5].is_ok(), "{answers:?}");
    assert_eq!(*conflict(&answers[1]), Conflict::ActivityChanged(id(3)));
    assert_eq!(*conflict(&answers[2]), Conflict::AccountChanged(id(4)));
    assert_eq!(*conflict(&answers[3]), Conflict::AccountMissing(id(5)));
    assert_eq!(by_id(&*store, 7).await.unwrap().activity.login_count, 1);
}

#[tokio::test]
async fn a_key_that_is_taken_is_nobody_elses_loss() {
    let held = Held::new(10).await;
    let taken = linked(2, device(9));
    let mut thief = account(21);
    thief.identities.first_mut().unwrap().key = device(8);
    let batch = vec![
        set(101, [update(taken, 1)]),
        set(102, [insert(thief)]),
        told(22, set(103, [insert(account(22))])),
        set(104, [update(linked(3, device(33)), 1)]),
        // The same account twice, and a new key that two want.
        set(105, [update(linked(3, device(34)), 1)]),
        set(
            106,
            [insert({
                let mut second = account(23);
                second.identities.first_mut().unwrap().key = device(22);
                second
            })],
        ),
    ];
    let (_schema, store, answers) = held.release(batch).await;
    assert_eq!(*conflict(&answers[0]), Conflict::IdentityTaken(device(9)));
    assert_eq!(*conflict(&answers[1]), Conflict::IdentityTaken(device(8)));
    // What the others want of each other goes to one of them.
    let (won, lost) = if answers[2].is_ok() { (2, 5) } else { (5, 2) };
    assert!(answers[won].is_ok(), "{answers:?}");
    assert_eq!(*conflict(&answers[lost]), Conflict::IdentityTaken(device(22)));
    let (won, lost) = if answers[3].is_ok() { (3, 4) } else { (4, 3) };
    assert!(answers[won].is_ok(), "{answers:?}");
    assert_eq!(*conflict(&answers[lost]), Conflict::AccountChanged(id(3)));
    assert!(by_id(&*store, 21).await.is_none());
    let told = store.events(EventCursor::START, 10).await.unwrap().len();
    assert_eq!(told, usize::from(answers[2].is_ok()));
    assert_eq!(by_id(&*store, 2).await.unwrap().account, account(2));
}

#[tokio::test]
async fn what_stands_against_a_new_account_is_nobody_elses_loss_and_leaves_nothing() {
    let held = Held::new(3).await;
    let named = |mut account: Account, name: &str| {
        account.username = Some(Username { shown: name.into(), key: name.into() });
        account
    };
    let sql = "UPDATE accounts SET username = 'taken', username_key = 'taken' WHERE id = $1";
    held.schema.client().await.execute(sql, &[&id(2).as_uuid()]).await.unwrap();
    let key = SingleUseKey::new([7; 32]);
    let used_up = Write::UseUp { key, forget_at: at(9) };
    let spent = SingleUseKey::new([8; 32]);
    let sql = "INSERT INTO single_use (key, forget_at, commit_id) VALUES ($1, 9, $2)";
    let by = id(1).as_uuid();
    held.schema.client().await.execute(sql, &[&&spent.as_bytes()[..], &by]).await.unwrap();
    let spends = || Write::UseUp { key: spent, forget_at: at(9) };
    let mut other = account(3);
    other.identities.first_mut().unwrap().key = device(33);
    let batch = vec![
        told(10, set(110, [insert(account(10))])),
        // Each would be whole but for its name, one of its two logins, or its id.
        told(11, set(111, [insert(named(account(11), "taken")), used_up])),
        told(12, set(112, [insert(linked(12, device(2)))])),
        told(3, set(113, [insert(other)])),
        // Handed over again.
        set(3, [insert(account(3))]),
        told(13, set(114, [insert(named(linked(13, device(130)), "free"))])),
        // What it uses up was used up.
        told(14, set(115, [insert(account(14)), spends()])),
    ];
    let (schema, store, answers) = held.release(batch).await;
    assert_eq!(*conflict(&answers[1]), Conflict::UsernameTaken("taken".into()));
    assert_eq!(*conflict(&answers[2]), Conflict::IdentityTaken(device(2)));
    assert_eq!(*conflict(&answers[3]), Conflict::AccountExists(id(3)));
    assert_eq!(*conflict(&answers[6]), Conflict::UsedUp(spent));
    for won in [0, 4, 5] {
        assert!(answers[won].is_ok(), "{answers:?}");
    }
    let others = format!("id IN ('{}', '{}')", id(10), id(13));
    assert_eq!(transactions(&schema, "accounts", &others).await, 1);
    assert_eq!(store.events(EventCursor::START, 10).await.unwrap().len(), 2);
    let whole = |snapshot: Option<Snapshot>| snapshot.unwrap().account;
    assert_eq!(whole(by_id(&*store, 3).await), account(3));
    assert_eq!(whole(by_id(&*store, 13).await).identities, linked(13, device(130)).identities);
    for lost in [11, 12, 14] {
        assert!(by_id(&*store, lost).await.is_none());
        assert!(store.load(&Lookup::Identity(device(lost))).await.unwrap().is_none());
    }
    assert!(store.load(&Lookup::Identity(device(33))).await.unwrap().is_none());
    store.commit(&set(120, [Write::UseUp { key, forget_at: at(9) }])).await.unwrap();
}

#[tokio::test]
async fn two_logins_of_one_account_are_told_apart() {
    let held = Held::new(3).await;
    let again = ChangeSet { id: set(9, []).id, ..login(2, 1) };
    let (_schema, store, answers) = held.release(vec![login(2, 1), again, login(2, 1)]).await;
    // The third is the first one, handed over again.
    assert_eq!(answers[0].is_ok(), answers[2].is_ok());
    let lost = usize::from(answers[0].is_ok());
    assert!(answers[1 - lost].is_ok(), "{answers:?}");
    assert_eq!(*conflict(&answers[lost]), Conflict::ActivityChanged(id(2)));
    assert_eq!(by_id(&*store, 2).await.unwrap().activity_version.number(), 2);
}

#[tokio::test]
async fn an_account_that_is_not_the_one_that_was_loaded_is_judged_anew() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    let other = schema.open().await;
    store.commit(&set(1, [insert(linked(1, device(50)))])).await.unwrap();
    by_id(&store, 1).await.unwrap();
    // Another node removes it, and makes another one of the same id.
    let gone = authcore::store::Write::DeleteAccount { id: id(1), expect: Version::FIRST };
    other.commit(&set(2, [gone])).await.unwrap();
    other.commit(&set(3, [insert(account(1))])).await.unwrap();
    // Of the one that was loaded, both rows would stay as they are.
    store.commit(&set(4, [update(linked(1, device(50)), 1)])).await.unwrap();
    assert_eq!(by_id(&store, 1).await.unwrap().account, linked(1, device(50)));
}

/// Whoever comes second loses, on whichever node: there is no login that an earlier ban did not stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ban_and_a_login_beside_it_are_one_after_the_other() {
    for options in ["", "-c default_transaction_isolation=serializable"] {
        let schema = Schema::with(options).await;
        let (here, there) = (Arc::new(schema.open().await), Arc::new(schema.open().await));
        let (mut logins, mut bans) = (0, 0);
        for number in 1..=100 {
            here.commit(&set(number.into(), [insert(account(number))])).await.unwrap();
            by_id(&*here, number).await.unwrap();
            by_id(&*there, number).await.unwrap();
            let banned = Account { epoch: Epoch::new(1), ..account(number) };
            let mut ban = set(5000 + u64::from(number), [update(banned, 1)]);
            ban.require.push(Require::Activity(id(number), Version::FIRST));
            let (login, ban) = (commit(&here, login(number, 1)), commit(&there, ban));
            let (login, ban) = (login.await.unwrap(), ban.await.unwrap());
            assert_ne!(login.is_ok(), ban.is_ok(), "{login:?} {ban:?}");
            let found = by_id(&*here, number).await.unwrap();
            assert_eq!(found.activity.login_count == 1, login.is_ok());
            assert_eq!(found.account.epoch == Epoch::new(1), ban.is_ok());
            logins += u32::from(login.is_ok());
            bans += u32::from(ban.is_ok());
        }
        assert_eq!(logins + bans, 100);
    }
}

/// Another node, which has not loaded the account, writes what logins compare as well.
#[tokio::test]
async fn a_login_is_compared_with_what_a_set_that_went_alone_has_changed() {
    let schema = Schema::new().await;
    let (here, there) = (schema.open().await, schema.open().await);
    here.commit(&set(1, [insert(account(1))])).await.unwrap();
    by_id(&here, 1).await.unwrap();
    let banned = Account { epoch: Epoch::new(1), ..account(1) };
    there.commit(&set(2, [update(banned, 1)])).await.unwrap();
    let copied = "SELECT count(*) FROM accounts a JOIN account_activity v ON v.account_id = a.id \
                  WHERE (v.account_version, v.account_epoch) = (a.version, a.epoch)";
    let copied: i64 = schema.client().await.query_one(copied, &[]).await.unwrap().get(0);
    let answer = here.commit(&login(1, 1)).await;
    assert_eq!((copied, conflict(&answer)), (1, &Conflict::AccountChanged(id(1))));
}

/// A login that is told goes with links, which write activities, too: whoever locks them one after the other finds the
/// later one free.
#[tokio::test]
async fn activities_are_locked_in_the_order_of_their_accounts() {
    let held = Held::new(3).await;
    let other = held.schema.client().await;
    let lock = |number, how| {
        format!(
            "SELECT 1 FROM account_activity WHERE account_id = '{}' FOR UPDATE {how}",
            id(number)
        )
    };
    other.batch_execute(&format!("BEGIN; {}", lock(2, ""))).await.unwrap();
    let name = held.schema.name.clone();
    let link = set(50, [update(linked(3, device(50)), 1)]);
    let released = tokio::spawn(held.release(vec![told(60, login(2, 1)), link]));
    let waits = format!(
        "SELECT 1 FROM pg_stat_activity, account_activity v WHERE application_name = '{name}' \
         AND wait_event_type = 'Lock' AND v.account_id = '{}' AND v.login_count = 1",
        id(1)
    );
    while other.query(&waits, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    other.batch_execute(&lock(3, "NOWAIT")).await.unwrap();
    other.batch_execute("COMMIT").await.unwrap();
    let (_schema, _store, answers) = released.await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn each_of_two_conditions_of_a_kind_counts() {
    let schema = Schema::new().await;
    let store = schema.open().await;
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    by_id(&store, 1).await.unwrap();
    let mut twice = login(1, 1);
    twice.require.insert(0, Require::Account(id(1), Version::new(7)));
    let answer = store.commit(&twice).await;
    assert_eq!(*conflict(&answer), Conflict::AccountChanged(id(1)));
}

#[tokio::test]
async fn what_was_handed_over_is_done_though_nobody_waits() {
    let held = Held::new(3).await;
    for change in [login(2, 1), told(40, set(40, [insert(account(40))]))] {
        let mut commit = Box::pin(held.store.commit(&change));
        let polled = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let (_schema, store, answers) = held.release(vec![login(3, 1)]).await;
    assert!(answers[0].is_ok());
    // The one writer did what came before.
    for _ in 0..500 {
        if by_id(&*store, 40).await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(by_id(&*store, 2).await.unwrap().activity.login_count, 1);
    assert_eq!(store.events(EventCursor::START, 10).await.unwrap().len(), 1);
}
