use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::Engine;
use crate::account::{Account, AccountId};
use crate::error::{Error, Fault};
use crate::password::{PasswordHash, Verdict};
use crate::policy::Rate;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::{Admission, Charge, ThrottleKey};

/// A password that was checked against one hash, and is not hashed again while that hash stays.
pub(super) struct CheckedPassword {
    against: Box<str>,
    verdict: Verdict,
}

impl CheckedPassword {
    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(super) fn holds_for(&self, account: &Account) -> Option<Verdict> {
        let hash = account.password.as_ref().map(|password| &*password.hash);
        (hash == Some(&*self.against)).then_some(self.verdict)
    }
}

/// Which throttle counts the wrong passwords for an account (security 16); for a name without one, the name's own, so
/// that both answer alike (security 24).
pub(super) fn throttle_of(account: Option<AccountId>, name: &[u8]) -> ThrottleKey {
    let mut digest = Sha256::new();
    if let Some(id) = account {
        digest.update(b"password of account\0");
        digest.update(id.as_bytes());
    } else {
        digest.update(b"password of name\0");
        digest.update(name);
    }
    ThrottleKey::new(digest.finalize().into())
}

/// A password that is tried over several loads: charged once, and hashed once while the account's hash stays.
#[derive(Default)]
pub(super) struct PasswordTry {
    /// Whether a throttle was charged.
    pub(super) charged: bool,
    checked: Option<CheckedPassword>,
}

impl Engine {
    /// Tries a password for an account.
    pub(super) async fn try_password(
        &self,
        tried: &mut PasswordTry,
        account: &Account,
        password: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Verdict, Error> {
        if let Some(verdict) = tried.checked.as_ref().and_then(|checked| checked.holds_for(account))
        {
            return Ok(verdict);
        }
        if !tried.charged {
            self.charge_try(throttle_of(Some(account.id), &[]), now).await?;
        }
        let checked = self.check_against(Some(account), password).await?;
        let verdict = checked.verdict();
        tried.charged = true;
        tried.checked = Some(checked);
        Ok(verdict)
    }

    /// Charges one try, before any hashing is done; but none that would find no room.
    pub(super) async fn charge_try(
        &self,
        key: ThrottleKey,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        self.charge(key, self.policy.password_attempts, now).await
    }

    /// As [`charge_try`](Self::charge_try), at a rate of its own.
    pub(super) async fn charge(
        &self,
        key: ThrottleKey,
        rate: Rate,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if self.parts.hasher.is_busy() {
            return Err(Refusal::TryAgainLater { retry_at: None }.into());
        }
        self.consume(key, rate, now).await
    }

    /// Charges a throttle.
    pub(super) async fn consume(
        &self,
        key: ThrottleKey,
        rate: Rate,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let charge = Charge { key, cost: 1, limit: rate.limit, window: rate.window, now };
        match self.parts.store.consume(&charge).await? {
            Admission::Admitted => Ok(()),
            Admission::Refused { retry_at } => {
                Err(Refusal::TryAgainLater { retry_at: Some(retry_at) }.into())
            }
        }
    }

    /// Checks a password against an account's hash. Without an account, or a password of its own, the same work is
    /// done and the answer is no (security 26).
    pub(super) async fn check_against(
        &self,
        account: Option<&Account>,
        password: &Secret,
    ) -> Result<CheckedPassword, Error> {
        let kept = account.and_then(|account| account.password.as_ref());
        let hash = match kept {
            Some(kept) => Some(PasswordHash::parse(&kept.hash).map_err(|_| Fault::StoredHash)?),
            None => None,
        };
        let verdict = self.parts.hasher.verify(password.clone(), hash).await?;
        let against = kept.map_or_else(Box::default, |kept| kept.hash.clone());
        Ok(CheckedPassword { against, verdict })
    }

    /// Hashes a new password.
    pub(super) async fn hash(&self, password: &Secret) -> Result<Box<str>, Error> {
        let hash = self.parts.hasher.hash(password.clone(), self.random()?).await?;
        Ok(hash.as_str().into())
    }
}
