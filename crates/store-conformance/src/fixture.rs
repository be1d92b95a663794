use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use authcore::store::Store;

use crate::wrappers::{Faults, FaultyStore, SettlingStore, TracedStore};

type Reopen = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn Store>> + Send>> + Send + Sync>;

type OpenSchema =
    Box<dyn Fn(&str) -> Pin<Box<dyn Future<Output = Arc<dyn Store>> + Send>> + Send + Sync>;

/// A fresh store for one case, and what belongs to it.
pub struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) reopen: Option<Reopen>,
    /// The names of the schemas there were, and how a store of one is opened.
    pub(crate) schemas: Option<(Vec<String>, OpenSchema)>,
    /// A commit that was refused may have been applied before: its answer was lost.
    pub(crate) faulty: bool,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A fresh store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, reopen: None, schemas: None, faulty: false, kept: Vec::new() }
    }

    /// How to open the store again. It is called after the kit has let go of every handle to the store, and returns
    /// the same store as another process would find it.
    #[must_use]
    pub fn with_reopen<F, Fut>(mut self, reopen: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Arc<dyn Store>> + Send + 'static,
    {
        self.reopen = Some(Box::new(move || Box::pin(reopen())));
        self
    }

    /// How to open a store that an older release left behind, one for each schema there was, by its name. Each holds what
    /// [`seed`](crate::seed) put into it, and every call opens another copy. A store that has no schema, and reads what
    /// any older release wrote, names its formats here.
    #[must_use]
    pub fn with_schemas<F, Fut>(mut self, names: Vec<String>, open: F) -> Self
    where
        F: Fn(&str) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Arc<dyn Store>> + Send + 'static,
    {
        self.schemas = Some((names, Box::new(move |name| Box::pin(open(name)))));
        self
    }

    /// Keeps something until the case is over, and drops it after the store: a temporary folder.
    #[must_use]
    pub fn keeping(mut self, guard: impl Send + Sync + 'static) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    /// Puts a wrapper around the store, also when it is opened again, and around those of older schemas.
    #[must_use]
    pub fn wrapped(
        mut self,
        wrap: impl Fn(Arc<dyn Store>) -> Arc<dyn Store> + Send + Sync + 'static,
    ) -> Self {
        let wrap = Arc::new(wrap);
        let again = Arc::clone(&wrap);
        self.store = wrap(self.store);
        self.reopen = self.reopen.map(|reopen| -> Reopen {
            Box::new(move || {
                let (opened, wrap) = (reopen(), Arc::clone(&wrap));
                Box::pin(async move { wrap(opened.await) })
            })
        });
        self.schemas = self.schemas.map(|(names, open)| -> (_, OpenSchema) {
            let open: OpenSchema = Box::new(move |name| {
                let (opened, wrap) = (open(name), Arc::clone(&again));
                Box::pin(async move { wrap(opened.await) })
            });
            (names, open)
        });
        self
    }

    /// Puts a [`TracedStore`] around the store.
    #[must_use]
    pub fn traced(self) -> Self {
        self.wrapped(|store| Arc::new(TracedStore::new(store)))
    }

    /// Puts a [`FaultyStore`] around the store, and a [`SettlingStore`] around that: calls fail and are made again,
    /// and the results must be as if nothing had failed.
    #[must_use]
    pub fn faulty(self, seed: u64) -> Self {
        let faulty = Self { faulty: true, ..self };
        faulty.wrapped(move |store| {
            let faulty = FaultyStore::new(store, seed, Faults::OFTEN);
            Arc::new(SettlingStore::new(Arc::new(faulty)))
        })
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("store", &self.store)
            .field("can_reopen", &self.reopen.is_some())
            .finish_non_exhaustive()
    }
}

impl From<Arc<dyn Store>> for Fixture {
    fn from(store: Arc<dyn Store>) -> Self {
        Self::new(store)
    }
}

impl<S: Store> From<Arc<S>> for Fixture {
    fn from(store: Arc<S>) -> Self {
        Self::new(store)
    }
}
