//! The small game once more, as naively as the specification tells it: plain lists, no versions, no races. It is written
//! from the specification, and says what each action must come to and how each account must look then.
//!
//! What time has done to an account is known to whoever looks, and kept when the account is written next. So each action
//! is tried on a copy, the next state, which takes the place of the present one only where something is written.

mod logins;
mod operators;
mod sessions;
mod transfers;

use std::collections::BTreeSet;

use authcore::transfer::TransferStatus;

use crate::action::{Action, Device, Has, Id, Outcome, There};
use crate::policy::SECONDS;
use crate::view::View;

/// Whether an account is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ban {
    No,
    /// Suspended until then; banned for a while after.
    Suspended(i64),
    Until(i64),
    Forever,
}

/// Whether a player has asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    At(i64),
    Gone,
}

#[derive(Clone, Debug)]
struct Account {
    ids: Vec<Id>,
    ban: Ban,
    /// When the latest ban ended, where its time was over and nobody has lifted it since.
    lapsed: Option<i64>,
    leaving: Leaving,
    last_login: Option<i64>,
    tickets: Vec<Ticket>,
    transfer: Option<Transfer>,
    /// Until when tries of its transfer password are used up.
    tried_until: i64,
}

#[derive(Clone, Copy, Debug)]
struct Ticket {
    number: usize,
    id: Id,
    owner: usize,
    ends: i64,
    used: bool,
    /// Its owner has lost the login since.
    void: bool,
}

#[derive(Clone, Copy, Debug)]
struct Transfer {
    number: usize,
    state: TransferState,
    ends: i64,
    on: Device,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransferState {
    Issued(u32),
    Blocked(i64),
    Used,
    Deleted,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    account: usize,
    opened_by: Id,
    /// Ended, and never to live again.
    over: bool,
    generation: u32,
    rotated: i64,
    idle_end: i64,
    end: i64,
}

/// What a phone holds.
#[derive(Clone, Copy, Debug, Default)]
struct Phone {
    tokens: Option<Tokens>,
    ticket: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Tokens {
    session: usize,
    access_ends: i64,
    refresh: RefreshToken,
    former: Option<RefreshToken>,
}

#[derive(Clone, Copy, Debug)]
struct RefreshToken {
    generation: u32,
    ends: i64,
}

/// The reference model.
#[derive(Clone, Debug)]
pub struct Reference {
    now: i64,
    accounts: Vec<Account>,
    sessions: Vec<Session>,
    phones: [Phone; 2],
    /// The number of the transfer secrets that were issued last.
    latest_key: Option<usize>,
    /// How many tickets and transfer secrets there were.
    issued: usize,
    /// What the latest action must have come to.
    expected: Outcome,
}

impl Reference {
    /// Nobody has played yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            now: 0,
            accounts: Vec::new(),
            sessions: Vec::new(),
            phones: [Phone { tokens: None, ticket: None }; 2],
            latest_key: None,
            issued: 0,
            expected: Ok(0),
        }
    }

    /// How many accounts there are.
    #[must_use]
    pub const fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// What the latest action must have come to.
    pub const fn expected(&self) -> Outcome {
        self.expected
    }

    /// The time, in seconds since the beginning.
    #[must_use]
    pub const fn now(&self) -> i64 {
        self.now
    }

    /// What there is for actions to be about.
    #[must_use]
    pub fn there(&self) -> There {
        let has = |phone: Phone| Has {
            tokens: phone.tokens.is_some(),
            former: phone.tokens.is_some_and(|tokens| tokens.former.is_some()),
            ticket: phone.ticket.is_some(),
        };
        There {
            phones: self.phones.map(has),
            accounts: self.accounts.len(),
            transfer: self.latest_key.is_some(),
        }
    }

    /// Takes an action.
    pub fn act(&mut self, action: Action) {
        self.expected = match action {
            Action::Login(on, id) => self.login(on, id),
            Action::Refresh(on) => self.refresh_current(on),
            Action::Replay(on) => self.refresh_former(on),
            Action::Link(on, id) => self.link(on, id),
            Action::Force(on) => self.force(on),
            Action::ChangeLogin(on) => self.change_login(on),
            Action::Unlink(on, id) => self.unlink(on, id),
            Action::Logout(on) => self.logout(on),
            Action::LogoutEverywhere(on) => self.logout_everywhere(on),
            Action::Ban(account, length, replace) => self.ban(account, length, replace),
            Action::Unban(account) => self.unban(account),
            Action::Refund(account) => self.refund(account),
            Action::Pay(account) => self.pay(account),
            Action::Withdraw(on) => self.withdraw(on),
            Action::RequestWithdrawal(on) => self.request_withdrawal(on),
            Action::CancelWithdrawal(on) => self.cancel_withdrawal(on),
            Action::Remove(account) => self.remove(account),
            Action::Restore(account) => self.restore(account),
            Action::EndSessions(account) => {
                self.cut(account);
                Ok(account)
            }
            Action::Move(id, account) => self.move_login(id, account),
            Action::IssueTransfer(on) => self.issue_transfer(on),
            Action::RenewTransfer(on) => self.renew_transfer(on),
            Action::Transfer(on, right) => self.transfer(on, right),
            Action::Pass(seconds) => {
                self.now += seconds;
                Ok(0)
            }
        };
        self.void_tickets();
    }

    /// A login that leaves its owner voids the tickets for it, and getting it again revives none (gamebase 4.4).
    fn void_tickets(&mut self) {
        let ids: Vec<_> = self.accounts.iter().map(|account| account.ids.clone()).collect();
        for ticket in self.accounts.iter_mut().flat_map(|account| &mut account.tickets) {
            ticket.void |= !ids[ticket.owner].contains(&ticket.id);
        }
    }

    /// How the accounts must look now.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        let mut settled = self.clone();
        let accounts = 0..self.accounts.len();
        let view = |account| {
            settled.settle(account);
            settled.view(account)
        };
        accounts.map(view).collect()
    }

    /// How an account looks that is settled.
    fn view(&self, account: usize) -> View {
        let alive = self.sessions.iter().enumerate();
        let alive =
            alive.filter(|(number, session)| session.account == account && self.alive(*number));
        View {
            standing: self.standing(account),
            ids: self.accounts[account].ids.iter().copied().collect::<BTreeSet<_>>(),
            alive: alive.map(|(number, _)| number).collect(),
            transfer: self.transfer_status(account),
        }
    }

    /// Gamebase's letter: the first that holds of D, M, B, P, T, Y (gamebase 4.2).
    fn standing(&self, account: usize) -> char {
        let account = &self.accounts[account];
        match (account.leaving, account.ban) {
            (Leaving::Gone, _) => 'D',
            _ if account.ids.is_empty() => 'M',
            (_, Ban::Until(_) | Ban::Forever) => 'B',
            (_, Ban::Suspended(_)) => 'P',
            (Leaving::At(_), _) => 'T',
            (Leaving::No, _) => 'Y',
        }
    }

    /// What time has done to an account (gamebase 3.15, 3.16, 4.1, 4.4): what was to happen until its player leaves
    /// happens first.
    fn settle(&mut self, number: usize) {
        let now = self.now;
        let leaves = match self.accounts[number].leaving {
            Leaving::At(at) if at <= now => Some(at),
            Leaving::Gone => return,
            _ => None,
        };
        let until = leaves.unwrap_or(now);
        if let Ban::Suspended(deadline) = self.accounts[number].ban
            && deadline <= until
        {
            self.accounts[number].ban = Ban::Until(deadline + SECONDS.ban);
            self.accounts[number].lapsed = None;
            self.end_sessions(number);
        }
        let account = &mut self.accounts[number];
        if let Ban::Until(end) = account.ban
            && end <= until
        {
            account.ban = Ban::No;
            account.lapsed = Some(end);
        }
        if leaves.is_some() {
            self.erase(number);
        }
        // An expired ticket is remembered for a day.
        self.accounts[number].tickets.retain(|ticket| now < ticket.ends + 24 * 60 * 60);
    }

    /// Makes a tombstone (gamebase 3.6).
    fn erase(&mut self, number: usize) {
        let account = &mut self.accounts[number];
        account.leaving = Leaving::Gone;
        account.ids.clear();
        account.tickets.clear();
        account.ban = Ban::No;
        account.lapsed = None;
        self.delete_transfer(number);
        self.end_sessions(number);
    }

    /// Who has a login, whatever time has done since.
    fn owner(&self, id: Id) -> Option<usize> {
        self.accounts.iter().position(|account| account.ids.contains(&id))
    }

    fn transfer_status(&self, number: usize) -> TransferStatus {
        let Some(transfer) = self.accounts[number].transfer else { return TransferStatus::None };
        match transfer.state {
            TransferState::Deleted => TransferStatus::Deleted,
            _ if !self.is_guest(number) => TransferStatus::Deleted,
            TransferState::Used => TransferStatus::Used,
            _ if transfer.ends <= self.now => TransferStatus::Expired,
            TransferState::Blocked(until) if self.now < until => TransferStatus::Blocked,
            TransferState::Issued(_) | TransferState::Blocked(_) => TransferStatus::Issued,
        }
    }

    fn is_guest(&self, number: usize) -> bool {
        matches!(self.accounts[number].ids.as_slice(), [only] if only.is_guest())
    }

    /// A transfer account does not outlive the guest (gamebase 4.3).
    fn delete_transfer(&mut self, number: usize) {
        if let Some(transfer) = &mut self.accounts[number].transfer {
            transfer.state = TransferState::Deleted;
        }
    }
}

impl Default for Reference {
    fn default() -> Self {
        Self::new()
    }
}
