//! The account: who a player is.
//!
//! [`Account`] is the aggregate that rules decide on. What changes at each login (counters, sessions) lives beside
//! it in [`Activity`](crate::session::Activity), so that logins never rewrite it.

mod folding;
mod identity;
mod ids;
mod profile;
mod records;
mod text;
mod username;

pub use folding::Folding;
pub use identity::{Identity, IdentityKey, InvalidProviderId, Ordinal, ProviderId};
pub use ids::{AccountId, CommitId, Epoch, SessionId, Version};
pub use profile::{Profile, ProfileUpdate};
pub use records::Records;
pub use username::{Username, UsernameRule};

pub(crate) use profile::check_profile;
pub(crate) use username::{check_username, generate_username};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::lifecycle::{BanState, Expiry, Withdrawal};
use crate::password::Password;

/// One player.
///
/// All fields are public and the struct is exhaustive on purpose: a store keeps every field, and a new one must
/// break each store's build rather than be lost in silence.
///
/// A store that needs no columns may keep it as the JSON that serde makes of it (see [`DOCUMENT_FORMAT`]). That holds the
/// password's hash: it is for stores alone. What a player may see is an [`Export`](crate::Export).
///
/// [`DOCUMENT_FORMAT`]: crate::store::DOCUMENT_FORMAT
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// UUIDv7; it tells when the account was made, and nothing else may be derived from it.
    pub id: AccountId,
    /// Unique over the store by its folded key. Absent where the policy makes none.
    pub username: Option<Username>,
    /// What the player shows.
    pub profile: Profile,
    /// The logins that belong together, in the order in which they were linked. Ordinals are unique in the account.
    pub identities: Vec<Identity>,
    /// The password, for the login by email or username.
    pub password: Option<Password>,
    /// Whether the player is banned.
    pub ban: BanState,
    /// Whether the player has asked to leave, or has left.
    pub withdrawal: Withdrawal,
    /// What few accounts have.
    pub records: Records,
    /// Raised by all that ends every session of the account (see [`SESSION`](crate::session::SESSION)): sessions of a
    /// lower epoch are dead.
    pub epoch: Epoch,
    /// The ordinal that the next identity gets; never reused.
    pub next_ordinal: Ordinal,
    /// When the account was made.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub created_at: DateTime<Utc>,
    /// When the account last changed (logins do not count).
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub updated_at: DateTime<Utc>,
}

impl Account {
    /// An account without identities, made at `now`.
    #[must_use]
    pub fn new(id: AccountId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            username: None,
            profile: Profile::default(),
            identities: Vec::new(),
            password: None,
            ban: BanState::None,
            withdrawal: Withdrawal::None,
            records: Records::default(),
            epoch: Epoch::FIRST,
            next_ordinal: Ordinal::FIRST,
            created_at: now,
            updated_at: now,
        }
    }

    /// The identity with exactly this key.
    #[must_use]
    pub fn identity(&self, key: &IdentityKey) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.key == *key)
    }

    /// The identities of one provider, oldest first.
    pub fn identities_of<'a>(
        &'a self,
        provider: &'a ProviderId,
    ) -> impl Iterator<Item = &'a Identity> + 'a {
        self.identities.iter().filter(move |identity| *identity.key.provider() == *provider)
    }

    /// Whether any login opens it: an identity other than an email address or universal id without a password, or a
    /// username with one (nakama W5).
    #[must_use]
    pub fn has_a_login(&self) -> bool {
        let has_password = self.password.is_some();
        let opens = |identity: &Identity| has_password || !identity.key.provider().needs_password();
        self.identities.iter().any(opens) || (has_password && self.username.is_some())
    }

    /// When time will change it next without anybody's doing: a store finds accounts whose day has come by this.
    #[must_use]
    pub fn due_at(&self) -> Option<DateTime<Utc>> {
        let withdrawn = match self.withdrawal {
            Withdrawal::Pending { due, .. } => Some(due),
            // Nothing changes any more.
            Withdrawal::Done { .. } => return None,
            Withdrawal::None => None,
        };
        let ban = match &self.ban {
            BanState::Banned(ban) => match ban.expiry {
                Expiry::At(date) => Some(date),
                Expiry::Never => None,
            },
            BanState::Grace(grace) => Some(grace.deadline),
            BanState::None => None,
        };
        let tickets = self.records.tickets.iter().map(Records::ticket_forgotten_at);
        withdrawn.into_iter().chain(ban).chain(tickets).min()
    }

    /// Adds an identity under the next ordinal, which is returned. The caller has checked the rules.
    pub(crate) fn add_identity(
        &mut self,
        key: IdentityKey,
        shown: Option<Box<str>>,
        now: DateTime<Utc>,
    ) -> Ordinal {
        let ordinal = self.next_ordinal;
        self.next_ordinal = ordinal.next();
        self.identities.push(Identity {
            ordinal,
            key,
            shown,
            linked_at: now,
            verified_at: None,
            data: None,
        });
        self.updated_at = now;
        ordinal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nakama_w5_a_password_and_a_username_are_a_login_together_and_not_alone() {
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        assert!(!account.has_a_login());
        account.username = Some(Username { shown: "Ann".into(), key: "ann".into() });
        assert!(!account.has_a_login(), "a name");
        let password = Password { hash: "x".into(), version: 1, set_at: DateTime::UNIX_EPOCH };
        account.password = Some(password);
        assert!(account.has_a_login(), "both");
        account.username = None;
        assert!(!account.has_a_login(), "a password");
    }
}
