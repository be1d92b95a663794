use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::Engine;
use super::corridor::{Draft, Tries};
use crate::account::{Account, AccountId};
use crate::error::Error;
use crate::event::EventKind;
use crate::lifecycle::{Amount, Payment, Refund, record_payment, record_refund};
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::{CodeKey, CodePurpose, Lookup, OneTimeCode, Write};

/// How long a payment or refund that was recorded is told from a new one.
const REMEMBERED: TimeDelta = TimeDelta::days(400);

/// A purchase that was paid for, or refunded.
///
/// ```
/// use authcore::Purchase;
/// use authcore::lifecycle::Amount;
///
/// let purchase = Purchase::new("order-17", Amount::minor(499), "USD");
/// assert_eq!(purchase.amount.units(), 499);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purchase {
    /// The host's name for it; 1 to 128 bytes.
    pub id: String,
    /// How much was paid, or given back.
    pub amount: Amount,
    /// In which currency: the one that the policy's lockdown names (gamebase X-29).
    pub currency: String,
}

impl Purchase {
    /// This much, in this currency.
    #[must_use]
    pub fn new(id: impl Into<String>, amount: Amount, currency: impl Into<String>) -> Self {
        Self { id: id.into(), amount, currency: currency.into() }
    }

    fn check(&self) -> Result<(), Refusal> {
        if (1..=128).contains(&self.id.len()) {
            Ok(())
        } else {
            let rule = Rule::Bytes { min: 1, max: 128 };
            Err(Refusal::Invalid { field: Field::Purchase, rule })
        }
    }

    /// What it is told from others by, for a payment or a refund of one account.
    fn key(&self, kind: &str, account: AccountId) -> CodeKey {
        let mut digest = Sha256::new();
        // The parts before the last have a fixed length, or end in what none of them holds.
        digest.update(kind.as_bytes());
        digest.update([0]);
        digest.update(account.as_bytes());
        digest.update(self.id.as_bytes());
        CodeKey::new(digest.finalize().into())
    }
}

impl Engine {
    /// Counts a payment towards the release of an account's grace ban (gamebase 3.16, 4.6), once for each purchase: what
    /// was recorded before changes nothing. To be told when it is made, since only what is paid strictly before the
    /// deadline counts (gamebase X-30).
    ///
    /// # Errors
    ///
    /// [`Refusal::NoGraceBan`] when none runs, and nothing is recorded then; [`Refusal::Invalid`] with [`Rule::Unknown`]
    /// for another currency (gamebase X-29); [`Refusal::TooManyPayments`], [`Refusal::AccountNotFound`],
    /// [`Refusal::Withdrawn`], [`Refusal::Missing`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the payment may be recorded all the same, and is not recorded twice.
    pub async fn record_payment(
        &self,
        operator: &Operator,
        account: AccountId,
        purchase: Purchase,
    ) -> Result<Account, Error> {
        purchase.check()?;
        let now = self.now();
        let key = purchase.key("payment", account);
        let recorded = self
            .record_once(account, key, now, |account| {
                let payment = Payment {
                    purchase: purchase.id.as_str().into(),
                    amount: purchase.amount,
                    at: now,
                };
                record_payment(account, payment, &purchase.currency, now)
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "payment recorded");
        Ok(recorded)
    }

    /// Counts a refund, once for each purchase. It lowers what a running grace ban has counted of that purchase (gamebase
    /// 4.6), and when there are as many refunds as the policy's [`lockdown`](crate::Policy::lockdown) says, it suspends
    /// the account, or bans it. Where there is neither, nothing happens.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] with [`Rule::Unknown`] for another currency (gamebase X-29), [`Refusal::AccountNotFound`],
    /// [`Refusal::Withdrawn`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the refund may be recorded all the same, and is not recorded twice.
    pub async fn record_refund(
        &self,
        operator: &Operator,
        account: AccountId,
        purchase: Purchase,
    ) -> Result<Account, Error> {
        purchase.check()?;
        let now = self.now();
        let key = purchase.key("refund", account);
        let refund = Refund {
            purchase: &purchase.id,
            amount: purchase.amount,
            currency: &purchase.currency,
            registrar: operator.name(),
        };
        let lockdown = self.policy.lockdown.as_ref();
        let recorded = self
            .record_once(account, key, now, |account| {
                record_refund(account, &refund, lockdown, now)
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "refund recorded");
        Ok(recorded)
    }

    /// Changes an account by a rule, once for each key; the second time nothing changes, whatever the rule would say now.
    async fn record_once(
        &self,
        id: AccountId,
        key: CodeKey,
        now: DateTime<Utc>,
        rule: impl Fn(&mut Account) -> Result<Vec<EventKind>, Refusal> + Send + Sync,
    ) -> Result<Account, Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load(&Lookup::Id(id), now).await?.ok_or(Refusal::AccountNotFound)?;
            // After the account: who records the same beside this call changes the account's version.
            if self.parts.store.code(&key).await?.is_some_and(|code| now < code.expires_at) {
                return Ok(settled.account);
            }
            let mut account = settled.account.clone();
            let events = rule(&mut account)?;
            if events.is_empty() {
                return Ok(account);
            }
            let mut draft = Draft::default();
            draft.writes.push(Write::PutCode(OneTimeCode {
                key,
                purpose: CodePurpose::Purchase,
                account: id,
                credential_generation: 0,
                tries_left: 0,
                expires_at: now + REMEMBERED,
            }));
            settled.update(&account, &mut draft);
            draft.happened(id, events);
            match self.commit(draft, now).await {
                Ok(()) => return Ok(account),
                Err(lost) => tries.again(lost)?,
            };
        }
    }
}
