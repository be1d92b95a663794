//! The kit as a program of its own, on the memory store.

use std::process::ExitCode;
use std::sync::Arc;

use authcore_store_memory::MemoryStore;

fn main() -> ExitCode {
    authcore_store_conformance::run(|| async { Arc::new(MemoryStore::new()) })
}
