use serde::{Deserialize, Serialize};

use super::{BanState, Withdrawal};
use crate::account::Account;

/// How an account stands. Bans, withdrawal and the loss of all logins are machines of their own; where several hold, the
/// first of this list is reported (gamebase 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// Gone for good; its logins are free again (gamebase `D`).
    Withdrawn,
    /// No login opens it any more; an operator may repair it (gamebase `M`).
    Missing,
    /// Banned: no login (gamebase `B`).
    Banned,
    /// Suspended with a way out: login succeeds, the game limits access (gamebase `P`).
    GraceBanned,
    /// About to be withdrawn: full service until then (gamebase `T`).
    WithdrawalPending,
    /// Nothing special (gamebase `Y`).
    Normal,
}

impl Standing {
    /// Gamebase's letter for it (gamebase 1.3).
    #[must_use]
    pub const fn gamebase_code(self) -> char {
        match self {
            Self::Withdrawn => 'D',
            Self::Missing => 'M',
            Self::Banned => 'B',
            Self::GraceBanned => 'P',
            Self::WithdrawalPending => 'T',
            Self::Normal => 'Y',
        }
    }
}

/// How a settled account stands.
#[must_use]
pub fn standing(account: &Account) -> Standing {
    if account.withdrawal.is_done() {
        return Standing::Withdrawn;
    }
    if !account.has_a_login() {
        return Standing::Missing;
    }
    match (&account.ban, &account.withdrawal) {
        (BanState::Banned(_), _) => Standing::Banned,
        (BanState::Grace(_), _) => Standing::GraceBanned,
        (BanState::None, Withdrawal::Pending { .. }) => Standing::WithdrawalPending,
        (BanState::None, _) => Standing::Normal,
    }
}
