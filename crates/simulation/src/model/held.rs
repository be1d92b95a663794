//! An account of the model, and what may become of it.

use authcore::Policy;
use authcore::account::{AccountId, SessionId};
use authcore::policy::CredentialChange;
use authcore::session::SessionRef;

use super::Time;
use crate::history::{Answer, Key, Kind, Seen};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Held {
    pub(super) id: AccountId,
    pub(super) keys: Vec<(u32, Key)>,
    pub(super) next_ordinal: u32,
    /// The number of its password.
    pub(super) password: Option<u8>,
    pub(super) ban: Option<Until>,
    /// When its last ban ended by itself, unless an operator has lifted it since.
    pub(super) ban_ended: Option<Time>,
    pub(super) withdrawn: bool,
    pub(super) logins: u64,
    pub(super) last_login: Option<Time>,
    pub(super) sessions: Vec<Session>,
    pub(super) tickets: Vec<Ticket>,
    pub(super) transfer: Option<Transfer>,
}

/// The end of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Until {
    Date(Time),
    Ever,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) opened_by: u32,
    pub(super) generation: u32,
    pub(super) used: Time,
    pub(super) idle_end: Time,
    pub(super) end: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    /// The number of the link that it came with.
    pub(super) link: usize,
    pub(super) key: Key,
    /// Whose the login was, and its ordinal there.
    pub(super) owner: (AccountId, u32),
    pub(super) end: Time,
    pub(super) used: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transfer {
    /// The number of the issue that told its secrets.
    pub(super) issue: usize,
    pub(super) used: bool,
    pub(super) deleted: bool,
}

impl Held {
    /// One that was just made with a login.
    pub(super) const fn new(id: AccountId, keys: Vec<(u32, Key)>, password: Option<u8>) -> Self {
        Self {
            id,
            keys,
            next_ordinal: 2,
            password,
            ban: None,
            ban_ended: None,
            withdrawn: false,
            logins: 0,
            last_login: None,
            sessions: Vec::new(),
            tickets: Vec::new(),
            transfer: None,
        }
    }

    /// A ban whose date has come is over.
    pub(super) fn settled(&self, now: Time) -> Self {
        let mut held = self.clone();
        if let Some(Until::Date(end)) = held.ban
            && now >= end
        {
            held.ban = None;
            held.ban_ended = Some(end);
        }
        held
    }

    /// Why a player may not in.
    pub(super) const fn gate(&self) -> Option<&'static str> {
        if self.withdrawn {
            Some("withdrawn")
        } else if self.keys.is_empty() {
            Some("missing")
        } else if self.ban.is_some() {
            Some("banned")
        } else {
            None
        }
    }

    /// Why nobody may in with this password, if with any; the policy says whether a ban is told to who has the wrong one.
    pub(super) fn refuses(&self, password: Option<u8>, policy: &Policy) -> Option<&'static str> {
        let wrong = password.is_some() && password != self.password;
        if self.ban.is_some() && (policy.tells_bans_first || !wrong) {
            Some("banned")
        } else {
            wrong.then_some("wrong_password")
        }
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.keys.iter().any(|(_, kept)| *kept == key)
    }

    pub(super) fn ordinal(&self, key: Key) -> Option<u32> {
        self.keys.iter().find(|(_, kept)| *kept == key).map(|(ordinal, _)| *ordinal)
    }

    pub(super) fn session(&self, id: SessionId, now: Time) -> Option<&Session> {
        self.sessions.iter().find(|it| it.id == id && now < it.idle_end && now < it.end)
    }

    pub(super) fn is_guest_only(&self) -> bool {
        matches!(self.keys.as_slice(), [(_, key)] if key.kind == Kind::Guest)
    }

    pub(super) fn loses_transfer(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.deleted = true;
        }
    }

    pub(super) fn opens(&mut self, by: u32, id: SessionId, policy: &Policy, now: Time) -> Answer {
        self.logins += 1;
        self.last_login = Some(now);
        self.sessions.retain(|it| now < it.idle_end && now < it.end);
        let surplus = (self.sessions.len() + 1).saturating_sub(policy.sessions_per_account);
        self.sessions.drain(..surplus);
        let end = now + policy.session_absolute;
        self.sessions.push(Session {
            id,
            opened_by: by,
            generation: 0,
            used: now,
            idle_end: (now + policy.session_idle).min(end),
            end,
        });
        let who = SessionRef { account: self.id, session: id };
        Answer::In { who, created: self.logins == 1, logins: self.logins }
    }

    /// Adds a login; guest keys give way, and sessions that they opened are the new login's.
    pub(super) fn links(&mut self, key: Key) {
        let ordinal = self.next_ordinal;
        self.next_ordinal += 1;
        let (guests, mut kept): (Vec<_>, Vec<_>) =
            self.keys.drain(..).partition(|(_, key)| key.kind == Kind::Guest);
        kept.push((ordinal, key));
        self.keys = kept;
        for session in &mut self.sessions {
            if guests.iter().any(|(guest, _)| *guest == session.opened_by) {
                session.opened_by = ordinal;
            }
        }
        self.loses_transfer();
    }

    /// Gets a password, and ends what the policy says; `acting` asked (security 63).
    pub(super) fn sets(&mut self, password: u8, acting: SessionId, policy: &Policy) {
        self.password = Some(password);
        if policy.credential_change == CredentialChange::EndsOtherSessions {
            self.sessions.retain(|it| it.id == acting);
        }
    }

    /// Takes a login away, and ends what the policy says; `acting` asked.
    pub(super) fn loses(&mut self, key: Key, acting: Option<SessionId>, policy: &Policy) {
        let Some(ordinal) = self.ordinal(key) else { return };
        self.keys.retain(|(_, kept)| *kept != key);
        if key.kind == Kind::Email {
            self.password = None;
        }
        let others_end = policy.credential_change == CredentialChange::EndsOtherSessions;
        self.sessions
            .retain(|it| it.opened_by != ordinal && (!others_end || acting == Some(it.id)));
        if self.keys.is_empty() {
            self.sessions.clear();
            self.loses_transfer();
        }
    }

    pub(super) fn key_list(&self) -> Answer {
        Answer::Keys(self.keys.iter().map(|(_, key)| *key).collect())
    }

    pub(super) fn seen(&self) -> Seen {
        let who = |it: &Session| SessionRef { account: self.id, session: it.id };
        Seen {
            keys: self.keys.clone(),
            password: self.password.is_some(),
            banned: self.ban.is_some(),
            withdrawn: self.withdrawn,
            logins: self.logins,
            sessions: self.sessions.iter().map(|it| (who(it), it.generation)).collect(),
        }
    }
}
