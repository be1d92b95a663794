use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use authcore_verifiers::{Outbound, OutboundConfig};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::fault::{Fault, misbehave, truth};
use crate::journal::Recorded;
use crate::tls::{self, Certificate};

/// A host that is played, and its routes.
pub type Host = (String, Router);

/// A server that plays any number of hosts. It ends when it is dropped.
#[derive(Debug)]
pub struct FakeIdp {
    address: SocketAddr,
    authority: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    hosts: HashMap<String, Router>,
    journal: Mutex<Vec<Recorded>>,
    faults: Mutex<Vec<(String, Fault)>>,
    connections: AtomicUsize,
}

impl FakeIdp {
    /// Starts it on a port of the system's choice.
    pub async fn start(hosts: Vec<Host>) -> Self {
        Self::presenting(Certificate::Good, hosts).await
    }

    /// As [`start`](Self::start), with a certificate that may be bad.
    pub async fn presenting(certificate: Certificate, hosts: Vec<Host>) -> Self {
        let names: Vec<_> = hosts.iter().map(|(host, _)| host.clone()).collect();
        let (tls, authority) = tls::server(&names, certificate);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { hosts: hosts.into_iter().collect(), ..Shared::default() });
        let task = tokio::spawn(accept(listener, tls.into(), Arc::clone(&shared)));
        Self { address, authority, shared, task }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority to trust, as PEM text.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// How its hosts are reached: their names lead here, and its authority is trusted.
    #[must_use]
    pub fn outbound_config(&self) -> OutboundConfig {
        let mut config = OutboundConfig::default();
        config.extra_roots = vec![self.authority.clone()];
        config.resolve =
            self.shared.hosts.keys().map(|host| (host.clone(), self.address)).collect();
        config
    }

    /// The way there, opened.
    #[must_use]
    pub fn outbound(&self) -> Outbound {
        Outbound::new(&self.outbound_config()).unwrap()
    }

    /// From now on, requests whose path begins like this meet the fault; `""` is all. The latest that fits counts.
    pub fn inject(&self, path: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().push((path.into(), fault));
    }

    /// All is well again.
    pub fn heal(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// Forgets what it was asked.
    pub fn forget(&self) {
        self.shared.journal.lock().unwrap().clear();
    }

    /// What it was asked so far.
    #[must_use]
    pub fn journal(&self) -> Vec<Recorded> {
        self.shared.journal.lock().unwrap().clone()
    }

    /// How often a path was asked for.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        self.journal().iter().filter(|recorded| recorded.path == path).count()
    }

    /// How many connections were opened, also those that never came to a request.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for FakeIdp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, shared: Arc<Shared>) {
    let mut open = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        open.spawn(converse(stream, tls.clone(), Arc::clone(&shared)));
        // Those that have ended are forgotten.
        while open.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    // A client may break off whenever it likes.
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), usize::MAX).await.map_err(io::Error::other)?;
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    let path = parts.uri.path().to_owned();
    shared.journal.lock().unwrap().push(Recorded {
        method: parts.method.to_string(),
        host: host.clone(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().into(),
        headers: parts.headers.clone(),
        body: body.clone(),
    });
    let Some(routes) = shared.hosts.get(&host).cloned() else {
        return Ok(StatusCode::MISDIRECTED_REQUEST.into_response());
    };
    let request = Request::from_parts(parts, Body::from(body));
    let fault = {
        let faults = shared.faults.lock().unwrap();
        faults
            .iter()
            .rev()
            .find(|(prefix, _)| path.starts_with(prefix))
            .map(|(_, fault)| fault.clone())
    };
    match fault {
        Some(fault) => misbehave(fault, routes, request).await,
        None => Ok(truth(routes, request).await),
    }
}
