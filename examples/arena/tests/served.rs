//! The server itself: clients over TCP, engine and ratings in one file.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;

use arena::{Arena, Ratings, serve};
use authcore::Policy;
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use authcore_testkit::Harness;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};

struct Client(BufStream<TcpStream>);

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        Self(BufStream::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Says a line, and hears the next one.
    async fn asks(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
        self.hears().await
    }

    async fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}

#[tokio::test]
async fn a_match_between_two_clients() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("arena.db");
    let store = Arc::new(SqliteStore::open(SqliteConfig::file(&file)).unwrap());
    let world = Harness::on(store, Policy::recommended(), |builder| builder).await;
    let ratings = Ratings::open(&file).unwrap();
    let arena = Arc::new(Arena::new(world.engine().clone(), world.clock().clone(), ratings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(arena, listener));

    let mut ann = Client::connect(address).await;
    let mut ben = Client::connect(address).await;
    assert_eq!(ann.asks("join").await, "what?", "nobody plays unknown");
    assert_eq!(ann.asks("guest short").await, "no invalid");
    assert!(ann.asks("guest the-key-on-the-phone-of-ann").await.starts_with("welcome "));
    assert!(ben.asks("guest the-key-on-the-phone-of-ben").await.starts_with("welcome "));
    assert_eq!(ann.asks("rating").await, "unrated");
    assert_eq!(ann.asks("join").await, "waiting");
    assert_eq!(ben.asks("join").await, "joined");
    assert_eq!(ben.hears().await, "their turn 15");
    assert_eq!(ann.hears().await, "your turn 15");
    assert_eq!(ben.asks("take 1").await, "no it is not your turn");
    assert_eq!(ann.asks("take 3").await, "left 12");
    assert_eq!((ann.hears().await, ben.hears().await), line("their turn 12", "your turn 12"));
    assert_eq!(ben.asks("leave").await, "left");
    assert_eq!((ann.hears().await, ben.hears().await), line("won", "lost"));

    let password = "the long password of ann";
    assert_eq!(ann.asks(&format!("link ann@example.com {password}")).await, "linked");
    let mut tablet = Client::connect(address).await;
    let welcome = tablet.asks(&format!("email ann@example.com {password}")).await;
    assert!(welcome.starts_with("welcome "), "{welcome}");
    assert_eq!(tablet.asks("rating").await, "rating 1010");
    assert_eq!(tablet.asks("delete").await, "deleted");
    assert_eq!(ann.asks("rating").await, "no access_token_invalid");
}

fn line(one: &str, other: &str) -> (String, String) {
    (one.to_owned(), other.to_owned())
}
