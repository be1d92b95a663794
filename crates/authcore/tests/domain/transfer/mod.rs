//! Guest transfer accounts (gamebase 1.9, 3.14, 4.3).

mod carry;
mod issue;
mod members;
mod operator;
mod races;
mod secrets;
mod trials;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, Ordering};

use authcore::account::{Account, AccountId, CommitId};
use authcore::event::EventKind;
use authcore::policy::Rate;
use authcore::store::{ChangeSet, Lookup, Write};
use authcore::transfer::{
    Characters, KeyFormat, LockRule, TransferInfo, TransferRules, TransferState,
};
use authcore::{Engine, Error, LoggedIn, Policy, Refusal, RequestContext, Secret, Transfer};
use authcore_testkit::Harness;
use chrono::TimeDelta;

use super::{context, guest, log_in, who, world};

const OLD: &str = "guest-key-of-the-old-device";
const NEW: &str = "guest-key-of-the-new-device";
const HOUR: TimeDelta = TimeDelta::hours(1);
const DAY: TimeDelta = TimeDelta::days(1);
/// The least step of time.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// Digits; any number of transfers; a week to live; three wrong passwords block for an hour.
fn rules() -> TransferRules {
    let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    TransferRules {
        id: digits,
        password: Some(digits),
        one_time: false,
        lifetime: Some(TimeDelta::days(7)),
        lock: Some(LockRule { failures: NonZeroU32::new(3).unwrap(), period: Some(HOUR) }),
        not_before: None,
    }
}

fn id_only() -> TransferRules {
    TransferRules { password: None, lock: None, ..rules() }
}

/// Under these rules, and with more tries for one caller than any test makes that is not about them.
fn policy(rules: TransferRules) -> Policy {
    let transfer_attempts = Rate { limit: 1000, window: TimeDelta::hours(1) };
    Policy { transfer: Some(rules), transfer_attempts, ..Policy::gamebase() }
}

/// A guest on the old device, with a transfer account.
struct Issued {
    world: Harness,
    player: LoggedIn,
    info: TransferInfo,
}

impl Issued {
    async fn under(rules: TransferRules) -> Self {
        let world = world(policy(rules)).await;
        let (player, info) = issued_to(world.engine(), OLD).await;
        Self { world, player, info }
    }

    fn engine(&self) -> &Engine {
        self.world.engine()
    }

    fn pass(&self, time: TimeDelta) {
        self.world.clock().advance(time);
    }

    fn id(&self) -> AccountId {
        self.player.account.id
    }

    /// The account as it is kept.
    async fn kept(&self) -> Account {
        kept(&self.world, self.id()).await
    }

    async fn state(&self) -> TransferState {
        self.kept().await.records.transfer.unwrap().state
    }

    /// Transfers to the new device with the right secrets.
    async fn right(&self) -> Result<LoggedIn, Error> {
        carry(self.engine(), NEW, &self.info).await
    }

    /// What a try with a wrong password is told.
    async fn wrong(&self) -> Refusal {
        let wrong = with_password(&self.info, "000000000000");
        super::refusal(carry(self.engine(), NEW, &wrong).await)
    }

    /// Tries wrong passwords until it is blocked.
    async fn block(&self) {
        for _ in 0..2 {
            assert_eq!(self.wrong().await, Refusal::TransferWrongPassword);
        }
        assert!(matches!(self.wrong().await, Refusal::TransferBlocked(_)));
    }
}

async fn issued_to(engine: &Engine, key: &str) -> (LoggedIn, TransferInfo) {
    let player = log_in(engine, guest(key)).await;
    let caller = who(engine, &player).await;
    let info = engine.issue_transfer_account(&on_device(key), &caller).await.unwrap();
    (player, info)
}

/// From the device with this guest key, whose id is made of it.
fn on_device(key: &str) -> RequestContext {
    let mut context = context();
    context.device_id = Some(format!("device of {key}"));
    context
}

fn request(key: &str, info: &TransferInfo) -> Transfer {
    let request = Transfer::new(key, info.id.clone().unwrap());
    match info.password.clone() {
        Some(password) => request.with_password(password),
        None => request,
    }
}

async fn carry(engine: &Engine, key: &str, info: &TransferInfo) -> Result<LoggedIn, Error> {
    engine.transfer(&on_device(key), None, request(key, info)).await
}

fn with_password(info: &TransferInfo, password: &str) -> TransferInfo {
    let mut other = info.clone();
    other.password = Some(password.into());
    other
}

fn with_id(info: &TransferInfo, id: &str) -> TransferInfo {
    let mut other = info.clone();
    other.id = Some(id.into());
    other
}

fn text(secret: Option<&Secret>) -> &str {
    secret.unwrap().reveal()
}

async fn kept(world: &Harness, id: AccountId) -> Account {
    world.store().load(&Lookup::Id(id)).await.unwrap().unwrap().account
}

/// How many edits there were: each is a commit of its own.
static EDITS: AtomicU8 = AtomicU8::new(0);

/// Changes an account behind the engine's back.
async fn edit(world: &Harness, id: AccountId, change: impl FnOnce(&mut Account)) {
    let found = world.store().load(&Lookup::Id(id)).await.unwrap().unwrap();
    let mut account = found.account;
    change(&mut account);
    let write = Write::UpdateAccount { account: Box::new(account), expect: found.version };
    let change = ChangeSet {
        id: CommitId::new([EDITS.fetch_add(1, Ordering::SeqCst); 16]),
        require: Vec::new(),
        writes: vec![write],
        events: Vec::new(),
    };
    world.store().commit(&change).await.unwrap();
}

/// What happened to an account, oldest first.
async fn history(world: &Harness, id: AccountId) -> Vec<EventKind> {
    let events = world
        .engine()
        .events(&super::operator(), authcore::event::EventCursor::START, 1000)
        .await
        .unwrap();
    events
        .into_iter()
        .filter(|stored| stored.event.account == id)
        .map(|stored| stored.event.kind)
        .collect()
}
