//! What holds of a few accounts that writes tie together, and what each write makes of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::kill::http::Grant;
use crate::kill::ledger::Kind;

/// An account's id.
pub(crate) type Id = String;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) provider: String,
    pub(crate) subject: String,
}

#[derive(Clone, Default)]
pub(crate) struct Facts {
    /// Nobody owns what was given up.
    pub(crate) owners: BTreeMap<Identity, Option<Id>>,
    pub(crate) accounts: BTreeMap<Id, Marks>,
    pub(crate) sessions: Vec<Session>,
    /// Tickets that were used: who asked for each, and its secret.
    pub(crate) used_tickets: Vec<(Id, String)>,
}

/// What an account has gone through. Whether it has lost its last login is told by the owners.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks {
    pub(crate) banned: bool,
    pub(crate) leaving: bool,
    pub(crate) withdrawn: bool,
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) account: Id,
    pub(crate) access: String,
    pub(crate) refresh: String,
    opened_by: Identity,
    pub(crate) alive: bool,
}

/// A write, all of whose consequences are known before it is answered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Write {
    Link { account: Id, identity: Identity },
    ForceLink { account: Id, identity: Identity, ticket: String },
    Transfer { account: Id, to: Identity, id: String },
    Ban(Id),
    Unban(Id),
    RequestWithdrawal(Id),
    CancelWithdrawal(Id),
    Withdraw(Id),
}

/// A question to the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Probe {
    Login(Identity),
    LookUp(Id),
    /// By its place in the list: findings show no tokens.
    Session(usize),
}

/// The host's answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Account(Id),
    Banned(Id),
    Nobody,
    Stands { standing: String, identities: BTreeSet<Identity> },
    Unexpected(String),
}

impl Write {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Link { .. } => Kind::Link,
            Self::ForceLink { .. } => Kind::ForcedLink,
            Self::Transfer { .. } => Kind::Transfer,
            Self::Ban(_) => Kind::Ban,
            Self::Unban(_) => Kind::Unban,
            Self::RequestWithdrawal(_) => Kind::WithdrawalRequest,
            Self::CancelWithdrawal(_) => Kind::WithdrawalCancel,
            Self::Withdraw(_) => Kind::Withdrawal,
        }
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> &str {
        match self {
            Self::Link { account, .. }
            | Self::ForceLink { account, .. }
            | Self::Transfer { account, .. }
            | Self::Ban(account)
            | Self::Unban(account)
            | Self::RequestWithdrawal(account)
            | Self::CancelWithdrawal(account)
            | Self::Withdraw(account) => account,
        }
    }
}

impl Facts {
    pub(crate) fn logged_in(&mut self, identity: &Identity, grant: Grant) {
        self.owners.insert(identity.clone(), Some(grant.account.clone()));
        self.accounts.entry(grant.account.clone()).or_default();
        self.sessions.push(Session {
            account: grant.account,
            access: grant.access,
            refresh: grant.refresh,
            opened_by: identity.clone(),
            alive: true,
        });
    }

    /// What holds when a write has happened.
    pub(crate) fn after(&self, write: &Write) -> Self {
        let mut facts = self.clone();
        match write {
            Write::Link { account, identity } => facts.give(identity, account),
            Write::ForceLink { account, identity, ticket } => {
                facts.end_sessions(|session| session.opened_by == *identity);
                facts.give(identity, account);
                facts.used_tickets.push((account.clone(), ticket.clone()));
            }
            Write::Transfer { account, to, .. } => {
                facts.free(account);
                facts.end_sessions(|session| session.account == *account);
                facts.give(to, account);
            }
            Write::Ban(account) => {
                facts.mark(account, |marks| marks.banned = true);
                facts.end_sessions(|session| session.account == *account);
            }
            Write::Unban(account) => facts.mark(account, |marks| marks.banned = false),
            Write::RequestWithdrawal(account) => facts.mark(account, |marks| marks.leaving = true),
            Write::CancelWithdrawal(account) => facts.mark(account, |marks| marks.leaving = false),
            Write::Withdraw(account) => {
                facts.mark(account, |marks| marks.withdrawn = true);
                facts.free(account);
                facts.end_sessions(|session| session.account == *account);
            }
        }
        facts
    }

    /// What the host must answer to every question about these accounts.
    pub(crate) fn expected(&self) -> BTreeMap<Probe, Seen> {
        let logins = self.owners.iter().map(|(identity, owner)| {
            let seen = match owner {
                None => Seen::Nobody,
                Some(id) if self.marks(id).banned => Seen::Banned(id.clone()),
                Some(id) => Seen::Account(id.clone()),
            };
            (Probe::Login(identity.clone()), seen)
        });
        let accounts = self.accounts.keys().map(|id| {
            let identities = self.identities(id).cloned().collect();
            let standing = self.standing(id).to_owned();
            (Probe::LookUp(id.clone()), Seen::Stands { standing, identities })
        });
        let sessions = self.sessions.iter().enumerate().map(|(place, session)| {
            let seen =
                if session.alive { Seen::Account(session.account.clone()) } else { Seen::Nobody };
            (Probe::Session(place), seen)
        });
        logins.chain(accounts).chain(sessions).collect()
    }

    /// Where several hold, the first counts.
    pub(crate) fn standing(&self, id: &str) -> &'static str {
        let Marks { banned, leaving, withdrawn } = self.marks(id);
        match self.identities(id).next() {
            _ if withdrawn => "withdrawn",
            None => "missing",
            _ if banned => "banned",
            _ if leaving => "withdrawal_pending",
            _ => "normal",
        }
    }

    pub(crate) fn marks(&self, id: &str) -> Marks {
        self.accounts.get(id).copied().unwrap_or_default()
    }

    pub(crate) fn identities(&self, id: &str) -> impl Iterator<Item = &Identity> {
        let owned = self.owners.iter().filter(move |(_, owner)| owner.as_deref() == Some(id));
        owned.map(|(identity, _)| identity)
    }

    /// A token that speaks for this account.
    pub(crate) fn access(&self, id: &str) -> Option<&str> {
        let own = |session: &&Session| session.alive && session.account == id;
        self.sessions.iter().find(own).map(|session| &*session.access)
    }

    /// Who had it before, and has no other login now, has lost all sessions with it.
    fn give(&mut self, identity: &Identity, to: &str) {
        let former = self.owners.insert(identity.clone(), Some(to.to_owned())).flatten();
        if let Some(former) = former.filter(|former| self.identities(former).next().is_none()) {
            self.end_sessions(|session| session.account == former);
        }
    }

    fn free(&mut self, account: &str) {
        for owner in self.owners.values_mut().filter(|owner| owner.as_deref() == Some(account)) {
            *owner = None;
        }
    }

    fn mark(&mut self, account: &str, change: impl FnOnce(&mut Marks)) {
        change(self.accounts.entry(account.to_owned()).or_default());
    }

    fn end_sessions(&mut self, ends: impl Fn(&Session) -> bool) {
        for session in self.sessions.iter_mut().filter(|session| ends(session)) {
            session.alive = false;
        }
    }
}
