use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Engine, Lost};
use crate::account::{Account, AccountId, CommitId, Epoch, IdentityKey, SessionId, Version};
use crate::context::RequestContext;
use crate::error::{Error, Fault};
use crate::event::{Event, EventKind};
use crate::lifecycle::settle;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::session::{Activity, Session, SessionEvent};
use crate::store::{
    ChangeSet, CommitError, Conflict, Lookup, Require, Snapshot, StoreErrorKind, Write,
};
use crate::verifier::VerifiedIdentity;

/// How often a lost race is run again before the player is told to come back.
const RETRIES: usize = 8;

/// How often a change set is handed over when its fate is unknown.
const HAND_OVERS: usize = 3;

/// An account as it was loaded and as time has made it.
pub(super) struct Settled {
    /// The account after time was at work; rules decide on this one.
    pub(super) account: Account,
    /// Whether time did anything to it, which must then be written.
    pub(super) due: bool,
    /// What there is to tell of it.
    pub(super) events: Vec<EventKind>,
    /// The bans that time has made outlive the account.
    pub(super) carried: Vec<Write>,
    pub(super) version: Version,
    pub(super) activity: Activity,
    pub(super) activity_version: Version,
    pub(super) store_epoch: Epoch,
    /// Whether one of its sessions asks: what is written then is written while the session is alive, or not.
    pub(super) asks: bool,
}

impl Settled {
    /// The session of this name, when this may happen to it.
    pub(super) fn session(
        &self,
        id: SessionId,
        on: SessionEvent,
        now: DateTime<Utc>,
    ) -> Option<&Session> {
        self.activity
            .sessions
            .iter()
            .find(|session| session.id == id)
            .filter(|session| session.takes(on, self.account.epoch, self.store_epoch, now))
    }

    /// Whether the caller's session is still alive: a proof whose session has ended since is none.
    pub(super) fn caller(
        &mut self,
        who: &Authenticated,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let session = self.session(who.session().id, SessionEvent::AccessTokenUsed, now);
        self.asks = session.is_some();
        if self.asks { Ok(()) } else { Err(Refusal::AccessTokenInvalid) }
    }

    /// The account becomes `account`, which was decided on this one: writes it, with what time did before. Nothing stays
    /// of what the player of a withdrawn account did.
    pub(super) fn update(&self, account: &Account, draft: &mut Draft) {
        if account.withdrawal.is_done() {
            draft.writes.push(self.update_activity(Activity::default()));
        }
        self.hold_caller(draft);
        draft.writes.extend(self.carried.iter().cloned());
        let account = Box::new(account.clone());
        draft.writes.push(Write::UpdateAccount { account, expect: self.version });
        let before = self.events.iter().map(|kind| (self.account.id, kind.clone()));
        draft.events.splice(..0, before);
    }

    /// As [`update`](Self::update), with what becomes of the sessions and what happened.
    pub(super) fn update_logins(
        &self,
        account: &Account,
        activity: Option<Activity>,
        events: Vec<EventKind>,
        draft: &mut Draft,
    ) {
        self.settle_activity(activity, draft);
        self.update(account, draft);
        draft.happened(account.id, events);
    }

    /// What a commit writes when the activity becomes `activity`.
    pub(super) fn update_activity(&self, activity: Activity) -> Write {
        let (id, activity) = (self.account.id, Arc::new(activity));
        Write::UpdateActivity { id, activity, expect: self.activity_version }
    }

    /// Writes what the activity becomes, where it changes; otherwise it must still be the one that was decided on, or a
    /// login beside it would leave a session that should have ended.
    pub(super) fn settle_activity(&self, after: Option<Activity>, draft: &mut Draft) {
        match after {
            Some(activity) => draft.writes.push(self.update_activity(activity)),
            None => draft.require.push(self.same_activity()),
        }
    }

    const fn same_activity(&self) -> Require {
        Require::Activity(self.account.id, self.activity_version)
    }

    /// For a commit that a session of the account asks for: that it has not ended since it was looked at, by a logout or
    /// because a login pushed it out (security 35). Writing the activity checks the same.
    pub(super) fn hold_caller(&self, draft: &mut Draft) {
        let of_this = |write: &Write| matches!(write, Write::UpdateActivity { id, .. } if *id == self.account.id);
        let held = draft.require.contains(&self.same_activity());
        if self.asks && !held && !draft.writes.iter().any(of_this) {
            draft.require.push(self.same_activity());
        }
    }

    /// For a commit that does not write the account: that it is still the one that was decided on. What time changed
    /// is written, and then checks the same.
    pub(super) fn hold(&self, draft: &mut Draft) {
        if self.due {
            self.update(&self.account, draft);
        } else {
            draft.require.push(Require::Account(self.account.id, self.version));
        }
    }
}

/// A change set in the making.
#[derive(Default)]
pub(super) struct Draft {
    /// Its name, where there is one already; otherwise it gets one when it is handed over.
    pub(super) id: Option<CommitId>,
    pub(super) require: Vec<Require>,
    pub(super) writes: Vec<Write>,
    /// What happened, and to whom.
    pub(super) events: Vec<(AccountId, EventKind)>,
}

/// Whose account is to be changed.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    /// The caller's; the session must be alive.
    Caller(&'a Authenticated),
    /// The caller's; what a ban or a withdrawal has ended meanwhile is told as such, and not as a token that is no good
    /// (gamebase X-38).
    Player { context: &'a RequestContext, who: &'a Authenticated },
    /// This one; an operator asks.
    Account(AccountId),
}

impl Draft {
    /// Adds what happened to one account.
    pub(super) fn happened(&mut self, account: AccountId, events: Vec<EventKind>) {
        self.events.extend(events.into_iter().map(|kind| (account, kind)));
    }

    /// A draft that uses up what a verifier's proof may be used for once.
    pub(super) fn using_up(verified: Option<&VerifiedIdentity>) -> Self {
        let single_use = verified.into_iter().flat_map(VerifiedIdentity::single_use);
        let writes =
            single_use.map(|(key, at)| Write::UseUp { key: *key, forget_at: *at }).collect();
        Self { writes, ..Self::default() }
    }
}

/// The tries that an operation has.
pub(super) struct Tries(usize);

impl Tries {
    pub(super) const fn new() -> Self {
        Self(RETRIES)
    }

    /// Takes a lost race: another try, or the refusal when there is none left.
    pub(super) fn again(&mut self, lost: Lost) -> Result<Conflict, Error> {
        match lost {
            Lost::Fault(fault) => Err(fault.into()),
            Lost::Race(conflict) => match self.0.checked_sub(1) {
                None => Err(Refusal::TryAgainLater { retry_at: None }.into()),
                Some(left) => {
                    self.0 = left;
                    Ok(conflict)
                }
            },
        }
    }
}

impl Engine {
    /// Loads an account and lets time do its work on it.
    pub(super) async fn load(
        &self,
        lookup: &Lookup,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Error> {
        Ok(self.load_kept(lookup, now).await?)
    }

    /// The account that owns an identity; time may have freed it.
    pub(super) async fn owner(
        &self,
        key: &IdentityKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Error> {
        let found = self.load(&Lookup::Identity(key.clone()), now).await?;
        Ok(found.filter(|found| found.account.identity(key).is_some()))
    }

    async fn load_kept(
        &self,
        lookup: &Lookup,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Fault> {
        let Some(loaded) = self.parts.store.load(lookup).await? else { return Ok(None) };
        let Snapshot { mut account, version, activity, activity_version, store_epoch } = loaded;
        let due = account.due_at().is_some_and(|due| now >= due);
        let (events, carried) = if due {
            let before = account.clone();
            let events = settle(&mut account, now);
            let carried = self.carried_bans(&before, &account);
            (events, carried)
        } else {
            (Vec::new(), Vec::new())
        };
        Ok(Some(Settled {
            account,
            due,
            events,
            carried,
            version,
            activity,
            activity_version,
            store_epoch,
            asks: false,
        }))
    }

    /// The caller's account.
    pub(super) async fn load_caller(
        &self,
        who: &Authenticated,
        now: DateTime<Utc>,
    ) -> Result<Settled, Error> {
        let settled = self.load(&Lookup::Id(who.account()), now).await?;
        let mut settled = settled.ok_or(Refusal::AccessTokenInvalid)?;
        settled.caller(who, now)?;
        Ok(settled)
    }

    /// Changes one account by a rule: loads, decides, commits, again when the race is lost. Where the rule changes
    /// nothing, nothing is written; that it says when the account was updated is its own affair.
    pub(super) async fn change<T: Send>(
        &self,
        whose: Whose<'_>,
        now: DateTime<Utc>,
        rule: impl Fn(&mut Account, &mut Draft) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(Account, T), Error> {
        self.change_settled(whose, now, |_, account, draft| rule(account, draft)).await
    }

    /// As [`change`](Self::change), for a rule that looks at more than the account.
    pub(super) async fn change_settled<T: Send>(
        &self,
        whose: Whose<'_>,
        now: DateTime<Utc>,
        rule: impl Fn(&Settled, &mut Account, &mut Draft) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<(Account, T), Error> {
        let mut tries = Tries::new();
        loop {
            let settled = match whose {
                Whose::Caller(who) => self.load_caller(who, now).await?,
                Whose::Player { context, who } => {
                    let settled = self.load(&Lookup::Id(who.account()), now).await?;
                    let mut settled = settled.ok_or(Refusal::AccessTokenInvalid)?;
                    self.check_gate(&settled.account, context)?;
                    settled.caller(who, now)?;
                    settled
                }
                Whose::Account(id) => {
                    self.load(&Lookup::Id(id), now).await?.ok_or(Refusal::AccountNotFound)?
                }
            };
            let mut account = settled.account.clone();
            let mut draft = Draft::default();
            let answer = rule(&settled, &mut account, &mut draft)?;
            if account == settled.account && draft.writes.is_empty() {
                return Ok((account, answer));
            }
            settled.update(&account, &mut draft);
            match self.commit(draft, now).await {
                Ok(()) => return Ok((account, answer)),
                Err(lost) => tries.again(lost)?,
            };
        }
    }

    /// Hands a change set to the store; when its fate is unknown, the same one again, which settles it. What it takes from
    /// an account that time has withdrawn is freed first, where nobody has written that yet.
    pub(super) async fn commit(&self, draft: Draft, now: DateTime<Utc>) -> Result<(), Lost> {
        let change = self.change_set(draft, now).map_err(Lost::Fault)?;
        let (mut hand_overs, mut freed, mut doubt) = (1, 0, None);
        loop {
            match self.parts.store.commit(&change).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict(conflict)) => {
                    // An identity and a username: a set takes no more from others.
                    // Rare and large: boxed, so that no other commit carries it.
                    if freed == 2 || !Box::pin(self.free(&conflict, now)).await? {
                        return Err(Lost::Race(conflict));
                    }
                    freed += 1;
                }
                Err(CommitError::Store(error)) => {
                    let unknown = *error.kind() == StoreErrorKind::FateUnknown;
                    if !unknown || hand_overs == HAND_OVERS {
                        // What was in doubt still is, whatever became of the set since.
                        return Err(Lost::Fault(Fault::Store(doubt.unwrap_or(error))));
                    }
                    doubt = Some(error);
                    hand_overs += 1;
                }
            }
        }
    }

    fn change_set(&self, draft: Draft, now: DateTime<Utc>) -> Result<ChangeSet, Fault> {
        let id = match draft.id {
            Some(id) => id,
            None => CommitId::new(self.random()?),
        };
        let event = |(account, kind)| Event { account, at: now, kind };
        Ok(ChangeSet {
            id,
            require: draft.require,
            writes: draft.writes,
            events: draft.events.into_iter().map(event).collect(),
        })
    }

    /// Whether what was taken belonged to an account that time has withdrawn, which is now written.
    async fn free(&self, conflict: &Conflict, now: DateTime<Utc>) -> Result<bool, Lost> {
        let lookup = match conflict {
            Conflict::IdentityTaken(key) => Lookup::Identity(key.clone()),
            Conflict::UsernameTaken(key) => Lookup::Username(key.clone()),
            _ => return Ok(false),
        };
        let Some(owner) = self.load_kept(&lookup, now).await.map_err(Lost::Fault)? else {
            return Ok(false);
        };
        if !(owner.due && owner.account.withdrawal.is_done()) {
            return Ok(false);
        }
        // Whoever wins the race has written it.
        self.write_due(&owner, now).await.map_err(Lost::Fault)?;
        Ok(true)
    }

    /// Writes what time has done to an account, and nothing else. Says whether this call did.
    pub(super) async fn write_due(
        &self,
        settled: &Settled,
        now: DateTime<Utc>,
    ) -> Result<bool, Fault> {
        let mut draft = Draft::default();
        settled.update(&settled.account, &mut draft);
        match self.parts.store.commit(&self.change_set(draft, now)?).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(CommitError::Store(error)) => Err(Fault::Store(error)),
        }
    }
}
