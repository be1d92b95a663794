#![expect(clippy::expect_used, reason = "a test kit fails by panicking")]

use authcore::account::Account;
use authcore::lifecycle::{Expiry, Withdrawal, WithdrawalCause};
use authcore::store::{Admission, CodePurpose, Conflict, OneTimeCode, Require};
use chrono::{DateTime, TimeDelta};

use crate::make::{
    Build, account, at, bare, charge, code, code_key, id, set, single_use_key, with_ban,
};
use crate::trial::Trial;

pub(crate) async fn code_comes_back(on: &mut Trial) {
    on.ok(&set().insert(bare(1))).await;
    let verify = OneTimeCode {
        purpose: CodePurpose::VerifyEmail,
        credential_generation: u32::MAX,
        tries_left: u32::MAX,
        ..code(1, 1, at(7))
    };
    let reset = OneTimeCode { credential_generation: 0, tries_left: 0, ..code(2, 1, at(-7)) };
    on.ok(&set().put_code(verify.clone()).put_code(reset.clone())).await;
    assert_eq!(on.code(code_key(1)).await, Some(verify));
    assert_eq!(on.code(code_key(2)).await, Some(reset));
    assert_eq!(on.code(code_key(3)).await, None);
}

pub(crate) async fn every_purpose_comes_back(on: &mut Trial) {
    use CodePurpose::{CarriedBan, Purchase, ResetPassword, VerifyEmail};
    let purposes = [VerifyEmail, ResetPassword, CarriedBan, Purchase];
    for (number, purpose) in (1..).zip(purposes) {
        let made = OneTimeCode { purpose, ..code(number, 1, at(7)) };
        on.ok(&set().put_code(made.clone())).await;
        assert_eq!(on.code(code_key(number)).await, Some(made));
    }
}

pub(crate) async fn carried_ban_stays_with_its_tombstone(on: &mut Trial) {
    let carried = OneTimeCode {
        purpose: CodePurpose::CarriedBan,
        credential_generation: 0,
        tries_left: 0,
        ..code(1, 1, DateTime::UNIX_EPOCH + TimeDelta::milliseconds(253_402_300_799_999))
    };
    on.ok(&set().insert(with_ban(account(1), Expiry::Never))).await;
    let withdrawal = Withdrawal::Done { at: at(5), cause: WithdrawalCause::Player };
    let tombstone = Account { withdrawal, ..bare(1) };
    on.ok(&set().update(tombstone.clone(), 1).put_code(carried.clone())).await;
    // The identity is free, and its next owner is another account: the code is none of its.
    on.ok(&set().insert(account(2)).require(Require::Code(code_key(1), 0))).await;
    on.ok(&set().delete(2, 1)).await;
    assert_eq!(on.sweep(at(1_000_000)).await, 0);
    assert_eq!(on.code(code_key(1)).await, Some(carried.clone()));
    // The next owner is withdrawn as well: the code is the later tombstone's, and goes with that one alone.
    let later = OneTimeCode { account: id(3), ..carried };
    on.ok(&set().insert(Account { id: id(3), ..tombstone }).put_code(later.clone())).await;
    on.ok(&set().delete(1, 2)).await;
    assert_eq!(on.code(code_key(1)).await, Some(later));
    on.ok(&set().delete(3, 1)).await;
    assert_eq!(on.code(code_key(1)).await, None);
    on.refused(&set().require(Require::Code(code_key(1), 0)), Conflict::CodeChanged(code_key(1)))
        .await;
}

pub(crate) async fn code_is_replaced_whole(on: &mut Trial) {
    on.ok(&set().insert(bare(1)).insert(bare(2)).put_code(code(1, 1, at(7)))).await;
    let other = OneTimeCode {
        purpose: CodePurpose::VerifyEmail,
        account: id(2),
        credential_generation: 8,
        tries_left: 4,
        ..code(1, 1, at(8))
    };
    on.ok(&set().require(Require::Code(code_key(1), 5)).put_code(other.clone())).await;
    assert_eq!(on.code(code_key(1)).await, Some(other.clone()));
    on.ok(&set().delete(1, 1)).await;
    assert_eq!(on.code(code_key(1)).await, Some(other), "it is the second account's now");
    on.ok(&set().delete(2, 1)).await;
    assert_eq!(on.code(code_key(1)).await, None);
}

pub(crate) async fn code_is_deleted_without_complaint(on: &mut Trial) {
    on.ok(&set().insert(bare(1)).put_code(code(1, 1, at(7))).put_code(code(2, 1, at(7)))).await;
    on.ok(&set().require(Require::Code(code_key(1), 5)).delete_code(1)).await;
    on.ok(&set().delete_code(1)).await;
    assert_eq!(on.code(code_key(1)).await, None);
    assert!(on.code(code_key(2)).await.is_some());
    on.refused(&set().require(Require::Code(code_key(1), 5)), Conflict::CodeChanged(code_key(1)))
        .await;
}

pub(crate) async fn what_is_over_stays_until_swept(on: &mut Trial) {
    on.ok(&set()
        .insert(bare(1))
        .put_code(code(1, 1, at(-1_000_000)))
        .use_up_until(1, at(-1_000_000)))
        .await;
    assert!(on.code(code_key(1)).await.is_some());
    on.ok(&set().require(Require::Code(code_key(1), 5))).await;
    on.refused(&set().use_up(1), Conflict::UsedUp(single_use_key(1))).await;
}

pub(crate) async fn sweep_takes_only_what_is_over(on: &mut Trial) {
    on.ok(&set().insert(account(1))).await;
    let mut filled = set();
    for (number, end) in [(1, -1), (2, 0), (3, 1)] {
        filled = filled.put_code(code(number, 1, at(end))).use_up_until(number, at(end));
    }
    on.ok(&filled).await;
    // One charge of a fifth of a second each.
    for (number, end) in [(1, -1), (2, 0), (3, 1)] {
        let admission = on.consume(&charge(number, at(end - 200))).await;
        assert_eq!(admission, Admission::Admitted);
    }
    let before = (on.get(id(1)).await, on.all_events().await);

    assert_eq!(on.sweep(at(0)).await, 6, "over is what ends now or before");
    assert_eq!(on.sweep(at(0)).await, 0);
    assert_eq!((on.code(code_key(1)).await, on.code(code_key(2)).await), (None, None));
    assert!(on.code(code_key(3)).await.is_some());
    on.refused(&set().use_up(3), Conflict::UsedUp(single_use_key(3))).await;
    on.ok(&set().use_up(1).use_up(2)).await;
    let all = |number| charge_of_all(number, -1);
    assert_eq!(
        on.consume(&all(1)).await,
        Admission::Admitted,
        "a throttle that was swept is unused"
    );
    assert!(matches!(on.consume(&all(3)).await, Admission::Refused { .. }), "the other one is not");
    let after = (on.get(id(1)).await, on.all_events().await);
    assert_eq!(before.0, after.0);
    assert!(after.1.starts_with(&before.1), "events are none of its business");

    assert_eq!(on.sweep(at(1)).await, 3, "a code, a single-use key, a throttle");
}

fn charge_of_all(number: u32, now: i64) -> authcore::store::Charge {
    authcore::store::Charge { cost: 5, ..charge(number, at(now)) }
}

pub(crate) async fn sweep_keeps_to_its_limit(on: &mut Trial) {
    on.ok(&set().insert(bare(1))).await;
    let mut filled = set();
    for number in 0..10 {
        filled = filled.put_code(code(number, 1, at(0))).use_up_until(number, at(0));
    }
    on.ok(&filled).await;
    let now = at(0) + TimeDelta::days(1);
    let mut taken = Vec::new();
    for limit in [0, 4, 4, 4, 4] {
        taken.push(on.store().sweep(now, limit).await.expect("sweep"));
    }
    assert_eq!(taken, [0, 8, 8, 4, 0], "the limit is for each kind");
    let mut left = 0;
    for number in 0..10 {
        left += usize::from(on.code(code_key(number)).await.is_some());
    }
    assert_eq!(left, 0);
}

pub(crate) async fn single_use_keys_are_used_up_one_by_one(on: &mut Trial) {
    on.ok(&set().use_up(1)).await;
    on.ok(&set().use_up(2).use_up(3)).await;
    for number in 1..=3 {
        on.refused(&set().use_up(number), Conflict::UsedUp(single_use_key(number))).await;
    }
    // Single-use keys belong to nobody: no account takes them along.
    on.ok(&set().insert(account(1)).use_up(4)).await;
    on.ok(&set().delete(1, 1)).await;
    on.refused(&set().use_up(4), Conflict::UsedUp(single_use_key(4))).await;
}
