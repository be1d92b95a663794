//! Accepts connections and speaks HTTP/1 on them. Whatever a client leaves undone, it does not keep its place for ever.

use std::convert::Infallible;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// What clients get, and no more.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How many connections are open at once; the next ones wait to be accepted.
    pub(crate) connections: u32,
    /// How long the head of a request may take from the moment that it is waited for, so also how long a connection may
    /// be idle.
    pub(crate) head: Duration,
    /// How long one request may take after its head, its body included.
    pub(crate) request: Duration,
    /// How long requests that run get to end when the host is told to stop.
    pub(crate) farewell: Duration,
}

/// How long to wait when the system has no connection to give, as with too many open files.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves until `stop` turns true or its sender is gone, and then lets the requests end that run.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    stop: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    // With its state the router is put together once, not for each request.
    let routes = TowerToHyperService::new(routes.with_state::<()>(()));
    let places = Arc::new(Semaphore::new(limits.connections as usize));
    let mut stopping = pin!(told(stop.clone()));
    let mut crowded = false;
    loop {
        let (stream, peer, place) = tokio::select! {
            biased;
            () = &mut stopping => break,
            next = next(&listener, &places) => next,
        };
        match places.available_permits() {
            0 if !crowded => {
                crowded = true;
                tracing::warn!(limits.connections, "no more connections are accepted for now");
            }
            // It is said again only after a time of less.
            free if free > limits.connections as usize / 2 => crowded = false,
            _ => {}
        }
        let (routes, stop) = (routes.clone(), stop.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = tokio::time::timeout(limits.request, routes.call(request));
            async { Ok::<_, Infallible>(answer.await.map_or_else(|_| late(), |Ok(answer)| answer)) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            let result = tokio::select! {
                biased;
                result = connection.as_mut() => result,
                () = told(stop) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::trace!(error = &error as &dyn std::error::Error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever has all the places is alone.
    let alone = places.acquire_many(limits.connections);
    if tokio::time::timeout(limits.farewell, alone).await.is_err() {
        tracing::warn!("some connections were cut");
    }
}

async fn told(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // Nobody closes the semaphore, so there always is a place in the end.
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (stream, peer) = accept(listener).await;
    (stream, peer, place)
}

#[expect(clippy::disallowed_methods, reason = "an error that stays must not take a whole core")]
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without it an answer may wait for the client's acknowledgement of the one before.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::trace!(error = &error as &dyn std::error::Error, "no TCP_NODELAY");
                }
                return (stream, peer);
            }
            // The client has gone already, which says nothing about the next.
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot accept connections; trying again"
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_the_client(error: &Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn late() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let body = r#"{"code":4,"message":"Request timed out."}"#;
    (StatusCode::GATEWAY_TIMEOUT, json, body).into_response()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpStream as Socket};

    use axum::body::Bytes;
    use axum::routing::{get, post};
    use tokio::runtime::Runtime;
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    /// Long enough for whatever has to happen, on a busy machine too.
    const AGES: Duration = Duration::from_secs(20);
    const SOON: Duration = Duration::from_millis(300);

    const LIMITS: Limits = Limits { connections: 100, head: AGES, request: AGES, farewell: AGES };

    struct Server {
        runtime: Runtime,
        address: SocketAddr,
        stop: watch::Sender<bool>,
        task: JoinHandle<()>,
        /// A request to `/gate` arrived, and may go on.
        gate: Arc<(Notify, Notify)>,
    }

    impl Server {
        fn start(limits: Limits) -> Self {
            let gate = Arc::new((Notify::new(), Notify::new()));
            let behind = Arc::clone(&gate);
            let routes = Router::new()
                .route(
                    "/peer",
                    get(|peer: ConnectInfo<SocketAddr>| async move { peer.to_string() }),
                )
                .route("/body", post(|body: Bytes| async move { body }))
                .route(
                    "/gate",
                    get(|| async move {
                        behind.0.notify_one();
                        behind.1.notified().await;
                        "passed"
                    }),
                );
            let runtime = Runtime::new().unwrap();
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, stopping) = watch::channel(false);
            let task = runtime.spawn(serve(listener, routes, limits, stopping));
            Self { runtime, address, stop, task, gate }
        }

        fn connect(&self) -> Socket {
            let socket = Socket::connect(self.address).unwrap();
            socket.set_read_timeout(Some(AGES)).unwrap();
            socket
        }

        /// Tells it to stop and waits until it has.
        fn stop(&mut self) {
            self.stop.send(true).unwrap();
            self.runtime.block_on(&mut self.task).unwrap();
        }
    }

    fn send(socket: &mut Socket, head: &str) {
        socket.write_all(format!("{head}\r\nhost: here\r\n\r\n").as_bytes()).unwrap();
    }

    /// All that comes until the other side closes.
    fn rest(socket: &mut Socket) -> String {
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// What comes until the body of an answer ends like this.
    fn answer(socket: &mut Socket, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            bytes.extend(byte);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Asks for one's own address, which keeps the connection.
    fn ask(socket: &mut Socket) -> String {
        let me = socket.local_addr().unwrap().to_string();
        send(socket, "GET /peer HTTP/1.1");
        answer(socket, &me)
    }

    #[test]
    fn idle_and_dripping_connections_end() {
        let server = Server::start(Limits { head: SOON, ..LIMITS });
        let mut silent = server.connect();
        let mut dripping = server.connect();
        let mut drops = dripping.try_clone().unwrap();
        let dropper = std::thread::spawn(move || {
            // Ends by itself when the other side has closed.
            while drops.write_all(b"G").is_ok() {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        let mut between = server.connect();
        send(&mut between, "GET /peer HTTP/1.1");
        assert!(rest(&mut between).starts_with("HTTP/1.1 200"), "and closed without a second");
        assert_eq!(rest(&mut silent), "");
        // Closed with bytes unread, which may be told as a reset.
        let _ = dripping.read(&mut [0]);
        dropper.join().unwrap();
    }

    #[test]
    fn a_request_that_takes_too_long_is_answered_in_json() {
        let server = Server::start(Limits { request: SOON, ..LIMITS });
        let mut waiting = server.connect();
        send(&mut waiting, "GET /gate HTTP/1.1");
        let mut dripping = server.connect();
        send(&mut dripping, "POST /body HTTP/1.1\r\ncontent-length: 100");
        dripping.write_all(b"{").unwrap();
        for socket in [&mut waiting, &mut dripping] {
            let answer = answer(socket, r#"{"code":4,"message":"Request timed out."}"#);
            assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
            assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
        }
        assert_eq!(rest(&mut dripping), "", "closed, as its body never came");
        send(&mut waiting, "GET /peer HTTP/1.1\r\nconnection: close");
        assert!(rest(&mut waiting).starts_with("HTTP/1.1 200"), "this one still is of use");
    }

    #[test]
    fn connections_above_the_cap_wait_for_a_place() {
        let server = Server::start(Limits { connections: 2, ..LIMITS });
        let (mut first, mut second) = (server.connect(), server.connect());
        for socket in [&mut first, &mut second] {
            ask(socket);
        }
        let mut third = server.connect();
        send(&mut third, "GET /peer HTTP/1.1");
        third.set_read_timeout(Some(SOON)).unwrap();
        let error = third.read(&mut [0]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        drop(first);
        third.set_read_timeout(Some(AGES)).unwrap();
        let me = third.local_addr().unwrap().to_string();
        answer(&mut third, &me);
    }

    #[test]
    fn routes_learn_who_calls() {
        let server = Server::start(LIMITS);
        let mut socket = server.connect();
        for _ in 0..2 {
            assert!(ask(&mut socket).starts_with("HTTP/1.1 200"));
        }
    }

    #[test]
    fn accepted_connections_do_not_delay_what_is_sent() {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let client = Socket::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, peer) = runtime.block_on(accept(&listener));
        assert!(stream.nodelay().unwrap());
        assert_eq!(peer, client.local_addr().unwrap());
    }

    #[test]
    fn what_runs_may_end_and_what_is_idle_goes_at_once() {
        let mut server = Server::start(LIMITS);
        let mut idle = server.connect();
        ask(&mut idle);
        let mut running = server.connect();
        send(&mut running, "GET /gate HTTP/1.1");
        server.runtime.block_on(server.gate.0.notified());
        server.stop.send(true).unwrap();
        assert_eq!(rest(&mut idle), "");
        assert!(!server.task.is_finished());
        server.gate.1.notify_one();
        assert!(rest(&mut running).ends_with("passed"));
        server.runtime.block_on(&mut server.task).unwrap();
        assert!(Socket::connect(server.address).is_err(), "nobody listens any more");
    }

    #[test]
    fn what_runs_too_long_does_not_hold_up_the_end() {
        let mut server = Server::start(Limits { farewell: SOON, ..LIMITS });
        let mut running = server.connect();
        send(&mut running, "GET /gate HTTP/1.1");
        server.runtime.block_on(server.gate.0.notified());
        server.stop();
    }

    #[test]
    fn a_client_that_is_gone_frees_its_place() {
        let mut server = Server::start(Limits { connections: 1, ..LIMITS });
        for _ in 0..20 {
            let socket = server.connect();
            socket.shutdown(Shutdown::Both).unwrap();
        }
        ask(&mut server.connect());
        server.stop();
    }
}
