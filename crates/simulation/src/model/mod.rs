//! What the engine is when one call is made after the other: a naive second engine, for a few kinds of logins. It decides
//! from the specifications alone, holds no versions, and knows no races.

mod held;

use std::rc::Rc;

use authcore::Policy;
use authcore::account::AccountId;
use authcore::session::SessionRef;
use chrono::{DateTime, TimeDelta, Utc};

use crate::history::{Answer, Call, End, Key, Kind, Op};
use held::{Held, Ticket, Transfer, Until};

/// A moment of the engine's clock.
type Time = DateTime<Utc>;

/// What a call comes to.
enum Outcome {
    Answer(Answer),
    /// Any of these: a call that reads twice may find several true of it, and says one.
    Refused(Vec<&'static str>),
}

/// All accounts.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    policy: Rc<Policy>,
    accounts: Vec<Rc<Held>>,
}

impl PartialEq for Model {
    fn eq(&self, other: &Self) -> bool {
        self.accounts == other.accounts
    }
}

impl std::hash::Hash for Model {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.accounts.hash(state);
    }
}

impl Model {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy: Rc::new(policy), accounts: Vec::new() }
    }

    /// What it is after the call of this number, when the call may have ended as it did; for one of unknown fate, when it
    /// did something.
    pub(crate) fn after(&self, number: usize, op: &Op) -> Option<Self> {
        let mut next = self.clone();
        let outcome = next.perform(number, op);
        match (&op.end, outcome) {
            // Many lost races in a row; nothing was done.
            (End::Answered(_, Answer::No("try_again_later")), _) => Some(self.clone()),
            (End::Answered(_, answer), Outcome::Answer(outcome)) => {
                (*answer == outcome).then_some(next)
            }
            (End::Answered(_, Answer::No(code)), Outcome::Refused(codes)) => {
                codes.contains(code).then(|| self.clone())
            }
            (End::Unknown, Outcome::Answer(_)) => Some(next),
            _ => None,
        }
    }

    fn perform(&mut self, number: usize, op: &Op) -> Outcome {
        let now = op.now;
        match &op.call {
            Call::Login { key, password } => self.login(*key, *password, op),
            Call::Verify { who, until } => {
                let alive = now.timestamp() < until.timestamp() && self.caller(*who, now).is_some();
                done_or(alive, "access_token_invalid")
            }
            Call::Refresh { who, generation, until } => {
                if now.timestamp() >= until.timestamp() {
                    return no("refresh_token_invalid");
                }
                self.refresh(*who, *generation, now)
            }
            Call::Logout(who) => self.act(*who, now, |held, _| {
                held.sessions.retain(|it| it.id != who.session);
                Answer::Done
            }),
            Call::LogoutEverywhere(who) => self.act(*who, now, |held, _| {
                held.sessions.clear();
                Answer::Done
            }),
            Call::Link { who, key, password } => self.link(*who, (*key, *password), number, now),
            Call::ForcedLink { who, link } => self.forced_link(*who, *link, now),
            Call::Unlink { who, key } => self.unlink(*who, *key, now),
            Call::Withdraw(who) => self.withdraw(*who, now),
            Call::IssueTransfer(who) => self.issue_transfer(*who, number, now),
            Call::Transfer { to, issue } => self.transfer(*to, *issue, op),
            Call::Ban { account, until } => self.ban(*account, *until, now),
            Call::Unban(account) => self.unban(*account, now),
            Call::Look(account) => match self.find(*account) {
                Some((_, held)) => Outcome::Answer(Answer::Seen(held.seen())),
                None => no("account_not_found"),
            },
        }
    }

    fn find(&self, id: AccountId) -> Option<(usize, &Held)> {
        let mut numbered = self.accounts.iter().enumerate();
        numbered.find(|(_, held)| held.id == id).map(|(place, held)| (place, &**held))
    }

    fn owner(&self, key: Key, now: Time) -> Option<(usize, Held)> {
        let place = self.accounts.iter().position(|held| held.has(key))?;
        Some((place, self.accounts.get(place)?.settled(now)))
    }

    fn put(&mut self, place: usize, held: Held) {
        if let Some(kept) = self.accounts.get_mut(place) {
            *kept = Rc::new(held);
        }
    }

    /// The caller's account, when the session is alive.
    fn caller(&self, who: SessionRef, now: Time) -> Option<(usize, Held)> {
        let (place, held) = self.find(who.account)?;
        let held = held.settled(now);
        held.session(who.session, now)?;
        Some((place, held))
    }

    /// What a caller does to the own account.
    fn act(
        &mut self,
        who: SessionRef,
        now: Time,
        act: impl FnOnce(&mut Held, &Policy) -> Answer,
    ) -> Outcome {
        let Some((place, mut held)) = self.caller(who, now) else {
            return no("access_token_invalid");
        };
        let answer = act(&mut held, &self.policy);
        self.put(place, held);
        Outcome::Answer(answer)
    }

    fn login(&mut self, key: Key, password: Option<u8>, op: &Op) -> Outcome {
        let policy = Rc::clone(&self.policy);
        let owner = self.owner(key, op.now);
        if let Some(refused) = owner.as_ref().and_then(|(_, it)| it.refuses(password, &policy)) {
            return no(refused);
        }
        let Some(session) = op.ids.session else {
            // It never got as far as to open one.
            return Outcome::Refused(Vec::new());
        };
        match (owner, op.ids.account) {
            (Some((place, mut held)), None) => {
                let by = held.ordinal(key).unwrap_or_default();
                let answer = held.opens(by, session, &policy, op.now);
                self.put(place, held);
                Outcome::Answer(answer)
            }
            (None, Some(id)) => {
                let mut held = Held::new(id, vec![(1, key)], password);
                let answer = held.opens(1, session, &policy, op.now);
                self.accounts.push(Rc::new(held));
                Outcome::Answer(answer)
            }
            // What it handed over was for the other case.
            _ => Outcome::Refused(Vec::new()),
        }
    }

    fn refresh(&mut self, who: SessionRef, generation: u32, now: Time) -> Outcome {
        let policy = Rc::clone(&self.policy);
        let Some((place, mut held)) = self.find(who.account).map(|(at, held)| (at, held.clone()))
        else {
            return no("refresh_token_invalid");
        };
        if held.session(who.session, now).is_none() {
            return no("refresh_token_invalid");
        }
        let Some(session) = held.sessions.iter_mut().find(|it| it.id == who.session) else {
            return no("refresh_token_invalid");
        };
        let in_grace = now < session.used + policy.refresh_grace;
        if generation == session.generation && !in_grace {
            session.generation += 1;
            session.used = now;
            session.idle_end = (now + policy.session_idle).min(session.end);
        } else if !(in_grace
            && (generation == session.generation || generation + 1 == session.generation))
        {
            held.sessions.retain(|it| it.id != who.session);
            self.put(place, held);
            return Outcome::Answer(Answer::No("refresh_token_reused"));
        }
        let generation = session.generation;
        self.put(place, held);
        Outcome::Answer(Answer::Generation(generation))
    }

    /// Whether the account may have one more of this kind.
    fn has_room(held: &Held, key: Key) -> bool {
        key.kind == Kind::Device || held.keys.iter().all(|(_, kept)| kept.kind != key.kind)
    }

    fn link(
        &mut self,
        who: SessionRef,
        (key, password): (Key, Option<u8>),
        number: usize,
        now: Time,
    ) -> Outcome {
        let Some((place, mut held)) = self.caller(who, now) else {
            return no("access_token_invalid");
        };
        let own = held.has(key);
        let refused =
            if own { !self.policy.relink_own_is_done } else { !Self::has_room(&held, key) };
        if refused {
            return no("already_linked");
        }
        let other = self.owner(key, now).filter(|_| !own);
        let other = other.and_then(|(_, owner)| Some((owner.ordinal(key)?, owner)));
        let Some((ordinal, owner)) = other else {
            if !own {
                held.links(key);
            }
            if let Some(password) = password {
                held.sets(password, who.session, &self.policy);
            }
            let answer = held.key_list();
            self.put(place, held);
            return Outcome::Answer(answer);
        };
        if password.is_some() {
            // A new password proves nothing of the owner: there is no ticket.
            return no("identity_taken");
        }
        if owner.ban.is_some() {
            return no("banned");
        }
        // A newer ticket takes a live one's place.
        held.tickets.retain(|it| it.key != key || it.used || now >= it.end);
        let end = now + self.policy.ticket_lifetime.unwrap_or(TimeDelta::zero());
        let owner = (owner.id, ordinal);
        held.tickets.push(Ticket { link: number, key, owner, end, used: false });
        self.put(place, held);
        Outcome::Answer(Answer::Ticket)
    }

    fn forced_link(&mut self, who: SessionRef, link: usize, now: Time) -> Outcome {
        let policy = Rc::clone(&self.policy);
        let Some((place, mut held)) = self.caller(who, now) else {
            return no("access_token_invalid");
        };
        let Some(ticket) = held.tickets.iter_mut().find(|it| it.link == link) else {
            return no("ticket_unknown");
        };
        if ticket.used {
            return no("ticket_used");
        }
        ticket.used = true;
        let (key, end) = (ticket.key, ticket.end);
        // Who has lost the login and got it again is not the owner that the ticket is for.
        let is_owner =
            |held: &Held| held.ordinal(key).map(|it| (held.id, it)) == Some(ticket.owner);
        let owner = self.owner(key, now).filter(|(_, owner)| is_owner(owner));
        let Some((at, mut owner)) = owner else { return no("ticket_unknown") };
        let mut refused = Vec::new();
        if now >= end {
            refused.push("ticket_expired");
        }
        if !Self::has_room(&held, key) {
            refused.push("already_linked");
        }
        if owner.keys.len() == 1 && policy.forbid_orphaning {
            refused.push("would_orphan");
        }
        if owner.ban.is_some() {
            refused.push("banned");
        }
        if !refused.is_empty() {
            return Outcome::Refused(refused);
        }
        owner.loses(key, None, &policy);
        held.links(key);
        let answer = held.key_list();
        self.put(at, owner);
        self.put(place, held);
        Outcome::Answer(answer)
    }

    fn unlink(&mut self, who: SessionRef, key: Key, now: Time) -> Outcome {
        let policy = Rc::clone(&self.policy);
        let Some((place, mut held)) = self.caller(who, now) else {
            return no("access_token_invalid");
        };
        if !held.has(key) {
            return no("not_linked");
        }
        if held.keys.len() == 1 {
            return no("last_identity");
        }
        let opener = held.session(who.session, now).map(|session| session.opened_by);
        if !policy.unlink_logged_in && opener == held.ordinal(key) {
            return no("logged_in_identity");
        }
        held.loses(key, Some(who.session), &policy);
        let answer = held.key_list();
        self.put(place, held);
        Outcome::Answer(answer)
    }

    fn withdraw(&mut self, who: SessionRef, now: Time) -> Outcome {
        let Some((place, held)) = self.find(who.account) else { return no("access_token_invalid") };
        let mut held = held.settled(now);
        if let Some(refused) = held.gate() {
            return no(refused);
        }
        if held.session(who.session, now).is_none() {
            return no("access_token_invalid");
        }
        held.withdrawn = true;
        held.keys.clear();
        held.password = None;
        held.sessions.clear();
        held.logins = 0;
        held.loses_transfer();
        self.put(place, held);
        Outcome::Answer(Answer::Done)
    }

    fn issue_transfer(&mut self, who: SessionRef, number: usize, now: Time) -> Outcome {
        let Some((place, mut held)) = self.caller(who, now) else {
            return no("access_token_invalid");
        };
        if !held.is_guest_only() {
            return no("not_guest_only");
        }
        if held.transfer.as_ref().is_some_and(|it| !it.used && !it.deleted) {
            return no("transfer_exists");
        }
        held.transfer = Some(Transfer { issue: number, used: false, deleted: false });
        self.put(place, held);
        Outcome::Answer(Answer::Done)
    }

    fn transfer(&mut self, to: Key, issue: usize, op: &Op) -> Outcome {
        let now = op.now;
        let policy = Rc::clone(&self.policy);
        let before = self.owner(to, now);
        let mut refused = Vec::new();
        if before.as_ref().is_some_and(|(_, before)| !before.is_guest_only()) {
            refused.push("not_guest_only");
        }
        let of_issue = |held: &Rc<Held>| held.transfer.as_ref().is_some_and(|it| it.issue == issue);
        let Some(place) = self.accounts.iter().position(of_issue) else {
            refused.push("transfer_unknown");
            return Outcome::Refused(refused);
        };
        let Some(mut held) = self.accounts.get(place).map(|held| held.settled(now)) else {
            return Outcome::Refused(refused);
        };
        match &held.transfer {
            Some(it) if it.deleted => refused.push("transfer_missing"),
            Some(it) if it.used => refused.push("transfer_used"),
            _ => {}
        }
        if held.has(to) {
            refused.push("transfer_same_device");
        }
        refused.extend(held.gate());
        let (Some(session), true) = (op.ids.session, refused.is_empty()) else {
            return Outcome::Refused(refused);
        };
        if let Some((at, mut before)) = before {
            before.keys.clear();
            before.sessions.clear();
            before.loses_transfer();
            self.put(at, before);
        }
        if let Some(transfer) = &mut held.transfer {
            transfer.used = true;
        }
        held.sessions.clear();
        for (_, key) in &mut held.keys {
            *key = to;
        }
        let by = held.ordinal(to).unwrap_or_default();
        let answer = held.opens(by, session, &policy, now);
        self.put(place, held);
        Outcome::Answer(answer)
    }

    fn ban(&mut self, account: AccountId, until: Option<Time>, now: Time) -> Outcome {
        let Some((place, held)) = self.find(account) else { return no("account_not_found") };
        let mut held = held.settled(now);
        match held.gate() {
            Some("banned") => return no("already_banned"),
            Some(refused) => return no(refused),
            None => {}
        }
        held.ban = Some(until.map_or(Until::Ever, Until::Date));
        held.ban_ended = None;
        held.sessions.clear();
        self.put(place, held);
        Outcome::Answer(Answer::Done)
    }

    fn unban(&mut self, account: AccountId, now: Time) -> Outcome {
        let Some((place, held)) = self.find(account) else { return no("account_not_found") };
        let mut held = held.settled(now);
        if held.withdrawn {
            return no("withdrawn");
        }
        if held.ban.is_none() {
            // A ban whose end came counts as lifted until the player is back.
            let back =
                held.ban_ended.is_some_and(|end| held.last_login.is_some_and(|at| at >= end));
            if held.ban_ended.is_none() || back {
                return Outcome::Refused(vec!["not_banned", "missing"]);
            }
        }
        held.ban = None;
        held.ban_ended = None;
        self.put(place, held);
        Outcome::Answer(Answer::Done)
    }
}

fn no(code: &'static str) -> Outcome {
    Outcome::Refused(vec![code])
}

fn done_or(done: bool, code: &'static str) -> Outcome {
    if done { Outcome::Answer(Answer::Done) } else { no(code) }
}
