use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::link::used_up;
use super::password::{CheckedPassword, throttle_of};
use crate::account::{Account, IdentityKey, ProviderId, SessionId};
use crate::command::{Merge, Merged};
use crate::context::RequestContext;
use crate::credential::{Checked, PasswordOwner, Use, check};
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::mapping::{self, MergeReport, MergeSide, Survivor};
use crate::password::Verdict;
use crate::policy::CredentialChange;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::session::{Activity, Method, OpenSession, Session, open_session};
use crate::store::{Conflict, Lookup, Write};
use crate::verifier::VerifiedIdentity;

/// A login of the other account, proven as far as it can be without that account.
struct Proof {
    lookup: Lookup,
    method: Method,
    verified: Option<VerifiedIdentity>,
    password: Option<Secret>,
    checked: Option<CheckedPassword>,
    /// Whether a throttle was charged, so that a second try is not charged again.
    charged: bool,
}

impl Proof {
    const fn new(lookup: Lookup, method: Method) -> Self {
        Self { lookup, method, verified: None, password: None, checked: None, charged: false }
    }

    const fn key(&self) -> Option<&IdentityKey> {
        match &self.lookup {
            Lookup::Identity(key) => Some(key),
            _ => None,
        }
    }

    /// What a throttle knows a name without an account by.
    fn name(&self) -> Vec<u8> {
        match &self.lookup {
            Lookup::Identity(key) => key.encode(),
            Lookup::Username(key) => key.as_bytes().to_vec(),
            Lookup::Id(_) | Lookup::Transfer(_) => Vec::new(),
        }
    }

    /// Nobody has this login.
    fn unknown(&self) -> Refusal {
        match self.key() {
            Some(key) => Refusal::IdentityUnknown(key.provider().clone()),
            None => Refusal::AccountNotFound,
        }
    }
}

/// What a merge keeps from one try to the next.
struct Attempt<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    who: &'a Authenticated,
    proof: Proof,
    /// The session that is opened where the other account survives.
    session: SessionId,
    now: DateTime<Utc>,
}

/// Two accounts that are to be one.
struct Plan {
    survivor: Settled,
    loser: Settled,
    /// The survivor as it will be.
    account: Account,
    merged: mapping::Merged,
    survives: Survivor,
}

/// What becomes of the caller's account.
enum Decided {
    /// The login is the caller's own: there is nothing to merge.
    Own(Box<Settled>),
    Merge(Box<Plan>),
}

impl Engine {
    /// Merges the caller's account and the one that another login opens: all logins and devices of one move to the other,
    /// and it is deleted, in one commit (braincloud 8.3, security 71). The caller proves both, one by the session and one
    /// by the credential. Which one survives the engine's [`MergeRule`](crate::mapping::MergeRule) says. A login that is
    /// the caller's own already is done.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::braincloud());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let custom = || Credential::Custom("an-id-of-the-host".into());
    /// # engine.login(&context, Login::new(custom())).await?;
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let report = engine.merge_preview(&context, &who, Merge::new(custom())).await?;
    /// assert_eq!(report.map(|report| report.identities.len()), Some(1));
    /// // Ask the player, then:
    /// let merged = engine.merge(&context, &who, Merge::new(custom())).await?;
    /// assert_eq!(merged.account.identities.len(), 2);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: [`Refusal::RecentLoginRequired`]; [`Refusal::NotLinkable`] for a guest key;
    /// [`Refusal::CredentialRejected`] or [`Refusal::WrongPassword`]; [`Refusal::IdentityUnknown`];
    /// [`Refusal::Banned`] or [`Refusal::Missing`] when either account may not be entered;
    /// [`Refusal::DonorNotNormal`] when the account that would be deleted is suspended; [`Refusal::AlreadyLinked`] when
    /// both have an identity of one kind; [`Refusal::TooManyIdentities`]. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the merge may be committed all the same, whole. The caller then logs in again, to the survivor.
    pub async fn merge(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Merge,
    ) -> Result<Merged, Error> {
        self.check_open(context, self.now())?;
        let mut attempt = self.begin_merge(context, who, request).await?;
        let mut tries = Tries::new();
        loop {
            let plan = match attempt.plan().await? {
                Decided::Own(caller) => return nothing_to_merge(*caller, who),
                Decided::Merge(plan) => *plan,
            };
            let intent = Intent::Merge { survivor: &plan.account, merged: &plan.loser.account };
            self.parts.hooks.veto(context, &intent)?;
            let (outcome, draft) = attempt.write(plan)?;
            match self.commit(draft, attempt.now).await {
                Ok(()) => {
                    self.parts.hooks.after(context, &Done::Merge(&outcome)).await;
                    return Ok(outcome);
                }
                Err(lost) => {
                    let key = attempt.proof.key();
                    if let (Conflict::UsedUp(_), Some(key)) = (tries.again(lost)?, key) {
                        return Err(used_up(key).into());
                    }
                }
            }
        }
    }

    /// Says what [`merge`](Self::merge) would do, and does nothing (security 71); none when the login is the caller's own
    /// already. A credential that may be used once is not used up.
    ///
    /// # Errors
    ///
    /// As [`merge`](Self::merge).
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn merge_preview(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Merge,
    ) -> Result<Option<MergeReport>, Error> {
        self.check_open(context, self.now())?;
        let mut attempt = self.begin_merge(context, who, request).await?;
        match attempt.plan().await? {
            Decided::Own(_) => Ok(None),
            Decided::Merge(plan) => {
                let draft = Draft { writes: attempt.forgiven(&plan), ..Draft::default() };
                if let (false, Err(lost)) =
                    (draft.writes.is_empty(), self.commit(draft, attempt.now).await)
                {
                    Tries::new().again(lost)?;
                }
                Ok(Some(plan.merged.report))
            }
        }
    }

    async fn begin_merge<'a>(
        &'a self,
        context: &'a RequestContext,
        who: &'a Authenticated,
        request: Merge,
    ) -> Result<Attempt<'a>, Error> {
        let request = self.parts.hooks.before_merge(context, who, request).await?;
        context.check()?;
        let now = self.now();
        self.check_step_up(who, now)?;
        if request.credential.provider() == Some(&ProviderId::GUEST) {
            return Err(Refusal::NotLinkable(ProviderId::GUEST).into());
        }
        let checked = check(&request.credential, Use::Login, &self.policy, self.parts.folding)?;
        let proof = self.prove_merge(context, who, checked, now).await?;
        let session = SessionId::new(self.random()?);
        Ok(Attempt { engine: self, context, who, proof, session, now })
    }

    async fn prove_merge(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        checked: Checked,
        now: DateTime<Utc>,
    ) -> Result<Proof, Error> {
        Ok(match checked {
            Checked::Id { key, method } => Proof::new(Lookup::Identity(key), method),
            Checked::Password { who, password } => {
                let lookup = match who {
                    PasswordOwner::Email { key, .. } | PasswordOwner::Universal { key, .. } => {
                        Lookup::Identity(key)
                    }
                    PasswordOwner::Username { key } => Lookup::Username(key),
                };
                Proof { password: Some(password), ..Proof::new(lookup, Method::Password) }
            }
            Checked::Provider { provider, payload } => {
                let session = Some(who.session().id);
                let verified =
                    self.ask_verifier(context, &provider, &payload, session, now).await?;
                let lookup = Lookup::Identity(verified.key().clone());
                Proof { verified: Some(verified), ..Proof::new(lookup, Method::Provider) }
            }
        })
    }
}

impl Attempt<'_> {
    async fn plan(&mut self) -> Result<Decided, Error> {
        let engine = self.engine;
        let caller = engine.load_caller(self.who, self.now).await?;
        let other = self.find_other().await?;
        self.check_password(other.as_ref().map(|other| &other.account)).await?;
        let other = other.ok_or_else(|| self.proof.unknown())?;
        if other.account.id == caller.account.id {
            return Ok(Decided::Own(Box::new(caller)));
        }
        engine.check_gate(&caller.account, self.context)?;
        engine.check_gate(&other.account, self.context)?;
        let current = MergeSide::new(&caller.account, &caller.activity);
        let foreign = MergeSide::new(&other.account, &other.activity);
        let survives = engine.parts.merge_rule.survivor(&current, &foreign);
        let (survivor, loser) = match survives {
            Survivor::Current => (caller, other),
            Survivor::Other => (other, caller),
        };
        let mut account = survivor.account.clone();
        let sessions = &loser.activity;
        let merged =
            mapping::merge(&mut account, &loser.account, sessions, &engine.policy, self.now)?;
        Ok(Decided::Merge(Box::new(Plan { survivor, loser, account, merged, survives })))
    }

    /// The account that the login opens, by its present or a former subject (decision 17).
    async fn find_other(&mut self) -> Result<Option<Settled>, Error> {
        let (engine, now) = (self.engine, self.now);
        if let Some(verified) = &self.proof.verified {
            self.proof.lookup = Lookup::Identity(verified.key().clone());
        }
        let other = engine.load(&self.proof.lookup, now).await?;
        // What was withdrawn owns nothing any more.
        let other = other.filter(|other| !other.account.withdrawal.is_done());
        if let (None, Some(verified)) = (&other, &self.proof.verified)
            && let Some((key, owner)) = engine.find_former(verified, now).await?
        {
            self.proof.lookup = Lookup::Identity(key);
            return Ok(Some(owner));
        }
        Ok(other)
    }

    /// Checks the password, where the credential has one.
    async fn check_password(&mut self, other: Option<&Account>) -> Result<(), Error> {
        let (engine, proof) = (self.engine, &mut self.proof);
        let Some(password) = &proof.password else { return Ok(()) };
        let known = other.and_then(|other| proof.checked.as_ref()?.holds_for(other));
        let verdict = if let Some(verdict) = known {
            verdict
        } else {
            if !proof.charged {
                let throttle = throttle_of(other.map(|other| other.id), &proof.name());
                engine.charge_try(throttle, self.now).await?;
            }
            let checked = engine.check_against(other, password).await?;
            let verdict = checked.verdict();
            proof.charged = true;
            proof.checked = Some(checked);
            verdict
        };
        match verdict {
            Verdict::Wrong if other.is_none() && engine.policy.tells_unknown_accounts => {
                Err(proof.unknown().into())
            }
            Verdict::Wrong => Err(Refusal::WrongPassword.into()),
            Verdict::Right | Verdict::RightButOutdated => Ok(()),
        }
    }

    /// The password was right: what was charged for it is forgotten.
    fn forgiven(&self, plan: &Plan) -> Vec<Write> {
        let other = match plan.survives {
            Survivor::Current => plan.loser.account.id,
            Survivor::Other => plan.survivor.account.id,
        };
        let reset = Write::ResetThrottle(throttle_of(Some(other), &[]));
        if self.proof.charged { vec![reset] } else { Vec::new() }
    }

    fn write(&self, plan: Plan) -> Result<(Merged, Draft), Error> {
        let engine = self.engine;
        let mut draft = Draft::using_up(self.proof.verified.as_ref());
        draft.writes.extend(self.forgiven(&plan));
        let Plan { survivor, loser, mut account, merged, survives } = plan;
        let mapping::Merged { report, mut change, farewell } = merged;
        // Nothing that opened the survivor stops doing so.
        let (keeps, before) = (CredentialChange::KeepsSessions, &survivor.activity);
        let moved = change.sessions(&mut account, before, keeps, None);
        let (activity, session, tokens) = match survives {
            Survivor::Current => {
                let session = session_of(moved.as_ref().unwrap_or(before), self.who)?;
                (moved, session, None)
            }
            Survivor::Other => {
                let activity = moved.unwrap_or_else(|| before.clone());
                let (activity, session) = self.enter(&account, &survivor, activity);
                let tokens =
                    engine.parts.keys.mint(&account, &session, self.now, &engine.policy)?;
                (Some(activity), session, Some(tokens))
            }
        };
        survivor.settle_activity(activity, &mut draft);
        survivor.update(&account, &mut draft);
        draft.happened(account.id, change.events);
        if tokens.is_some() && engine.policy.login_events {
            draft.events.push((account.id, EventKind::LoggedIn { session: session.id }));
        }
        let (id, expect) = (loser.account.id, loser.version);
        loser.hold_caller(&mut draft);
        draft.writes.push(Write::DeleteAccount { id, expect });
        draft.happened(id, loser.events);
        draft.happened(id, farewell);
        Ok((Merged { account, session, tokens, report: Some(report) }, draft))
    }

    /// Opens the session in which the caller goes on in the other account.
    fn enter(
        &self,
        account: &Account,
        survivor: &Settled,
        activity: Activity,
    ) -> (Activity, Session) {
        let identity = self.proof.key().and_then(|key| account.identity(key));
        let open = OpenSession {
            id: self.session,
            identity: identity.map(|identity| identity.ordinal),
            method: self.proof.method,
            client_vars: &self.who.session().client_vars,
            server_vars: &self.who.session().server_vars,
            context: self.context,
            account_epoch: account.epoch,
            store_epoch: survivor.store_epoch,
        };
        open_session(activity, &open, &self.engine.policy, self.now)
    }
}

fn session_of(activity: &Activity, who: &Authenticated) -> Result<Session, Refusal> {
    let own = activity.sessions.iter().find(|session| session.id == who.session().id);
    own.cloned().ok_or(Refusal::AccessTokenInvalid)
}

fn nothing_to_merge(caller: Settled, who: &Authenticated) -> Result<Merged, Error> {
    let session = session_of(&caller.activity, who)?;
    Ok(Merged { account: caller.account, session, tokens: None, report: None })
}
