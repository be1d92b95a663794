#![expect(clippy::panic, clippy::expect_used, reason = "a test kit fails by panicking")]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use authcore::account::{Account, Epoch, Version};
use authcore::lifecycle::Expiry;
use authcore::password::Password;
use authcore::session::Activity;
use authcore::store::{
    Admission, ChangeSet, Charge, CommitError, Conflict, Lookup, OneTimeCode, Require,
};

use crate::make::{
    Build, account, activity, at, bare, charge, code, code_key, commit_id, device, event, id,
    leaving, lookup_device, lookup_transfer, lookup_username, session, set, silent, single_use_key,
    transfer_key, with_ban, with_epoch, with_identity, with_transfer, with_username,
};
use crate::trial::Trial;

/// Accounts 1 to 3, the last with a transfer account; code 1, single-use key 1; throttle 1 used up.
async fn prepare(on: &Trial) {
    on.ok(&set().insert(account(1)).insert(account(2)).insert(third())).await;
    on.ok(&set().put_code(code(1, 1, at(9))).use_up(1)).await;
    assert_eq!(on.consume(&all()).await, Admission::Admitted);
}

fn third() -> Account {
    with_transfer(account(3), 3)
}

fn all() -> Charge {
    Charge { cost: 5, ..charge(1, at(0)) }
}

/// Sets that would all be applied, one for each kind of write.
fn good() -> Vec<ChangeSet> {
    let moved = with_identity(with_username(bare(2), "moved"), device("device-1"));
    vec![
        set().insert_with(account(4), activity(4)),
        set().update(with_username(with_epoch(bare(1), 7), "renamed"), 1),
        set().update(bare(1), 1).update(moved, 1),
        set().update(leaving(with_transfer(bare(1), 1), at(9)), 1),
        set().delete(1, 1),
        set().activity(1, activity(7), 1),
        set().put_code(code(2, 1, at(9))),
        set().put_code(OneTimeCode { tries_left: 1, ..code(1, 2, at(10)) }),
        set().delete_code(1),
        set().use_up(2),
        set().reset(1),
        set().raise(),
    ]
}

/// What makes a set fail; none of it touches what the good ones do.
fn bad() -> Vec<(ChangeSet, Conflict)> {
    vec![
        (silent().use_up(1), Conflict::UsedUp(single_use_key(1))),
        (silent().update(account(3), 9), Conflict::AccountChanged(id(3))),
        (silent().insert(account(3)), Conflict::AccountExists(id(3))),
        (silent().activity(3, activity(9), 9), Conflict::ActivityChanged(id(3))),
        (silent().delete(9, 1), Conflict::AccountMissing(id(9))),
        (
            silent().insert(with_identity(bare(8), device("device-3"))),
            Conflict::IdentityTaken(device("device-3")),
        ),
        (
            silent().insert(with_username(bare(8), "user-3")),
            Conflict::UsernameTaken("user-3".into()),
        ),
        (silent().insert(with_transfer(bare(8), 3)), Conflict::TransferTaken(transfer_key(3))),
    ]
}

async fn nothing_is_left(on: &Trial, join: fn(ChangeSet, ChangeSet) -> ChangeSet) {
    prepare(on).await;
    for good in good() {
        for (bad, expected) in bad() {
            let both = join(good.clone(), ChangeSet { id: commit_id(), ..bad });
            let both = ChangeSet { id: commit_id(), ..both };
            on.refused(&both, expected).await;
        }
    }
    // What cannot be read shows in what can still be done.
    for (number, expected) in (1..).zip([account(1), account(2), third()]) {
        let found = on.get(id(number)).await;
        assert_eq!((found.account, found.version), (expected, Version::FIRST));
        assert_eq!((found.activity, found.activity_version), (Activity::default(), Version::FIRST));
        assert_eq!(found.store_epoch, Epoch::FIRST, "the store's epoch was not raised");
    }
    assert!(
        matches!(on.consume(&all()).await, Admission::Refused { .. }),
        "the throttle was not reset"
    );
    assert_eq!(on.code(code_key(1)).await, Some(code(1, 1, at(9))));
    assert_eq!(on.code(code_key(2)).await, None);
    let lookups = [
        lookup_username("renamed"),
        lookup_username("moved"),
        lookup_device("device-4"),
        lookup_transfer(1),
    ];
    for lookup in lookups {
        assert_eq!(on.load(&lookup).await, None);
    }
    assert_eq!(on.due(at(1_000_000), 10).await, []);
    on.ok(&set().use_up(2)).await;
    on.ok(&set().insert(account(4))).await;
}

pub(crate) async fn failing_last_write_leaves_nothing(on: &mut Trial) {
    nothing_is_left(on, |good, bad| {
        let writes = [good.writes, bad.writes].concat();
        ChangeSet { writes, ..good }
    })
    .await;
}

pub(crate) async fn failing_first_write_leaves_nothing(on: &mut Trial) {
    nothing_is_left(on, |good, bad| {
        let writes = [bad.writes, good.writes].concat();
        ChangeSet { writes, ..good }
    })
    .await;
}

pub(crate) async fn failing_requirement_leaves_nothing(on: &mut Trial) {
    prepare(on).await;
    for good in good() {
        let set = good
            .require(Require::Account(id(3), Version::FIRST))
            .require(Require::Code(code_key(1), 4));
        on.refused(&set, Conflict::CodeChanged(code_key(1))).await;
    }
}

fn banned(number: u32) -> Account {
    with_ban(with_epoch(account(number), 1), Expiry::Never)
}

/// A login that was decided on the account's first version.
fn login(number: u32) -> ChangeSet {
    let active =
        Activity { login_count: 1, sessions: vec![session(number)], ..Activity::default() };
    set()
        .require(Require::Account(id(number), Version::FIRST))
        .require(Require::Epoch(id(number), Epoch::FIRST))
        .activity(number, active, 1)
}

pub(crate) async fn login_decided_before_a_ban_is_refused(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    on.ok(&set().update(banned(1), 1)).await;
    on.refused(&login(1), Conflict::AccountChanged(id(1))).await;
}

/// Whether a change is written in a batch or by itself is the store's business: what logins compare follows all of them.
pub(crate) async fn login_decided_before_any_change_is_refused(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2))).await;
    let with_password = |mut account: Account| {
        account.password = Some(Password { hash: "hash".into(), version: 1, set_at: at(0) });
        account
    };
    let linked = with_identity(account(1), device("device-9"));
    let changes = [
        set().update(with_username(account(1), "renamed"), 1),
        silent().update(account(1), 2),
        set().update(linked.clone(), 3),
        set().update(account(1), 4).update(with_identity(account(2), device("device-9")), 1),
        set().update(linked, 5).update(account(2), 2),
        set().update(with_transfer(account(1), 1), 6),
        set().update(leaving(account(1), at(9)), 7),
        set().update(with_password(account(1)), 8).use_up(1),
        set().update(with_ban(account(1), Expiry::Never), 9).put_code(code(1, 1, at(9))),
    ];
    for (change, before) in changes.iter().zip(1..) {
        on.ok(change).await;
        assert_eq!(on.get(id(1)).await.version, Version::new(before + 1));
        let login = |builder: ChangeSet, decided_on| {
            let require = Require::Account(id(1), Version::new(decided_on));
            builder.require(require).activity(1, activity(before), before)
        };
        on.refused(&login(silent(), before), Conflict::AccountChanged(id(1))).await;
        on.refused(&login(set(), before), Conflict::AccountChanged(id(1))).await;
        on.ok(&login(if before % 2 == 0 { silent() } else { set() }, before + 1)).await;
    }
}

pub(crate) async fn login_beside_a_ban_is_whole_or_refused(on: &mut Trial) {
    for number in 0..50 {
        on.ok(&set().insert(account(number))).await;
        let results = on.race(vec![login(number), set().update(banned(number), 1)]).await;
        let Ok([login, ban]) = <[_; 2]>::try_from(results) else { panic!("two answers") };
        assert!(ban.is_ok(), "nothing stands in the way of the ban: {ban:?}");
        let found = on.get(id(number)).await;
        assert_eq!(found.account, banned(number));
        match login {
            // Then it came first, and the ban's epoch ends its session.
            Ok(()) => assert!(
                found.activity.sessions.iter().all(|session| session.epoch < found.account.epoch)
            ),
            Err(CommitError::Conflict(conflict)) => {
                assert_eq!(conflict, Conflict::AccountChanged(id(number)));
                assert_eq!(found.activity, Activity::default());
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub(crate) async fn login_beside_a_password_change_is_refused(on: &mut Trial) {
    let with_password = |version| {
        let mut account = account(1);
        account.password = Some(Password { hash: "hash".into(), version, set_at: at(0) });
        account
    };
    on.ok(&set().insert(with_password(1))).await;
    let login = || set().require(Require::PasswordVersion(id(1), 1)).activity(1, activity(1), 1);
    on.ok(&set().update(with_password(2), 1)).await;
    on.refused(&login(), Conflict::AccountChanged(id(1))).await;
}

/// A dropped commit is applied whole or not at all, now or a little later; and it can be settled by asking again.
pub(crate) async fn dropped_commit_is_whole_or_nothing(on: &mut Trial) {
    for number in 0..40 {
        let set = silent()
            .insert(account(number))
            .put_code(code(number, number, at(9)))
            .use_up(number)
            .tell(event(number));
        {
            let store = Arc::clone(on.store());
            let mut commit = pin!(store.commit(&set));
            for _ in 0..number % 4 {
                if commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // The account is read first: what is applied in between shows as "nothing", and then as whole.
        if on.load(&Lookup::Id(id(number))).await.is_some() {
            assert!(on.code(code_key(number)).await.is_some(), "whole");
        }
        on.ok(&set).await;
        assert_eq!(on.get(id(number)).await.version, Version::FIRST);
        assert!(on.code(code_key(number)).await.is_some());
        on.refused(&self::set().use_up(number), Conflict::UsedUp(single_use_key(number))).await;
    }
    let told = on.store().events(authcore::event::EventCursor::START, 1000).await.expect("events");
    assert_eq!(told.len(), 40, "each was applied once");
}
