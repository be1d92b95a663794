//! The engine: the shell around the rules.
//!
//! Every operation walks one corridor, once: verify, load, settle, decide, commit. A lost race is loaded and decided
//! again, at once and a bounded number of times.

mod account;
mod ask;
mod ban;
mod builder;
mod carried_ban;
mod change_login;
mod corridor;
mod export;
mod find;
mod forced_link;
mod gate;
mod grace_ban;
mod import;
mod kickout;
mod link;
mod login;
mod logout;
mod lookup;
mod merge;
mod nonce;
mod password;
mod provider_notice;
mod refresh;
mod register;
mod repair;
mod resume;
mod sweep;
mod transfer;
mod unlink;
mod verify;
mod withdrawal;

pub use ban::{BanRequest, Failed, UnbanRequest};
pub use builder::{EngineBuilder, OpenError};
pub use export::Export;
pub use grace_ban::Purchase;
pub use import::{ImportedAccount, ImportedIdentity};
pub use kickout::Kickout;
pub use sweep::Swept;

use std::fmt;
use std::sync::{Arc, RwLock};

use chrono::{DateTime, Utc};

use crate::account::Folding;
use crate::clock::EngineClock;
use crate::error::{Error, Fault};
use crate::event::{EventCursor, StoredEvent};
use crate::gate::Closure;
use crate::hooks::Hooks;
use crate::mapping::MergeRule;
use crate::password::PasswordHasher;
use crate::policy::{InvalidPolicy, Policy};
use crate::proof::{Authenticated, Operator};
use crate::random::{Random, RandomError};
use crate::refusal::Refusal;
use crate::session::TokenKeys;
use crate::store::Store;
use crate::verifier::{NonceIssuer, Verifier};

/// The engine. Cheap to clone; all clones are one.
///
/// ```
/// # futures_executor::block_on(async {
/// use authcore::{Credential, Engine, Login, MasterKey, RequestContext};
/// use authcore_store_memory::MemoryStore;
/// # fn now() -> chrono::DateTime<chrono::Utc> { chrono::DateTime::UNIX_EPOCH }
///
/// let engine = Engine::builder("my-game", MemoryStore::new())
///     .signing_key(MasterKey::new(b"thirty-two bytes of real secrecy")?)
///     .clock(now) // a host passes `chrono::Utc::now`
///     .open()
///     .await?;
///
/// let context = RequestContext::new();
/// let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
/// let player = engine.login(&context, login).await?;
/// assert!(player.created);
///
/// let who = engine.verify(player.tokens.access.reveal()).await?;
/// assert_eq!(who.account(), player.account.id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Engine {
    parts: Arc<Parts>,
    policy: Arc<Policy>,
}

struct Parts {
    store: Arc<dyn Store>,
    verifiers: Vec<Arc<dyn Verifier>>,
    nonces: Option<Arc<dyn NonceIssuer>>,
    hooks: Arc<dyn Hooks>,
    merge_rule: Arc<dyn MergeRule>,
    hasher: Arc<dyn PasswordHasher>,
    random: Arc<dyn Random>,
    clock: EngineClock,
    keys: TokenKeys,
    folding: Folding,
    /// When the game is closed; of this process only.
    closure: RwLock<Option<Arc<Closure>>>,
}

impl Engine {
    /// The same engine under another policy: a cheap view, for one host that speaks several dialects.
    ///
    /// # Errors
    ///
    /// [`InvalidPolicy`] when a knob is outside its bounds.
    pub fn with_policy(&self, policy: Policy) -> Result<Self, InvalidPolicy> {
        policy.check()?;
        Ok(Self { parts: Arc::clone(&self.parts), policy: Arc::new(policy) })
    }

    /// The policy of this view.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The public halves of the keys that access tokens are signed with, as a JWK set; empty under HS256.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.parts.keys.jwks()
    }

    /// Reads at most `limit` events after a cursor, and never more than 1000, oldest first. Whoever keeps the last cursor misses none.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::{*, event::EventCursor};
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// let operator = Operator::vouched_for("analytics");
    /// let mut cursor = EventCursor::START;
    /// for stored in engine.events(&operator, cursor, 100).await? {
    ///     println!("{:?}", stored.event.kind);
    ///     cursor = stored.cursor;
    /// }
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Fault`] when the store cannot be read.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn events(
        &self,
        _operator: &Operator,
        after: EventCursor,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, Error> {
        Ok(self.parts.store.events(after, limit.min(1000)).await?)
    }

    /// Removes the events up to and including a cursor, when every consumer has read on. Returns how many there were.
    ///
    /// # Errors
    ///
    /// [`Error::Fault`] when the store cannot be written.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the events may be removed all the same.
    pub async fn prune_events(
        &self,
        _operator: &Operator,
        up_to: EventCursor,
    ) -> Result<u64, Error> {
        Ok(self.parts.store.prune_events(up_to).await?)
    }

    fn now(&self) -> DateTime<Utc> {
        self.parts.clock.now()
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        self.parts.random.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether there is a verifier of this name.
    #[must_use]
    pub fn has_verifier(&self, name: &crate::account::ProviderId) -> bool {
        self.verifier(name).is_ok()
    }

    fn verifier(&self, name: &crate::account::ProviderId) -> Result<&Arc<dyn Verifier>, Refusal> {
        self.parts
            .verifiers
            .iter()
            .find(|verifier| verifier.provider() == name)
            .ok_or_else(|| Refusal::ProviderNotConfigured(name.clone()))
    }

    /// Whether the player proved who they are recently enough for what is sensitive (security 39).
    fn check_step_up(&self, who: &Authenticated, now: DateTime<Utc>) -> Result<(), Refusal> {
        match self.policy.step_up {
            Some(within) if now >= who.session().authenticated_at + within => {
                Err(Refusal::RecentLoginRequired)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("game", &self.parts.keys.game())
            .field("store", &self.parts.store)
            .field("verifiers", &self.parts.verifiers)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// A commit that ended without the store having said yes.
pub(super) enum Lost {
    /// The race was lost; load and decide again.
    Race(crate::store::Conflict),
    /// The store failed.
    Fault(Fault),
}
