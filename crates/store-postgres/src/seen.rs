//! What was read of accounts lately. A commit names the versions that it was decided on, as a rule those read a moment
//! before: its statements need not read again which rows there are, only check that nobody wrote them since.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use authcore::account::AccountId;

use crate::state::{AccountState, ActivityState};

/// An account's rows as they were when it was loaded.
pub(crate) struct Seen {
    pub(crate) account: AccountState,
    pub(crate) activity: ActivityState,
}

/// The latest loads, at least as many as one generation holds, and at most twice as many.
#[derive(Default)]
pub(crate) struct SeenAccounts(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<AccountId, Box<Seen>>,
    old: HashMap<AccountId, Box<Seen>>,
}

const GENERATION: usize = 1024;

/// Accounts with more identities are left out: there are few, and they are large.
const IDENTITIES: usize = 64;

impl SeenAccounts {
    pub(crate) fn put(&self, id: AccountId, seen: Seen) {
        if seen.account.identities.len() > IDENTITIES {
            return;
        }
        let (seen, mut forgotten) = (Box::new(seen), HashMap::new());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.young.len() >= GENERATION {
            let young = std::mem::take(&mut kept.young);
            forgotten = std::mem::replace(&mut kept.old, young);
        }
        kept.young.insert(id, seen);
        // Not while others wait.
        drop(kept);
        drop(forgotten);
    }

    /// Takes it out: the commit that it is for changes it.
    pub(crate) fn take(&self, id: AccountId) -> Option<Box<Seen>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = kept.old.remove(&id);
        kept.young.remove(&id).or(old)
    }
}
