use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Tries, Whose};
use crate::account::{Account, AccountId};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Ban, BanSource, BanState, Expiry};
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::Write;

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
        let ban = Ban {
            since: now,
            expiry: request.expiry,
            message: request.message.into(),
            template: None,
            reason: Box::default(),
            source: BanSource::Console,
            registrar: operator.name().into(),
            flags: Vec::new(),
        };
        let (banned, ()) = self
            .change(Whose::Account(account), now, |account, draft| {
                account.ban = BanState::Banned(ban.clone());
                account.epoch = account.epoch.next();
                account.updated_at = now;
                draft.events.push((account.id, EventKind::Banned));
                Ok(())
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
        let now = self.now();
        let (unbanned, ()) = self
            .change(Whose::Account(account), now, |account, draft| {
                account.ban = BanState::None;
                account.updated_at = now;
                draft.events.push((account.id, EventKind::Unbanned));
                Ok(())
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
        self.change(Whose::Account(account), self.now(), |account, draft| {
            account.epoch = account.epoch.next();
            draft.events.push((account.id, EventKind::SessionsEnded));
            Ok(())
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
        let mut tries = Tries::new();
        // Nothing is required, so there is no race to lose.
        if let Err(lost) = self.commit(draft, self.now()).await {
            tries.again(lost)?;
        }
        tracing::info!(operator = operator.name(), "everybody's sessions ended");
        Ok(())
    }
}
