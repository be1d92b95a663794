//! What was done to whom, as a person with pen and paper would note it. The rules compare it with what the engine made of
//! it; nothing in it comes from the engine but that a step was accepted.

use std::collections::BTreeSet;

use authcore_proof::{Action, BanLength, Hands, Outcome, SECONDS};
use chrono::{DateTime, TimeDelta, Utc};

use crate::rules::Broken;
use crate::state::State;

/// What hangs over an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Sentence {
    #[default]
    None,
    Suspended(DateTime<Utc>),
    Until(DateTime<Utc>),
    Forever,
}

/// Whether a player leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Leaving {
    #[default]
    No,
    At(DateTime<Utc>),
    Gone,
}

/// One account's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Page {
    pub(crate) sentence: Sentence,
    pub(crate) leaving: Leaving,
    /// Somebody took its last login.
    pub(crate) lost: bool,
}

impl Page {
    /// Whether it is banned.
    pub(crate) const fn is_banned(&self) -> bool {
        matches!(self.sentence, Sentence::Until(_) | Sentence::Forever)
    }

    /// Whether there was nothing on it for an action that was accepted: the page believes no more than may be.
    const fn misplaced(&self, action: Action) -> Option<Broken> {
        let suspended = matches!(self.sentence, Sentence::Suspended(_));
        match action {
            Action::Ban(_, _, false) if self.is_banned() => Some(Broken::BannedTwice),
            Action::Pay(_) if !suspended => Some(Broken::WronglyLifted),
            Action::Unban(_) if suspended => Some(Broken::WronglyLifted),
            Action::CancelWithdrawal(_) | Action::Restore(_)
                if !matches!(self.leaving, Leaving::At(_)) =>
            {
                Some(Broken::WronglyKept)
            }
            Action::RequestWithdrawal(_) if !matches!(self.leaving, Leaving::No) => {
                Some(Broken::AskedTwice)
            }
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    pub(crate) pages: Vec<Page>,
    /// The sessions that were ended.
    pub(crate) ended: BTreeSet<usize>,
    /// The tickets that were used.
    used: BTreeSet<String>,
    /// The transfer accounts that were used.
    carried: BTreeSet<String>,
    /// When each phone's refresh token rotated last.
    rotated: [Option<DateTime<Utc>>; 2],
}

impl Ledger {
    /// Notes a step, and says whether it was one that must not be.
    pub(crate) fn judge(
        &mut self,
        before: &State,
        after: &State,
        action: Action,
        outcome: Outcome,
    ) -> Option<Broken> {
        self.pages.resize(after.hands.accounts.len(), Page::default());
        self.pass(after);
        let account = match outcome {
            Ok(account) => account,
            Err(code) => return self.refused(before, after, action, code),
        };
        let broken = self.obeyed(before, action);
        let broken = broken.or_else(|| self.entered(before, after, action, account));
        let page = self.pages.get_mut(account)?;
        let broken = broken.or_else(|| page.misplaced(action));
        let until = |seconds| after.now + TimeDelta::seconds(seconds);
        match action {
            Action::Ban(_, length, _) => {
                page.sentence = match length {
                    BanLength::Day => Sentence::Until(until(SECONDS.ban)),
                    BanLength::Forever => Sentence::Forever,
                };
                self.end_all(account, &before.hands);
            }
            Action::Unban(_) | Action::Pay(_) => page.sentence = Sentence::None,
            Action::Refund(_) if page.sentence == Sentence::None && !page.lost => {
                page.sentence = Sentence::Suspended(until(SECONDS.suspension));
            }
            Action::Withdraw(_) | Action::Remove(_) => {
                page.leaving = Leaving::Gone;
                self.end_all(account, &before.hands);
            }
            Action::RequestWithdrawal(_) => page.leaving = Leaving::At(until(SECONDS.leave)),
            Action::CancelWithdrawal(_) | Action::Restore(_) => page.leaving = Leaving::No,
            Action::LogoutEverywhere(_) | Action::Transfer(..) | Action::EndSessions(_) => {
                self.end_all(account, &before.hands);
            }
            Action::Logout(on) | Action::ChangeLogin(on) => {
                let phone = before.hands.phones.get(on.index())?;
                self.ended.extend(phone.tokens.as_ref().map(|tokens| tokens.session));
            }
            _ => {}
        }
        self.note_lost(before, after, action);
        let twice = self.note_used(before, action);
        broken.or(twice).or_else(|| self.note_rotation(before, after, action))
    }

    /// What time does (gamebase 3.15, 3.16).
    fn pass(&mut self, after: &State) {
        let now = after.now;
        for number in 0..self.pages.len() {
            let Some(page) = self.pages.get_mut(number) else { return };
            let leaves = match page.leaving {
                Leaving::At(at) if at <= now => Some(at),
                _ => None,
            };
            let until = leaves.unwrap_or(now);
            let mut ends = leaves.is_some();
            if leaves.is_some() {
                page.leaving = Leaving::Gone;
            }
            if let Sentence::Suspended(deadline) = page.sentence
                && deadline <= until
            {
                page.sentence = Sentence::Until(deadline + TimeDelta::seconds(SECONDS.ban));
                ends = true;
            }
            if let Sentence::Until(end) = page.sentence
                && end <= until
            {
                page.sentence = Sentence::None;
            }
            if ends {
                self.end_all(number, &after.hands);
            }
        }
    }

    /// All sessions of an account that there were are over.
    fn end_all(&mut self, account: usize, hands: &Hands) {
        let Some(id) = hands.accounts.get(account) else { return };
        let sessions = hands.sessions.iter().enumerate();
        let own = sessions.filter(|(_, session)| session.account == *id);
        self.ended.extend(own.map(|(number, _)| number));
    }

    /// Whether tokens were good for something although their session was over. Logins and transfers show none.
    fn obeyed(&self, before: &State, action: Action) -> Option<Broken> {
        if matches!(action, Action::Login(..) | Action::Transfer(..)) {
            return None;
        }
        let phone = before.hands.phones.get(action.on()?.index())?;
        let session = phone.tokens.as_ref()?.session;
        self.ended.contains(&session).then_some(Broken::EndedSessionObeyed)
    }

    /// Whether somebody got in who must not, or to the wrong account.
    fn entered(
        &self,
        before: &State,
        after: &State,
        action: Action,
        account: usize,
    ) -> Option<Broken> {
        let page = self.pages.get(account)?;
        match action {
            Action::Login(..)
            | Action::ChangeLogin(_)
            | Action::Transfer(..)
            | Action::Refresh(_)
            | Action::Replay(_) => {
                if page.is_banned() {
                    return Some(Broken::EnteredWhileBanned);
                }
                if page.leaving == Leaving::Gone || page.lost {
                    return Some(Broken::EnteredWhatIsGone);
                }
            }
            _ => return None,
        }
        let Action::Login(_, id) = action else { return None };
        // Time has freed the logins of who has left meanwhile: the views are as of now.
        let mut views = before.views.iter();
        let owner = views.position(|view| view.ids.contains(&id));
        let right = match owner {
            Some(owner) => account == owner,
            None => account == before.views.len() && after.views.len() == account + 1,
        };
        (!right).then_some(Broken::WrongAccount)
    }

    /// Who has lost the last login to somebody else.
    fn note_lost(&mut self, before: &State, after: &State, action: Action) {
        if !matches!(action, Action::Force(_) | Action::Transfer(..)) {
            return;
        }
        for (number, (then, now)) in before.views.iter().zip(&after.views).enumerate() {
            if !then.ids.is_empty() && now.ids.is_empty() {
                self.end_all(number, &before.hands);
                if let Some(page) = self.pages.get_mut(number) {
                    page.lost = true;
                }
            }
        }
    }

    fn note_used(&mut self, before: &State, action: Action) -> Option<Broken> {
        match action {
            Action::Force(on) | Action::ChangeLogin(on) => {
                let ticket = before.hands.phones.get(on.index())?.ticket.clone()?;
                (!self.used.insert(ticket)).then_some(Broken::TicketUsedTwice)
            }
            Action::Transfer(..) => {
                let key = before.hands.transfer.clone()?;
                (!self.carried.insert(key.id)).then_some(Broken::TransferUsedTwice)
            }
            _ => None,
        }
    }

    /// A refresh token that was replaced a day ago must not be good for anything.
    fn note_rotation(&mut self, before: &State, after: &State, action: Action) -> Option<Broken> {
        for (number, rotated) in self.rotated.iter_mut().enumerate() {
            let of = |state: &State| {
                let phone = state.hands.phones.get(number)?;
                phone.tokens.as_ref().map(|tokens| (tokens.session, tokens.refresh.clone()))
            };
            if of(before) != of(after) {
                *rotated = Some(after.now);
            }
        }
        let Action::Replay(on) = action else { return None };
        let rotated = self.rotated.get(on.index()).copied().flatten()?;
        (rotated < after.now).then_some(Broken::FormerTokenAccepted)
    }

    /// What is refused changes no account, but for what is counted, given, or ended by it.
    fn refused(
        &mut self,
        before: &State,
        after: &State,
        action: Action,
        code: &str,
    ) -> Option<Broken> {
        self.note_rotation(before, after, Action::Pass(0));
        match action {
            // It was used before: the session is over.
            Action::Replay(on) if code == "refresh_token_reused" => {
                let phone = before.hands.phones.get(on.index())?;
                self.ended.extend(phone.tokens.as_ref().map(|tokens| tokens.session));
                None
            }
            Action::Link(..) | Action::Transfer(..) => None,
            _ => {
                let same = |number| before.settled(number) == after.settled(number);
                let all = (0..before.kept.len()).all(same);
                (!all).then_some(Broken::RefusalChanged)
            }
        }
    }
}
