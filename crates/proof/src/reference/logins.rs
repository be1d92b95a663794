//! Which logins belong together: gamebase 3.7-3.10, 4.4.

use super::{Leaving, Reference, Ticket};
use crate::action::{Device, Id, Outcome};
use crate::policy::SECONDS;

impl Reference {
    /// Adds a login (gamebase 3.7): checks 1, 4, 5, in this order.
    pub(super) fn link(&mut self, on: Device, id: Id) -> Outcome {
        let account = self.who(on)?;
        if id.is_guest() {
            return Err("not_linkable");
        }
        let mut next = self.clone();
        next.settle(account);
        next.check_room(account, id)?;
        if let Some(owner) = next.owner(id) {
            let mut seen = next.clone();
            seen.settle(owner);
            match seen.standing(owner) {
                // Its logins are free.
                'D' => next = seen,
                'B' => return Err("banned"),
                _ => {
                    next.issue_ticket(on, account, id, owner);
                    *self = next;
                    return Err("identity_taken");
                }
            }
        }
        next.add(account, id);
        *self = next;
        Ok(account)
    }

    /// An account has one login of a kind, but any number of devices.
    fn check_room(&self, account: usize, id: Id) -> Result<(), &'static str> {
        let same_kind = |other: &Id| other.provider() == id.provider() && id != Id::Device;
        if self.accounts[account].ids.iter().any(|other| *other == id || same_kind(other)) {
            return Err("already_linked");
        }
        Ok(())
    }

    /// A login joins; the guest leaves, and with it the transfer account. Its sessions are then the new login's.
    fn add(&mut self, account: usize, id: Id) {
        self.accounts[account].ids.retain(|other| !other.is_guest());
        self.accounts[account].ids.push(id);
        self.delete_transfer(account);
        self.sessions_of(account, |session| {
            if session.opened_by.is_guest() {
                session.opened_by = id;
            }
        });
    }

    /// A new ticket takes the place of a live one for the same login (gamebase X-32).
    fn issue_ticket(&mut self, on: Device, account: usize, id: Id, owner: usize) {
        let number = self.issued;
        self.issued += 1;
        let now = self.now;
        let tickets = &mut self.accounts[account].tickets;
        tickets.retain(|kept| kept.id != id || kept.used || kept.ends <= now);
        tickets.push(Ticket {
            number,
            id,
            owner,
            ends: now + SECONDS.ticket,
            used: false,
            void: false,
        });
        self.phones[on.index()].ticket = Some(number);
    }

    /// The phone's ticket in the caller's account, or what is wrong with it (gamebase 4.4): unknown, used, expired.
    fn present(&mut self, on: Device, account: usize) -> Result<Ticket, &'static str> {
        self.settle(account);
        let number = self.phone(on).ticket.unwrap();
        let tickets = &self.accounts[account].tickets;
        let ticket = *tickets.iter().find(|it| it.number == number).ok_or("ticket_unknown")?;
        self.settle(ticket.owner);
        if ticket.used {
            return Err("ticket_used");
        }
        if ticket.void || !self.accounts[ticket.owner].ids.contains(&ticket.id) {
            return Err("ticket_unknown");
        }
        if ticket.ends <= self.now {
            return Err("ticket_expired");
        }
        Ok(ticket)
    }

    fn use_up(&mut self, account: usize, ticket: &Ticket) {
        let tickets = self.accounts[account].tickets.iter_mut();
        tickets.filter(|it| it.number == ticket.number).for_each(|it| it.used = true);
    }

    /// A login leaves its owner for somebody else; an owner without any is lost (gamebase X-6).
    pub(super) fn take(&mut self, owner: usize, id: Id) {
        self.accounts[owner].ids.retain(|other| *other != id);
        if self.accounts[owner].ids.is_empty() {
            self.delete_transfer(owner);
            self.end_sessions(owner);
        } else {
            self.end_sessions_by(owner, id);
        }
    }

    /// Takes a login from its owner (gamebase 3.8).
    pub(super) fn force(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let mut next = self.clone();
        let ticket = next.present(on, account)?;
        next.check_room(account, ticket.id)?;
        if next.standing(ticket.owner) == 'B' {
            return Err("banned");
        }
        next.take(ticket.owner, ticket.id);
        next.add(account, ticket.id);
        next.use_up(account, &ticket);
        *self = next;
        Ok(account)
    }

    /// Logs out, and in to the owner of the ticket's login (gamebase 3.9).
    pub(super) fn change_login(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let mut next = self.clone();
        let ticket = match next.present(on, account) {
            Err("ticket_unknown") => {
                let number = next.phone(on).ticket;
                let mut tickets = next.accounts[account].tickets.iter();
                let named = tickets.find(|ticket| Some(ticket.number) == number);
                let gone = |owner: usize| next.accounts[owner].leaving == Leaving::Gone;
                let gone = named.is_some_and(|ticket| gone(ticket.owner));
                return Err(if gone { "withdrawn" } else { "ticket_unknown" });
            }
            other => other?,
        };
        if next.standing(ticket.owner) == 'B' {
            return Err("banned");
        }
        let session = next.tokens(on).session;
        next.sessions[session].over = true;
        next.use_up(account, &ticket);
        next.open(on, ticket.owner, ticket.id);
        *self = next;
        Ok(ticket.owner)
    }

    /// Takes a login away (gamebase 3.10).
    pub(super) fn unlink(&mut self, on: Device, id: Id) -> Outcome {
        let account = self.who(on)?;
        let session = self.sessions[self.tokens(on).session];
        let mut next = self.clone();
        next.settle(account);
        let ids = &mut next.accounts[account].ids;
        if !ids.contains(&id) {
            return Err("not_linked");
        }
        if ids.len() == 1 {
            return Err("last_identity");
        }
        if session.opened_by == id {
            return Err("logged_in_identity");
        }
        ids.retain(|other| *other != id);
        next.end_sessions_by(account, id);
        *self = next;
        Ok(account)
    }
}
