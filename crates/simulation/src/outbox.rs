//! What the outbox tells, told again from its beginning: it must come to what the store has.

use std::collections::{BTreeMap, BTreeSet};

use authcore::account::{AccountId, SessionId};
use authcore::event::{EventKind, StoredEvent};

use crate::history::{Key, Seen};

/// An account as its events tell.
#[derive(Debug, Default)]
struct Told {
    identities: BTreeMap<u32, String>,
    banned: bool,
    withdrawn: bool,
    logins: u64,
}

impl Told {
    /// What happened; the words when it cannot have, because it was told twice or something before it never was.
    fn hears(
        &mut self,
        kind: &EventKind,
        opened: &mut BTreeSet<SessionId>,
    ) -> Result<(), &'static str> {
        let first = match kind {
            EventKind::LoggedIn { session } => {
                self.logins += 1;
                opened.insert(*session)
            }
            EventKind::IdentityLinked { ordinal, provider } => {
                self.identities.insert(ordinal.number(), provider.to_string()).is_none()
            }
            EventKind::IdentityUnlinked { ordinal, .. }
            | EventKind::IdentityMoved { ordinal, .. } => {
                self.identities.remove(&ordinal.number()).is_some()
            }
            EventKind::Banned => !std::mem::replace(&mut self.banned, true),
            EventKind::Unbanned => std::mem::replace(&mut self.banned, false),
            EventKind::Withdrawn { .. } => {
                *self = Self { withdrawn: self.withdrawn, ..Self::default() };
                !std::mem::replace(&mut self.withdrawn, true)
            }
            _ => true,
        };
        if first { Ok(()) } else { Err("told twice, or without what comes before it") }
    }

    fn is(&self, seen: &Seen) -> bool {
        let provider = |key: &Key| key.provider().to_string();
        let identities = seen.keys.iter().map(|(ordinal, key)| (*ordinal, provider(key)));
        self.identities == identities.collect::<BTreeMap<_, _>>()
            && (self.banned, self.withdrawn, self.logins)
                == (seen.banned, seen.withdrawn, seen.logins)
    }
}

/// The accounts that the outbox tells of.
pub(crate) fn accounts(events: &[StoredEvent]) -> Vec<AccountId> {
    let made = |it: &&StoredEvent| it.event.kind == EventKind::AccountCreated;
    events.iter().filter(made).map(|stored| stored.event.account).collect()
}

/// Whether it tells each change once: `seen` are the accounts as the store has them.
pub(crate) fn check(events: &[StoredEvent], seen: &[(AccountId, Seen)]) -> Result<(), String> {
    let mut told: BTreeMap<AccountId, Told> = BTreeMap::new();
    let mut opened = BTreeSet::new();
    for StoredEvent { event, .. } in events {
        let account = match event.kind {
            EventKind::AccountCreated => {
                let twice = told.insert(event.account, Told::default()).is_some();
                (!twice).then(|| told.get_mut(&event.account)).flatten()
            }
            _ => told.get_mut(&event.account),
        };
        let heard = account.ok_or("the account was made twice, or never");
        heard
            .and_then(|account| account.hears(&event.kind, &mut opened))
            .map_err(|why| format!("{:?} of {} is {why}", event.kind, event.account))?;
    }
    if told.len() != seen.len() {
        return Err(format!("{} accounts are told of, and {} are there", told.len(), seen.len()));
    }
    let wrong = seen.iter().find(|(id, seen)| !told.get(id).is_some_and(|told| told.is(seen)));
    match wrong {
        Some((id, seen)) => {
            Err(format!("of {id} is told {:?}, and the store has {seen:?}", told.get(id)))
        }
        None => Ok(()),
    }
}
