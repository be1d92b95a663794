//! Proofs: values that only the engine or the host's own check can make.

use std::fmt;

use crate::account::AccountId;
use crate::session::{AccessClaims, Session, SessionRef};

/// A proof that the caller is this player, in this session, now. Only [`Engine::verify`](crate::Engine::verify) makes
/// one; operations of a player take it, and never a bare id.
///
/// ```compile_fail
/// # use authcore::{Authenticated, account::AccountId};
/// // A bare id from a request is no proof: there is no way to write this.
/// let forged = Authenticated { account: AccountId::from_bytes([0; 16]) };
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Authenticated {
    account: AccountId,
    session: Session,
    username: Option<String>,
}

impl Authenticated {
    pub(crate) fn new(claims: AccessClaims, session: Session) -> Self {
        Self { account: claims.account, session, username: claims.username }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The session, as it was when it was verified.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The username that the token carries, where its claims do; the account may have another by now.
    #[must_use]
    pub fn token_username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// Where the session is found.
    #[must_use]
    pub const fn session_ref(&self) -> SessionRef {
        SessionRef { account: self.account, session: self.session.id }
    }
}

/// A proof that the caller may act on other people's accounts. The host makes one after it has checked so itself, and
/// says who it was.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Operator {
    name: Box<str>,
}

impl Operator {
    /// The host vouches for this operator.
    pub fn vouched_for(name: &str) -> Self {
        Self { name: name.into() }
    }

    /// Who it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operator({})", self.name)
    }
}
