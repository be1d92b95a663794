//! TLS as `sslmode` says.

#![allow(clippy::allow_attributes, clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::path::Path;

use authcore::store::Store;
use authcore_store_postgres::{OpenError, PostgresConfig, PostgresStore};
use common::Server;
use common::make::*;

#[tokio::test]
async fn a_server_is_trusted_as_far_as_sslmode_says() {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let (server, port) = {
        let certificates = certificates.clone();
        tokio::task::spawn_blocking(move || Server::with_tls(&certificates)).await.unwrap()
    };
    let ca = certificates.join("ca.pem").display().to_string();
    let stranger = certificates.join("server.key").display().to_string();
    let connect = async |host: &str, parameters: String| {
        let url = format!("postgres://postgres@{host}:{port}/postgres?{parameters}");
        PostgresStore::connect(PostgresConfig::url(&url)?).await
    };
    // The server lets nobody in without TLS.
    let error = connect("localhost", "sslmode=disable".into()).await.unwrap_err();
    assert!(matches!(error, OpenError::CannotConnect(_)), "{error:?}");
    for parameters in [
        "sslmode=prefer".into(),
        "sslmode=require".into(),
        format!("sslmode=verify-full&sslrootcert={ca}"),
    ] {
        let store = connect("localhost", parameters).await.unwrap();
        store.commit(&set(1, [insert(account(1))])).await.unwrap();
        assert!(by_id(&store, 1).await.is_some());
    }
    // The certificate is for another name.
    let error =
        connect("127.0.0.1", format!("sslmode=verify-full&sslrootcert={ca}")).await.unwrap_err();
    assert!(matches!(error, OpenError::CannotConnect(_)), "{error:?}");
    let error = connect("localhost", format!("sslmode=verify-full&sslrootcert={stranger}"))
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::RootCertificates(_)), "{error:?}");
    drop(server);
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let schema = common::Schema::new().await;
    assert!(schema.try_open().await.is_ok());
    let server = tokio::task::spawn_blocking(Server::on_a_port).await.unwrap();
    let (server, port) = server;
    let connect = async |mode: &str| {
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode={mode}");
        PostgresStore::connect(PostgresConfig::url(&url).unwrap()).await
    };
    assert!(connect("prefer").await.is_ok());
    assert!(matches!(connect("require").await.unwrap_err(), OpenError::CannotConnect(_)));
    drop(server);
}
