//! What an operator mends of an account's logins (gamebase 3.21).

use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use crate::account::{Account, AccountId, Identity, IdentityKey, Ordinal, ProviderId};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Standing, StandingEvent, check_step, revive_event, standing};
use crate::mapping::{UnlinkRequest, unlink};
use crate::password::Password;
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::Lookup;
use crate::transfer::delete_transfer;

impl Engine {
    /// Moves an identity to another account (gamebase 3.21): from one that stands normally to a guest, whose guest key is
    /// then gone, or to one that has lost its logins, which is the only way back for it. An account that gives its only
    /// login away is lost. Sessions that were opened by what moved or went end. An email address takes its password along.
    ///
    /// # Errors
    ///
    /// [`Refusal::IdentityUnknown`] when no account owns the identity, [`Refusal::AccountNotFound`],
    /// [`Refusal::DonorNotNormal`], [`Refusal::ReceiverNotEligible`], [`Refusal::Withdrawn`] when the receiver is,
    /// [`Refusal::NothingToChange`] when it owns the identity already, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the identity may have moved all the same.
    pub async fn move_identity(
        &self,
        operator: &Operator,
        key: &IdentityKey,
        to: AccountId,
    ) -> Result<Account, Error> {
        let now = self.now();
        let mut tries = Tries::new();
        loop {
            let from = self
                .load(&Lookup::Identity(key.clone()), now)
                .await?
                .filter(|settled| settled.account.identity(key).is_some())
                .ok_or_else(|| Refusal::IdentityUnknown(key.provider().clone()))?;
            let receiver =
                self.load(&Lookup::Id(to), now).await?.ok_or(Refusal::AccountNotFound)?;
            check_move(&from.account, &receiver.account)?;
            let mut draft = Draft::default();
            let taken = take_away(&from, key, to, now, &mut draft)?;
            let account = give(&receiver, taken, now, &mut draft)?;
            match self.commit(draft, now).await {
                Ok(()) => {
                    let from = from.account.id;
                    tracing::info!(%from, %to, operator = operator.name(), "identity moved");
                    return Ok(account);
                }
                Err(lost) => tries.again(lost)?,
            };
        }
    }

    /// Takes an identity away from an account that has another login (gamebase 3.21); sessions that it opened end.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::LastIdentity`], [`Refusal::Withdrawn`], [`Refusal::Invalid`] with
    /// [`Rule::Unknown`] when the account has no identity of this number, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the identity may be gone all the same.
    pub async fn unlink_identity(
        &self,
        operator: &Operator,
        account: AccountId,
        ordinal: Ordinal,
    ) -> Result<Account, Error> {
        let now = self.now();
        let mut tries = Tries::new();
        loop {
            let settled =
                self.load(&Lookup::Id(account), now).await?.ok_or(Refusal::AccountNotFound)?;
            if settled.account.withdrawal.is_done() {
                return Err(Refusal::Withdrawn.into());
            }
            let mut after = settled.account.clone();
            let of_it = |identity: &&Identity| identity.ordinal == ordinal;
            let key = settled.account.identities.iter().find(of_it).map(|identity| &identity.key);
            let unknown = Refusal::Invalid { field: Field::Identity, rule: Rule::Unknown };
            let request = UnlinkRequest::of_operator(key.ok_or(unknown)?);
            let change = unlink(&mut after, &request, &self.policy, now)?;
            let mut draft = Draft::default();
            settled.update_without(&after, &change.gone, &mut draft);
            draft.happened(account, change.events);
            match self.commit(draft, now).await {
                Ok(()) => {
                    tracing::info!(%account, operator = operator.name(), "identity unlinked");
                    return Ok(after);
                }
                Err(lost) => tries.again(lost)?,
            };
        }
    }
}

/// What moves from one account to another.
struct Taken {
    identity: Identity,
    /// An email address's password.
    password: Option<Password>,
}

/// Who may give an identity away, and who may get one (gamebase 3.21).
fn check_move(from: &Account, to: &Account) -> Result<(), Refusal> {
    if from.id == to.id {
        return Err(Refusal::NothingToChange);
    }
    if standing(from) != Standing::Normal {
        return Err(Refusal::DonorNotNormal(from.id));
    }
    let guest_only = to.password.is_none()
        && to.identities.iter().all(|identity| *identity.key.provider() == ProviderId::GUEST);
    match standing(to) {
        Standing::Withdrawn => Err(Refusal::Withdrawn),
        Standing::Missing => check_step(to, revive_event(to)),
        _ if guest_only => Ok(()),
        _ => Err(Refusal::ReceiverNotEligible(to.id)),
    }
}

/// Takes the identity from its owner, who is lost without another login.
fn take_away(
    from: &Settled,
    key: &IdentityKey,
    to: AccountId,
    now: DateTime<Utc>,
    draft: &mut Draft,
) -> Result<Taken, Refusal> {
    let mut account = from.account.clone();
    let provider = key.provider().clone();
    let index = account.identities.iter().position(|identity| identity.key == *key);
    let index = index.ok_or_else(|| Refusal::IdentityUnknown(provider.clone()))?;
    let identity = account.identities.remove(index);
    // The one password goes with the last login that it is for.
    let needs = |identity: &Identity| identity.key.provider().needs_password();
    let last = provider.needs_password() && !account.identities.iter().any(needs);
    let password = if last { account.password.take() } else { None };
    account.updated_at = now;
    let mut events = vec![EventKind::IdentityMoved { ordinal: identity.ordinal, provider, to }];
    if password.is_some() {
        events.push(EventKind::PasswordChanged);
    }
    if !account.has_a_login() {
        check_step(&from.account, StandingEvent::LastIdentityTaken)?;
        account.epoch = account.epoch.next();
        delete_transfer(&mut account);
        events.push(EventKind::Lost);
    }
    from.update_without(&account, &[identity.ordinal], draft);
    draft.happened(account.id, events);
    Ok(Taken { identity, password })
}

/// Gives it to the receiver, whose guest key goes.
fn give(
    to: &Settled,
    taken: Taken,
    now: DateTime<Utc>,
    draft: &mut Draft,
) -> Result<Account, Refusal> {
    let mut account = to.account.clone();
    let mut events = Vec::new();
    let mut gone = Vec::new();
    for guest in std::mem::take(&mut account.identities) {
        if *guest.key.provider() == ProviderId::GUEST {
            gone.push(guest.ordinal);
            let (ordinal, provider) = (guest.ordinal, ProviderId::GUEST);
            events.push(EventKind::IdentityUnlinked { ordinal, provider });
        } else {
            account.identities.push(guest);
        }
    }
    let Identity { ordinal: _, key, shown, linked_at: _, verified_at, data } = taken.identity;
    let provider = key.provider().clone();
    let ordinal = account.add_identity(key, shown, now);
    if let Some(identity) = account.identities.last_mut() {
        identity.verified_at = verified_at;
        identity.data = data;
    }
    events.push(EventKind::IdentityLinked { ordinal, provider });
    if let Some(password) = taken.password {
        account.password = Some(password);
        events.push(EventKind::PasswordChanged);
    }
    if !account.has_a_login() {
        return Err(Refusal::ReceiverNotEligible(account.id));
    }
    delete_transfer(&mut account);
    to.update_without(&account, &gone, draft);
    draft.happened(account.id, events);
    Ok(account)
}
