use authcore::account::{Account, Epoch, Version};
use authcore::password::Password;
use authcore::store::{ChangeSet, Conflict, Require};

use crate::make::{
    Build, account, activity, at, bare, code, code_key, device, id, set, single_use_key,
    transfer_key, with_epoch, with_identity, with_transfer, with_username,
};
use crate::trial::Trial;

fn with_password(mut account: Account, version: u32) -> Account {
    account.password = Some(Password { hash: "hash".into(), version, set_at: at(0) });
    account
}

/// Account 1 with a transfer account at version 2, its activity at version 3, epoch 4, password version 5; code 1 with 5 tries; single-use key 1.
async fn prepare(on: &Trial) {
    let made = with_transfer(with_password(with_epoch(account(1), 4), 5), 1);
    on.ok(&set().insert(made.clone())).await;
    on.ok(&set().update(made, 1).activity(1, activity(1), 1)).await;
    on.ok(&set().activity(1, activity(2), 2).put_code(code(1, 1, at(9))).use_up(1)).await;
}

pub(crate) async fn missing_account_is_named(on: &mut Trial) {
    on.ok(&set().insert(account(2))).await;
    let missing = Conflict::AccountMissing(id(1));
    let sets = [
        set().update(account(1), 1),
        set().delete(1, 1),
        set().activity(1, activity(1), 1),
        set().require(Require::Account(id(1), Version::FIRST)),
        set().require(Require::Activity(id(1), Version::FIRST)),
        set().require(Require::Epoch(id(1), Epoch::FIRST)),
        set().require(Require::PasswordVersion(id(1), 1)),
    ];
    for set in &sets {
        on.refused(set, missing.clone()).await;
    }
}

pub(crate) async fn taken_id_is_named(on: &mut Trial) {
    prepare(on).await;
    on.refused(&set().insert(account(1)), Conflict::AccountExists(id(1))).await;
    on.refused(&set().insert(bare(1)), Conflict::AccountExists(id(1))).await;
}

pub(crate) async fn changed_account_is_named(on: &mut Trial) {
    prepare(on).await;
    let changed = Conflict::AccountChanged(id(1));
    for wrong in [0, 1, 3, 1000] {
        on.refused(&set().update(account(1), wrong), changed.clone()).await;
        on.refused(&set().delete(1, wrong), changed.clone()).await;
        on.refused(&set().require(Require::Account(id(1), Version::new(wrong))), changed.clone())
            .await;
    }
    for wrong in [0, 3, 5] {
        on.refused(&set().require(Require::Epoch(id(1), Epoch::new(wrong))), changed.clone()).await;
    }
    for wrong in [0, 4, 6] {
        on.refused(&set().require(Require::PasswordVersion(id(1), wrong)), changed.clone()).await;
    }
}

pub(crate) async fn no_password_has_no_version(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    for version in [0, 1] {
        let set = set().require(Require::PasswordVersion(id(1), version));
        on.refused(&set, Conflict::AccountChanged(id(1))).await;
    }
}

pub(crate) async fn changed_activity_is_named(on: &mut Trial) {
    prepare(on).await;
    let changed = Conflict::ActivityChanged(id(1));
    for wrong in [0, 2, 4] {
        on.refused(&set().activity(1, activity(7), wrong), changed.clone()).await;
        on.refused(&set().require(Require::Activity(id(1), Version::new(wrong))), changed.clone())
            .await;
    }
}

pub(crate) async fn changed_code_is_named(on: &mut Trial) {
    prepare(on).await;
    for wrong in [0, 4, 6] {
        on.refused(
            &set().require(Require::Code(code_key(1), wrong)),
            Conflict::CodeChanged(code_key(1)),
        )
        .await;
    }
    on.refused(&set().require(Require::Code(code_key(2), 0)), Conflict::CodeChanged(code_key(2)))
        .await;
}

pub(crate) async fn used_up_key_is_named(on: &mut Trial) {
    prepare(on).await;
    on.refused(&set().use_up(1), Conflict::UsedUp(single_use_key(1))).await;
    on.refused(&set().use_up(2).use_up(1), Conflict::UsedUp(single_use_key(1))).await;
    on.ok(&set().use_up(2)).await;
}

pub(crate) async fn requirements_that_hold_let_pass(on: &mut Trial) {
    prepare(on).await;
    let set = set()
        .require(Require::Account(id(1), Version::new(2)))
        .require(Require::Activity(id(1), Version::new(3)))
        .require(Require::Epoch(id(1), Epoch::new(4)))
        .require(Require::PasswordVersion(id(1), 5))
        .require(Require::Code(code_key(1), 5));
    on.ok(&set.use_up(9).insert(account(2))).await;
    let found = on.get(id(1)).await;
    assert_eq!(
        (found.version, found.activity_version),
        (Version::new(2), Version::new(3)),
        "a condition writes nothing"
    );
}

/// Every kind of condition that fails, in the order in which they are documented to be looked at.
fn failing() -> Vec<(ChangeSet, Conflict)> {
    let stolen = with_identity(bare(3), device("device-1"));
    vec![
        (set().require(Require::Account(id(1), Version::new(9))), Conflict::AccountChanged(id(1))),
        (set().require(Require::Code(code_key(7), 1)), Conflict::CodeChanged(code_key(7))),
        (set().require(Require::Activity(id(8), Version::new(9))), Conflict::AccountMissing(id(8))),
        (set().use_up(1), Conflict::UsedUp(single_use_key(1))),
        (set().activity(1, activity(9), 9), Conflict::ActivityChanged(id(1))),
        (set().delete(6, 1), Conflict::AccountMissing(id(6))),
        (set().insert(stolen), Conflict::IdentityTaken(device("device-1"))),
        (set().insert(with_username(bare(4), "user-1")), Conflict::UsernameTaken("user-1".into())),
        (set().insert(with_transfer(bare(5), 1)), Conflict::TransferTaken(transfer_key(1))),
    ]
}

pub(crate) async fn first_failing_condition_is_named(on: &mut Trial) {
    prepare(on).await;
    let failing = failing();
    for (index, (first, expected)) in failing.iter().enumerate() {
        on.refused(first, expected.clone()).await;
        for (second, _) in failing.iter().skip(index + 1) {
            let mut both = set();
            for part in [first, second] {
                both.require.extend(part.require.clone());
                both.writes.extend(part.writes.clone());
            }
            on.refused(&both, expected.clone()).await;
        }
    }
}

pub(crate) async fn conditions_come_before_uniqueness(on: &mut Trial) {
    prepare(on).await;
    // In the order of the writes uniqueness would be first.
    let stolen = with_identity(bare(3), device("device-1"));
    on.refused(&set().insert(stolen).use_up(1), Conflict::UsedUp(single_use_key(1))).await;
    let renamed = with_username(bare(4), "user-1");
    let set = set().insert(renamed).require(Require::Epoch(id(1), Epoch::new(9)));
    on.refused(&set, Conflict::AccountChanged(id(1))).await;
    let transferred = with_transfer(bare(5), 1);
    on.refused(&self::set().insert(transferred).use_up(1), Conflict::UsedUp(single_use_key(1)))
        .await;
}
