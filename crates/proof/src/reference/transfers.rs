//! Guest transfer accounts: gamebase 3.14, 4.3.

use authcore::transfer::TransferStatus as Is;

use super::{Reference, Transfer, TransferState};
use crate::action::{Device, Outcome};
use crate::policy::{FAILURES, SECONDS};

impl Reference {
    pub(super) fn issue_transfer(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let mut next = self.clone();
        next.settle(account);
        if !next.is_guest(account) {
            return Err("not_guest_only");
        }
        match next.transfer_status(account) {
            Is::None | Is::Used | Is::Deleted => {}
            _ => return Err("transfer_exists"),
        }
        next.put_transfer(on, account, next.now + SECONDS.transfer);
        *self = next;
        Ok(account)
    }

    /// New secrets; a new date only for what has expired.
    pub(super) fn renew_transfer(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let mut next = self.clone();
        next.settle(account);
        if !next.is_guest(account) {
            return Err("not_guest_only");
        }
        let ends = match (next.transfer_status(account), next.accounts[account].transfer) {
            (Is::Issued | Is::Blocked, Some(transfer)) => transfer.ends,
            (Is::Expired, _) => next.now + SECONDS.transfer,
            (Is::Used, _) => return Err("transfer_used"),
            _ => return Err("transfer_missing"),
        };
        next.put_transfer(on, account, ends);
        *self = next;
        Ok(account)
    }

    fn put_transfer(&mut self, on: Device, account: usize, ends: i64) {
        let (number, state) = (self.issued, TransferState::Issued(0));
        self.issued += 1;
        self.latest_key = Some(number);
        self.accounts[account].transfer = Some(Transfer { number, state, ends, on });
        self.accounts[account].tried_until = i64::MIN;
    }

    /// Carries a guest to a phone. The order of what is wrong is that of gamebase 4.3.
    pub(super) fn transfer(&mut self, on: Device, right: bool) -> Outcome {
        let guest = on.guest();
        let mut next = self.clone();
        let before = next.owner(guest).filter(|before| {
            next.settle(*before);
            next.accounts[*before].ids.contains(&guest)
        });
        let key = self.latest_key.unwrap();
        let has_key = |transfer: Option<Transfer>| transfer.is_some_and(|it| it.number == key);
        let carried = self.accounts.iter().position(|account| has_key(account.transfer));
        let Some(account) = carried else { return Err("transfer_unknown") };
        next.settle(account);
        self.admit_try(account)?;
        self.try_password(account, right)?;
        let transfer = next.accounts[account].transfer.unwrap();
        if before == Some(account) || transfer.on == on {
            return Err("transfer_same_device");
        }
        if next.standing(account) == 'B' {
            return Err("banned");
        }
        if let Some(before) = before {
            next.accounts[before].ids.clear();
            next.delete_transfer(before);
            next.end_sessions(before);
        }
        next.accounts[account].ids = vec![guest];
        let state = TransferState::Used;
        next.accounts[account].transfer = Some(Transfer { state, on, ..transfer });
        next.accounts[account].tried_until = i64::MIN;
        next.end_sessions(account);
        next.open(on, account, guest);
        *self = next;
        Ok(account)
    }

    /// What is told before the password is looked at. A block that is over is lifted.
    fn admit_try(&mut self, account: usize) -> Result<(), &'static str> {
        let mut next = self.clone();
        next.settle(account);
        match next.transfer_status(account) {
            Is::Used => return Err("transfer_used"),
            Is::Expired => return Err("transfer_expired"),
            Is::Blocked => return Err("transfer_blocked"),
            Is::Issued => {}
            _ => return Err("transfer_missing"),
        }
        if let Some(transfer) = &mut next.accounts[account].transfer
            && matches!(transfer.state, TransferState::Blocked(_))
        {
            transfer.state = TransferState::Issued(0);
            next.accounts[account].tried_until = i64::MIN;
            *self = next;
        }
        Ok(())
    }

    /// Each password that is tried takes a second of what is allowed at once; a clock that goes back gives none back. The
    /// wrong one that reaches the threshold blocks (gamebase X-9).
    fn try_password(&mut self, number: usize, right: bool) -> Result<(), &'static str> {
        let mut next = self.clone();
        next.settle(number);
        let now = self.now;
        let tried_until = self.accounts[number].tried_until.max(now) + 1;
        if tried_until > now + i64::from(FAILURES) {
            return Err("try_again_later");
        }
        if right {
            self.accounts[number].tried_until = i64::MIN;
            return Ok(());
        }
        let account = &mut next.accounts[number];
        account.tried_until = tried_until;
        let transfer = account.transfer.as_mut().unwrap();
        let TransferState::Issued(failures) = transfer.state else { return Ok(()) };
        let blocks = failures + 1 >= FAILURES;
        transfer.state = if blocks {
            TransferState::Blocked(now + SECONDS.block)
        } else {
            TransferState::Issued(failures + 1)
        };
        *self = next;
        Err(if blocks { "transfer_blocked" } else { "transfer_wrong_password" })
    }
}
