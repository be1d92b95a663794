use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use super::Engine;
use super::carried_ban::CarriedBan;
use super::corridor::{Draft, Settled, Tries};
use super::login::apply_told;
use crate::account::{Account, IdentityKey, ProviderId, SessionId};
use crate::command::Link;
use crate::context::RequestContext;
use crate::credential::{Checked, PasswordOwner, Use, check};
use crate::error::Error;
use crate::event::EventKind;
use crate::hooks::{Done, Intent};
use crate::lifecycle::standing;
use crate::mapping::{Change, ForcingTicket, LinkRequest, TicketOffer, issue, link};
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::store::{Conflict, Require};
use crate::verifier::VerifiedIdentity;

/// A login that was proven to be the player's.
pub(super) struct ProvenLink {
    pub(super) key: IdentityKey,
    pub(super) shown: Option<Box<str>>,
    /// The hash of the password that came with an email address.
    pub(super) password: Option<Box<str>>,
    pub(super) verified: Option<VerifiedIdentity>,
}

impl ProvenLink {
    /// Asks to link it under this key: its own, or that of a former subject.
    fn request<'a>(&'a self, key: &'a IdentityKey) -> LinkRequest<'a> {
        LinkRequest { key, shown: self.shown.as_deref(), password: self.password.as_deref() }
    }
}

impl Engine {
    /// Adds a login to the caller's account (nakama 9, gamebase 3.7, braincloud 8.1). Linking what the account already has
    /// is no change, or refused, as the policy says; for an email address it sets the password.
    ///
    /// When another account owns the login and the policy has tickets, the refusal brings one: see
    /// [`link_forcibly`](Self::link_forcibly) and [`change_login`](Self::change_login). An email address brings none: the
    /// password that comes with it is a new one, and proves nothing of the other account.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// let link = Link::new(Credential::Custom("an-id-of-the-host".into()));
    /// let account = engine.link(&context, &who, link).await?;
    /// assert_eq!(account.identities.len(), 2);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// In this order: [`Refusal::RecentLoginRequired`]; [`Refusal::NotLinkable`] for a guest key (gamebase 3305);
    /// [`Refusal::ProviderNotConfigured`] (3304, 3002); [`Refusal::CredentialRejected`] (3301);
    /// [`Refusal::AlreadyLinked`] when the account has one of its kind and the policy does not replace it (3303);
    /// [`Refusal::IdentityTaken`] when another account owns it (3302), or [`Refusal::Banned`] when that one is banned and
    /// the policy gives no ticket for it (gamebase X-5), or its last owner was and the ban is carried over (X-4). That a
    /// proof was used before is found last, and told as [`Refusal::CredentialRejected`]. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the link may be committed all the same.
    pub async fn link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Link,
    ) -> Result<Account, Error> {
        self.check_open(context, self.now())?;
        let request = self.parts.hooks.before_link(context, who, request).await?;
        let now = self.now();
        self.check_step_up(who, now)?;
        let proven = self.prove_link(context, who, request, now).await?;
        let account = self.commit_link(context, who, &proven, now).await?;
        self.parts.hooks.after(context, &Done::Link(&account)).await;
        Ok(account)
    }

    pub(super) async fn prove_link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        request: Link,
        now: DateTime<Utc>,
    ) -> Result<ProvenLink, Error> {
        if request.credential.provider() == Some(&ProviderId::GUEST) {
            return Err(Refusal::NotLinkable(ProviderId::GUEST).into());
        }
        match check(&request.credential, Use::Link, &self.policy, self.parts.folding)? {
            Checked::Id { key, .. } => {
                Ok(ProvenLink { key, shown: None, password: None, verified: None })
            }
            Checked::Password { who: PasswordOwner::Email { key, shown }, password } => {
                let password = Some(self.hash(&password).await?);
                Ok(ProvenLink { key, shown: Some(shown), password, verified: None })
            }
            Checked::Password { who: PasswordOwner::Universal { key }, password } => {
                let password = Some(self.hash(&password).await?);
                Ok(ProvenLink { key, shown: None, password, verified: None })
            }
            // A username is not an identity; it is set, not linked.
            Checked::Password { who: PasswordOwner::Username { .. }, .. } => {
                Err(Refusal::Invalid { field: Field::Username, rule: Rule::Forbidden }.into())
            }
            Checked::Provider { provider, payload } => {
                let session = Some(who.session().id);
                let verified =
                    self.ask_verifier(context, &provider, &payload, session, now).await?;
                let key = verified.key().clone();
                if verified.also().is_some_and(|told| told.account.is_some()) {
                    // It names an account instead of the identity, which is not to be kept (braincloud 7).
                    return Err(Refusal::CredentialRejected { provider, extra: None }.into());
                }
                Ok(ProvenLink { key, shown: None, password: None, verified: Some(verified) })
            }
        }
    }

    async fn commit_link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        proven: &ProvenLink,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        let mut raced: Option<Settled> = None;
        loop {
            // The caller first: whatever comes or goes there meanwhile, the commit then finds out.
            let settled = self.load_caller(who, now).await?;
            let Ownership { key, foreign, carried } =
                self.whose(who, proven, raced.take(), now).await?;
            // Since its owner was looked at, a forced link may have given it to the caller.
            let own = settled.account.identity(&key).is_some();
            let foreign = foreign.filter(|_| !own);
            let mut account = settled.account.clone();
            let change = link(&mut account, &proven.request(&key), &self.policy, now)?;
            if let (Some(carried), false) = (carried, own) {
                self.check_not_carried(context, proven, carried)?;
            }
            self.parts.hooks.veto(context, &Intent::Link(&account))?;
            let mut draft = Draft::using_up(proven.verified.as_ref());
            let offer = if let Some(owner) = foreign {
                let made = self.offer(context, &settled, &owner.account, (proven, &key), now)?;
                // A ban of the owner beside it comes before, and refuses, or finds the ticket made.
                draft.require.push(Require::Account(owner.account.id, owner.version));
                settled.update(&made.caller, &mut draft);
                draft.events.push((account.id, made.event));
                Some(Box::new(made.offer))
            } else {
                let told = proven.verified.as_ref().is_some_and(|verified| {
                    let former = Some(&key).filter(|key| *key != verified.key());
                    apply_told(verified, former, &mut account, &self.policy, now, &mut draft, false)
                });
                if change.events.is_empty() && draft.writes.is_empty() && !told {
                    return Ok(account);
                }
                let acting = Some(who.session().id);
                self.write_change(&settled, &mut account, change, acting, &mut draft);
                None
            };
            match (self.commit(draft, now).await, offer) {
                (Ok(()), None) => return Ok(account),
                (Ok(()), offer) => return Err(taken(&key, offer).into()),
                (Err(lost), _) => match tries.again(lost)? {
                    Conflict::IdentityTaken(key) => raced = self.owner(&key, now).await?,
                    Conflict::UsedUp(_) => return Err(used_up(&key).into()),
                    _ => {}
                },
            }
        }
    }

    /// What the login is found by, who else has it, and what is carried over with it where nobody has it. Whose it is tells a
    /// lost race, or the present subject or a former one where the verifier told such (decision 17).
    async fn whose(
        &self,
        who: &Authenticated,
        proven: &ProvenLink,
        raced: Option<Settled>,
        now: DateTime<Utc>,
    ) -> Result<Ownership, Error> {
        let (mut key, mut owner, mut carried) = (proven.key.clone(), raced, None);
        let verified = proven.verified.as_ref();
        let former = verified.is_some_and(|verified| verified.former_keys().next().is_some());
        if owner.is_none() && (former || self.carries_bans_to_links()) {
            owner = self.owner_or_left(&key, now).await?;
            if let (None, Some(verified)) = (&owner, verified)
                && let Some((former, its)) = self.find_former(verified, now).await?
            {
                (key, owner) = (former, Some(its));
            }
        }
        // Only after it is known that nobody has it: who withdraws a banned owner meanwhile has the link refused either way.
        if owner.is_none() && self.carries_bans_to_links() {
            carried = self.carried(vec![proven.key.clone()], verified, now).await?;
        }
        let foreign = owner.filter(|owner| owner.account.id != who.account());
        Ok(Ownership { key, foreign, carried })
    }

    /// Makes a ticket for an identity that another account owns (gamebase 1.10, X-5). There is none for a password that is
    /// linked: it is a new one, and proves nothing of the owner.
    fn offer(
        &self,
        context: &RequestContext,
        caller: &Settled,
        owner: &Account,
        (proven, key): (&ProvenLink, &IdentityKey),
        now: DateTime<Utc>,
    ) -> Result<Offered, Error> {
        let (Some(lifetime), None) = (self.policy.ticket_lifetime, &proven.password) else {
            return Err(taken(key, None).into());
        };
        if let (Some(ban), false) = (owner.ban.ban(), self.policy.ticket_for_banned) {
            return Err(self.banned(owner.id, ban, context).into());
        }
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(self.random::<32>()?));
        let (owner_standing, expires_at) = (standing(owner), now + lifetime);
        let ticket = ForcingTicket {
            key: ForcingTicket::key_of(&secret),
            identity: key.clone(),
            ordinal: owner.identity(key).map(|identity| identity.ordinal),
            owner: owner.id,
            owner_standing,
            expires_at,
            used_at: None,
        };
        let mut account = caller.account.clone();
        issue(&mut account, ticket, now);
        let provider = key.provider().clone();
        Ok(Offered {
            caller: account,
            event: EventKind::TicketIssued { owner: owner.id, provider },
            offer: TicketOffer { secret, owner: owner.id, owner_standing, expires_at },
        })
    }

    /// Writes an account whose logins changed, and what follows for its sessions; `acting` is the caller's, and none where
    /// it is somebody other than the player.
    pub(super) fn write_change(
        &self,
        settled: &Settled,
        account: &mut Account,
        mut change: Change,
        acting: Option<SessionId>,
        draft: &mut Draft,
    ) {
        if change.concerns_sessions() {
            let ends = self.policy.credential_change;
            let ends = if acting.is_some() { ends } else { ends.by_others() };
            let activity = change.sessions(account, &settled.activity, ends, acting);
            settled.settle_activity(activity, draft);
        }
        if acting.is_some() {
            // The account was updated just now.
            let now = account.updated_at;
            draft.writes.extend(self.carried_by_gone(&settled.account, account, now));
        }
        settled.update(account, draft);
        draft.happened(account.id, change.events);
    }
}

/// Whose a login is that is to be linked.
struct Ownership {
    key: IdentityKey,
    /// Another account than the caller's.
    foreign: Option<Settled>,
    carried: Option<CarriedBan>,
}

/// A ticket in the making.
struct Offered {
    /// The caller's account with it.
    caller: Account,
    event: EventKind,
    offer: TicketOffer,
}

pub(super) fn taken(key: &IdentityKey, ticket: Option<Box<TicketOffer>>) -> Refusal {
    Refusal::IdentityTaken { provider: key.provider().clone(), ticket }
}

/// What may be used once was used before.
pub(super) fn used_up(key: &IdentityKey) -> Refusal {
    Refusal::CredentialRejected { provider: key.provider().clone(), extra: None }
}
