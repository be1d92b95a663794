//! What an operator mends of an account's logins (gamebase 3.21).

use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries};
use crate::account::{Account, AccountId, Identity, IdentityKey, Ordinal, ProviderId};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Standing, check_step, revive_event, standing};
use crate::mapping::{Change, Taken, UnlinkRequest, remove_all, take, unlink};
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
                .owner(key, now)
                .await?
                .ok_or_else(|| Refusal::IdentityUnknown(key.provider().clone()))?;
            let receiver =
                self.load(&Lookup::Id(to), now).await?.ok_or(Refusal::AccountNotFound)?;
            check_move(&from.account, &receiver.account)?;
            let mut draft = Draft::default();
            let mut donor = from.account.clone();
            let ends = self.policy.credential_change.by_others();
            let taken = take(&mut donor, &from.activity, key, to, ends, now)
                .ok_or_else(|| Refusal::IdentityUnknown(key.provider().clone()))?;
            let mut account = receiver.account.clone();
            let change = give(&mut account, &taken, now)?;
            from.update_logins(&donor, taken.activity, taken.events, &mut draft);
            self.write_change(&receiver, &mut account, change, None, &mut draft);
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
            self.write_change(&settled, &mut after, change, None, &mut draft);
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

/// Gives the receiver what was taken; its guest key goes.
fn give(account: &mut Account, taken: &Taken, now: DateTime<Utc>) -> Result<Change, Refusal> {
    let mut change = Change::default();
    change.gone = remove_all(account, &ProviderId::GUEST, &mut change.events);
    let key = taken.identity.key.clone();
    let provider = key.provider().clone();
    let ordinal = account.add_identity(key, None, now);
    if let Some(identity) = account.identities.last_mut() {
        identity.inherit(&taken.identity);
    }
    change.events.push(EventKind::IdentityLinked { ordinal, provider });
    if let Some(password) = &taken.password {
        account.password = Some(password.clone());
        change.events.push(EventKind::PasswordChanged);
    }
    if !account.has_a_login() {
        return Err(Refusal::ReceiverNotEligible(account.id));
    }
    delete_transfer(account);
    Ok(change)
}
