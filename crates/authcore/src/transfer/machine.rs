use chrono::{DateTime, Utc};

use super::{TransferRules, TransferState};
use crate::account::{Account, ProviderId};
use crate::lifecycle::{Machine, Step};

/// How a transfer account stands (gamebase 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransferStatus {
    /// None was issued.
    None,
    /// It may be used.
    Issued,
    /// Too many wrong passwords.
    Blocked,
    /// Its date has come.
    Expired,
    /// It was good for one transfer, which was made.
    Used,
    /// The account is no longer a guest, or is gone, or the feature was switched off since.
    Deleted,
}

/// What happens to a transfer account. What a try depends on besides (a count, a policy) is decided before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransferEvent {
    /// The player gets one.
    Issue,
    /// The player or an operator changes its password, or both secrets.
    Renew,
    /// A wrong password that does not block.
    WrongPassword,
    /// The wrong password that blocks (gamebase X-9).
    LastWrongPassword,
    /// The block's date has come.
    BlockEnds,
    /// An operator lifts the block.
    Unblock,
    /// Its date has come.
    Expire,
    /// A transfer that leaves it good for more.
    Transfer,
    /// The transfer that it was good for.
    OnlyTransfer,
    /// The account is no longer a guest without any other login, or is gone, or the feature is switched off.
    Delete,
}

use TransferEvent as On;
use TransferStatus as Is;

const fn step(from: Is, on: On, to: Is) -> Step<Is, On> {
    Step { from, on, to }
}

/// What may follow what (gamebase 4.3). A try that is refused before its password is looked at changes nothing, and is
/// no step.
pub static TRANSFER: Machine<TransferStatus, TransferEvent> = Machine {
    name: "transfer account",
    start: Is::None,
    steps: &[
        step(Is::None, On::Issue, Is::Issued),
        step(Is::Used, On::Issue, Is::Issued),
        // Only after the feature was switched off and on again: an account that is no longer a guest gets none.
        step(Is::Deleted, On::Issue, Is::Issued),
        step(Is::Issued, On::WrongPassword, Is::Issued),
        step(Is::Issued, On::LastWrongPassword, Is::Blocked),
        step(Is::Blocked, On::BlockEnds, Is::Issued),
        step(Is::Blocked, On::Unblock, Is::Issued),
        step(Is::Blocked, On::Renew, Is::Issued),
        step(Is::Issued, On::Expire, Is::Expired),
        step(Is::Blocked, On::Expire, Is::Expired),
        step(Is::Expired, On::Renew, Is::Issued),
        step(Is::Issued, On::Renew, Is::Issued),
        step(Is::Issued, On::Transfer, Is::Issued),
        step(Is::Issued, On::OnlyTransfer, Is::Used),
        step(Is::Issued, On::Delete, Is::Deleted),
        step(Is::Blocked, On::Delete, Is::Deleted),
        step(Is::Expired, On::Delete, Is::Deleted),
        step(Is::Used, On::Delete, Is::Deleted),
    ],
};

impl TransferState {
    /// How it stands by what is kept; dates are not looked at.
    const fn status(self) -> TransferStatus {
        match self {
            Self::Issued { .. } => Is::Issued,
            Self::Blocked { .. } => Is::Blocked,
            Self::Used => Is::Used,
            Self::Deleted => Is::Deleted,
        }
    }

    /// How many wrong passwords there were in a row.
    pub(super) const fn failures(self) -> u32 {
        match self {
            Self::Issued { failures } | Self::Blocked { failures, .. } => failures,
            Self::Used | Self::Deleted => 0,
        }
    }
}

/// How an account's transfer account stands at `now`, with what time, the account and the rules have done to it.
#[must_use]
pub fn status(account: &Account, rules: &TransferRules, now: DateTime<Utc>) -> TransferStatus {
    let Some(transfer) = &account.records.transfer else { return Is::None };
    let kept = transfer.state.status();
    let switched_off = rules.not_before.is_some_and(|on_again| transfer.issued_at < on_again);
    let block_is_over =
        matches!(transfer.state, TransferState::Blocked { until, .. } if until.is_over(now));
    let on = if switched_off || !is_guest_only(account) {
        On::Delete
    } else if transfer.expiry.is_over(now) {
        On::Expire
    } else if block_is_over {
        On::BlockEnds
    } else {
        return kept;
    };
    TRANSFER.next(kept, on).unwrap_or(kept)
}

/// Whether a guest key is the account's only login.
pub(crate) fn is_guest_only(account: &Account) -> bool {
    let [only] = account.identities.as_slice() else { return false };
    *only.key.provider() == ProviderId::GUEST && account.password.is_none()
}

/// Takes an account's transfer account away, because the account is no longer a guest without any other login, or is gone
/// (gamebase 4.3). Its secrets are forgotten; that there was one is not.
pub(crate) fn delete_transfer(account: &mut Account) {
    let Some(transfer) = &mut account.records.transfer else { return };
    if TRANSFER.next(transfer.state.status(), On::Delete).is_ok() {
        transfer.state = TransferState::Deleted;
        transfer.id = None;
        transfer.password_hash = None;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::transfer::samples::{NOW, guest, rules};

    const ALL: [TransferStatus; 6] =
        [Is::None, Is::Issued, Is::Blocked, Is::Expired, Is::Used, Is::Deleted];

    #[test]
    fn the_documented_diagram_is_true() {
        let diagram = format!("```mermaid\n{}```\n", TRANSFER.diagram());
        crate::documentation::check("machines.md", "transfer machine", &diagram);
    }

    #[test]
    fn gamebase_4_3_each_event_is_taken_in_these_states_only() {
        let taken = |on| -> Vec<_> {
            ALL.into_iter().filter(|from| TRANSFER.next(*from, on).is_ok()).collect()
        };
        assert_eq!(taken(On::Issue), [Is::None, Is::Used, Is::Deleted]);
        assert_eq!(taken(On::Renew), [Is::Issued, Is::Blocked, Is::Expired]);
        for only_issued in
            [On::WrongPassword, On::LastWrongPassword, On::Transfer, On::OnlyTransfer]
        {
            assert_eq!(taken(only_issued), [Is::Issued]);
        }
        assert_eq!(taken(On::BlockEnds), [Is::Blocked]);
        assert_eq!(taken(On::Unblock), [Is::Blocked]);
        assert_eq!(taken(On::Expire), [Is::Issued, Is::Blocked]);
        assert_eq!(taken(On::Delete), [Is::Issued, Is::Blocked, Is::Expired, Is::Used]);
    }

    #[test]
    fn each_step_is_there_once() {
        let steps = TRANSFER.steps;
        for (index, step) in steps.iter().enumerate() {
            let again = steps.iter().skip(index + 1);
            assert!(again.into_iter().all(|other| (other.from, other.on) != (step.from, step.on)));
        }
    }

    #[test]
    fn gamebase_4_3_time_the_account_and_the_rules_tell() {
        let state = |state| {
            let mut account = guest();
            account.records.transfer.as_mut().unwrap().state = state;
            account
        };
        let issued = state(TransferState::Issued { failures: 2 });
        let blocked = |until| state(TransferState::Blocked { failures: 3, until });
        let hour = TimeDelta::hours(1);
        let at = |date| crate::lifecycle::Expiry::At(date);
        assert_eq!(status(&Account::new(issued.id, NOW), &rules(), NOW), Is::None);
        assert_eq!(status(&issued, &rules(), NOW), Is::Issued);
        assert_eq!(status(&issued, &rules(), NOW + TimeDelta::days(30)), Is::Expired);
        let short = blocked(at(NOW + hour));
        let almost = NOW + hour - TimeDelta::milliseconds(1);
        assert_eq!(status(&short, &rules(), almost), Is::Blocked);
        assert_eq!(status(&short, &rules(), NOW + hour), Is::Issued);
        let permanent = blocked(crate::lifecycle::Expiry::Never);
        assert_eq!(status(&permanent, &rules(), NOW + hour), Is::Blocked);
        assert_eq!(status(&permanent, &rules(), NOW + TimeDelta::days(30)), Is::Expired);
        let used = state(TransferState::Used);
        assert_eq!(status(&used, &rules(), NOW + TimeDelta::days(30)), Is::Used);
    }

    #[test]
    fn gamebase_4_3_feature_off_deletes_what_was_issued_before_it_was_on_again() {
        let on_again = |date| TransferRules { not_before: Some(date), ..rules() };
        assert_eq!(status(&guest(), &on_again(NOW), NOW), Is::Issued);
        let later = NOW + TimeDelta::milliseconds(1);
        assert_eq!(status(&guest(), &on_again(later), later), Is::Deleted);
    }

    #[test]
    fn gamebase_4_3_a_member_that_is_no_longer_a_guest_has_none() {
        let key = |name| crate::account::IdentityKey::new(ProviderId::CUSTOM, name);
        let mut linked = guest();
        linked.add_identity(key("custom"), None, NOW);
        assert_eq!(status(&linked, &rules(), NOW), Is::Deleted);
        let mut lost = guest();
        lost.identities.clear();
        assert_eq!(status(&lost, &rules(), NOW), Is::Deleted);
    }

    #[test]
    fn what_is_deleted_keeps_no_secret_and_stays_deleted() {
        let mut account = guest();
        delete_transfer(&mut account);
        let transfer = account.records.transfer.clone().unwrap();
        assert_eq!(
            (transfer.state, transfer.id, transfer.password_hash),
            (TransferState::Deleted, None, None)
        );
        assert_eq!(status(&account, &rules(), NOW), Is::Deleted);
        let mut without = Account::new(account.id, NOW);
        delete_transfer(&mut without);
        assert_eq!(without.records.transfer, None);
    }
}
