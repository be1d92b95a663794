use chrono::{DateTime, TimeDelta, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::forced_link::Presented;
use crate::account::{Account, SessionId};
use crate::command::LoggedIn;
use crate::context::RequestContext;
use crate::error::Error;
use crate::event::{EventKind, SessionEnd};
use crate::hooks::{Done, Intent};
use crate::mapping::{ForcingTicket, present, use_up};
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::session::{Activity, Method, OpenSession, Session, Vars, open_session};

impl Engine {
    /// Logs the caller out, and in to the account that owns the identity of a ticket from a refused
    /// [`link`](Self::link); the provider is not asked again, and no login changes its owner (gamebase 3.9, X-33). All in
    /// one commit: when it is refused, the caller's session goes on.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::gamebase());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let custom = || Credential::Custom("an-id-of-the-host".into());
    /// # let owner = engine.login(&context, Login::new(custom())).await?;
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let refused = engine.link(&context, &who, Link::new(custom())).await;
    /// if let Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) = refused {
    ///     let player = engine.change_login(&context, &who, &offer.secret).await?;
    ///     assert_eq!(player.account.id, owner.account.id);
    /// }
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: [`Refusal::RecentLoginRequired`]; [`Refusal::TicketUnknown`] (gamebase 3311), [`Refusal::TicketUsed`] (3312),
    /// [`Refusal::TicketExpired`] (3313), as for [`link_forcibly`](Self::link_forcibly), but [`Refusal::Withdrawn`] when
    /// the owner was withdrawn (3003); [`Refusal::Banned`] when the owner is banned (7). The ticket stays good for another
    /// try. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the change may be committed all the same, and the new session then ends unused.
    pub async fn change_login(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        ticket: &Secret,
    ) -> Result<LoggedIn, Error> {
        self.check_open(context, self.now())?;
        context.check()?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let (key, id) = (ForcingTicket::key_of(ticket), SessionId::new(self.random()?));
        let mut tries = Tries::new();
        loop {
            let presented = self.load_presented(who, &key, now).await?;
            let owner = check(&presented, now)?;
            self.check_gate(&owner.account, context)?;
            self.parts.hooks.veto(context, &Intent::LogIn(&owner.account))?;
            let mut draft = Draft::default();
            log_out(&presented, who, &mut draft, now);
            let (activity, session) = self.open(context, owner, &presented.ticket, id, now);
            let counted = (activity.login_count, activity.previous_login_at);
            draft.writes.push(owner.update_activity(activity));
            owner.hold(&mut draft);
            if self.policy.login_events {
                draft.events.push((owner.account.id, EventKind::LoggedIn { session: id }));
            }
            let lost = match self.commit(draft, now).await {
                Ok(()) => {
                    let account = owner.account.clone();
                    let tokens = self.parts.keys.mint(&account, &session, now, &self.policy)?;
                    let outcome = LoggedIn::into_existing(account, session, tokens, counted);
                    self.parts.hooks.after(context, &Done::Login(&outcome)).await;
                    return Ok(outcome);
                }
                Err(lost) => lost,
            };
            tries.again(lost)?;
        }
    }

    /// Opens a session through the ticket's identity.
    fn open(
        &self,
        context: &RequestContext,
        owner: &Settled,
        ticket: &ForcingTicket,
        id: SessionId,
        now: DateTime<Utc>,
    ) -> (Activity, Session) {
        let identity = owner.account.identity(&ticket.identity);
        let open = OpenSession {
            id,
            identity: identity.map(|identity| identity.ordinal),
            method: Method::of(ticket.identity.provider()),
            client_vars: &Vars::new(),
            server_vars: &Vars::new(),
            context,
            account_epoch: owner.account.epoch,
            store_epoch: owner.store_epoch,
        };
        let (mut activity, mut session) =
            open_session(owner.activity.clone(), &open, &self.policy, now);
        // The player proved the identity when the ticket was given.
        let lifetime = self.policy.ticket_lifetime.unwrap_or(TimeDelta::zero());
        session.authenticated_at = now.min(ticket.expires_at - lifetime);
        if let Some(opened) = activity.sessions.last_mut() {
            opened.authenticated_at = session.authenticated_at;
        }
        (activity, session)
    }
}

/// Whether the ticket is good, and whose identity it names.
fn check(presented: &Presented, now: DateTime<Utc>) -> Result<&Settled, Refusal> {
    let withdrawn = presented.owner().is_some_and(|owner| owner.withdrawal.is_done());
    match (present(&presented.ticket, presented.owner(), None, now), &presented.owner) {
        (Ok(()), Some(owner)) => Ok(owner),
        (Err(Refusal::TicketUnknown), _) if withdrawn => Err(Refusal::Withdrawn),
        (Ok(()), None) => Err(Refusal::TicketUnknown),
        (Err(refusal), _) => Err(refusal),
    }
}

/// Ends the caller's session and uses the ticket up.
fn log_out(presented: &Presented, who: &Authenticated, draft: &mut Draft, now: DateTime<Utc>) {
    let caller = &presented.caller;
    let mut account: Account = caller.account.clone();
    use_up(&mut account, &presented.ticket.key, now);
    let mut activity = caller.activity.clone();
    let session = who.session().id;
    activity.sessions.retain(|kept| kept.id != session);
    draft.writes.push(caller.update_activity(activity));
    caller.update(&account, draft);
    let ended = EventKind::SessionEnded { session, reason: SessionEnd::LoggedOut };
    draft.events.push((account.id, ended));
}
