use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::providers::{
    FakeDiscord, FakeFacebook, FakeFacebookInstantGame, FakeGooglePlayGames, FakeSteam,
    FakeTwitter, FakeWebhook,
};
use crate::world::World;

/// Parts of a credential that are shorter say nothing.
const PART: usize = 16;

/// Listens to all that is logged on this thread, at every level, by whichever crate (X20).
#[derive(Debug)]
pub struct Log {
    lines: Lines,
    _listening: DefaultGuard,
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From now on, until it is dropped.
    #[must_use]
    pub fn start() -> Self {
        // Of several tests in one process the first has done it.
        let _ = tracing_log::LogTracer::init();
        let lines = Lines::default();
        let listener = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(lines.clone())
            .with_ansi(false)
            .finish();
        Self { lines, _listening: tracing::subscriber::set_default(listener) }
    }

    /// What was logged so far.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned()
    }

    /// Whether neither the log nor an error of a world's verifier holds a part of the credential, a secret that a fake
    /// shares with a verifier, or an email address.
    ///
    /// # Errors
    ///
    /// Where it was found, and what.
    pub fn keeps_secret(&self, credential: &str, world: &World) -> Result<(), String> {
        for (place, text) in [("the log", self.text()), ("an error", world.told())] {
            let found = secrets(credential).into_iter().find(|secret| text.contains(secret));
            if let Some(secret) = found {
                let line = text.lines().find(|line| line.contains(&secret)).unwrap_or_default();
                return Err(format!("{secret} in {place}: {line}"));
            }
        }
        Ok(())
    }
}

fn secrets(credential: &str) -> Vec<String> {
    let shared = [
        FakeDiscord::CLIENT.1,
        FakeFacebook::SECRET,
        FakeFacebook::OTHER_SECRET,
        FakeFacebookInstantGame::SECRET,
        FakeGooglePlayGames::SECRET,
        FakeSteam::KEY,
        FakeSteam::TICKET,
        FakeTwitter::TOKEN_SECRET,
        FakeWebhook::SECRET,
        "@example.com",
        "Authorization",
        "Basic ",
        "Bearer ",
    ];
    // Where a certificate is, is no secret.
    let parts = credential.split(['"', '{', '}', ',', '.']);
    let parts = parts.filter(|part| part.len() >= PART && !part.contains("https:"));
    let whole = (credential.len() >= PART).then_some(credential);
    shared.into_iter().chain(parts).chain(whole).map(str::to_owned).collect()
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
