#![expect(clippy::panic, reason = "a test kit fails by panicking")]

use authcore::account::{Epoch, Version};
use authcore::store::{
    Admission, ChangeSet, Charge, CommitError, Conflict, Lookup, OneTimeCode, Require,
};

use crate::make::{
    Build, account, activity, at, bare, charge, code, code_key, commit_id, device, event, id, set,
    silent, single_use_key, with_epoch, with_identity, with_username,
};
use crate::trial::Trial;

/// Commits a set, and then again; in between, unrelated sets. The audit finds events that were told twice.
async fn twice(on: &Trial, set: &ChangeSet) {
    on.ok(set).await;
    on.ok(set).await;
    on.ok(&silent().insert(account(
        9000 + u32::try_from(on.all_events().await.len()).unwrap_or(0),
    )))
    .await;
    on.ok(&silent().tell(event(1))).await;
    on.ok(set).await;
}

pub(crate) async fn insert(on: &mut Trial) {
    twice(on, &set().insert_with(account(1), activity(3))).await;
    let found = on.get(id(1)).await;
    assert_eq!((found.version, found.activity_version), (Version::FIRST, Version::FIRST));
}

pub(crate) async fn update(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    twice(on, &set().update(with_epoch(account(1), 1), 1)).await;
    assert_eq!(on.get(id(1)).await.version, Version::new(2));
}

pub(crate) async fn update_of_activity(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    // What it requires has changed when it comes again: what was done stays done.
    let set = set().activity(1, activity(1), 1).require(Require::Account(id(1), Version::FIRST));
    on.ok(&set).await;
    on.ok(&silent().update(with_epoch(account(1), 1), 1)).await;
    on.ok(&set).await;
    assert_eq!(on.get(id(1)).await.activity_version, Version::new(2));
}

pub(crate) async fn delete(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    twice(on, &set().delete(1, 1)).await;
    assert_eq!(on.load(&Lookup::Id(id(1))).await, None);
}

pub(crate) async fn move_of_an_identity(on: &mut Trial) {
    let owner = |number, has: bool| {
        let account = bare(number);
        if has { with_identity(account, device("it")) } else { account }
    };
    on.ok(&set().insert(owner(1, true)).insert(owner(2, false))).await;
    twice(on, &set().update(owner(2, true), 1).update(owner(1, false), 1)).await;
    assert_eq!(on.get(id(2)).await.version, Version::new(2));
}

pub(crate) async fn half_overtaken_move(on: &mut Trial) {
    let owner = |number| with_identity(bare(number), device("it"));
    for (overtaken, rival) in [(1, with_epoch(bare(1), 9)), (2, with_epoch(owner(2), 9))] {
        on.ok(&silent().insert(owner(1)).insert(bare(2))).await;
        let set = set().update(bare(1), 1).update(owner(2), 1);
        on.ok(&set).await;
        on.ok(&silent().update(rival.clone(), 2)).await;
        on.ok(&set).await;
        assert_eq!(on.get(id(overtaken)).await.account, rival, "the later write stays");
        assert_eq!(on.get(id(3 - overtaken)).await.version, Version::new(2));
        let versions = if overtaken == 1 { (3, 2) } else { (2, 3) };
        on.ok(&silent().delete(1, versions.0).delete(2, versions.1)).await;
    }
}

pub(crate) async fn codes(on: &mut Trial) {
    on.ok(&set().insert(account(1)).put_code(code(1, 1, at(5)))).await;
    twice(
        on,
        &set()
            .require(Require::Code(code_key(1), 5))
            .put_code(OneTimeCode { tries_left: 4, ..code(1, 1, at(5)) }),
    )
    .await;
    assert_eq!(on.code(code_key(1)).await.map(|code| code.tries_left), Some(4));
    twice(on, &set().require(Require::Code(code_key(1), 4)).delete_code(1)).await;
    assert_eq!(on.code(code_key(1)).await, None);
}

pub(crate) async fn single_use(on: &mut Trial) {
    twice(on, &set().use_up(1)).await;
    on.refused(&set().use_up(1), Conflict::UsedUp(single_use_key(1))).await;
}

pub(crate) async fn reset(on: &mut Trial) {
    let all = Charge { cost: 5, ..charge(1, at(0)) };
    assert_eq!(on.consume(&all).await, Admission::Admitted);
    twice(on, &set().reset(1)).await;
    assert_eq!(on.consume(&all).await, Admission::Admitted);
}

pub(crate) async fn raise(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    twice(on, &set().raise()).await;
    assert_eq!(on.get(id(1)).await.store_epoch, Epoch::new(1));
    twice(on, &set().raise()).await;
    assert_eq!(on.get(id(1)).await.store_epoch, Epoch::new(2));
}

pub(crate) async fn events_alone(on: &mut Trial) {
    twice(on, &silent().tell(event(1)).tell(event(2))).await;
}

pub(crate) async fn everything(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2)).insert(account(3))).await;
    on.ok(&set().put_code(code(1, 1, at(5)))).await;
    let set = set()
        .require(Require::Epoch(id(3), Epoch::FIRST))
        .insert(account(4))
        .update(with_epoch(account(1), 1), 1)
        .activity(1, activity(1), 1)
        .delete(2, 1)
        .put_code(code(2, 1, at(5)))
        .delete_code(1)
        .use_up(1)
        .reset(1)
        .raise();
    twice(on, &set).await;
    let found = on.get(id(1)).await;
    assert_eq!((found.version, found.activity_version), (Version::new(2), Version::new(2)));
    assert_eq!(found.store_epoch, Epoch::new(1));
}

pub(crate) async fn overtaken_set_changes_nothing(on: &mut Trial) {
    on.ok(&set().insert(account(1)).insert(account(2))).await;
    let set = set().update(with_epoch(account(1), 1), 1).activity(2, activity(1), 1);
    on.ok(&set).await;
    on.ok(&silent().activity(2, activity(2), 2)).await;
    // The first account still names it as its last writer.
    on.ok(&set).await;
    let (first, second) = (on.get(id(1)).await, on.get(id(2)).await);
    assert_eq!((first.version, second.activity_version), (Version::new(2), Version::new(3)));
    assert_eq!(second.activity, activity(2), "the later write stays");
    on.ok(&silent().update(with_epoch(account(1), 2), 2)).await;
    // Now nothing does: the contract leaves the answer open, but not the outcome.
    match on.store().commit(&set).await {
        Ok(()) | Err(CommitError::Conflict(_)) => {}
        Err(error) => panic!("neither done nor refused: {error}"),
    }
    assert_eq!(on.get(id(1)).await.account.epoch, Epoch::new(2), "the later write stays");
}

pub(crate) async fn refused_set_may_come_again(on: &mut Trial) {
    on.ok(&set().insert(account(1)).use_up(1)).await;
    let renamed = with_username(account(2), "user-1");
    let set = set().insert(renamed.clone()).use_up(2);
    on.refused(&set, Conflict::UsernameTaken("user-1".into())).await;
    on.ok(&silent().delete(1, 1)).await;
    on.ok(&set).await;
    on.ok(&set).await;
    assert_eq!(on.get(id(2)).await.account, renamed, "a refusal is no outcome to remember");
}

pub(crate) async fn other_id_is_another_set(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let first = set().activity(1, activity(1), 1);
    let second = ChangeSet { id: commit_id(), ..first.clone() };
    on.ok(&first).await;
    on.refused(&second, Conflict::ActivityChanged(id(1))).await;
}
