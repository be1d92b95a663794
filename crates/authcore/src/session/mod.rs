//! Sessions: what a login opens, what tokens stand for, and how a refresh rotates them.

mod claims;
mod machine;
mod open;
mod rotation;
mod tokens;

pub use claims::{AccessClaims, ClaimStyle};
pub use machine::{SESSION, SessionEvent, SessionStatus};
pub use tokens::TokenPair;

pub(crate) use tokens::TokenKeys;

pub(crate) use claims::RefreshClaims;
pub(crate) use machine::end_sessions;
pub(crate) use open::{OpenSession, Reopen, Reopened, open_session, reopen_session};
pub(crate) use rotation::{Rotation, rotate};

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Epoch, Ordinal, ProviderId, SessionId, Version};
use crate::policy::Policy;

/// What changes at each login, kept beside the account under a version of its own. Exhaustive on purpose, like
/// [`Account`](crate::account::Account). A store may keep it as the JSON that serde makes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// How many logins there were.
    pub login_count: u64,
    /// The latest login.
    pub last_login: Option<LoginRecord>,
    /// When the login before the latest one was.
    #[serde(default, with = "chrono::serde::ts_milliseconds_option")]
    pub previous_login_at: Option<DateTime<Utc>>,
    /// The sessions that may still be alive, oldest first.
    pub sessions: Vec<Session>,
}

/// A login that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// When.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub at: DateTime<Utc>,
    /// With which identity; none for a login by username.
    pub identity: Option<Ordinal>,
}

/// Text that travels with a session, key to value.
pub type Vars = BTreeMap<String, String>;

/// One login on one device. Exhaustive on purpose, like [`Account`](crate::account::Account).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its name.
    pub id: SessionId,
    /// The identity that opened it; none for a login by username.
    pub identity: Option<Ordinal>,
    /// How the player proved who they are.
    pub method: Method,
    /// When the player proved it. Refreshing does not move it.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub authenticated_at: DateTime<Utc>,
    /// When it was last refreshed, or opened.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub idle_expires_at: DateTime<Utc>,
    /// When it ends whatever happens.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// How often the refresh token was rotated; the token of any other generation is not the current one.
    pub generation: u32,
    /// Access tokens no longer count (nakama 11.4: the two kinds are ended apart).
    pub access_revoked: bool,
    /// Refresh tokens no longer count.
    pub refresh_revoked: bool,
    /// What the client asked to keep with the session.
    pub client_vars: Vars,
    /// What the host's hooks put there; a client can neither set nor clear it.
    pub server_vars: Vars,
    /// What the client calls its device.
    pub device_name: Option<Box<str>>,
    /// Which device opened it, where the client said so; another device gets no second successor of a refresh.
    pub device_id: Option<Box<str>>,
    /// The account's epoch when it was opened.
    pub epoch: Epoch,
    /// The store's epoch when it was opened.
    pub store_epoch: Epoch,
}

impl Session {
    /// Both kinds of vars in one map; the server's win.
    #[must_use]
    pub fn vars(&self) -> Vars {
        let mut vars = self.client_vars.clone();
        vars.extend(self.server_vars.clone());
        vars
    }

    /// When an access token that was minted at this time ends: after its lifetime, and never after the session itself.
    pub(crate) fn access_expires_at(
        &self,
        minted: DateTime<Utc>,
        policy: &Policy,
    ) -> DateTime<Utc> {
        (minted + policy.access_lifetime).min(self.expires_at)
    }

    /// When the current refresh token ends.
    pub(crate) fn refresh_expires_at(&self) -> DateTime<Utc> {
        self.idle_expires_at.min(self.expires_at)
    }
}

/// How a player proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// A device id.
    Device,
    /// An id of the host's making.
    Custom,
    /// A guest key.
    Guest,
    /// A password.
    Password,
    /// A credential that an identity provider vouched for.
    Provider,
}

impl Method {
    /// The way of an identity of this provider.
    pub(crate) fn of(provider: &ProviderId) -> Self {
        match provider.as_str() {
            "device" => Self::Device,
            "custom" => Self::Custom,
            "guest" => Self::Guest,
            _ if provider.needs_password() => Self::Password,
            _ => Self::Provider,
        }
    }
}

/// Where a session is found: tokens carry both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionRef {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
}

/// A session as a store has it, with what decides whether it is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// The account's epoch.
    pub account_epoch: Epoch,
    /// The store's epoch.
    pub store_epoch: Epoch,
    /// The account's [`due_at`](crate::account::Account::due_at): from then on the epoch alone does not tell.
    pub account_due_at: Option<DateTime<Utc>>,
    /// The version of the activity that it was read from.
    pub activity_version: Version,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_identity_has_its_way_of_proof() {
        for (provider, method) in [
            (ProviderId::DEVICE, Method::Device),
            (ProviderId::CUSTOM, Method::Custom),
            (ProviderId::GUEST, Method::Guest),
            (ProviderId::EMAIL, Method::Password),
            (ProviderId::UNIVERSAL, Method::Password),
            (ProviderId::GOOGLE, Method::Provider),
        ] {
            assert_eq!(Method::of(&provider), method, "{provider}");
        }
    }
}
