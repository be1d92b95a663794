use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries};
use crate::account::{Account, AccountId};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Ban, BanState, Expiry};
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::{Lookup, Write};

/// Asks for a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanRequest {
    /// When it ends.
    pub expiry: Expiry,
    /// Why, for the player; at most 1024 bytes.
    pub message: String,
}

impl BanRequest {
    /// A ban without an end.
    #[must_use]
    pub const fn permanent() -> Self {
        Self { expiry: Expiry::Never, message: String::new() }
    }

    /// A ban until a date.
    #[must_use]
    pub const fn until(date: DateTime<Utc>) -> Self {
        Self { expiry: Expiry::At(date), message: String::new() }
    }

    /// With words for the player.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

impl Engine {
    /// Bans an account. When it is answered, all its sessions are over and no login succeeds until the ban ends; after
    /// that, old tokens stay dead (security 36). A second ban takes the place of the first.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::new(Policy::recommended()).await;
    /// # let engine = harness.engine();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&RequestContext::new(), login).await?;
    /// let operator = Operator::vouched_for("support");
    /// engine.ban(&operator, player.account.id, BanRequest::permanent()).await?;
    /// assert!(engine.verify(player.tokens.access.reveal()).await.is_err());
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::Invalid`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the ban may be committed all the same.
    pub async fn ban(
        &self,
        operator: &Operator,
        account: AccountId,
        request: BanRequest,
    ) -> Result<Account, Error> {
        if request.message.len() > 1024 {
            let rule = Rule::Bytes { min: 0, max: 1024 };
            return Err(Refusal::Invalid { field: Field::BanMessage, rule }.into());
        }
        let now = self.now();
        let message: Box<str> = request.message.into();
        let banned = self
            .change(account, now, |account| {
                let ban = Ban { since: now, expiry: request.expiry, message: message.clone() };
                account.ban = BanState::Banned(ban);
                account.epoch = account.epoch.next();
                EventKind::Banned
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "banned");
        Ok(banned)
    }

    /// Lifts a ban. Tokens from before the ban stay dead.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the ban may be lifted all the same.
    pub async fn unban(&self, operator: &Operator, account: AccountId) -> Result<Account, Error> {
        let unbanned = self
            .change(account, self.now(), |account| {
                account.ban = BanState::None;
                EventKind::Unbanned
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "unbanned");
        Ok(unbanned)
    }

    /// Ends all sessions of one account (security 37).
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the sessions may have ended all the same.
    pub async fn end_sessions(&self, operator: &Operator, account: AccountId) -> Result<(), Error> {
        self.change(account, self.now(), |account| {
            account.epoch = account.epoch.next();
            EventKind::SessionsEnded
        })
        .await?;
        tracing::info!(%account, operator = operator.name(), "sessions ended");
        Ok(())
    }

    /// Ends everybody's sessions (security 37).
    ///
    /// # Errors
    ///
    /// A fault of the store.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the sessions may have ended all the same.
    pub async fn end_all_sessions(&self, operator: &Operator) -> Result<(), Error> {
        let draft = Draft { writes: vec![Write::RaiseStoreEpoch], ..Draft::default() };
        let nobody = AccountId::from_bytes([0; 16]);
        let mut tries = Tries::new();
        // Nothing is required, so there is no race to lose.
        if let Err(lost) = self.commit(nobody, draft, self.now()).await {
            tries.again(lost)?;
        }
        tracing::info!(operator = operator.name(), "everybody's sessions ended");
        Ok(())
    }

    async fn change(
        &self,
        id: AccountId,
        now: DateTime<Utc>,
        change: impl Fn(&mut Account) -> EventKind + Send + Sync,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load(&Lookup::Id(id), now).await?.ok_or(Refusal::AccountNotFound)?;
            let mut account = settled.account.clone();
            let event = change(&mut account);
            account.updated_at = now;
            let draft = Draft {
                writes: vec![settled.update(&account)],
                events: vec![event],
                ..Draft::default()
            };
            match self.commit(id, draft, now).await {
                Ok(()) => return Ok(account),
                Err(lost) => tries.again(lost)?,
            };
        }
    }
}
