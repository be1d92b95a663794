//! Passwords: what may be one, how it is hashed, and where hashing runs.

mod hasher;
mod rules;
mod scheme;

pub use hasher::{HashFault, HasherConfig, PasswordHasher, ThreadedHasher, Verdict};
pub use rules::PasswordRule;
pub use scheme::{Argon2Params, InvalidHash, PasswordHash};

pub(crate) use rules::check_password;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An account's password as it is kept. Exhaustive on purpose, like [`Account`](crate::account::Account).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The hash with its parameters: a PHC string, or bcrypt's own form where it was imported.
    pub hash: Box<str>,
    /// Raised at each change, so that a login decided on an old password does not commit.
    pub version: u32,
    /// When it was set.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub set_at: DateTime<Utc>,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password")
            .field("hash", &"[redacted]")
            .field("version", &self.version)
            .field("set_at", &self.set_at)
            .finish()
    }
}
