use std::sync::{Arc, RwLock};

use authcore_jose::{Algorithm, KeyError, MasterKey};

use super::{Engine, Parts};
use crate::account::{Folding, ProviderId};
use crate::clock::{Clock, EngineClock};
use crate::hooks::{Hooks, NoHooks};
use crate::mapping::{MergeRule, MostLogins};
use crate::password::{HashFault, HasherConfig, PasswordHasher, ThreadedHasher};
use crate::policy::{InvalidPolicy, Policy};
use crate::random::{Random, SystemRandom};
use crate::session::TokenKeys;
use crate::store::{Store, StoreError, StoreHeader};
use crate::verifier::{NonceIssuer, Verifier};

/// Puts an engine together. Made by [`Engine::builder`]; the type says which of the two things without a default are
/// still missing, so that an engine without a signing key or a clock does not compile.
#[must_use]
pub struct EngineBuilder<K, C> {
    game: Box<str>,
    store: Arc<dyn Store>,
    key: K,
    clock: C,
    previous_keys: Vec<(MasterKey, Algorithm)>,
    algorithm: Algorithm,
    verifiers: Vec<Arc<dyn Verifier>>,
    nonces: Option<Arc<dyn NonceIssuer>>,
    hooks: Arc<dyn Hooks>,
    merge_rule: Arc<dyn MergeRule>,
    hasher: Option<Arc<dyn PasswordHasher>>,
    random: Arc<dyn Random>,
    folding: Folding,
    policy: Policy,
}

/// An engine could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The game's name must be 1 to 64 bytes.
    #[error("the game's name must be 1 to 64 bytes")]
    Game,
    /// A knob of the policy is outside its bounds.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// The token keys could not be derived.
    #[error("the token keys could not be derived")]
    Keys(#[source] KeyError),
    /// The hashing threads could not be started.
    #[error("the password hasher could not be started")]
    Hasher(#[source] HashFault),
    /// Two verifiers have one name, or one has the name of a built-in kind.
    #[error("the verifier's name {0} is taken")]
    VerifierTaken(ProviderId),
    /// The store keeps the players of another game.
    #[error("the store belongs to the game {found:?}, not {asked:?}")]
    OtherGame {
        /// Whose it is.
        found: Box<str>,
        /// Whose it should be.
        asked: Box<str>,
    },
    /// The store's keys were made by another folding of names.
    #[error("the store was made with folding {found}, not {asked}")]
    OtherFolding {
        /// The folding's number in the store.
        found: u32,
        /// The folding's number that was asked for.
        asked: u32,
    },
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Engine {
    /// Begins an engine for one game on one store. Required are
    /// [`signing_key`](EngineBuilder::signing_key) and [`clock`](EngineBuilder::clock).
    ///
    /// ```compile_fail
    /// # async fn f() {
    /// // Without a signing key and a clock there is no `open`.
    /// authcore::Engine::builder("my-game", authcore_store_memory::MemoryStore::new()).open().await;
    /// # }
    /// ```
    pub fn builder(game: &str, store: impl Store) -> EngineBuilder<(), ()> {
        Self::builder_on(game, Arc::new(store))
    }

    /// As [`builder`](Self::builder), on a store that is shared already.
    pub fn builder_on(game: &str, store: Arc<dyn Store>) -> EngineBuilder<(), ()> {
        EngineBuilder {
            game: game.into(),
            store,
            key: (),
            clock: (),
            previous_keys: Vec::new(),
            algorithm: Algorithm::Hs256,
            verifiers: Vec::new(),
            nonces: None,
            hooks: Arc::new(NoHooks),
            merge_rule: Arc::new(MostLogins),
            hasher: None,
            random: Arc::new(SystemRandom::new()),
            folding: Folding::default(),
            policy: Policy::default(),
        }
    }
}

impl<K, C> EngineBuilder<K, C> {
    /// The game's one secret, that all token keys are derived from.
    pub fn signing_key(self, key: MasterKey) -> EngineBuilder<MasterKey, C> {
        self.replace(|_, clock| (key, clock))
    }

    /// What tells the time; a host passes `chrono::Utc::now`.
    pub fn clock(self, clock: impl Clock) -> EngineBuilder<K, Arc<dyn Clock>> {
        self.replace(|key, _| (key, Arc::new(clock) as Arc<dyn Clock>))
    }

    /// Accepts, besides, tokens that were signed with a former key, until all of them are over.
    /// The key may be the same under another algorithm.
    pub fn previous_signing_key(mut self, key: MasterKey, algorithm: Algorithm) -> Self {
        self.previous_keys.push((key, algorithm));
        self
    }

    /// How tokens are signed; HS256 unless said otherwise.
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Adds a verifier, under its own name.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifiers.push(Arc::new(verifier));
        self
    }

    /// Who makes nonces for players; without one, [`Engine::issue_nonce`] is switched off.
    pub fn nonces(mut self, nonces: impl NonceIssuer) -> Self {
        self.nonces = Some(Arc::new(nonces));
        self
    }

    /// Where the host has its say.
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks = Arc::new(hooks);
        self
    }

    /// Which of two accounts survives their merge; [`MostLogins`] unless said otherwise.
    pub fn merge_rule(mut self, rule: impl MergeRule) -> Self {
        self.merge_rule = Arc::new(rule);
        self
    }

    /// Where passwords are hashed; [`ThreadedHasher`] with its defaults unless said otherwise.
    pub fn hasher(mut self, hasher: impl PasswordHasher) -> Self {
        self.hasher = Some(Arc::new(hasher));
        self
    }

    /// Where random bytes come from; the operating system unless said otherwise.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// How usernames and email addresses become keys; the store keeps to its first folding for life.
    pub const fn folding(mut self, folding: Folding) -> Self {
        self.folding = folding;
        self
    }

    /// What the game allows; [`Policy::recommended`] unless said otherwise.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    fn replace<K2, C2>(self, change: impl FnOnce(K, C) -> (K2, C2)) -> EngineBuilder<K2, C2> {
        let (key, clock) = change(self.key, self.clock);
        EngineBuilder {
            game: self.game,
            store: self.store,
            key,
            clock,
            previous_keys: self.previous_keys,
            algorithm: self.algorithm,
            verifiers: self.verifiers,
            nonces: self.nonces,
            hooks: self.hooks,
            merge_rule: self.merge_rule,
            hasher: self.hasher,
            random: self.random,
            folding: self.folding,
            policy: self.policy,
        }
    }
}

impl EngineBuilder<MasterKey, Arc<dyn Clock>> {
    /// Checks everything, binds the store to the game, and opens the engine.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is left half open.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; a fresh store may then be bound to the game already.
    pub async fn open(self) -> Result<Engine, OpenError> {
        if !(1..=64).contains(&self.game.len()) {
            return Err(OpenError::Game);
        }
        self.policy.check()?;
        check_names(&self.verifiers)?;
        let mut keys =
            TokenKeys::new(&self.key, self.algorithm, &self.game).map_err(OpenError::Keys)?;
        for (previous, algorithm) in &self.previous_keys {
            keys = keys.with_previous(previous, *algorithm).map_err(OpenError::Keys)?;
        }
        let hasher = match self.hasher {
            Some(hasher) => hasher,
            None => Arc::new(
                ThreadedHasher::start(&HasherConfig::default()).map_err(OpenError::Hasher)?,
            ),
        };
        let asked = StoreHeader { game: self.game, folding: self.folding.version() };
        let found = self.store.bind(&asked).await?;
        if found.game != asked.game {
            return Err(OpenError::OtherGame { found: found.game, asked: asked.game });
        }
        if found.folding != asked.folding {
            return Err(OpenError::OtherFolding { found: found.folding, asked: asked.folding });
        }
        let parts = Parts {
            store: self.store,
            verifiers: self.verifiers,
            nonces: self.nonces,
            hooks: self.hooks,
            merge_rule: self.merge_rule,
            hasher,
            random: self.random,
            clock: EngineClock::new(self.clock),
            keys,
            folding: self.folding,
            closure: RwLock::default(),
        };
        Ok(Engine { parts: Arc::new(parts), policy: Arc::new(self.policy) })
    }
}

fn check_names(verifiers: &[Arc<dyn Verifier>]) -> Result<(), OpenError> {
    for (index, verifier) in verifiers.iter().enumerate() {
        let name = verifier.provider();
        let twice = verifiers.iter().take(index).any(|other| other.provider() == name);
        if twice || name.is_built_in() {
            return Err(OpenError::VerifierTaken(name.clone()));
        }
    }
    Ok(())
}
