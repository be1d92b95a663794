use chrono::{DateTime, Utc};

use super::super::Engine;
use super::super::corridor::{Draft, Settled};
use super::trial::Trial;
use super::{check_guest_only, throttle_of_caller};
use crate::account::{Account, IdentityKey, Ordinal, ProviderId, SessionId};
use crate::command::LoggedIn;
use crate::context::RequestContext;
use crate::credential::check_id;
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::session::{Method, OpenSession, Session, Vars, open_session};
use crate::transfer::{Transfer, TransferRules, is_same_device, lose_guest, transfer};

/// What stays the same from one lost race to the next.
struct Carrying<'a> {
    context: &'a RequestContext,
    rules: &'a TransferRules,
    guest: IdentityKey,
    session: SessionId,
    now: DateTime<Utc>,
}

impl Engine {
    /// Carries a guest to the device that asks, by the id and password of the guest's transfer account (gamebase 3.14):
    /// the account is the same, the device's guest key opens it from then on, and the device is logged in. The old
    /// device's sessions are over, and its guest key makes a new account. The guest that was on this device before, if
    /// there was one, has lost its login and is missing (gamebase X-17).
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::{*, transfer::*};
    /// # let digits = KeyFormat { characters: Characters::Digits, length: 12 };
    /// # let rules = TransferRules {
    /// #     id: digits, password: Some(digits), one_time: true, lifetime: None, lock: None, not_before: None,
    /// # };
    /// # let policy = Policy { transfer: Some(rules), ..Policy::gamebase() };
    /// # let harness = authcore_testkit::Harness::with_policy(policy);
    /// # let engine = harness.engine();
    /// let context = RequestContext::new();
    /// let login = Login::new(Credential::Guest("guest-key-of-the-old-phone".into()));
    /// let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let info = engine.issue_transfer_account(&context, &who).await?;
    ///
    /// let request = Transfer::new("guest-key-of-the-new-phone", info.id.unwrap())
    ///     .with_password(info.password.unwrap());
    /// let carried = engine.transfer(&context, None, request).await?;
    /// assert_eq!(carried.account.id, player.account.id);
    /// assert!(engine.verify(player.tokens.access.reveal()).await.is_err());
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// In this order (gamebase 3, 4.3): [`Refusal::NotPlayable`]; [`Refusal::TransferOff`]; [`Refusal::NotGuestOnly`] when the caller has an account that
    /// is more than a guest's; [`Refusal::TransferUnknown`]; [`Refusal::TransferMissing`]; [`Refusal::TransferUsed`];
    /// [`Refusal::TransferExpired`]; [`Refusal::TransferBlocked`]; [`Refusal::TransferWrongPassword`], or the block where it
    /// is the last; [`Refusal::TransferSameDevice`]; and what the state of the account refuses. Besides,
    /// [`Refusal::Invalid`], with [`Rule::NotYours`] when a caller who is logged in presents another account's guest
    /// key; [`Refusal::AccessTokenInvalid`] when the caller's session has ended; [`Refusal::TryAgainLater`] after too many
    /// tries, right ones included; or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the transfer may be committed all the same, and its session then ends unused: the guest key of
    /// the new device opens the account.
    pub async fn transfer(
        &self,
        context: &RequestContext,
        current: Option<&Authenticated>,
        request: Transfer,
    ) -> Result<LoggedIn, Error> {
        let now = self.now();
        self.check_open(context, now)?;
        let rules = self.transfer_rules()?;
        context.check()?;
        check_id(Field::GuestKey, request.guest.reveal())?;
        let mut trial = Trial::new(self, rules, &request.id, &request.password, now)?;
        let guest = IdentityKey::new(ProviderId::GUEST, request.guest.reveal());
        let session = SessionId::new(self.random()?);
        let carrying = Carrying { context, rules, guest, session, now };
        // Ahead of all that tells whether somebody has the guest key.
        let caller = throttle_of_caller(context, request.guest.reveal().as_bytes());
        self.charge(caller, self.policy.transfer_attempts, now).await?;
        loop {
            let before = self.guest_of_device(current, &carrying.guest, now).await?;
            let settled = trial.pass().await?;
            let (account, session, counted, draft) = self.carry(&carrying, settled, before)?;
            match self.commit(draft, now).await {
                Ok(()) => {
                    let tokens = self.parts.keys.mint(&account, &session, now, &self.policy)?;
                    let outcome = LoggedIn::into_existing(account, session, tokens, counted);
                    self.parts.hooks.after(context, &Done::Login(&outcome)).await;
                    return Ok(outcome);
                }
                Err(lost) => trial.tries.again(lost)?,
            };
        }
    }

    /// The account that is on the device that asks: the one that the caller is logged in to, or that its guest key
    /// opens. It must be a guest's and nothing else, because it is lost.
    async fn guest_of_device(
        &self,
        current: Option<&Authenticated>,
        guest: &IdentityKey,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Error> {
        let opened = self.owner(guest, now).await?;
        let Some(who) = current else {
            opened.as_ref().map_or(Ok(()), |opened| check_guest_only(&opened.account))?;
            return Ok(opened);
        };
        let caller = self.load_caller(who, now).await?;
        check_guest_only(&caller.account)?;
        if opened.is_some_and(|opened| opened.account.id != caller.account.id) {
            return Err(Refusal::Invalid { field: Field::GuestKey, rule: Rule::NotYours }.into());
        }
        Ok(Some(caller))
    }

    /// What a transfer commits, after a try that was right: in one change set, the account moves and the guest that was
    /// on the device before is lost.
    fn carry(
        &self,
        carrying: &Carrying<'_>,
        mut settled: Settled,
        before: Option<Settled>,
    ) -> Result<(Account, Session, Counted, Draft), Refusal> {
        let Carrying { context, rules, guest, session, now } = carrying;
        let device = context.device_id.as_deref();
        let mut account = settled.account.clone();
        let is_own = before.as_ref().is_some_and(|before| before.account.id == account.id);
        if is_own || is_same_device(&account, guest, device) {
            return Err(Refusal::TransferSameDevice);
        }
        self.check_gate(&account, context)?;
        self.parts.hooks.veto(context, &Intent::LogIn(&account))?;
        let mut draft = Draft::default();
        draft.happened(account.id, transfer(&mut account, guest, device, rules, *now)?);
        if self.policy.login_events {
            draft.events.push((account.id, EventKind::LoggedIn { session: *session }));
        }
        settled.update(&account, &mut draft);
        if let Some(before) = before {
            let mut lost = before.account.clone();
            draft.happened(lost.id, lose_guest(&mut lost, *now));
            before.update(&lost, &mut draft);
        }
        let identity = account.identity(guest).map(|identity| identity.ordinal);
        let (session, counted) = carrying.open(self, &mut settled, &account, identity, &mut draft);
        Ok((account, session, counted, draft))
    }
}

/// How many logins there were, and when the one before this was.
type Counted = (u64, Option<DateTime<Utc>>);

impl Carrying<'_> {
    fn open(
        &self,
        engine: &Engine,
        settled: &mut Settled,
        account: &Account,
        identity: Option<Ordinal>,
        draft: &mut Draft,
    ) -> (Session, Counted) {
        let open = OpenSession {
            id: self.session,
            identity,
            method: Method::Guest,
            client_vars: &Vars::new(),
            server_vars: &Vars::new(),
            context: self.context,
            account_epoch: account.epoch,
            store_epoch: settled.store_epoch,
        };
        let activity = std::mem::take(&mut settled.activity);
        let (activity, session) = open_session(activity, &open, &engine.policy, self.now);
        let counted = (activity.login_count, activity.previous_login_at);
        draft.writes.push(settled.update_activity(activity));
        (session, counted)
    }
}
