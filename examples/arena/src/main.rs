//! `ARENA_SIGNING_KEY=$(openssl rand -hex 32) cargo run -p arena`, and then, from two terminals, `nc 127.0.0.1 7777`:
//! `guest the-key-of-my-phone`, `join`, `take 2`.

use std::env;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arena::{Arena, Ratings, serve};
use authcore::{Engine, MasterKey};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use chrono::Utc;
use tokio::net::TcpListener;

#[tokio::main]
#[expect(clippy::disallowed_methods, reason = "a host is where the clock comes from")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = env::var("ARENA_SIGNING_KEY").map_err(|_| "ARENA_SIGNING_KEY is missing")?;
    // The players of the engine and the rows of the game, in one file.
    let file = Path::new("arena.db");
    let engine = Engine::builder("arena", SqliteStore::open(SqliteConfig::file(file))?)
        .signing_key(MasterKey::new(key.as_bytes())?)
        .clock(Utc::now)
        .open()
        .await?;
    let arena = Arc::new(Arena::new(engine, Utc::now, Ratings::open(file)?));

    let ticking = Arc::clone(&arena);
    tokio::spawn(async move {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        loop {
            seconds.tick().await;
            if let Err(error) = ticking.tick().await {
                eprintln!("{error}");
            }
        }
    });

    let address = env::var("ARENA_LISTEN").unwrap_or_else(|_| "127.0.0.1:7777".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    Ok(serve(arena, listener).await?)
}
