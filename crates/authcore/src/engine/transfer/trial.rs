use chrono::{DateTime, Utc};

use super::super::Engine;
use super::super::corridor::{Draft, Settled, Tries};
use super::throttle;
use crate::account::Account;
use crate::error::{Error, Fault};
use crate::event::EventKind;
use crate::password::{PasswordHash, Verdict};
use crate::policy::Rate;
use crate::refusal::{Field, Refusal, Rule};
use crate::secret::Secret;
use crate::store::{ThrottleKey, Write};
use crate::transfer::{LONGEST_KEY, TransferRules, admit_try, count_failure};

/// Somebody tries an id and a password: what is kept from one lost race to the next.
pub(super) struct Trial<'a> {
    engine: &'a Engine,
    rules: &'a TransferRules,
    id: &'a Secret,
    password: &'a Secret,
    now: DateTime<Utc>,
    pub(super) tries: Tries,
    /// Whether the account's throttle was charged, so that a second try is not charged again.
    charged: bool,
    /// The hash that the password was checked against, and whether it was right.
    checked: Option<(Box<str>, bool)>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        rules: &'a TransferRules,
        id: &'a Secret,
        password: &'a Secret,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        check_tried(Field::TransferId, id, true)?;
        check_tried(Field::TransferPassword, password, rules.password.is_some())?;
        let (tries, charged, checked) = (Tries::new(), false, None);
        Ok(Self { engine, rules, id, password, now, tries, charged, checked })
    }

    /// The account, when id and password are right. A wrong password is counted before it is told: nobody learns that it is
    /// wrong without that being kept, however many try at once, and once they have blocked, nobody learns anything.
    pub(super) async fn pass(&mut self) -> Result<Settled, Error> {
        let id = self.id.reveal();
        loop {
            let Some(settled) = self.engine.load_transfer(self.id, self.now).await? else {
                return Err(self.unknown().await?.into());
            };
            let mut account = settled.account.clone();
            admit_try(&mut account, id, self.rules, self.now)?;
            if account != settled.account {
                self.lift(&settled, &account).await?;
                continue;
            }
            if self.is_right(&account).await? {
                return Ok(settled);
            }
            let refusal = count_failure(&mut account, id, self.rules, self.now)?;
            if account == settled.account {
                return Err(refusal.into());
            }
            let mut draft = Draft::default();
            if matches!(refusal, Refusal::TransferBlocked(_)) {
                draft.events.push((account.id, EventKind::TransferChanged));
            }
            settled.update(&account, &mut draft);
            match self.engine.commit(draft, self.now).await {
                Ok(()) => return Err(refusal.into()),
                Err(lost) => self.tries.again(lost)?,
            };
        }
    }

    /// Keeps that a block is over before anything is tried anew, so that of many who find it over, one lets the others
    /// begin to count.
    async fn lift(&mut self, settled: &Settled, account: &Account) -> Result<(), Error> {
        let mut draft = Draft::default();
        draft.events.push((account.id, EventKind::TransferChanged));
        draft.writes.push(Write::ResetThrottle(throttle_of_password(account)));
        settled.update(account, &mut draft);
        if let Err(lost) = self.engine.commit(draft, self.now).await {
            self.tries.again(lost)?;
        }
        Ok(())
    }

    /// The answer for an id that nobody has, after the same work as for a wrong password (security 26).
    async fn unknown(&self) -> Result<Refusal, Error> {
        if self.rules.password.is_some() {
            self.engine.parts.hasher.verify(self.password.clone(), None).await?;
        }
        Ok(Refusal::TransferUnknown)
    }

    async fn is_right(&mut self, account: &Account) -> Result<bool, Error> {
        let kept = account.records.transfer.as_ref();
        let Some(hash) = kept.and_then(|transfer| transfer.password_hash.as_deref()) else {
            // The id is the only secret.
            return Ok(true);
        };
        if let Some((against, right)) = &self.checked
            && **against == *hash
        {
            return Ok(*right);
        }
        let throttle = throttle_of_password(account);
        if !self.charged {
            self.engine.charge(throttle, self.rate(), self.now).await?;
            self.charged = true;
        }
        let right = self.engine.is_transfer_password(hash, self.password).await?;
        self.checked = Some((hash.into(), right));
        if right {
            let draft = Draft { writes: vec![Write::ResetThrottle(throttle)], ..Draft::default() };
            // Nothing is required, so there is no race to lose.
            if let Err(lost) = self.engine.commit(draft, self.now).await {
                self.tries.again(lost)?;
            }
        }
        Ok(right)
    }

    /// How many passwords are hashed at once: no more than it takes to block, where that is counted.
    fn rate(&self) -> Rate {
        let rate = self.engine.policy.password_attempts;
        self.rules.lock.map_or(rate, |lock| Rate { limit: lock.failures.get(), ..rate })
    }
}

impl Engine {
    /// Whether it is the password of this hash.
    pub(super) async fn is_transfer_password(
        &self,
        hash: &str,
        password: &Secret,
    ) -> Result<bool, Error> {
        let hash = PasswordHash::parse(hash).map_err(|_| Fault::StoredHash)?;
        Ok(self.parts.hasher.verify(password.clone(), Some(hash)).await? != Verdict::Wrong)
    }
}

/// What counts the passwords that are tried for an account.
pub(super) fn throttle_of_password(account: &Account) -> ThrottleKey {
    throttle("password", account.id.as_bytes())
}

/// Bounds what is looked up and hashed; what is of another form than the rules' is simply wrong.
fn check_tried(field: Field, tried: &Secret, required: bool) -> Result<(), Refusal> {
    let rule = match tried.reveal().len() {
        0 if required => Rule::Required,
        0..=LONGEST_KEY => return Ok(()),
        _ => Rule::AtMost { characters: LONGEST_KEY },
    };
    Err(Refusal::Invalid { field, rule })
}
