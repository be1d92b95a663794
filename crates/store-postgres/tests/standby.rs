//! Servers that go away, and others that take their place.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use authcore::account::Version;
use authcore::store::{ChangeSet, CommitError, SingleUseKey, Store, ThrottleKey, Write};
use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};
use common::make::*;
use common::{Server, connect};

/// A server whose commits wait, while it is told so, for a standby that is not there.
struct Primary {
    _server: Server,
    port: u16,
    client: tokio_postgres::Client,
}

impl Primary {
    async fn start() -> Self {
        let (server, port) = tokio::task::spawn_blocking(Server::on_a_port).await.unwrap();
        let client = connect(&url(port)).await;
        client.batch_execute("SET synchronous_commit = local").await.unwrap();
        Self { _server: server, port, client }
    }

    /// A store that is told of these ports of the server, or of proxies before it.
    async fn open(&self, ports: &[u16]) -> Result<PostgresStore, OpenError> {
        let hosts: Vec<_> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let url =
            format!("postgres://postgres@{}/postgres?application_name=store", hosts.join(","));
        let config = PostgresConfig::url(&url)?.with_patience(Duration::from_secs(5));
        PostgresStore::connect(config).await
    }

    /// From now on commits wait, or wait no more.
    async fn wait_for_standby(&self, waits: bool) {
        let name = if waits { "nobody" } else { "" };
        let sql = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
        self.client.batch_execute(&sql).await.unwrap();
        self.client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        // Only a commit shows when the server's processes have all heard of it.
        let probe = connect(&format!("{}?application_name=probe", url(self.port))).await;
        let probe = tokio::spawn(async move {
            loop {
                let sql = "SELECT pg_logical_emit_message(true, '', '')";
                probe.batch_execute(sql).await.unwrap();
                if !waits {
                    return;
                }
            }
        });
        if !waits {
            probe.await.unwrap();
            return;
        }
        while self.waiting("probe").await.is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The latest process that waits for the standby on behalf of a client.
    async fn waiting(&self, client: &str) -> Option<i32> {
        let sql = "SELECT pid FROM pg_stat_activity \
                   WHERE application_name = $1 AND wait_event = 'SyncRep' \
                   ORDER BY backend_start DESC LIMIT 1";
        self.client.query_opt(sql, &[&client]).await.unwrap().map(|row| row.get(0))
    }
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

fn commit(
    store: &Arc<PostgresStore>,
    set: ChangeSet,
) -> tokio::task::JoinHandle<Result<(), CommitError>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(&set).await })
}

/// The server has applied the commit, and its standby has not: were it acknowledged, a failover would lose it.
#[tokio::test]
async fn what_waits_for_a_standby_is_not_acknowledged_when_its_connection_is_cut() {
    let primary = Primary::start().await;
    let store = Arc::new(primary.open(&[primary.port]).await.unwrap());
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    let key = SingleUseKey::new([7; 32]);
    let sets = [
        set(2, [logins(1, 1, 1)]),
        set(3, [Write::UseUp { key, forget_at: at(9) }]),
        set(4, [Write::ResetThrottle(ThrottleKey::new([7; 32]))]),
        told(1, set(5, [])),
        set(6, [Write::DeleteAccount { id: id(1), expect: Version::new(1) }]),
    ];
    for set in sets {
        primary.wait_for_standby(true).await;
        let committing = commit(&store, set.clone());
        let mut cuts = 0;
        let mut cut = 0;
        while cuts < 3 {
            assert!(!committing.is_finished(), "acknowledged without a standby: {set:?}");
            if let Some(pid) = primary.waiting("store").await.filter(|pid| *pid != cut) {
                if cuts < 2 {
                    let sql = "SELECT pg_terminate_backend($1)";
                    primary.client.query_one(sql, &[&pid]).await.unwrap();
                }
                (cut, cuts) = (pid, cuts + 1);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        primary.wait_for_standby(false).await;
        committing.await.unwrap().unwrap();
    }
}
