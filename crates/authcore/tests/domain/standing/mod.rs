//! Bans, grace bans, withdrawal, repair and closures.

mod bans;
mod carried;
mod closure;
mod erasure;
mod gate;
mod grace;
mod machine;
mod notices;
mod repair;
mod sessions;
mod withdrawal;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU8, Ordering};

use authcore::account::{Account, AccountId, CommitId, IdentityKey};
use authcore::event::{EventCursor, EventKind};
use authcore::lifecycle::{Amount, BanPeriod, ReleaseRule, standing};
use authcore::policy::{GraceRelease, Lockdown, RefundTrigger};
use authcore::store::{ChangeSet, Lookup, Snapshot, Write};
use authcore::{LoggedIn, Policy, Purchase, Refresh};
use authcore_testkit::Harness;
use chrono::{DateTime, TimeDelta, Utc};

use super::{at, block_on, context, guest, log_in, operator, refusal, try_log_in, who, world};

const MOMENT: TimeDelta = TimeDelta::milliseconds(1);
const GUEST: &str = "a-guest-key-of-16-bytes";

/// A game in which the second refund locks down, and two payments of 5.00 in three days release.
fn with_release() -> Policy {
    let mut policy = without_release();
    if let Some(lockdown) = &mut policy.lockdown {
        lockdown.release = Some(GraceRelease {
            period: TimeDelta::days(3),
            rule: ReleaseRule::All { amount: Amount::minor(1000), count: 2 },
            message: "pay up".into(),
        });
    }
    policy
}

/// A game in which the second refund bans for ten days.
fn without_release() -> Policy {
    Policy {
        lockdown: Some(Lockdown {
            trigger: RefundTrigger::Count(NonZeroU32::new(2).unwrap()),
            currency: "USD".into(),
            ban: BanPeriod::Seconds(10 * 24 * 3600),
            template: None,
            release: None,
        }),
        ..Policy::gamebase()
    }
}

fn usd(id: &str, minor: u64) -> Purchase {
    Purchase::new(id, Amount::minor(minor), "USD")
}

async fn lock_down(world: &Harness, id: AccountId) -> Account {
    for order in ["refunded-1", "refunded-2"] {
        world.engine().record_refund(&operator(), id, usd(order, 100)).await.unwrap();
    }
    account(world, id).await
}

async fn pay(world: &Harness, id: AccountId, order: &str, minor: u64) -> Account {
    world.engine().record_payment(&operator(), id, usd(order, minor)).await.unwrap()
}

/// A player who is suspended.
async fn suspended(world: &Harness, subject: &str) -> LoggedIn {
    let player = log_in(world.engine(), at("facebook", subject)).await;
    lock_down(world, player.account.id).await;
    player
}

/// A player whose withdrawal is pending, and when it becomes final.
async fn pending(world: &Harness, subject: &str) -> (LoggedIn, DateTime<Utc>) {
    let player = log_in(world.engine(), at("facebook", subject)).await;
    let who = who(world.engine(), &player).await;
    world.engine().request_withdrawal(&context(), &who).await.unwrap();
    let due = now(world) + world.engine().policy().withdrawal_grace;
    (player, due)
}

/// An account that has lost its only login to another one, and that one.
async fn lost(world: &Harness, subject: &str) -> (LoggedIn, LoggedIn) {
    let player = log_in(world.engine(), at("facebook", subject)).await;
    let other = log_in(world.engine(), guest("the-guest-who-takes-it")).await;
    let key = &player.account.identities[0].key;
    world.engine().move_identity(&operator(), key, other.account.id).await.unwrap();
    (player, other)
}

fn now(world: &Harness) -> DateTime<Utc> {
    authcore::Clock::now(world.clock())
}

async fn account(world: &Harness, id: AccountId) -> Account {
    world.engine().accounts_by_id(&operator(), &[id]).await.unwrap().remove(0)
}

/// Gamebase's letter for how an account stands.
async fn valid(world: &Harness, id: AccountId) -> char {
    standing(&account(world, id).await).gamebase_code()
}

async fn owner(world: &Harness, key: &IdentityKey) -> Option<AccountId> {
    let found = world.engine().accounts_by_identity(&operator(), std::slice::from_ref(key)).await;
    found.unwrap().first().map(|(_, account)| account.id)
}

/// What the store holds, as it is written.
async fn kept(world: &Harness, id: AccountId) -> Snapshot {
    world.store().load(&Lookup::Id(id)).await.unwrap().unwrap()
}

/// Changes what the store holds, without any rule.
async fn craft(world: &Harness, id: AccountId, change: impl FnOnce(&mut Account)) {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let Snapshot { mut account, version, .. } = kept(world, id).await;
    change(&mut account);
    let write = Write::UpdateAccount { account: Box::new(account), expect: version };
    let id = CommitId::new([COUNT.fetch_add(1, Ordering::SeqCst); 16]);
    let change = ChangeSet { id, require: vec![], writes: vec![write], events: vec![] };
    world.store().commit(&change).await.unwrap();
}

/// What happened to an account, oldest first.
async fn events(world: &Harness, id: AccountId) -> Vec<EventKind> {
    let all = world.engine().events(&operator(), EventCursor::START, 1000).await.unwrap();
    all.into_iter()
        .filter(|stored| stored.event.account == id)
        .map(|stored| stored.event.kind)
        .collect()
}

async fn is_alive(world: &Harness, player: &LoggedIn) -> bool {
    let refresh = Refresh::new(player.tokens.refresh.reveal());
    let refreshed = world.engine().refresh(&context(), refresh).await.is_ok();
    let verified = world.engine().verify(player.tokens.access.reveal()).await.is_ok();
    assert_eq!(verified, refreshed, "both kinds of tokens end together");
    verified
}
