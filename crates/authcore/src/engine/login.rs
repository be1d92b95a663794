use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::password::{CheckedPassword, throttle_of};
use crate::account::{
    Account, AccountId, CommitId, Epoch, IdentityKey, Ordinal, ProviderId, SessionId, Username,
    check_username, generate_username,
};
use crate::command::{LoggedIn, Login};
use crate::context::RequestContext;
use crate::credential::{Checked, PasswordOwner, Use, check};
use crate::error::{Error, Fault};
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::password::{Password, Verdict, check_password};
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::session::{Activity, Method, OpenSession, Session, Vars, open_session};
use crate::store::{Conflict, Lookup, Write};
use crate::verifier::{VerifiedIdentity, VerifyContext, VerifyError};

/// How much text a session carries at most, keys and values of both kinds, in bytes.
const VARS_MAX: usize = 2048;

/// Who logs in, proven as far as it can be without the account.
enum Proven {
    Identity { key: IdentityKey, method: Method, verified: Option<VerifiedIdentity> },
    Password { who: PasswordOwner, password: Secret },
}

impl Proven {
    fn lookup(&self) -> Lookup {
        match self {
            Self::Identity { key, .. }
            | Self::Password { who: PasswordOwner::Email { key, .. }, .. } => {
                Lookup::Identity(key.clone())
            }
            Self::Password { who: PasswordOwner::Username { key }, .. } => {
                Lookup::Username(key.clone())
            }
        }
    }

    const fn method(&self) -> Method {
        match self {
            Self::Identity { method, .. } => *method,
            Self::Password { .. } => Method::Password,
        }
    }

    /// The identity that a new account is made with; a username makes none (nakama 6.2).
    fn identity(&self) -> Option<(&IdentityKey, Option<&str>)> {
        match self {
            Self::Identity { key, .. } => Some((key, None)),
            Self::Password { who: PasswordOwner::Email { key, shown }, .. } => {
                Some((key, Some(shown)))
            }
            Self::Password { who: PasswordOwner::Username { .. }, .. } => None,
        }
    }
}

/// What a login keeps from one try to the next.
struct Attempt<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    login: Login,
    proven: Proven,
    now: DateTime<Utc>,
    session: SessionId,
    /// The name of the first change set.
    commit: Option<CommitId>,
    /// Whether a throttle was charged for this login, so that a second try is not charged again.
    charged: bool,
    checked: Option<CheckedPassword>,
    hashed: Option<Box<str>>,
    username_taken: bool,
}

impl Engine {
    /// Logs a player in, and makes the account when there is none and the request allows it (nakama 5, 6).
    ///
    /// First logins that race for one identity all succeed: one makes the account, the others log into it. A login
    /// beside a ban, a deletion or an unlink is either before it, and then its session ends with it, or refused.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::new(Policy::recommended()).await;
    /// # let engine = harness.engine();
    /// let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// let first = engine.login(&RequestContext::new(), login.clone()).await?;
    /// let again = engine.login(&RequestContext::new(), login).await?;
    /// assert!(first.created && !again.created);
    /// assert_eq!(first.account.id, again.account.id);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when the player may not in, [`Error::Fault`] when something does not work.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the login may be committed all the same, and its session then ends unused.
    pub async fn login(&self, context: &RequestContext, login: Login) -> Result<LoggedIn, Error> {
        self.check_open(context, self.now())?;
        let login = self.parts.hooks.before_login(context, login).await?;
        context.check()?;
        check_vars(&login.vars, &login.server_vars)?;
        let now = self.now();
        let credential = login.credential.clone();
        let checked = check(credential, Use::Login, &self.policy, self.parts.folding)?;
        if let Some(username) = login.username.as_deref().filter(|name| !name.is_empty()) {
            check_username(username)?;
        }
        if let Checked::Password { who: PasswordOwner::Email { .. }, password } = &checked
            && login.create
            && !self.policy.tells_unknown_accounts
        {
            // Said before it is known whether there is an account, so that it does not tell (security 25).
            check_password(password, self.policy.password_min).map_err(Refusal::from)?;
        }
        let proven = self.prove(checked, now).await?;
        // One question for both: to ask the system costs more than what it answers.
        let mut ids = [[0; 16]; 2];
        self.parts.random.fill(ids.as_flattened_mut())?;
        let [session, commit] = ids;
        let mut attempt = Attempt {
            engine: self,
            context,
            login,
            proven,
            now,
            session: SessionId::new(session),
            commit: Some(CommitId::new(commit)),
            charged: false,
            checked: None,
            hashed: None,
            username_taken: false,
        };
        let outcome = attempt.run().await?;
        self.parts.hooks.after(context, &Done::Login(&outcome)).await;
        Ok(outcome)
    }

    /// Asks the verifier, where one is needed.
    async fn prove(&self, checked: Checked, now: DateTime<Utc>) -> Result<Proven, Error> {
        Ok(match checked {
            Checked::Id { key, method } => Proven::Identity { key, method, verified: None },
            Checked::Password { who, password } => Proven::Password { who, password },
            Checked::Provider { provider, payload } => {
                let verified = self.ask_verifier(&provider, &payload, now).await?;
                let key = verified.key().clone();
                Proven::Identity { key, method: Method::Provider, verified: Some(verified) }
            }
        })
    }

    pub(super) async fn ask_verifier(
        &self,
        provider: &ProviderId,
        payload: &Secret,
        now: DateTime<Utc>,
    ) -> Result<VerifiedIdentity, Error> {
        let context = VerifyContext::new(now, provider.clone());
        match self.verifier(provider)?.verify(payload, &context).await {
            Ok(verified) => Ok(verified),
            Err(VerifyError::Rejected(why)) => {
                tracing::debug!(%provider, why, "credential rejected");
                Err(Refusal::CredentialRejected { provider: provider.clone(), extra: None }.into())
            }
            Err(source @ VerifyError::Unavailable(_)) => {
                Err(Fault::Verifier { provider: provider.clone(), source }.into())
            }
        }
    }
}

pub(super) fn check_vars(client: &Vars, server: &Vars) -> Result<(), Refusal> {
    let size = |vars: &Vars| vars.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    if size(client) + size(server) <= VARS_MAX {
        Ok(())
    } else {
        let rule = Rule::Bytes { min: 0, max: VARS_MAX };
        Err(Refusal::Invalid { field: Field::Vars, rule })
    }
}

/// What a login is about to commit.
struct Entry {
    account: Account,
    session: Session,
    created: bool,
    draft: Draft,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<LoggedIn, Error> {
        let mut tries = Tries::new();
        let lookup = self.proven.lookup();
        loop {
            let entry = match self.engine.load(&lookup, self.now).await? {
                Some(settled) if !settled.account.withdrawal.is_done() => {
                    self.enter(settled).await?
                }
                // Withdrawn just now, by time: the identity is free, and the tombstone is written with the new account.
                left => self.create(left.as_ref()).await?,
            };
            let Entry { account, session, created, mut draft } = entry;
            draft.id = self.commit.take();
            match self.engine.commit(draft, self.now).await {
                Ok(()) => {
                    let engine = self.engine;
                    // An account that was made may start banned.
                    engine.check_gate(&account, self.context)?;
                    let tokens =
                        engine.parts.keys.mint(&account, &session, self.now, &engine.policy)?;
                    return Ok(LoggedIn { account, created, session, tokens });
                }
                Err(lost) => {
                    let conflict = tries.again(lost)?;
                    if let (Conflict::UsedUp(_), Some(provider)) =
                        (&conflict, self.login.credential.provider())
                    {
                        // What may be used once was used before.
                        let provider = provider.clone();
                        return Err(Refusal::CredentialRejected { provider, extra: None }.into());
                    }
                    // A generated name is made anew. One that was asked for belongs to somebody else, unless the same
                    // player made the account just now: then the next load finds it.
                    let asked = self.username().is_some();
                    self.username_taken = asked && matches!(conflict, Conflict::UsernameTaken(_));
                }
            }
        }
    }

    fn username(&self) -> Option<&str> {
        self.login.username.as_deref().filter(|name| !name.is_empty())
    }

    /// Logs into an account that exists.
    async fn enter(&mut self, mut settled: Settled) -> Result<Entry, Error> {
        if self.engine.policy.tells_bans_first {
            self.engine.check_gate(&settled.account, self.context)?;
        }
        let rehashed = self.check_password(&settled.account).await?;
        self.engine.check_gate(&settled.account, self.context)?;
        self.engine.parts.hooks.veto(self.context, &Intent::LogIn(&settled.account))?;
        let mut draft = self.draft(Some(settled.account.id), settled.account.id);
        if let (Some(hash), Some(password)) = (rehashed, settled.account.password.as_mut()) {
            // The same password under stronger parameters: its version stays.
            password.hash = hash;
            settled.update(&settled.account, &mut draft);
        } else {
            settled.hold(&mut draft);
        }
        let identity = self
            .proven
            .identity()
            .and_then(|(key, _)| settled.account.identity(key))
            .map(|identity| identity.ordinal);
        let activity = std::mem::take(&mut settled.activity);
        let (activity, session) =
            self.open(activity, &settled.account, settled.store_epoch, identity);
        draft.writes.push(settled.update_activity(activity));
        Ok(Entry { account: settled.account, session, created: false, draft })
    }

    /// Makes the account, in the place of one that has left where there was one.
    async fn create(&mut self, left: Option<&Settled>) -> Result<Entry, Error> {
        let password = self.new_password().await?;
        let Some((key, shown)) = self.proven.identity() else {
            return Err(Refusal::AccountNotFound.into());
        };
        if !self.login.create {
            return Err(Refusal::AccountNotFound.into());
        }
        if self.username_taken {
            return Err(Refusal::UsernameTaken.into());
        }
        let engine = self.engine;
        let id = AccountId::new(self.now, &engine.random()?);
        let mut account = Account::new(id, self.now);
        let generated = match self.username() {
            None if engine.policy.generated_usernames => Some(generate_username(&engine.random()?)),
            _ => None,
        };
        account.username = self
            .username()
            .or(generated.as_deref())
            .map(|name| Username::new(name, engine.parts.folding));
        let ordinal = account.add_identity(key.clone(), shown.map(Into::into), self.now);
        account.password = password.map(|hash| Password { hash, version: 1, set_at: self.now });
        engine.parts.hooks.veto(self.context, &Intent::Create(&account))?;
        let mut draft = self.draft(None, id);
        if let Some(left) = left {
            left.update(&left.account, &mut draft);
        }
        engine.start_banned(&mut account, self.now, &mut draft).await?;
        // A store's epoch is read with an account, and there is none yet. A session of the highest epoch outlives a
        // raise that it did not see; so the epoch is read for the rare case that there was one.
        let store_epoch = engine.parts.store.epoch().await?;
        let (activity, session) =
            self.open(Activity::default(), &account, store_epoch, Some(ordinal));
        let activity = if account.ban.ban().is_some() { Activity::default() } else { activity };
        draft.writes.push(Write::InsertAccount { account: Box::new(account.clone()), activity });
        let linked = EventKind::IdentityLinked { ordinal, provider: key.provider().clone() };
        let at = draft.events.iter().position(|(account, _)| *account == id);
        let at = at.unwrap_or(draft.events.len());
        draft.events.splice(at..at, [(id, EventKind::AccountCreated), (id, linked)]);
        Ok(Entry { account, session, created: true, draft })
    }

    /// What every login commits: what is used up by it, and the event where policy asks for it.
    fn draft(&self, known: Option<AccountId>, account: AccountId) -> Draft {
        let verified = match &self.proven {
            Proven::Identity { verified, .. } => verified.as_ref(),
            Proven::Password { .. } => None,
        };
        let mut draft = Draft::using_up(verified);
        if self.charged {
            draft.writes.push(Write::ResetThrottle(throttle_of(known, &self.name())));
        }
        if self.engine.policy.login_events {
            draft.events.push((account, EventKind::LoggedIn { session: self.session }));
        }
        draft
    }

    fn open(
        &self,
        activity: Activity,
        account: &Account,
        store_epoch: Epoch,
        identity: Option<Ordinal>,
    ) -> (Activity, Session) {
        let open = OpenSession {
            id: self.session,
            identity,
            method: self.proven.method(),
            client_vars: &self.login.vars,
            server_vars: &self.login.server_vars,
            context: self.context,
            account_epoch: account.epoch,
            store_epoch,
        };
        open_session(activity, &open, &self.engine.policy, self.now)
    }

    /// Checks the password, where the login has one; says the new hash when the old one is outdated.
    async fn check_password(&mut self, account: &Account) -> Result<Option<Box<str>>, Error> {
        let Proven::Password { password, .. } = &self.proven else {
            return Ok(None);
        };
        let known = self.checked.as_ref().and_then(|checked| checked.holds_for(account));
        let verdict = if let Some(verdict) = known {
            verdict
        } else {
            if !self.charged {
                self.engine.charge_try(throttle_of(Some(account.id), &[]), self.now).await?;
            }
            let checked = self.engine.check_against(Some(account), password).await?;
            let verdict = checked.verdict();
            self.charged = true;
            self.checked = Some(checked);
            verdict
        };
        match verdict {
            Verdict::Wrong => Err(Refusal::WrongPassword.into()),
            Verdict::Right => Ok(None),
            Verdict::RightButOutdated => {
                if self.hashed.is_none() {
                    // When there is too much to do, the next login makes the new hash.
                    self.hashed = self.engine.hash(password).await.ok();
                }
                Ok(self.hashed.clone())
            }
        }
    }

    /// For a name without an account: hashes the password of the account to be made, or does the same work for
    /// nothing (security 26).
    async fn new_password(&mut self) -> Result<Option<Box<str>>, Error> {
        let Proven::Password { who, password } = &self.proven else {
            return Ok(None);
        };
        if !self.charged {
            self.engine.charge_try(throttle_of(None, &self.name()), self.now).await?;
        }
        if self.login.create && matches!(who, PasswordOwner::Email { .. }) {
            check_password(password, self.engine.policy.password_min).map_err(Refusal::from)?;
            if self.hashed.is_none() {
                self.hashed = Some(self.engine.hash(password).await?);
            }
            self.charged = true;
            return Ok(self.hashed.clone());
        }
        self.engine.check_against(None, password).await?;
        let refusal = if self.engine.policy.tells_unknown_accounts {
            Refusal::AccountNotFound
        } else {
            Refusal::WrongPassword
        };
        Err(refusal.into())
    }

    /// What a throttle knows a name without an account by.
    fn name(&self) -> Vec<u8> {
        match &self.proven {
            Proven::Identity { .. } => Vec::new(),
            Proven::Password { who: PasswordOwner::Email { key, .. }, .. } => key.encode(),
            Proven::Password { who: PasswordOwner::Username { key }, .. } => {
                key.as_bytes().to_vec()
            }
        }
    }
}
