//! The conformance kit on the memory store, and through every wrapper.

use std::sync::Arc;

use authcore_store_conformance::wrappers::RecordingStore;
use authcore_store_conformance::{Fixture, store_conformance};
use authcore_store_memory::MemoryStore;

fn memory() -> Fixture {
    Fixture::new(Arc::new(MemoryStore::new()))
}

mod plain {
    use super::*;

    store_conformance! { factory = || async { Arc::new(MemoryStore::new()) } }
}

mod traced {
    use super::*;

    store_conformance! { factory = || async { memory().traced() } }
}

mod recorded {
    use super::*;

    store_conformance! {
        factory = || async { memory().wrapped(|store| Arc::new(RecordingStore::new(store))) }
    }
}

mod faulty {
    use super::*;

    store_conformance! { factory = || async { memory().faulty(1) } }
}

mod faulty_otherwise {
    use super::*;

    store_conformance! { factory = || async { memory().faulty(0x5eed) } }
}
