use std::sync::Arc;

use authcore::store::Store;
use authcore::{Engine, EngineBuilder, MasterKey, Policy};
use authcore_store_memory::MemoryStore;

use crate::{CheapHasher, ManualClock, SeededRandom, run};

/// An engine builder that lacks its clock alone. That is the harness's, and another one does not compile:
///
/// ```compile_fail
/// use authcore::Policy;
/// use authcore_testkit::{Harness, ManualClock, MemoryStore, run};
///
/// let store = std::sync::Arc::new(MemoryStore::new());
/// run(Harness::on(store, Policy::recommended(), |builder| builder.clock(ManualClock::default())));
/// ```
pub type Builder = EngineBuilder<MasterKey, ()>;

/// A signing key for tests.
const KEY: &[u8] = b"a signing key that is known to all the world";

/// An engine for tests, with what it stands on within reach.
///
/// ```
/// use authcore_testkit::{Harness, guest};
///
/// let world = Harness::new();
/// let ann = world.guest("ann");
/// world.ban(&ann);
/// assert!(world.login(guest("ann")).is_err());
/// ```
#[derive(Debug)]
pub struct Harness {
    engine: Engine,
    store: Arc<dyn Store>,
    clock: ManualClock,
    hasher: CheapHasher,
}

impl Harness {
    /// A harness on a fresh memory store, under the recommended policy.
    #[must_use]
    pub fn new() -> Self {
        Self::with_policy(Policy::recommended())
    }

    /// A harness on a fresh memory store.
    ///
    /// # Panics
    ///
    /// When the policy is outside its bounds.
    #[must_use]
    pub fn with_policy(policy: Policy) -> Self {
        run(Self::on(Arc::new(MemoryStore::new()), policy, |builder| builder))
    }

    /// As [`new`](Self::new), with other random bytes: other ids and tokens.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let store = Arc::new(MemoryStore::new());
        run(Self::seeded(seed, store, Policy::recommended(), |builder| builder))
    }

    /// A harness on a store, with more to add to the builder: hooks, verifiers, a folding.
    ///
    /// # Panics
    ///
    /// When the engine cannot be opened.
    pub async fn on(
        store: Arc<dyn Store>,
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
    ) -> Self {
        Self::seeded(0, store, policy, build).await
    }

    /// As [`on`](Self::on), with a seed for the random bytes: two engines on one store need two.
    ///
    /// # Panics
    ///
    /// When the engine cannot be opened.
    #[expect(clippy::panic, reason = "a test that cannot begin has failed")]
    pub async fn seeded(
        seed: u64,
        store: Arc<dyn Store>,
        policy: Policy,
        build: impl FnOnce(Builder) -> Builder + Send,
    ) -> Self {
        let (clock, hasher) = (ManualClock::default(), CheapHasher::new());
        let key = match MasterKey::new(KEY) {
            Ok(key) => key,
            Err(error) => panic!("the key of the harness is not one: {error}"),
        };
        let builder = Engine::builder_on("test", Arc::clone(&store))
            .signing_key(key)
            .hasher(hasher.clone())
            .random(SeededRandom::new(seed))
            .policy(policy);
        match build(builder).clock(clock.clone()).open().await {
            Ok(engine) => Self { engine, store, clock, hasher },
            Err(error) => panic!("the engine does not open: {error}"),
        }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store under it.
    #[must_use]
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Its clock.
    #[must_use]
    pub const fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// Its hasher, which counts; where the engine was built with another one, this counts nothing.
    #[must_use]
    pub const fn hasher(&self) -> &CheapHasher {
        &self.hasher
    }
}

impl Default for Harness {
    fn default() -> Self {
        Self::new()
    }
}
