//! The conformance kit on the PostgreSQL store: at the usual isolation and the strictest, and through the wrappers.

#![expect(clippy::expect_used, reason = "a store that does not open has failed the test")]

mod common;

use std::sync::Arc;

use authcore_store_conformance::{Fixture, store_conformance};
use common::Schema;

/// A store in a schema of its own, which can be opened again.
async fn fresh(options: &str) -> Fixture {
    let schema = Arc::new(Schema::with(options).await);
    let fixture = Fixture::new(Arc::new(schema.open().await)).with_reopen(move || {
        let schema = Arc::clone(&schema);
        async move { Arc::new(schema.open().await) as _ }
    });
    fixture.with_schemas(common::names_in("tests/schemas"), |name| {
        let dump = std::fs::read_to_string(common::path_of("tests/schemas").join(name));
        async move { Arc::new(Schema::of(&dump.expect("the schema")).await.open().await) as _ }
    })
}

mod read_committed {
    use super::*;

    store_conformance! { factory = || async { fresh("").await } }
}

mod serializable {
    use super::*;

    store_conformance! {
        factory = || async { fresh("-c default_transaction_isolation=serializable").await }
    }
}

mod traced {
    use super::*;

    store_conformance! { factory = || async { fresh("").await.traced() } }
}

mod faulty {
    use super::*;

    store_conformance! { factory = || async { fresh("").await.faulty(1) } }
}
