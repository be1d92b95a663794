use crate::account::{Account, Ordinal};

/// What a provider's word that a login is revoked means to a session (gamebase 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "all ways in which a login concerns a session")]
pub enum Revoked {
    /// The session was opened by it, and the account has no other login: log out, and log in again.
    OnlyLogin,
    /// The session was opened by it, and the account has others: log in with another one, then unlink it.
    CurrentLogin,
    /// The session was opened by another login: unlink it.
    OtherLogin,
}

impl Revoked {
    /// Gamebase's number for it.
    #[must_use]
    pub const fn gamebase_code(self) -> u16 {
        match self {
            Self::OnlyLogin => 600,
            Self::CurrentLogin => 601,
            Self::OtherLogin => 602,
        }
    }
}

/// What it means to a session that was opened by `logged_in` when a provider revokes the login `revoked`.
#[must_use]
pub fn revoked(account: &Account, logged_in: Option<Ordinal>, revoked: Ordinal) -> Revoked {
    let others = account.identities.iter().any(|identity| identity.ordinal != revoked);
    match (logged_in == Some(revoked), others) {
        (false, _) => Revoked::OtherLogin,
        (true, true) => Revoked::CurrentLogin,
        (true, false) => Revoked::OnlyLogin,
    }
}
