//! How an account looks to an operator, as both the engine and the reference model say it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use authcore::lifecycle::{settle, standing};
use authcore::session::SessionRef;
use authcore::store::Snapshot;
use authcore::transfer::{TransferRules, TransferStatus, status};
use chrono::{DateTime, Utc};

use crate::action::Id;
use crate::policy::policy;

static RULES: LazyLock<TransferRules> = LazyLock::new(|| policy().transfer.unwrap());

/// How an account looks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a small game, known to its provers")]
pub struct View {
    /// Gamebase's letter for its standing (gamebase 1.3).
    pub standing: char,
    /// Its logins.
    pub ids: BTreeSet<Id>,
    /// The sessions that are alive, by their number.
    pub alive: BTreeSet<usize>,
    /// How its transfer account stands.
    pub transfer: TransferStatus,
}

impl View {
    /// How what a store holds looks at a time. `sessions` are all that were opened, in order.
    #[must_use]
    pub fn of(snapshot: &Snapshot, sessions: &[SessionRef], now: DateTime<Utc>) -> Self {
        let mut account = snapshot.account.clone();
        settle(&mut account, now);
        let ids = account.identities.iter().map(|identity| {
            let known = Id::ALL.into_iter().find(|id| id.key() == identity.key);
            known.unwrap_or_else(|| panic!("a login that nobody has: {identity:?}"))
        });
        let alive = snapshot
            .activity
            .sessions
            .iter()
            .filter(|session| session.is_alive(account.epoch, snapshot.store_epoch, now));
        let number = |session: &authcore::session::Session| {
            let at = SessionRef { account: account.id, session: session.id };
            let known = sessions.iter().position(|opened| *opened == at);
            known.unwrap_or_else(|| panic!("a session that nobody opened: {session:?}"))
        };
        Self {
            standing: standing(&account).gamebase_code(),
            ids: ids.collect(),
            alive: alive.map(number).collect(),
            transfer: status(&account, &RULES, now),
        }
    }
}
