use std::collections::BTreeSet;

use authcore::account::{AccountId, CommitId};
use authcore::store::{Admission, Charge, CodeKey, OneTimeCode, SingleUseKey, ThrottleKey};
use chrono::{DateTime, Utc};

use crate::expiring::Expiring;

/// What is no account's document, of one shard.
#[derive(Default)]
pub(crate) struct Sundries {
    pub(crate) codes: Expiring<CodeKey, (CommitId, OneTimeCode)>,
    codes_of: BTreeSet<(AccountId, CodeKey)>,
    pub(crate) single_use: Expiring<SingleUseKey, CommitId>,
    pub(crate) throttles: Expiring<ThrottleKey, ()>,
}

impl Sundries {
    pub(crate) fn consume(&mut self, charge: &Charge) -> Admission {
        let (admission, until) = charge.apply(self.throttles.end(&charge.key));
        self.throttles.insert(charge.key, until, ());
        admission
    }

    pub(crate) fn put_code(&mut self, code: &OneTimeCode, by: CommitId) {
        self.remove_code(&code.key);
        self.codes.insert(code.key, code.expires_at, (by, code.clone()));
        self.codes_of.insert((code.account, code.key));
    }

    pub(crate) fn remove_code(&mut self, key: &CodeKey) {
        if let Some((_, code)) = self.codes.remove(key) {
            self.codes_of.remove(&(code.account, *key));
        }
    }

    pub(crate) fn remove_codes_of(&mut self, id: AccountId) {
        let least = (id, CodeKey::new([0; 32]));
        let keys: Vec<CodeKey> = self
            .codes_of
            .range(least..)
            .take_while(|(owner, _)| *owner == id)
            .map(|(_, key)| *key)
            .collect();
        for key in &keys {
            self.remove_code(key);
        }
    }

    /// Removes what is over, at most as many of each kind as are left of `limits`, which it lowers.
    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limits: &mut Limits) {
        for key in self.codes.over(now, limits.codes) {
            self.remove_code(&key);
            limits.codes -= 1;
        }
        for key in self.single_use.over(now, limits.single_use) {
            self.single_use.remove(&key);
            limits.single_use -= 1;
        }
        for key in self.throttles.over(now, limits.throttles) {
            self.throttles.remove(&key);
            limits.throttles -= 1;
        }
    }
}

/// How many of each kind a sweep may still remove.
pub(crate) struct Limits {
    pub(crate) codes: u32,
    pub(crate) single_use: u32,
    pub(crate) throttles: u32,
}
