//! Sessions: gamebase 4.7, 4.8; security 38, 56-60.

use super::{Account, Ban, Leaving, Phone, Reference, RefreshToken, Session, Tokens};
use crate::action::{Device, Id, Outcome};
use crate::policy::{SECONDS, SESSIONS};

impl Reference {
    /// Whether a session lives. What time has done to its account is settled.
    pub(super) fn alive(&self, session: usize) -> bool {
        let session = &self.sessions[session];
        !session.over && self.now < session.idle_end && self.now < session.end
    }

    /// Ends all sessions of an account.
    pub(super) fn end_sessions(&mut self, account: usize) {
        self.sessions_of(account, |session| session.over = true);
    }

    /// Ends those that a login opened (gamebase X-24).
    pub(super) fn end_sessions_by(&mut self, account: usize, id: Id) {
        self.sessions_of(account, |session| session.over |= session.opened_by == id);
    }

    pub(super) fn sessions_of(&mut self, account: usize, change: impl FnMut(&mut Session)) {
        self.sessions.iter_mut().filter(|session| session.account == account).for_each(change);
    }

    /// Opens a session on a phone. Those that are over are gone for good, and the oldest gives way where there are too
    /// many.
    pub(super) fn open(&mut self, on: Device, account: usize, id: Id) {
        let now = self.now;
        let all = 0..self.sessions.len();
        let of_account = |next: &Self, number: usize| next.sessions[number].account == account;
        let (living, dead): (Vec<_>, Vec<_>) =
            all.filter(|number| of_account(self, *number)).partition(|number| self.alive(*number));
        let surplus = (living.len() + 1).saturating_sub(SESSIONS);
        for number in dead.into_iter().chain(living.into_iter().take(surplus)) {
            self.sessions[number].over = true;
        }
        let session = Session {
            account,
            opened_by: id,
            over: false,
            generation: 0,
            rotated: now,
            idle_end: now + SECONDS.idle,
            end: now + SECONDS.session,
        };
        self.phones[on.index()].tokens = Some(Tokens {
            session: self.sessions.len(),
            access_ends: now + SECONDS.access,
            refresh: RefreshToken { generation: 0, ends: session.idle_end },
            former: None,
        });
        self.sessions.push(session);
        self.accounts[account].last_login = Some(now);
    }

    /// Logs in; makes the account where nobody has the login (gamebase 3.2, 3.3, 4.1).
    pub(super) fn login(&mut self, on: Device, id: Id) -> Outcome {
        let mut next = self.clone();
        let found = next.owner(id);
        if let Some(account) = found {
            next.settle(account);
        }
        let account = match found.map(|account| (account, next.standing(account))) {
            Some((_, 'B')) => return Err("banned"),
            Some((account, standing)) if standing != 'D' => account,
            _ => {
                next.accounts.push(Account {
                    ids: vec![id],
                    ban: Ban::No,
                    lapsed: None,
                    leaving: Leaving::No,
                    last_login: None,
                    tickets: Vec::new(),
                    transfer: None,
                    tried_until: i64::MIN,
                });
                next.accounts.len() - 1
            }
        };
        next.open(on, account, id);
        *self = next;
        Ok(account)
    }

    /// The tokens of a phone that has some.
    pub(super) fn tokens(&self, on: Device) -> Tokens {
        self.phone(on).tokens.unwrap()
    }

    pub(super) const fn phone(&self, on: Device) -> &Phone {
        match on {
            Device::A => &self.phones[0],
            Device::B => &self.phones[1],
        }
    }

    /// The account that a phone is logged in to; its client refreshes first where its access token is over.
    pub(super) fn who(&mut self, on: Device) -> Outcome {
        let tokens = self.tokens(on);
        let account = self.sessions[tokens.session].account;
        let mut seen = self.clone();
        seen.settle(account);
        if self.now < tokens.access_ends && seen.alive(tokens.session) {
            return Ok(account);
        }
        self.refresh_current(on)
    }

    pub(super) fn refresh_current(&mut self, on: Device) -> Outcome {
        let token = self.tokens(on).refresh;
        self.refresh(on, token)
    }

    pub(super) fn refresh_former(&mut self, on: Device) -> Outcome {
        let token = self.tokens(on).former.unwrap();
        self.refresh(on, token)
    }

    /// A refresh token rotates once, and not within the grace window of the last time. The one before it gets the same
    /// successor in that window, and ends the session after it.
    fn refresh(&mut self, on: Device, token: RefreshToken) -> Outcome {
        let (now, number) = (self.now, self.tokens(on).session);
        let account = self.sessions[number].account;
        let mut seen = self.clone();
        seen.settle(account);
        if token.ends <= now || !seen.alive(number) {
            return Err("refresh_token_invalid");
        }
        let session = &mut self.sessions[number];
        let tokens = self.phones[on.index()].tokens.as_mut().unwrap();
        let in_grace = now < session.rotated + SECONDS.grace;
        let is_current = token.generation == session.generation;
        let is_one_before = token.generation + 1 == session.generation;
        if !(is_current || in_grace && is_one_before) {
            session.over = true;
            return Err("refresh_token_reused");
        }
        let mut minted = now;
        if is_current && !in_grace {
            session.generation += 1;
            session.rotated = now;
            session.idle_end = session.end.min(now + SECONDS.idle);
            let ends = session.idle_end;
            tokens.former = Some(tokens.refresh);
            tokens.refresh = RefreshToken { generation: session.generation, ends };
        } else if !is_current {
            // As of the rotation: the very same pair.
            minted = session.rotated;
        }
        tokens.access_ends = session.end.min(minted + SECONDS.access);
        Ok(account)
    }

    pub(super) fn logout(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        let session = self.tokens(on).session;
        self.sessions[session].over = true;
        Ok(account)
    }

    pub(super) fn logout_everywhere(&mut self, on: Device) -> Outcome {
        let account = self.who(on)?;
        self.settle(account);
        self.end_sessions(account);
        Ok(account)
    }
}
