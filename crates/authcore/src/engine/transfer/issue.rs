use chrono::{DateTime, Utc};

use super::super::corridor::{Draft, Settled, Tries};
use super::super::{Engine, Lost};
use super::trial::throttle_of_password;
use super::{check_guest_only, throttle};
use crate::account::{Account, AccountId};
use crate::context::RequestContext;
use crate::error::Error;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::{Conflict, Lookup, TransferKey, Write};
use crate::transfer::{
    Fresh, IssuedBy, Renewal, TransferEvent, TransferInfo, TransferRules, TransferStatus,
    check_put, put,
};

/// Who asks for new secrets.
#[derive(Clone, Copy)]
pub(super) enum Asking<'a> {
    /// The player whose they are.
    Player(&'a Authenticated),
    /// An operator, for this account.
    Operator(AccountId),
}

/// New secrets that are asked for.
pub(super) struct Making<'a> {
    pub(super) asking: Asking<'a>,
    pub(super) on: TransferEvent,
    pub(super) renewal: &'a Renewal,
    /// The device that the caller is on.
    pub(super) device: Option<&'a str>,
    pub(super) now: DateTime<Utc>,
}

/// An id that was drawn or chosen, and what it is found by.
struct NewId {
    id: Secret,
    key: TransferKey,
}

/// A password that was drawn or chosen, and its hash.
struct NewPassword {
    password: Secret,
    hash: Box<str>,
}

impl Engine {
    /// Gives the caller a transfer account, drawn in the form that the policy says (gamebase 3.14). Its password is
    /// shown this once; where there is none, the id.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPlayable`], [`Refusal::TransferOff`], [`Refusal::NotGuestOnly`], [`Refusal::TransferExists`] when there is a live one, which is
    /// renewed instead (gamebase X-8), [`Refusal::RecentLoginRequired`], [`Refusal::AccessTokenInvalid`],
    /// [`Refusal::TryAgainLater`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; it may be issued all the same, and is then renewed.
    pub async fn issue_transfer_account(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<TransferInfo, Error> {
        self.make_own(context, who, TransferEvent::Issue, &Renewal::AutoIdAndPassword).await
    }

    /// Gives the caller's transfer account new secrets; the old ones stop working at once (gamebase 3.14). It lifts a
    /// block (gamebase X-10), and gives a new date to one that has expired and to no other.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPlayable`], [`Refusal::TransferOff`], [`Refusal::NotGuestOnly`], [`Refusal::TransferMissing`], [`Refusal::TransferUsed`],
    /// [`Refusal::Invalid`] for what is chosen badly (gamebase X-20), [`Refusal::TransferExists`] when the id that was
    /// chosen is taken or the present one, [`Refusal::TransferWrongPassword`] when the password is the present one,
    /// [`Refusal::RecentLoginRequired`], [`Refusal::AccessTokenInvalid`], [`Refusal::TryAgainLater`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; it may be renewed all the same, and can be renewed again.
    pub async fn renew_transfer_account(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        renewal: &Renewal,
    ) -> Result<TransferInfo, Error> {
        self.make_own(context, who, TransferEvent::Renew, renewal).await
    }

    async fn make_own(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        on: TransferEvent,
        renewal: &Renewal,
    ) -> Result<TransferInfo, Error> {
        let now = self.now();
        self.check_open(context, now)?;
        self.transfer_rules()?.check_chosen(renewal)?;
        context.check()?;
        let (asking, device) = (Asking::Player(who), context.device_id.as_deref());
        self.check_step_up(who, now)?;
        self.make(&Making { asking, on, renewal, device, now }).await
    }

    /// Issues or renews: loads, decides, commits, again when the race is lost. The password is hashed once.
    pub(super) async fn make(&self, making: &Making<'_>) -> Result<TransferInfo, Error> {
        let rules = self.transfer_rules()?;
        let mut tries = Tries::new();
        let mut charged = false;
        let mut password = None;
        loop {
            let settled = self.load_for(making).await?;
            if !charged {
                self.charge_making(making, &settled.account).await?;
                charged = true;
            }
            let id = self.new_id(making, rules, &mut tries).await?;
            self.check_not_present(making.renewal, &settled.account).await?;
            if password.is_none() {
                password = self.new_password(making.renewal, rules).await?;
            }
            let mut account = settled.account.clone();
            let fresh = making.fresh(&account, id.as_ref(), password.as_ref())?;
            let event = put(&mut account, making.on, fresh, rules, making.now)?;
            let mut draft = Draft::default();
            draft.events.push((account.id, event));
            // What was tried for the old password does not count against the new one.
            draft.writes.push(Write::ResetThrottle(throttle_of_password(&account)));
            settled.update(&account, &mut draft);
            match self.commit(draft, making.now).await {
                Ok(()) => return shown(&account, rules, id, password).map_err(Error::from),
                Err(lost) => {
                    let taken = matches!(tries.again(lost)?, Conflict::TransferTaken(_));
                    if taken && making.renewal.chosen_id().is_some() {
                        return Err(Refusal::TransferExists.into());
                    }
                }
            }
        }
    }

    async fn load_for(&self, making: &Making<'_>) -> Result<Settled, Error> {
        let settled = match making.asking {
            Asking::Player(who) => {
                let settled = self.load_caller(who, making.now).await?;
                check_guest_only(&settled.account)?;
                settled
            }
            Asking::Operator(id) => {
                let settled = self.load(&Lookup::Id(id), making.now).await?;
                settled.ok_or(Refusal::AccountNotFound)?
            }
        };
        check_put(&settled.account, making.on, self.transfer_rules()?, making.now)?;
        Ok(settled)
    }

    /// Charges a player, ahead of the hashing, and of telling whether an id is taken that was chosen.
    async fn charge_making(&self, making: &Making<'_>, account: &Account) -> Result<(), Error> {
        match making.asking {
            Asking::Player(_) => {
                let key = throttle("making", account.id.as_bytes());
                self.charge(key, self.policy.transfer_attempts, making.now).await
            }
            Asking::Operator(_) => Ok(()),
        }
    }

    /// The new id, where there is to be one: nobody has it, under a former key either, which a store cannot check.
    async fn new_id(
        &self,
        making: &Making<'_>,
        rules: &TransferRules,
        tries: &mut Tries,
    ) -> Result<Option<NewId>, Error> {
        if making.renewal.keeps_id() {
            return Ok(None);
        }
        let chosen = making.renewal.chosen_id();
        loop {
            let id = match chosen {
                Some(chosen) => chosen.clone(),
                None => rules.id.draw(&*self.parts.random)?,
            };
            let keys = &self.parts.keys;
            let lookups: Vec<_> = keys.transfer_keys(id.reveal()).map(Lookup::Transfer).collect();
            let key = keys.transfer_key(id.reveal());
            if self.parts.store.load_many(&lookups).await?.iter().all(Option::is_none) {
                return Ok(Some(NewId { id, key }));
            }
            if chosen.is_some() {
                return Err(Refusal::TransferExists.into());
            }
            tries.again(Lost::Race(Conflict::TransferTaken(key)))?;
        }
    }

    /// Whether a password that was chosen is another one than the present (gamebase 3.14).
    async fn check_not_present(&self, renewal: &Renewal, account: &Account) -> Result<(), Error> {
        let kept = account.records.transfer.as_ref();
        let kept = kept.and_then(|transfer| transfer.password_hash.as_deref());
        if let (Some(chosen), Some(hash)) = (renewal.chosen_password(), kept)
            && self.is_transfer_password(hash, chosen).await?
        {
            return Err(Refusal::TransferWrongPassword.into());
        }
        Ok(())
    }

    /// The new password, where there are passwords.
    async fn new_password(
        &self,
        renewal: &Renewal,
        rules: &TransferRules,
    ) -> Result<Option<NewPassword>, Error> {
        let Some(format) = rules.password else { return Ok(None) };
        let password = match renewal.chosen_password() {
            Some(chosen) => chosen.clone(),
            None => format.draw(&*self.parts.random)?,
        };
        let hash = self.hash(&password).await?;
        Ok(Some(NewPassword { password, hash }))
    }
}

impl Making<'_> {
    /// What becomes of the account's record; a password alone leaves the id.
    fn fresh(
        &self,
        account: &Account,
        id: Option<&NewId>,
        password: Option<&NewPassword>,
    ) -> Result<Fresh, Refusal> {
        let kept = account.records.transfer.as_ref();
        let (key, id) = match (id, kept) {
            (Some(new), _) => (new.key, Some(new.id.reveal().into())),
            (None, Some(kept)) => (kept.key, kept.id.clone()),
            (None, None) => return Err(Refusal::TransferMissing),
        };
        let kept = kept.filter(|_| self.on == TransferEvent::Renew);
        let device = self.device.or_else(|| kept.and_then(|kept| kept.device.as_deref()));
        let chosen = self.renewal.chosen_password().is_some();
        Ok(Fresh {
            key,
            id,
            password_hash: password.map(|new| new.hash.clone()),
            issued_by: if chosen { IssuedBy::Manual } else { IssuedBy::Auto },
            device: device.map(Into::into),
        })
    }
}

/// The answer: this once, with what is new.
fn shown(
    account: &Account,
    rules: &TransferRules,
    id: Option<NewId>,
    password: Option<NewPassword>,
) -> Result<TransferInfo, Refusal> {
    let transfer = account.records.transfer.as_ref().ok_or(Refusal::TransferMissing)?;
    let mut info = TransferInfo::new(transfer, TransferStatus::Issued, rules);
    info.id = id.map(|new| new.id).or(info.id);
    info.password = password.map(|new| new.password);
    Ok(info)
}
