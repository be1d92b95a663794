//! The account: who a player is.
//!
//! [`Account`] is the aggregate that rules decide on. What changes at each login (counters, sessions) lives beside
//! it in [`Activity`](crate::session::Activity), so that logins never rewrite it.

mod folding;
mod identity;
mod ids;
mod profile;
mod username;

pub use folding::Folding;
pub use identity::{Identity, IdentityKey, InvalidProviderId, Ordinal, ProviderId};
pub use ids::{AccountId, CommitId, Epoch, SessionId, Version};
pub use profile::{Profile, ProfileUpdate};
pub use username::{Username, UsernameRule};

pub(crate) use profile::check_profile;
pub(crate) use username::{check_username, generate_username};

use chrono::{DateTime, Utc};

use crate::lifecycle::BanState;
use crate::password::Password;

/// One player.
///
/// All fields are public and the struct is exhaustive on purpose: a store keeps every field, and a new one must
/// break each store's build rather than be lost in silence.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Raised by a ban, by log-out-everywhere, and by an unlink or a change of password where the policy says so: sessions
    /// of a lower epoch are dead.
    pub epoch: Epoch,
    /// The ordinal that the next identity gets; never reused.
    pub next_ordinal: Ordinal,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
    /// When the account last changed (logins do not count).
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

    /// Adds an identity under the next ordinal, which is returned. The caller has checked the rules.
    pub(crate) fn add_identity(
        &mut self,
        key: IdentityKey,
        shown: Option<Box<str>>,
        now: DateTime<Utc>,
    ) -> Ordinal {
        let ordinal = self.next_ordinal;
        self.next_ordinal = ordinal.next();
        self.identities.push(Identity { ordinal, key, shown, linked_at: now, verified_at: None });
        self.updated_at = now;
        ordinal
    }
}
