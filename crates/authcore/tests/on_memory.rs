//! The rules of the domain through the engine, on the memory store.

#[path = "domain/mod.rs"]
mod domain;

use std::sync::Arc;

use authcore::store::Store;

/// A fresh store.
fn store() -> Arc<dyn Store> {
    Arc::new(authcore_store_memory::MemoryStore::new())
}
