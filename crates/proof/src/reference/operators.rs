//! Bans, suspensions, leaving, and repairs: gamebase 3.6, 3.13, 3.15, 3.16, 3.21, 4.2, 4.5, 4.6.

use super::{Ban, Leaving, Reference};
use crate::action::{BanLength, Device, Id, Outcome};
use crate::policy::SECONDS;

impl Reference {
    /// Bans, and ends all sessions (gamebase 3.13, X-7, X-37).
    pub(super) fn ban(&mut self, account: usize, length: BanLength, replace: bool) -> Outcome {
        let mut next = self.clone();
        next.settle(account);
        match next.standing(account) {
            'D' => return Err("withdrawn"),
            'M' => return Err("missing"),
            'B' if !replace => return Err("already_banned"),
            _ => {}
        }
        next.accounts[account].ban = match length {
            BanLength::Day => Ban::Until(next.now + SECONDS.ban),
            BanLength::Forever => Ban::Forever,
        };
        next.accounts[account].lapsed = None;
        next.end_sessions(account);
        *self = next;
        Ok(account)
    }

    /// Lifts a ban; one that lapsed counts as lifted where the player has not been back (gamebase 4.5).
    pub(super) fn unban(&mut self, number: usize) -> Outcome {
        let mut next = self.clone();
        next.settle(number);
        if next.standing(number) == 'D' {
            return Err("withdrawn");
        }
        let account = &mut next.accounts[number];
        let not_back = |end: i64| account.last_login.is_none_or(|login| login < end);
        match account.ban {
            Ban::Until(_) | Ban::Forever => account.ban = Ban::No,
            Ban::No if account.lapsed.is_some_and(not_back) => {}
            Ban::No | Ban::Suspended(_) => return Err("not_banned"),
        }
        account.lapsed = None;
        *self = next;
        Ok(number)
    }

    /// One refund suspends, where the player stands normally or is about to leave (gamebase 3.16, 4.2).
    pub(super) fn refund(&mut self, account: usize) -> Outcome {
        let mut next = self.clone();
        next.settle(account);
        match next.standing(account) {
            'D' => return Err("withdrawn"),
            'Y' | 'T' => {
                next.accounts[account].ban = Ban::Suspended(next.now + SECONDS.suspension);
            }
            _ => {}
        }
        *self = next;
        Ok(account)
    }

    /// One payment before the deadline releases (gamebase 3.16).
    pub(super) fn pay(&mut self, account: usize) -> Outcome {
        let mut next = self.clone();
        next.settle(account);
        match (next.standing(account), next.accounts[account].ban) {
            ('D', _) => return Err("withdrawn"),
            ('M', Ban::Suspended(_)) => return Err("missing"),
            (_, Ban::Suspended(_)) => next.accounts[account].ban = Ban::No,
            _ => return Err("no_grace_ban"),
        }
        *self = next;
        Ok(account)
    }

    pub(super) fn withdraw(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        self.remove(account)
    }

    /// Withdraws at once (gamebase 3.6).
    pub(super) fn remove(&mut self, account: usize) -> Outcome {
        let mut next = self.clone();
        next.settle(account);
        if next.standing(account) == 'D' {
            return Err("withdrawn");
        }
        next.erase(account);
        *self = next;
        Ok(account)
    }

    /// Asks to leave after the grace days (gamebase 3.15).
    pub(super) fn request_withdrawal(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let mut next = self.clone();
        next.settle(account);
        if next.accounts[account].leaving != Leaving::No {
            return Err("withdrawal_pending");
        }
        next.accounts[account].leaving = Leaving::At(next.now + SECONDS.leave);
        *self = next;
        Ok(account)
    }

    pub(super) fn cancel_withdrawal(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        self.restore(account)
    }

    /// Takes a request to leave back, whatever else hangs over the account (gamebase 3.21, X-2).
    pub(super) fn restore(&mut self, account: usize) -> Outcome {
        let mut next = self.clone();
        next.settle(account);
        match next.accounts[account].leaving {
            Leaving::Gone => return Err("withdrawn"),
            Leaving::No => return Err("withdrawal_not_pending"),
            Leaving::At(_) => next.accounts[account].leaving = Leaving::No,
        }
        *self = next;
        Ok(account)
    }

    /// Ends all sessions, and nothing else (security 37).
    pub(super) fn cut(&mut self, account: usize) {
        self.settle(account);
        self.end_sessions(account);
    }

    /// Moves a login from who stands normally to a guest, or to who has lost all logins (gamebase 3.21).
    pub(super) fn move_login(&mut self, id: Id, to: usize) -> Outcome {
        let mut next = self.clone();
        let from = next.owner(id).filter(|from| {
            next.settle(*from);
            next.accounts[*from].ids.contains(&id)
        });
        let Some(from) = from else { return Err("identity_unknown") };
        next.settle(to);
        if from == to {
            return Err("nothing_to_change");
        }
        if next.standing(from) != 'Y' {
            return Err("donor_not_normal");
        }
        match next.standing(to) {
            'D' => return Err("withdrawn"),
            'M' => {}
            _ if next.is_guest(to) => {}
            _ => return Err("receiver_not_eligible"),
        }
        next.take(from, id);
        for guest in std::mem::replace(&mut next.accounts[to].ids, vec![id]) {
            next.end_sessions_by(to, guest);
        }
        next.delete_transfer(to);
        *self = next;
        Ok(to)
    }
}
