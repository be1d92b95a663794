use chrono::{DateTime, Utc};

use super::attempt::next;
use super::machine::{TransferEvent as On, TransferStatus as Is, status};
use super::{IssuedBy, TransferAccount, TransferRules, TransferState};
use crate::account::Account;
use crate::event::EventKind;
use crate::refusal::Refusal;
use crate::store::TransferKey;

/// What a transfer account is made of, its secrets drawn or chosen, and hashed.
pub(crate) struct Fresh {
    pub(crate) key: TransferKey,
    pub(crate) id: Option<Box<str>>,
    pub(crate) password_hash: Option<Box<str>>,
    pub(crate) issued_by: IssuedBy,
    pub(crate) device: Option<Box<str>>,
}

/// Whether an account may get a transfer account, or a new key for the one that it has. A live one is not replaced by an
/// issue, which would kill a key that was written down (gamebase X-8); one that was used, deleted or never issued has
/// nothing to renew.
pub(crate) fn check_put(
    account: &Account,
    on: On,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    next(account, on, rules, now).map(drop)
}

/// Issues a transfer account, or renews the one that there is: a renewal lifts a block (gamebase X-10), and gives a new
/// date to one that has expired and to no other (gamebase 4.3).
pub(crate) fn put(
    account: &mut Account,
    on: On,
    fresh: Fresh,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<EventKind, Refusal> {
    check_put(account, on, rules, now)?;
    let live = matches!(status(account, rules, now), Is::Issued | Is::Blocked);
    let kept = account.records.transfer.as_ref().filter(|_| live);
    let expiry = kept.map_or_else(|| rules.expiry(now), |transfer| transfer.expiry);
    let Fresh { key, id, password_hash, issued_by, device } = fresh;
    account.records.transfer = Some(Box::new(TransferAccount {
        key,
        // Where it is the only secret, it is shown once, like a password.
        id: id.filter(|_| password_hash.is_some()),
        password_hash,
        issued_by,
        device,
        issued_at: now,
        expiry,
        state: TransferState::Issued { failures: 0 },
    }));
    account.updated_at = now;
    Ok(EventKind::TransferChanged)
}

/// Lifts a block (gamebase 3.14); nothing changes when there is none.
pub(crate) fn unblock(
    account: &mut Account,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<Option<EventKind>, Refusal> {
    if status(account, rules, now) == Is::Issued {
        return Ok(None);
    }
    next(account, On::Unblock, rules, now)?;
    if let Some(transfer) = &mut account.records.transfer {
        transfer.state = TransferState::Issued { failures: 0 };
    }
    account.updated_at = now;
    Ok(Some(EventKind::TransferChanged))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::lifecycle::Expiry;
    use crate::transfer::samples::{NOW, guest, rules};

    const DAY: TimeDelta = TimeDelta::days(1);

    fn in_state(state: TransferState) -> Account {
        let mut account = guest();
        account.records.transfer.as_mut().unwrap().state = state;
        account
    }

    fn fresh() -> Fresh {
        Fresh {
            key: TransferKey::new([9; 32]),
            id: Some("a new id".into()),
            password_hash: Some("a new hash".into()),
            issued_by: IssuedBy::Manual,
            device: None,
        }
    }

    fn put_on(
        account: &mut Account,
        on: On,
        now: DateTime<Utc>,
    ) -> Result<TransferAccount, Refusal> {
        put(account, on, fresh(), &rules(), now)?;
        Ok(*account.records.transfer.clone().unwrap())
    }

    const BLOCKED: TransferState = TransferState::Blocked { failures: 3, until: Expiry::Never };
    const ISSUED: TransferState = TransferState::Issued { failures: 2 };

    #[test]
    fn gamebase_4_3_x8_issue_from_none_and_used_and_never_over_a_live_one() {
        let mut without = guest();
        without.records.transfer = None;
        for mut account in [without, in_state(TransferState::Used)] {
            let issued = put_on(&mut account, On::Issue, NOW + DAY).unwrap();
            assert_eq!(issued.state, TransferState::Issued { failures: 0 });
            assert_eq!(issued.expiry, Expiry::At(NOW + DAY + TimeDelta::days(7)));
        }
        for (state, now) in [(ISSUED, NOW), (BLOCKED, NOW), (ISSUED, NOW + TimeDelta::days(30))] {
            let mut account = in_state(state);
            let refused = put_on(&mut account, On::Issue, now);
            assert_eq!(refused, Err(Refusal::TransferExists));
            assert_eq!(account, in_state(state));
        }
    }

    #[test]
    fn gamebase_4_3_x10_a_renewal_unblocks_and_leaves_the_date() {
        for state in [ISSUED, BLOCKED] {
            let mut account = in_state(state);
            let before = account.records.transfer.clone().unwrap();
            let renewed = put_on(&mut account, On::Renew, NOW + DAY).unwrap();
            assert_eq!(renewed.state, TransferState::Issued { failures: 0 });
            assert_eq!(renewed.expiry, before.expiry);
            assert_eq!((renewed.key, renewed.issued_at), (fresh().key, NOW + DAY));
        }
    }

    #[test]
    fn gamebase_4_3_only_an_expired_one_gets_a_new_date() {
        let later = NOW + TimeDelta::days(30);
        for state in [ISSUED, BLOCKED] {
            let renewed = put_on(&mut in_state(state), On::Renew, later).unwrap();
            assert_eq!(renewed.expiry, Expiry::At(later + TimeDelta::days(7)));
            assert_eq!(renewed.state, TransferState::Issued { failures: 0 });
        }
    }

    #[test]
    fn what_was_used_or_deleted_cannot_be_renewed() {
        let used = put_on(&mut in_state(TransferState::Used), On::Renew, NOW);
        assert_eq!(used, Err(Refusal::TransferUsed));
        let deleted = put_on(&mut in_state(TransferState::Deleted), On::Renew, NOW);
        assert_eq!(deleted, Err(Refusal::TransferMissing));
    }

    #[test]
    fn gamebase_x22_an_id_that_is_the_only_secret_is_not_kept() {
        let mut account = guest();
        let only = Fresh { password_hash: None, ..fresh() };
        put(&mut account, On::Renew, only, &rules(), NOW).unwrap();
        assert_eq!(account.records.transfer.unwrap().id, None);
    }

    #[test]
    fn gamebase_4_3_an_operator_lifts_a_block() {
        let mut account = in_state(BLOCKED);
        assert_eq!(unblock(&mut account, &rules(), NOW), Ok(Some(EventKind::TransferChanged)));
        let state = account.records.transfer.as_ref().unwrap().state;
        assert_eq!(state, TransferState::Issued { failures: 0 });
        let before = in_state(ISSUED);
        let mut account = before.clone();
        assert_eq!(unblock(&mut account, &rules(), NOW), Ok(None));
        assert_eq!(account, before, "a count without a block stays");
        let expired = unblock(&mut in_state(BLOCKED), &rules(), NOW + TimeDelta::days(30));
        assert_eq!(expired, Err(Refusal::TransferExpired));
        assert_eq!(
            unblock(&mut in_state(TransferState::Used), &rules(), NOW),
            Err(Refusal::TransferUsed)
        );
    }
}
