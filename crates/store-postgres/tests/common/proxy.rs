//! A stand-in for the network between a store and its server.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Who is connected is cut off, and who comes is turned away.
    Cut,
    /// Who comes is let in, and hears nothing.
    Silent,
}

/// Passes everything on to a server, until it is told otherwise.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<watch::Sender<State>>,
}

impl Proxy {
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(watch::Sender::new(State::Open));
        let told = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass_on(client, server, told.subscribe()));
            }
        });
        Self { port, state }
    }

    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    pub(crate) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn pass_on(mut client: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    let first = *state.borrow_and_update();
    match first {
        State::Cut => {}
        State::Silent => {
            let _ = state.changed().await;
        }
        State::Open => {
            let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
            let passed = tokio::io::copy_bidirectional(&mut client, &mut server);
            // A change of the state ends it as well.
            tokio::select! {
                _ = passed => {}
                _ = state.changed() => {}
            }
        }
    }
}
