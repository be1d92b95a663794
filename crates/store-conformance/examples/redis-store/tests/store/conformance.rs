//! The conformance kit on the store, and through its wrappers. To open the store again its server is killed and started
//! anew.

use std::sync::Arc;

use crate::server::Server;
use authcore::store::Store;
use authcore_store_conformance::{Fixture, seed, store_conformance};
use redis_store::RedisStore;

/// A store on a server of its own.
async fn fresh() -> Fixture {
    let server = Arc::new(Server::start());
    let (again, url) = (Arc::clone(&server), server.url());
    let store = Arc::new(server.store().await);
    assert!(store.capabilities().durable, "else the kit would not look");
    Fixture::new(store)
        .with_reopen(move || {
            let server = Arc::clone(&again);
            async move {
                server.kill();
                server.start_again();
                Arc::new(server.store().await) as Arc<dyn Store>
            }
        })
        // There was one format so far. Before it changes, what it leaves behind becomes a file.
        .with_schemas(vec!["1".to_owned()], move |_| {
            let url = url.clone();
            async move {
                let store = RedisStore::connect(&url, "seeded").await.unwrap();
                seed(&store).await;
                Arc::new(store) as Arc<dyn Store>
            }
        })
        .keeping(server)
}

mod plain {
    use super::*;

    store_conformance! { factory = || async { fresh().await } }
}

mod traced {
    use super::*;

    store_conformance! { factory = || async { fresh().await.traced() } }
}

mod faulty {
    use super::*;

    store_conformance! { factory = || async { fresh().await.faulty(1) } }
}
