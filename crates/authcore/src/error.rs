use authcore_jose::SignError;

use crate::account::UsernameRule;
use crate::password::HashFault;
use crate::random::RandomError;
use crate::refusal::Refusal;
use crate::store::StoreError;

/// Why an operation did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer is no. The machine works.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The machine does not work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// The refusal, when it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Fault(_) => None,
        }
    }
}

/// The machine does not work: for operators, not for players.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A password could not be hashed.
    #[error("a password could not be hashed")]
    Hash(#[source] HashFault),
    /// There is no randomness to be had.
    #[error("no randomness")]
    Random(#[from] RandomError),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Sign(#[from] SignError),
    /// A hash in the store is not one.
    #[error("the account's password hash is not a supported one")]
    StoredHash,
}

macro_rules! fault_into_error {
    ($($fault:ty),*) => {$(
        impl From<$fault> for Error {
            fn from(fault: $fault) -> Self {
                Self::Fault(fault.into())
            }
        }
    )*};
}

fault_into_error!(StoreError, RandomError, SignError);

impl From<UsernameRule> for Error {
    fn from(rule: UsernameRule) -> Self {
        Self::Refused(rule.into())
    }
}

impl From<HashFault> for Error {
    fn from(fault: HashFault) -> Self {
        match fault {
            HashFault::Busy => Self::Refused(Refusal::TryAgainLater { retry_at: None }),
            failed @ HashFault::Failed(_) => Self::Fault(Fault::Hash(failed)),
        }
    }
}
