mod create;
mod decision;
mod device;
mod enter;
mod told;

pub(super) use told::apply_told;

use chrono::{DateTime, Utc};

use self::decision::{Decision, Expected, decide};
use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::password::{PasswordTry, throttle_of};
use crate::account::{
    Account, AccountId, CommitId, Epoch, IdentityKey, Ordinal, ProviderId, SessionId,
    check_username,
};
use crate::command::{LoggedIn, Login};
use crate::context::RequestContext;
use crate::credential::{Checked, Credential, PasswordOwner, Use, check, check_id};
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::Done;
use crate::password::check_password;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::session::{Activity, Method, OpenSession, Session, Vars, open_session};
use crate::store::{Conflict, Lookup, Write};
use crate::verifier::{Told, VerifiedIdentity};

/// How much text a session carries at most, keys and values of both kinds, in bytes.
const VARS_MAX: usize = 2048;

/// Who logs in, proven as far as it can be without the account.
pub(super) enum Proven {
    Identity { key: IdentityKey, method: Method, verified: Option<VerifiedIdentity> },
    Password { who: PasswordOwner, password: Secret },
}

impl Proven {
    pub(super) fn lookup(&self) -> Lookup {
        match self {
            Self::Identity { key, .. } => match self.told().and_then(|told| told.account) {
                Some(account) => Lookup::Id(account),
                None => Lookup::Identity(key.clone()),
            },
            Self::Password { who, .. } => match who {
                PasswordOwner::Email { key, .. } | PasswordOwner::Universal { key } => {
                    Lookup::Identity(key.clone())
                }
                PasswordOwner::Username { key } => Lookup::Username(key.clone()),
            },
        }
    }

    const fn method(&self) -> Method {
        match self {
            Self::Identity { method, .. } => *method,
            Self::Password { .. } => Method::Password,
        }
    }

    /// The identity that a new account is made with, and its form to show; a username makes none (nakama 6.2).
    fn identity(&self) -> Option<(&IdentityKey, Option<&str>)> {
        match self {
            Self::Identity { key, .. } => Some((key, None)),
            Self::Password { who, .. } => who.identity(),
        }
    }

    pub(super) fn verified(&self) -> Option<&VerifiedIdentity> {
        match self {
            Self::Identity { verified, .. } => verified.as_ref(),
            Self::Password { .. } => None,
        }
    }

    /// What a verifier told besides, where it did.
    fn told(&self) -> Option<&Told> {
        self.verified().and_then(VerifiedIdentity::also)
    }
}

/// What a login keeps from one try to the next.
struct Attempt<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    login: Login,
    proven: Proven,
    /// The device link that follows the login, where there is one.
    device: Option<IdentityKey>,
    now: DateTime<Utc>,
    session: SessionId,
    /// The name of the first change set.
    commit: Option<CommitId>,
    tried: PasswordTry,
    hashed: Option<Box<str>>,
    username_taken: bool,
    /// Whether the caller was charged for an account.
    counted: bool,
    /// The former key that the account was found by.
    former: Option<Box<IdentityKey>>,
}

impl Engine {
    /// Logs a player in, and makes the account when there is none and the request allows it (nakama 5, 6).
    ///
    /// First logins that race for one identity all succeed: one makes the account, the others log into it. A login
    /// beside a ban, a deletion or an unlink is either before it, and then its session ends with it, or refused.
    ///
    /// Whether it enters, makes or refuses follows braincloud 4.1 and 4.2, for every kind of credential. The credential is
    /// judged first: a wrong one is told as such, whatever account was expected.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
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
    /// [`Error::Refused`] when the player may not in, [`Error::Fault`] when something does not work. Of the refusals these
    /// have a next step: [`Refusal::AccountNotFound`] (log in again with [`create`](Login::create)),
    /// [`Refusal::IdentityUnknown`] and [`Refusal::OtherAccount`] (log in again without
    /// [`expected_account`](Login::expected_account)), [`Refusal::AccountRequired`] (with it), and
    /// [`Refusal::AlreadyLoggedIn`] (log out first).
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
        let checked = check(&login.credential, Use::Login, &self.policy, self.parts.folding)?;
        if let Some(username) = login.username.as_deref().filter(|name| !name.is_empty()) {
            check_username(username)?;
        }
        let device = self.device_link(&login)?;
        if let Checked::Password { who, password } = &checked
            && who.identity().is_some()
            && login.create
            && !self.policy.tells_unknown_accounts
        {
            // Said before it is known whether there is an account, so that it does not tell (security 25).
            check_password(password, self.policy.password_min).map_err(Refusal::from)?;
        }
        let proven = self.prove(context, checked, now).await?;
        // One question for both: to ask the system costs more than what it answers.
        let mut ids = [[0; 16]; 2];
        self.parts.random.fill(ids.as_flattened_mut())?;
        let [session, commit] = ids;
        let mut attempt = Attempt {
            engine: self,
            context,
            login,
            proven,
            device,
            now,
            session: SessionId::new(session),
            commit: Some(CommitId::new(commit)),
            tried: PasswordTry::default(),
            hashed: None,
            username_taken: false,
            counted: false,
            former: None,
        };
        let outcome = attempt.run().await?;
        self.parts.hooks.after(context, &Done::Login(&outcome)).await;
        Ok(outcome)
    }

    /// The key of the device that follows the login, where the policy lets it.
    fn device_link(&self, login: &Login) -> Result<Option<IdentityKey>, Refusal> {
        match &login.device_link {
            Some(id) if self.policy.device_follows_login && !id.is_empty() => {
                check_id(Field::DeviceLink, id.reveal())?;
                Ok(Some(IdentityKey::new(ProviderId::DEVICE, id.reveal())))
            }
            _ => Ok(None),
        }
    }

    /// Asks the verifier, where one is needed.
    pub(super) async fn prove(
        &self,
        context: &RequestContext,
        checked: Checked,
        now: DateTime<Utc>,
    ) -> Result<Proven, Error> {
        Ok(match checked {
            Checked::Id { key, method } => Proven::Identity { key, method, verified: None },
            Checked::Password { who, password } => Proven::Password { who, password },
            Checked::Provider { provider, payload } => {
                let asked = self.ask_verifier(context, &provider, &payload, None, now);
                let verified = Box::pin(asked).await?;
                let key = verified.key().clone();
                Proven::Identity { key, method: Method::Provider, verified: Some(verified) }
            }
        })
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
    login_count: u64,
    previous_login_at: Option<DateTime<Utc>>,
    draft: Draft,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<LoggedIn, Error> {
        let mut tries = Tries::new();
        let lookup = self.proven.lookup();
        let entry = loop {
            let mut entry = match self.find(&lookup).await? {
                Some(mut settled) if !settled.account.withdrawal.is_done() => {
                    let (draft, current) = self.admit(&mut settled).await?;
                    self.enter(settled, draft, current)
                }
                // Withdrawn just now, by time: the identity is free.
                left => self.create(left.is_some()).await?,
            };
            let mut draft = std::mem::take(&mut entry.draft);
            if draft.writes.is_empty() {
                // The session that there was goes on.
                break entry;
            }
            draft.id = self.commit.take();
            match self.engine.commit(draft, self.now).await {
                Ok(()) => break entry,
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
        };
        let logged_in = self.outcome(entry)?;
        if self.proven.told().is_some() {
            return Ok(Box::pin(self.hand_on(logged_in)).await);
        }
        Ok(logged_in)
    }

    async fn find(&mut self, lookup: &Lookup) -> Result<Option<Settled>, Error> {
        let found = self.engine.load(lookup, self.now).await?;
        if self.proven.told().is_some() { Box::pin(self.find_told(found)).await } else { Ok(found) }
    }

    fn outcome(&self, entry: Entry) -> Result<LoggedIn, Error> {
        let Entry { account, session, created, login_count, previous_login_at, .. } = entry;
        let engine = self.engine;
        // An account that was made may start banned.
        engine.check_gate(&account, self.context)?;
        let tokens = engine.parts.keys.mint(&account, &session, self.now, &engine.policy)?;
        Ok(LoggedIn {
            account,
            created,
            session,
            tokens,
            login_count,
            previous_login_at,
            provider: self.login.credential.provider().cloned(),
            friends: Vec::new(),
            provider_profile: None,
            payload: None,
            flags: Vec::new(),
            owner: None,
        })
    }

    /// Hands on what a verifier told.
    async fn hand_on(&self, mut logged_in: LoggedIn) -> LoggedIn {
        if let Some(verified) = self.proven.verified() {
            self.engine.tell(verified, &mut logged_in, self.now).await;
        }
        logged_in
    }

    fn username(&self) -> Option<&str> {
        self.login.username.as_deref().filter(|name| !name.is_empty())
    }

    /// Whether the login may enter the account that was found, or make one where none was, by the account that the
    /// client expects (braincloud 4.1, 4.2).
    fn allowed(&self, found: Option<AccountId>) -> Result<(), Refusal> {
        let expected = match self.login.expected_account.as_deref() {
            None | Some("") => Expected::Nobody,
            Some(text) if found.is_some() && text.parse().ok() == found => Expected::Owner,
            Some(_) => Expected::Other,
        };
        let policy = &self.engine.policy;
        let device = matches!(self.login.credential, Credential::Device(_));
        let create = self.login.create && self.proven.identity().is_some();
        let provider = || self.login.credential.provider().unwrap_or(&ProviderId::USERNAME).clone();
        match decide(found.is_some(), expected, create, device && policy.device_needs_account) {
            Decision::Enter | Decision::Create => Ok(()),
            Decision::AccountNotFound => Err(Refusal::AccountNotFound),
            Decision::IdentityUnknown => Err(Refusal::IdentityUnknown(provider())),
            Decision::OtherAccount => Err(Refusal::OtherAccount(provider())),
            Decision::AccountRequired => Err(Refusal::AccountRequired),
        }
    }

    /// What every login commits: what is used up by it.
    fn draft(&self, known: Option<AccountId>) -> Draft {
        let mut draft = Draft::using_up(self.proven.verified());
        if self.tried.charged {
            draft.writes.push(Write::ResetThrottle(throttle_of(known, &self.name())));
        }
        draft
    }

    fn open(
        &self,
        activity: Activity,
        account: &Account,
        store_epoch: Epoch,
        identity: Option<Ordinal>,
        draft: &mut Draft,
    ) -> (Activity, Session) {
        if self.engine.policy.login_events {
            draft.events.push((account.id, EventKind::LoggedIn { session: self.session }));
        }
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

    /// What a throttle knows a name without an account by.
    fn name(&self) -> Vec<u8> {
        match &self.proven {
            Proven::Identity { .. } => Vec::new(),
            Proven::Password { who: PasswordOwner::Username { key }, .. } => {
                key.as_bytes().to_vec()
            }
            Proven::Password { who, .. } => {
                who.identity().map_or_else(Vec::new, |(key, _)| key.encode())
            }
        }
    }
}
