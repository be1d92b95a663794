use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Whose};
use crate::account::{Account, AccountId};
use crate::context::RequestContext;
use crate::error::Error;
use crate::hooks::{Done, Intent};
use crate::lifecycle::{WithdrawalCause, cancel_withdrawal, request_withdrawal, withdraw};
use crate::proof::{Authenticated, Operator};
use crate::refusal::Refusal;

impl Engine {
    /// Withdraws the caller's account at once (gamebase 3.6): all sessions end, its logins are free for a new account, and
    /// nothing on the player stays but a tombstone of the id, dates and past bans without words (security 105, 107). The
    /// host's hooks take it for a deletion.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// let player = engine.login(&context, login.clone()).await?;
    /// let who = engine.verify(player.tokens.access.reveal()).await?;
    /// engine.withdraw(&context, &who).await?;
    ///
    /// let newcomer = engine.login(&context, login).await?;
    /// assert_ne!(newcomer.account.id, player.account.id);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::Withdrawn`] when it is already, [`Refusal::Banned`] when a ban has ended the session meanwhile,
    /// [`Refusal::RecentLoginRequired`], [`Refusal::AccessTokenInvalid`], [`Refusal::NotPlayable`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the withdrawal may be committed all the same.
    pub async fn withdraw(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<(), Error> {
        let now = self.now();
        self.check_open(context, now)?;
        self.parts.hooks.before_delete(context, who).await?;
        self.check_step_up(who, now)?;
        self.change_settled(Whose::Player { context, who }, now, |settled, account, draft| {
            self.parts.hooks.veto(context, &Intent::Delete(account))?;
            self.withdraw_now(settled, account, WithdrawalCause::Player, now, draft)
        })
        .await?;
        self.parts.hooks.after(context, &Done::Delete(who)).await;
        Ok(())
    }

    /// Asks for the caller's withdrawal after the policy's grace days (gamebase 3.15): until then nothing changes, and it
    /// can be taken back; logging in does not take it back (gamebase X-41). A date that was given stays when the policy
    /// changes (gamebase X-42). What the host's hooks say of a deletion they say now.
    ///
    /// # Errors
    ///
    /// [`Refusal::WithdrawalPending`] when it was asked for before; else as [`withdraw`](Self::withdraw).
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the request may be committed all the same.
    pub async fn request_withdrawal(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<Account, Error> {
        let now = self.now();
        self.check_open(context, now)?;
        self.parts.hooks.before_delete(context, who).await?;
        self.check_step_up(who, now)?;
        let (asked, ()) = self
            .change(Whose::Player { context, who }, now, |account, draft| {
                self.parts.hooks.veto(context, &Intent::Delete(account))?;
                let event = request_withdrawal(account, self.policy.withdrawal_grace, now)?;
                draft.events.push((account.id, event));
                Ok(())
            })
            .await?;
        Ok(asked)
    }

    /// Takes the request back (gamebase 3.15).
    ///
    /// # Errors
    ///
    /// [`Refusal::WithdrawalNotPending`] when there is none; else as [`withdraw`](Self::withdraw).
    ///
    /// # Cancel safety
    ///
    /// May be dropped; it may be taken back all the same.
    pub async fn cancel_withdrawal(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<Account, Error> {
        let now = self.now();
        self.check_open(context, now)?;
        self.cancel(Whose::Player { context, who }, now).await
    }

    /// Withdraws an account at once, as [`withdraw`](Self::withdraw) does, on the word of somebody else: an operator, the
    /// game's server, a provider. Banned and lost accounts can be withdrawn too.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::Withdrawn`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the withdrawal may be committed all the same.
    pub async fn withdraw_account(
        &self,
        operator: &Operator,
        account: AccountId,
        cause: WithdrawalCause,
    ) -> Result<(), Error> {
        let now = self.now();
        self.change_settled(Whose::Account(account), now, |settled, account, draft| {
            self.withdraw_now(settled, account, cause, now, draft)
        })
        .await?;
        tracing::info!(%account, operator = operator.name(), ?cause, "withdrawn");
        Ok(())
    }

    /// Takes back a player's request to be withdrawn (gamebase 3.21).
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::WithdrawalNotPending`], [`Refusal::Withdrawn`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; it may be taken back all the same.
    pub async fn restore_pending(
        &self,
        operator: &Operator,
        account: AccountId,
    ) -> Result<Account, Error> {
        let restored = self.cancel(Whose::Account(account), self.now()).await?;
        tracing::info!(%account, operator = operator.name(), "withdrawal taken back");
        Ok(restored)
    }

    async fn cancel(&self, whose: Whose<'_>, now: DateTime<Utc>) -> Result<Account, Error> {
        let (restored, ()) = self
            .change(whose, now, |account, draft| {
                let event = cancel_withdrawal(account, now)?;
                draft.events.push((account.id, event));
                Ok(())
            })
            .await?;
        Ok(restored)
    }

    /// Makes a tombstone of a settled account, and remembers its ban where the policy says so.
    pub(super) fn withdraw_now(
        &self,
        settled: &Settled,
        account: &mut Account,
        cause: WithdrawalCause,
        now: DateTime<Utc>,
        draft: &mut Draft,
    ) -> Result<(), Refusal> {
        let event = withdraw(account, cause, now)?;
        draft.writes.extend(self.carried_bans(&settled.account, account));
        draft.events.push((account.id, event));
        Ok(())
    }
}
