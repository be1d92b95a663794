use chrono::{DateTime, Utc};

use super::machine::{
    TRANSFER, TransferEvent as On, TransferStatus as Is, delete_transfer, status,
};
use super::{Block, TransferRules, TransferState};
use crate::account::{Account, IdentityKey, ProviderId};
use crate::event::EventKind;
use crate::lifecycle::Expiry;
use crate::refusal::Refusal;
use crate::session::{SessionEvent, end_sessions};

/// The status that follows, or what the player is told when nothing does.
pub(super) fn next(
    account: &Account,
    on: On,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<Is, Refusal> {
    TRANSFER.next(status(account, rules, now), on).map_err(|refused| match refused.from {
        Is::None | Is::Deleted => Refusal::TransferMissing,
        Is::Used => Refusal::TransferUsed,
        Is::Expired if on != On::Issue => Refusal::TransferExpired,
        Is::Expired | Is::Issued | Is::Blocked => Refusal::TransferExists,
    })
}

/// Lets a try go on to the password, or says why not, in this order: deleted, used, expired, blocked (gamebase 4.3). A
/// block that is over is lifted.
pub(crate) fn admit_try(
    account: &mut Account,
    id: &str,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let status = status(account, rules, now);
    let Some(transfer) = &mut account.records.transfer else {
        return Err(Refusal::TransferMissing);
    };
    match (status, transfer.state) {
        (Is::None | Is::Deleted, _) => Err(Refusal::TransferMissing),
        (Is::Used, _) => Err(Refusal::TransferUsed),
        (Is::Expired, _) => Err(Refusal::TransferExpired),
        (Is::Blocked, TransferState::Blocked { failures, until }) => {
            Err(blocked(id, failures, until, transfer.issued_at))
        }
        (Is::Issued, TransferState::Blocked { .. }) => {
            transfer.state = TransferState::Issued { failures: 0 };
            account.updated_at = now;
            Ok(())
        }
        (Is::Issued | Is::Blocked, _) => Ok(()),
    }
}

/// Counts a wrong password of an admitted try, and says what the player is told: the one that blocks is told so (gamebase
/// Nothing changes where nothing is counted.
pub(crate) fn count_failure(
    account: &mut Account,
    id: &str,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<Refusal, Refusal> {
    let Some(lock) = rules.lock else { return Ok(Refusal::TransferWrongPassword) };
    let kept = account.records.transfer.as_ref().map_or(0, |transfer| transfer.state.failures());
    let failures = kept.saturating_add(1);
    let last = failures >= lock.failures.get();
    let follows =
        next(account, if last { On::LastWrongPassword } else { On::WrongPassword }, rules, now)?;
    let Some(transfer) = &mut account.records.transfer else {
        return Err(Refusal::TransferMissing);
    };
    account.updated_at = now;
    if follows == Is::Blocked {
        let until = lock.until(now);
        transfer.state = TransferState::Blocked { failures, until };
        return Ok(blocked(id, failures, until, transfer.issued_at));
    }
    transfer.state = TransferState::Issued { failures };
    Ok(Refusal::TransferWrongPassword)
}

fn blocked(id: &str, failures: u32, until: Expiry, issued_at: DateTime<Utc>) -> Refusal {
    Refusal::TransferBlocked(Box::new(Block { id: id.into(), failures, until, issued_at }))
}

/// Whether the account is on this device already (gamebase 8): it is the device's guest key that opens it, or the device
/// itself, where both clients said which it is.
pub(crate) fn is_same_device(account: &Account, guest: &IdentityKey, device: Option<&str>) -> bool {
    let kept = account.records.transfer.as_ref().and_then(|transfer| transfer.device.as_deref());
    account.identity(guest).is_some() || (device.is_some() && device == kept)
}

/// Carries an account to another device, after a try that was right: the guest key of that device opens it from now on,
/// all its sessions are over, and a transfer account that was good for one transfer is used (gamebase 3.14).
pub(crate) fn transfer(
    account: &mut Account,
    guest: &IdentityKey,
    device: Option<&str>,
    rules: &TransferRules,
    now: DateTime<Utc>,
) -> Result<Vec<EventKind>, Refusal> {
    let on = if rules.one_time { On::OnlyTransfer } else { On::Transfer };
    let state = match next(account, on, rules, now)? {
        Is::Used => TransferState::Used,
        _ => TransferState::Issued { failures: 0 },
    };
    if let Some(transfer) = &mut account.records.transfer {
        transfer.state = state;
        transfer.device = device.map(Into::into);
    }
    // A guest has this one identity: its number stays, so that logins before and after are of the same.
    for identity in &mut account.identities {
        identity.key = guest.clone();
        identity.linked_at = now;
    }
    end_sessions(account, SessionEvent::Transferred);
    account.updated_at = now;
    Ok(vec![EventKind::Transferred])
}

/// Takes the guest key of an account that was on the new device: it has no login left and is missing (gamebase X-17).
pub(crate) fn lose_guest(account: &mut Account, now: DateTime<Utc>) -> Vec<EventKind> {
    let is_guest = |key: &IdentityKey| *key.provider() == ProviderId::GUEST;
    let lost = account.identities.extract_if(.., |identity| is_guest(&identity.key));
    let mut events: Vec<_> = lost
        .map(|identity| EventKind::IdentityUnlinked {
            ordinal: identity.ordinal,
            provider: identity.key.provider().clone(),
        })
        .collect();
    events.push(EventKind::Lost);
    delete_transfer(account);
    end_sessions(account, SessionEvent::Lost);
    account.updated_at = now;
    events
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chrono::TimeDelta;

    use super::*;
    use crate::lifecycle::{Standing, standing};
    use crate::transfer::samples::{NOW, guest, rules};
    use crate::transfer::{LockRule, TransferAccount};

    const HOUR: TimeDelta = TimeDelta::hours(1);

    fn in_state(state: TransferState) -> Account {
        let mut account = guest();
        account.records.transfer.as_mut().unwrap().state = state;
        account
    }

    fn kept(account: &Account) -> &TransferAccount {
        account.records.transfer.as_ref().unwrap()
    }

    fn locking(failures: u32, period: Option<TimeDelta>) -> TransferRules {
        let failures = NonZeroU32::new(failures).unwrap();
        TransferRules { lock: Some(LockRule { failures, period }), ..rules() }
    }

    fn other_device() -> IdentityKey {
        IdentityKey::new(ProviderId::GUEST, "the-key-of-another-device")
    }

    #[test]
    fn gamebase_4_3_without_a_lock_a_wrong_password_changes_nothing() {
        let mut account = guest();
        let rules = TransferRules { lock: None, ..rules() };
        let answer = count_failure(&mut account, "id", &rules, NOW);
        assert_eq!(answer, Ok(Refusal::TransferWrongPassword));
        assert_eq!(account, guest());
    }

    #[test]
    fn gamebase_4_3_x9_wrong_passwords_count_and_the_one_at_the_threshold_blocks() {
        let mut account = guest();
        let rules = locking(3, Some(HOUR));
        for failures in [1, 2] {
            let answer = count_failure(&mut account, "id", &rules, NOW);
            assert_eq!(answer, Ok(Refusal::TransferWrongPassword));
            assert_eq!(kept(&account).state, TransferState::Issued { failures });
        }
        let until = Expiry::At(NOW + HOUR);
        let block = Box::new(Block { id: "id".into(), failures: 3, until, issued_at: NOW });
        let answer = count_failure(&mut account, "id", &rules, NOW);
        assert_eq!(answer, Ok(Refusal::TransferBlocked(block.clone())));
        assert_eq!(kept(&account).state, TransferState::Blocked { failures: 3, until });
        let before = account.clone();
        let refused =
            admit_try(&mut account, "id", &rules, NOW + HOUR - TimeDelta::milliseconds(1));
        assert_eq!(refused, Err(Refusal::TransferBlocked(block)));
        assert_eq!(account, before, "a try while it is blocked neither counts nor extends");
    }

    #[test]
    fn gamebase_4_3_a_block_without_a_period_is_permanent() {
        let mut account = guest();
        let rules = TransferRules { lifetime: None, ..locking(1, None) };
        let answer = count_failure(&mut account, "id", &rules, NOW);
        assert!(matches!(answer, Ok(Refusal::TransferBlocked(_))));
        assert_eq!(
            kept(&account).state,
            TransferState::Blocked { failures: 1, until: Expiry::Never }
        );
    }

    #[test]
    fn gamebase_4_3_a_block_that_is_over_is_lifted_and_the_count_begins_anew() {
        let blocked = TransferState::Blocked { failures: 3, until: Expiry::At(NOW + HOUR) };
        let mut account = in_state(blocked);
        assert_eq!(admit_try(&mut account, "id", &locking(3, Some(HOUR)), NOW + HOUR), Ok(()));
        assert_eq!(kept(&account).state, TransferState::Issued { failures: 0 });
    }

    #[test]
    fn gamebase_4_3_the_order_inside_an_attempt() {
        let month = NOW + TimeDelta::days(30);
        let admit = |state, now| admit_try(&mut in_state(state), "id", &rules(), now).unwrap_err();
        let blocked = TransferState::Blocked { failures: 3, until: Expiry::Never };
        assert!(matches!(admit(blocked, NOW), Refusal::TransferBlocked(_)));
        assert_eq!(admit(blocked, month), Refusal::TransferExpired);
        assert_eq!(admit(TransferState::Issued { failures: 0 }, month), Refusal::TransferExpired);
        assert_eq!(admit(TransferState::Used, month), Refusal::TransferUsed);
        assert_eq!(admit(TransferState::Deleted, month), Refusal::TransferMissing);
        let mut linked = in_state(TransferState::Used);
        linked.add_identity(IdentityKey::new(ProviderId::CUSTOM, "custom"), None, NOW);
        let refused = admit_try(&mut linked, "id", &rules(), NOW);
        assert_eq!(refused, Err(Refusal::TransferMissing));
    }

    #[test]
    fn gamebase_4_3_an_unlimited_one_stays_good_and_its_failures_are_forgotten() {
        let mut account = in_state(TransferState::Issued { failures: 2 });
        let rules = TransferRules { one_time: false, ..rules() };
        let before = account.clone();
        let events = transfer(&mut account, &other_device(), Some("new"), &rules, NOW).unwrap();
        assert_eq!(events, [EventKind::Transferred]);
        assert_eq!(kept(&account).state, TransferState::Issued { failures: 0 });
        assert_eq!(kept(&account).key, kept(&before).key);
        assert_eq!(kept(&account).device.as_deref(), Some("new"));
        assert_eq!(account.identities.len(), 1);
        assert_eq!(account.identities[0].key, other_device());
        assert_eq!(account.identities[0].ordinal, before.identities[0].ordinal);
        assert_eq!(account.epoch, before.epoch.next());
    }

    #[test]
    fn gamebase_4_3_a_one_time_one_is_used_and_not_good_for_a_second_transfer() {
        let mut account = guest();
        let rules = TransferRules { one_time: true, ..rules() };
        transfer(&mut account, &other_device(), None, &rules, NOW).unwrap();
        assert_eq!(kept(&account).state, TransferState::Used);
        let before = account.clone();
        let again = transfer(&mut account, &other_device(), None, &rules, NOW);
        assert_eq!(again, Err(Refusal::TransferUsed));
        assert_eq!(account, before);
    }

    #[test]
    fn gamebase_8_the_same_device_is_known_by_its_guest_key_or_its_id() {
        let account = guest();
        let own = account.identities[0].key.clone();
        let same = |key: &IdentityKey, device| is_same_device(&account, key, device);
        assert!(same(&own, None) && same(&own, Some("other")));
        assert!(same(&other_device(), Some("first device")));
        assert!(!same(&other_device(), Some("other")) && !same(&other_device(), None));
        let mut unknown = guest();
        unknown.records.transfer.as_mut().unwrap().device = None;
        assert!(!is_same_device(&unknown, &other_device(), None));
    }

    #[test]
    fn gamebase_x17_the_guest_that_was_on_the_new_device_is_missing() {
        let mut account = guest();
        let before = account.clone();
        let events = lose_guest(&mut account, NOW);
        let unlinked = EventKind::IdentityUnlinked {
            ordinal: before.identities[0].ordinal,
            provider: ProviderId::GUEST,
        };
        assert_eq!(events, [unlinked, EventKind::Lost]);
        assert_eq!(standing(&account), Standing::Missing);
        assert_eq!(account.epoch, before.epoch.next());
        assert_eq!(kept(&account).state, TransferState::Deleted);
    }
}
