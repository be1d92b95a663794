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
use std::time::{Duration, Instant};

use authcore::account::Version;
use authcore::event::EventCursor;
use authcore::store::{
    ChangeSet, CommitError, SingleUseKey, Store, StoreErrorKind, ThrottleKey, Write,
};
use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};
use common::make::*;
use common::proxy::Proxy;
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

/// No connection can be had for a while: whether the commit was applied is found out when one can.
#[tokio::test]
async fn a_commit_in_doubt_waits_for_a_server_that_knows() {
    let primary = Primary::start().await;
    let proxy = Proxy::to(primary.port).await;
    let store = Arc::new(primary.open(&[proxy.port]).await.unwrap());
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    primary.wait_for_standby(true).await;
    let committing = commit(&store, told(1, set(2, [logins(1, 1, 1)])));
    while primary.waiting("store").await.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    proxy.cut();
    // What is not in doubt does not wait.
    let asked = Instant::now();
    let error = store.epoch().await.unwrap_err();
    assert_eq!(*error.kind(), StoreErrorKind::Unavailable);
    assert!(asked.elapsed() < Duration::from_secs(3));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!committing.is_finished());
    primary.wait_for_standby(false).await;
    proxy.open();
    committing.await.unwrap().unwrap();
    let found = by_id(&*store, 1).await.unwrap();
    assert_eq!((found.activity.login_count, found.activity_version.number()), (1, 2));
    let events = store.events(EventCursor::START, 10).await.unwrap();
    assert_eq!(events.len(), 1, "told once");
}

/// Rows name the last eight sets that wrote them. Whoever was in doubt about an earlier one must not take it for undone.
#[tokio::test]
async fn a_commit_in_doubt_that_others_have_written_over_stays_in_doubt() {
    let primary = Primary::start().await;
    let proxy = Proxy::to(primary.port).await;
    let store = Arc::new(primary.open(&[proxy.port]).await.unwrap());
    let elsewhere = primary.open(&[primary.port]).await.unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    by_id(&*store, 1).await.unwrap();
    primary.wait_for_standby(true).await;
    let doubtful = set(2, [logins(1, 1, 1)]);
    let committing = commit(&store, doubtful.clone());
    while primary.waiting("store").await.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    proxy.cut();
    primary.wait_for_standby(false).await;
    for version in 2..=9 {
        let over = set(10 + version, [logins(1, version, version)]);
        elsewhere.commit(&over).await.unwrap();
    }
    proxy.open();
    let first = committing.await.unwrap();
    for answer in [first, store.commit(&doubtful).await] {
        let Err(CommitError::Store(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(*error.kind(), StoreErrorKind::FateUnknown);
    }
    // Whoever was never in doubt is told what stands in the way.
    let late = store.commit(&set(30, [logins(1, 1, 1)])).await;
    assert!(matches!(late, Err(CommitError::Conflict(_))), "{late:?}");
}

#[tokio::test]
async fn a_commit_whose_fate_cannot_be_learnt_says_so_in_time() {
    let primary = Primary::start().await;
    let proxy = Proxy::to(primary.port).await;
    let store = Arc::new(primary.open(&[proxy.port]).await.unwrap());
    primary.wait_for_standby(true).await;
    let committing = commit(&store, set(1, [insert(account(1))]));
    while primary.waiting("store").await.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    proxy.cut();
    let asked = Instant::now();
    let error = committing.await.unwrap().unwrap_err();
    let CommitError::Store(error) = error else { panic!("{error:?}") };
    assert_eq!(*error.kind(), StoreErrorKind::FateUnknown);
    let took = asked.elapsed();
    assert!(Duration::from_secs(4) < took && took < Duration::from_secs(20), "{took:?}");
    primary.wait_for_standby(false).await;
}

#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_found() {
    let primary = Primary::start().await;
    let (first, second) = (Proxy::to(primary.port).await, Proxy::to(primary.port).await);
    let hosts = [first.port, second.port];
    first.cut();
    let store = primary.open(&hosts).await.unwrap();
    store.commit(&set(1, [insert(account(1))])).await.unwrap();
    // The other way round, and without a new store.
    first.open();
    second.cut();
    store.commit(&set(2, [insert(account(2))])).await.unwrap();
    first.silence();
    second.cut();
    second.open();
    let asked = Instant::now();
    store.commit(&set(3, [insert(account(3))])).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(4), "it waited for the one that says nothing");
    assert!(by_id(&store, 1).await.is_some() && by_id(&store, 2).await.is_some());
}

#[tokio::test]
async fn a_standby_among_several_hosts_is_passed_over() {
    let primary = Primary::start().await;
    primary.client.batch_execute("CREATE DATABASE standby").await.unwrap();
    let sql = "ALTER DATABASE standby SET default_transaction_read_only = on";
    primary.client.batch_execute(sql).await.unwrap();
    let port = primary.port;
    let url = |attrs: &str| {
        format!("postgres://postgres@127.0.0.1:{port},127.0.0.1:{port}/standby{attrs}")
    };
    let refused = |url: String| async move {
        PostgresStore::connect(PostgresConfig::url(&url).unwrap()).await.unwrap_err()
    };
    assert!(matches!(refused(url("")).await, OpenError::CannotConnect(_)));
    let any = url("?target_session_attrs=any");
    assert!(matches!(refused(any).await, OpenError::ReadOnly));
}
