use std::collections::BTreeSet;

use authcore::account::{AccountId, CommitId};
use authcore::store::{Admission, Charge, CodeKey, OneTimeCode, SingleUseKey, ThrottleKey};

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
}
