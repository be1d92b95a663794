use super::super::Engine;
use super::super::corridor::Whose;
use super::issue::{Asking, Making};
use super::throttle_of_caller;
use super::trial::{Trial, throttle_of_password};
use crate::account::{Account, AccountId};
use crate::context::RequestContext;
use crate::error::Error;
use crate::proof::Operator;
use crate::secret::Secret;
use crate::store::Write;
use crate::transfer::{Reissue, Renewal, TransferEvent, TransferInfo, unblock};

impl Engine {
    /// Whose transfer account it is, when id and password are right: for a game's server that asks on behalf of a player,
    /// whose address the context has. A wrong password counts as in a [transfer](Self::transfer), a right one uses nothing
    /// up (gamebase X-21). How the account stands is not looked at: it is in the answer.
    ///
    /// # Errors
    ///
    /// [`Refusal::TransferOff`](crate::Refusal::TransferOff), then as [`transfer`](Self::transfer) from
    /// [`Refusal::TransferUnknown`](crate::Refusal::TransferUnknown) to
    /// [`Refusal::TransferWrongPassword`](crate::Refusal::TransferWrongPassword);
    /// [`Refusal::Invalid`](crate::Refusal::Invalid); [`Refusal::TryAgainLater`](crate::Refusal::TryAgainLater) after too
    /// many tries, counted by the context's address or device, or by the operator; or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; a wrong password may be counted all the same.
    pub async fn validate_transfer_account(
        &self,
        context: &RequestContext,
        operator: &Operator,
        id: &Secret,
        password: &Secret,
    ) -> Result<Account, Error> {
        let rules = self.transfer_rules()?;
        context.check()?;
        let now = self.now();
        let mut trial = Trial::new(self, rules, id, password, now)?;
        let caller = throttle_of_caller(context, operator.name().as_bytes());
        self.charge(caller, self.policy.transfer_attempts, now).await?;
        Ok(trial.pass().await?.account)
    }

    /// Lifts the block of an account's transfer account; the wrong passwords are forgotten (gamebase 3.14). Nothing happens
    /// when there is no block.
    ///
    /// # Errors
    ///
    /// [`Refusal::TransferOff`](crate::Refusal::TransferOff),
    /// [`Refusal::AccountNotFound`](crate::Refusal::AccountNotFound),
    /// [`Refusal::TransferMissing`](crate::Refusal::TransferMissing),
    /// [`Refusal::TransferUsed`](crate::Refusal::TransferUsed),
    /// [`Refusal::TransferExpired`](crate::Refusal::TransferExpired), or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the block may be lifted all the same.
    pub async fn unblock_transfer_account(
        &self,
        operator: &Operator,
        account: AccountId,
    ) -> Result<Account, Error> {
        let rules = self.transfer_rules()?;
        let now = self.now();
        let (unblocked, ()) = self
            .change(Whose::Account(account), now, |account, draft| {
                if let Some(changed) = unblock(account, rules, now)? {
                    draft.events.push((account.id, changed));
                    draft.writes.push(Write::ResetThrottle(throttle_of_password(account)));
                }
                Ok(())
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "transfer account unblocked");
        Ok(unblocked)
    }

    /// Gives an account's transfer account new secrets, which are shown this once; the old ones stop working at once. As a
    /// player's renewal, it lifts a block and gives a new date to one that has expired and to no other (gamebase 3.14).
    ///
    /// # Errors
    ///
    /// [`Refusal::TransferOff`](crate::Refusal::TransferOff),
    /// [`Refusal::AccountNotFound`](crate::Refusal::AccountNotFound),
    /// [`Refusal::TransferMissing`](crate::Refusal::TransferMissing),
    /// [`Refusal::TransferUsed`](crate::Refusal::TransferUsed), [`Refusal::Invalid`](crate::Refusal::Invalid) for a
    /// password where there are none, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; it may be reissued all the same, and can be again.
    pub async fn reissue_transfer_account(
        &self,
        operator: &Operator,
        account: AccountId,
        what: Reissue,
    ) -> Result<TransferInfo, Error> {
        let renewal = match what {
            Reissue::Password => Renewal::AutoPassword,
            Reissue::IdAndPassword => Renewal::AutoIdAndPassword,
        };
        self.transfer_rules()?.check_chosen(&renewal)?;
        let info = self
            .make(&Making {
                asking: Asking::Operator(account),
                on: TransferEvent::Renew,
                renewal: &renewal,
                device: None,
                now: self.now(),
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "transfer account reissued");
        Ok(info)
    }
}
