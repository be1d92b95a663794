use super::Engine;
use super::corridor::{Draft, Tries, Whose};
use crate::account::AccountId;
use crate::error::Error;
use crate::event::EventKind;
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::session::{SessionEvent, end_sessions};
use crate::store::{Lookup, Write};

/// How long the reason of a kickout may be (gamebase 3.18).
const REASON: usize = 100;

/// Asks to disconnect players.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kickout {
    /// Who; everybody where there is none.
    pub account: Option<AccountId>,
    /// Why, for operators only; at most 100 characters. It stays in the events: it should name nobody.
    pub reason: String,
    /// Whether the sessions end too (gamebase X-11); otherwise clients reconnect with the tokens that they have.
    pub revoke_tokens: bool,
}

impl Kickout {
    /// Disconnects one player.
    #[must_use]
    pub fn of(account: AccountId, reason: impl Into<String>) -> Self {
        Self { account: Some(account), reason: reason.into(), revoke_tokens: false }
    }

    /// Disconnects everybody.
    #[must_use]
    pub fn everybody(reason: impl Into<String>) -> Self {
        Self { account: None, reason: reason.into(), revoke_tokens: false }
    }

    /// Ends the sessions too.
    #[must_use]
    pub const fn revoking_tokens(mut self) -> Self {
        self.revoke_tokens = true;
        self
    }
}

impl Engine {
    /// Has players disconnected (gamebase 3.18): writes an event, which whoever holds the connections follows. Accounts
    /// stay as they are, and so do tokens unless it is asked for otherwise (gamebase X-11).
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::Invalid`] for a reason that is too long, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the kickout may be committed all the same.
    pub async fn kickout(&self, operator: &Operator, kickout: Kickout) -> Result<(), Error> {
        let Kickout { account, reason, revoke_tokens } = kickout;
        if reason.chars().count() > REASON {
            let rule = Rule::AtMost { characters: REASON };
            return Err(Refusal::Invalid { field: Field::KickoutReason, rule }.into());
        }
        let now = self.now();
        let event = EventKind::Kickout { reason };
        match (account, revoke_tokens) {
            (Some(id), true) => {
                self.change(Whose::Account(id), now, |account, draft| {
                    end_sessions(account, SessionEvent::EndedByOperator);
                    draft.events.push((id, EventKind::SessionsEnded));
                    draft.events.push((id, event.clone()));
                    Ok(())
                })
                .await?;
            }
            (Some(id), false) => {
                self.load(&Lookup::Id(id), now).await?.ok_or(Refusal::AccountNotFound)?;
                self.write(Draft { events: vec![(id, event)], ..Draft::default() }).await?;
            }
            (None, revoke) => {
                let writes = if revoke { vec![Write::RaiseStoreEpoch] } else { Vec::new() };
                let events = vec![(AccountId::from_bytes([0; 16]), event)];
                self.write(Draft { writes, events, ..Draft::default() }).await?;
            }
        }
        tracing::info!(?account, revoke_tokens, operator = operator.name(), "kicked out");
        Ok(())
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
            end_sessions(account, SessionEvent::EndedByOperator);
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
        self.write(Draft { writes: vec![Write::RaiseStoreEpoch], ..Draft::default() }).await?;
        tracing::info!(operator = operator.name(), "everybody's sessions ended");
        Ok(())
    }

    /// Commits what requires nothing, so that there is no race to lose.
    async fn write(&self, draft: Draft) -> Result<(), Error> {
        match self.commit(draft, self.now()).await {
            Ok(()) => Ok(()),
            Err(lost) => Tries::new().again(lost).map(|_| ()),
        }
    }
}
