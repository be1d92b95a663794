use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AccountId, IdentityKey};
use crate::lifecycle::Standing;
use crate::secret::Secret;
use crate::store::CodeKey;

/// A proof, kept with the caller's account, that the caller holds an identity which another account owns (gamebase 1.10,
/// 4.4). It is bound to the caller (whose account keeps it), the owner, the identity, and how the owner stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForcingTicket {
    /// A digest of the secret, which is shown once and not kept.
    pub key: CodeKey,
    /// The identity.
    pub identity: IdentityKey,
    /// The account that owned it.
    pub owner: AccountId,
    /// How that account stood.
    pub owner_standing: Standing,
    /// From when on it is expired.
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub used_at: Option<DateTime<Utc>>,
}

/// The next legal step after a link that was refused because another account owns the identity: present the secret to
/// [`Engine::link_forcibly`](crate::Engine::link_forcibly) or [`Engine::change_login`](crate::Engine::change_login).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TicketOffer {
    /// The secret; it is shown this once.
    pub secret: Secret,
    /// The account that owns the identity and would lose it.
    pub owner: AccountId,
    /// How that account stands.
    pub owner_standing: Standing,
    /// From when on the ticket is expired.
    pub expires_at: DateTime<Utc>,
}

impl PartialEq for TicketOffer {
    /// Compares all but the secret.
    fn eq(&self, other: &Self) -> bool {
        (self.owner, self.owner_standing, self.expires_at)
            == (other.owner, other.owner_standing, other.expires_at)
    }
}

impl Eq for TicketOffer {}
