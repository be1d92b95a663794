use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use super::link::used_up;
use crate::account::{Account, IdentityKey};
use crate::command::Link;
use crate::context::RequestContext;
use crate::error::Error;
use crate::hooks::{Done, Intent};
use crate::mapping::{ForcingTicket, LinkRequest, TicketState, link, present, take, use_up};
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::{CodeKey, Conflict, Lookup};
use crate::verifier::VerifiedIdentity;

/// A ticket of the caller's, as it was presented.
pub(super) struct Presented {
    pub(super) caller: Settled,
    pub(super) ticket: ForcingTicket,
    /// The account that owned the identity; none when it is gone.
    pub(super) owner: Option<Settled>,
}

impl Presented {
    pub(super) fn owner(&self) -> Option<&Account> {
        self.owner.as_ref().map(|owner| &owner.account)
    }
}

impl Engine {
    /// Takes an identity from the account that owns it, with the ticket that a refused [`link`](Self::link) brought; the
    /// provider is not asked again (gamebase 3.8). Both accounts change in one commit, or neither does.
    ///
    /// The sessions that the identity opened in the other account end. When it was that account's last login, the account
    /// is lost until an operator repairs it, unless the policy forbids that.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::gamebase());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let custom = || Credential::Custom("an-id-of-the-host".into());
    /// # engine.login(&context, Login::new(custom())).await?;
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let refused = engine.link(&context, &who, Link::new(custom())).await;
    /// if let Err(Error::Refused(Refusal::IdentityTaken { ticket: Some(offer), .. })) = refused {
    ///     // Ask the player whether the other account may lose it, then:
    ///     let account = engine.link_forcibly(&context, &who, &offer.secret).await?;
    ///     assert_eq!(account.identities.len(), 2);
    /// }
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: [`Refusal::RecentLoginRequired`]; [`Refusal::TicketUnknown`] (gamebase 3311), also when it is
    /// another player's, or the owner is gone or owns the identity no longer; [`Refusal::TicketUsed`] (3312);
    /// [`Refusal::TicketExpired`] (3313); [`Refusal::AlreadyLinked`] when the caller has gained such a login meanwhile
    /// (3303); [`Refusal::WouldOrphan`]; [`Refusal::Banned`] when the owner is banned and the policy does not allow it.
    /// The ticket stays good for another try. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the link may be committed all the same, whole.
    pub async fn link_forcibly(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        ticket: &Secret,
    ) -> Result<Account, Error> {
        self.check_open(context, self.now())?;
        let now = self.now();
        self.check_step_up(who, now)?;
        self.force(context, who, ticket, None, now).await
    }

    /// As [`link_forcibly`](Self::link_forcibly), in the older form that has the provider vouch once more.
    ///
    /// # Errors
    ///
    /// As [`link`](Self::link) for the credential, then as [`link_forcibly`](Self::link_forcibly), and after
    /// [`Refusal::TicketExpired`] [`Refusal::TicketOtherProvider`] (gamebase 3314) and [`Refusal::TicketOtherIdentity`]
    /// (3315).
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the link may be committed all the same, whole.
    pub async fn link_forcibly_with(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        ticket: &Secret,
        request: Link,
    ) -> Result<Account, Error> {
        self.check_open(context, self.now())?;
        let request = self.parts.hooks.before_link(context, who, request).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let proven = self.prove_link(context, who, request, now).await?;
        let again = Some((&proven.key, proven.verified.as_ref()));
        self.force(context, who, ticket, again, now).await
    }

    async fn force(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        ticket: &Secret,
        again: Option<(&IdentityKey, Option<&VerifiedIdentity>)>,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let key = ForcingTicket::key_of(ticket);
        let mut tries = Tries::new();
        loop {
            let presented = self.load_presented(who, &key, now).await?;
            // A former subject's ticket is the same identity's (decision 17).
            let of_ticket = |key: &IdentityKey| *key == presented.ticket.identity;
            let former = again.and_then(|(_, verified)| verified?.former_keys().find(of_ticket));
            let same = again.map(|(key, _)| former.as_ref().unwrap_or(key));
            present(&presented.ticket, presented.owner(), same, now)?;
            let mut draft = Draft::using_up(again.and_then(|(_, verified)| verified));
            let account = self.decide_force(context, who, presented, &mut draft, now)?;
            match self.commit(draft, now).await {
                Ok(()) => {
                    self.parts.hooks.after(context, &Done::Link(&account)).await;
                    return Ok(account);
                }
                Err(lost) => {
                    if let (Conflict::UsedUp(_), Some(key)) = (tries.again(lost)?, same) {
                        return Err(used_up(key).into());
                    }
                }
            }
        }
    }

    /// Moves the identity of a ticket that is good.
    fn decide_force(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        presented: Presented,
        draft: &mut Draft,
        now: DateTime<Utc>,
    ) -> Result<Account, Refusal> {
        let Presented { caller, ticket, owner } = presented;
        let owner = owner.ok_or(Refusal::TicketUnknown)?;
        let mut account = caller.account.clone();
        let request = LinkRequest { key: &ticket.identity, shown: None, password: None };
        let change = link(&mut account, &request, &self.policy, now)?;
        let (mut loser, to) = (owner.account.clone(), account.id);
        let ends = self.policy.credential_change.by_others();
        let taken = take(&mut loser, &owner.activity, &ticket.identity, to, ends, now);
        let taken = taken.ok_or(Refusal::TicketUnknown)?;
        if taken.lost && self.policy.forbid_orphaning {
            return Err(Refusal::WouldOrphan);
        }
        if let (Some(ban), false) = (owner.account.ban.ban(), self.policy.ticket_for_banned) {
            return Err(self.banned(owner.account.id, ban, context));
        }
        let joined = account.identities.iter_mut().find(|it| it.key == ticket.identity);
        if let Some(joined) = joined {
            joined.inherit(&taken.identity);
        }
        use_up(&mut account, &ticket.key, now);
        self.parts.hooks.veto(context, &Intent::Link(&account))?;
        self.write_change(&caller, &mut account, change, Some(who.session().id), draft);
        owner.update_logins(&loser, taken.activity, taken.events, draft);
        Ok(account)
    }

    /// The caller's ticket of this key, and the account that it names.
    pub(super) async fn load_presented(
        &self,
        who: &Authenticated,
        key: &CodeKey,
        now: DateTime<Utc>,
    ) -> Result<Presented, Error> {
        let caller = self.load_caller(who, now).await?;
        let ticket = ticket_of(&caller, key)?;
        let owner = self.load(&Lookup::Id(ticket.owner), now).await?;
        let presented = Presented { caller, ticket, owner };
        if presented.ticket.state(presented.owner(), now) != TicketState::Void {
            return Ok(presented);
        }
        // Another use of this ticket may have taken the identity between the two reads: then it is used, not void.
        let caller = self.load_caller(who, now).await?;
        let ticket = ticket_of(&caller, key)?;
        Ok(Presented { caller, ticket, ..presented })
    }
}

fn ticket_of(caller: &Settled, key: &CodeKey) -> Result<ForcingTicket, Refusal> {
    let mut tickets = caller.account.records.tickets.iter();
    tickets.find(|ticket| ticket.key == *key).cloned().ok_or(Refusal::TicketUnknown)
}
