//! Ten lines that embed authcore: `cargo run -p quickstart`.

use authcore::{Credential, Engine, Login, MasterKey, Refresh, RequestContext};
use authcore_store_memory::MemoryStore;

#[expect(clippy::disallowed_methods, reason = "a host is where the clock comes from")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder("my-game", MemoryStore::new())
        .signing_key(MasterKey::new(b"thirty-two bytes of real secrecy")?)
        .clock(chrono::Utc::now)
        .open()
        .await?;

    let context = RequestContext::new();
    let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    let player = engine.login(&context, login).await?;
    println!("player {} is in, new: {}", player.account.id, player.created);

    let who = engine.verify(player.tokens.access.reveal()).await?;
    println!("the access token is good until {}", player.tokens.access_expires_at);

    let refresh = Refresh::new(player.tokens.refresh.reveal());
    let next = engine.refresh(&context, refresh).await?;
    println!("session {} goes on until {}", next.session.id, next.tokens.refresh_expires_at);

    engine.logout(&context, &who, authcore::Logout::ThisSession).await?;
    let over = engine.verify(next.tokens.access.reveal()).await.is_err();
    println!("logged out, and every token of the session is dead: {over}");
    Ok(())
}
