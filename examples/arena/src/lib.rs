//! A small game server: two players meet, play nim in turns, and win or lose rating.
//!
//! What of it is about players is small, and meant to be copied:
//!
//! - A connection holds the engine's proof of who plays ([`Authenticated`]), and every step asks the engine whether it
//!   still counts. So a ban, a logout or a deletion ends play at the next move, without a word from anybody.
//! - The game's rows are kept by account id. Linking a login, or coming back on another device, keeps the id.
//! - [`Arena::tick`] follows the engine's events: who is banned leaves the table, who is gone leaves no row.
//!
//! `docs/testing-your-game.md` shows how this is tested.

mod lobby;
mod nim;
mod ratings;
mod server;

pub use nim::{Illegal, Match, State};
pub use ratings::Ratings;
pub use server::serve;

use std::sync::Arc;

use authcore::account::AccountId;
use authcore::event::EventKind;
use authcore::lifecycle::{Standing, standing};
use authcore::{Authenticated, Clock, Engine, Operator, RequestContext};
use tokio::sync::{Mutex, broadcast};

use crate::lobby::Lobby;

/// Why a player did not get what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not let the player, or has failed.
    #[error(transparent)]
    Engine(#[from] authcore::Error),
    /// The rules of the game do not allow it.
    #[error(transparent)]
    Rules(#[from] Illegal),
    /// The game's rows could not be read or written.
    #[error("the ratings failed")]
    Ratings(#[from] rusqlite::Error),
}

/// The game.
pub struct Arena {
    engine: Engine,
    clock: Arc<dyn Clock>,
    ourselves: Operator,
    hall: Mutex<Hall>,
    matches: broadcast::Sender<Match>,
}

/// What changes together. One step at a time: a player is checked, and plays, before anything else happens.
struct Hall {
    lobby: Lobby,
    ratings: Ratings,
}

impl Arena {
    /// A game for the players of an engine. The clock is the engine's.
    pub fn new(engine: Engine, clock: impl Clock, ratings: Ratings) -> Self {
        Self {
            engine,
            clock: Arc::new(clock),
            ourselves: Operator::vouched_for("arena"),
            hall: Mutex::new(Hall { lobby: Lobby::default(), ratings }),
            matches: broadcast::Sender::new(1024),
        }
    }

    /// The engine that says who plays.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Every match from now on, each time it changes.
    #[must_use]
    pub fn matches(&self) -> broadcast::Receiver<Match> {
        self.matches.subscribe()
    }

    /// Sits down: with whoever waits, or to wait. Who plays already, on another device perhaps, goes on with that match.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] when the player may not play any more, and [`Error::Ratings`].
    pub async fn join(&self, who: &Authenticated) -> Result<Option<Match>, Error> {
        let mut hall = self.hall.lock().await;
        self.check(&mut hall, who).await?;
        hall.ratings.begin(who.account())?;
        if let Some(played) = hall.lobby.seat(who.account()) {
            return Ok(Some(played));
        }
        match hall.lobby.pair(who.account(), self.clock.now()) {
            Some(begun) => self.put(&mut hall, begun).map(Some),
            None => Ok(None),
        }
    }

    /// Takes stones.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] when the player may not play any more, who then has lost; [`Error::Rules`], [`Error::Ratings`].
    pub async fn take(&self, who: &Authenticated, stones: u32) -> Result<Match, Error> {
        let mut hall = self.hall.lock().await;
        self.check(&mut hall, who).await?;
        let played = hall.lobby.seat(who.account()).ok_or(Illegal::NoMatch)?;
        let played = played.take(who.account(), stones, self.clock.now())?;
        self.put(&mut hall, played)
    }

    /// Stands up. Who leaves a match has lost it.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub async fn leave(&self, who: &Authenticated) -> Result<(), Error> {
        let mut hall = self.hall.lock().await;
        self.check(&mut hall, who).await?;
        self.put_out(&mut hall, who.account())
    }

    /// The player's rating; none before the first match.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub async fn rating(&self, who: &Authenticated) -> Result<Option<i64>, Error> {
        let mut hall = self.hall.lock().await;
        self.check(&mut hall, who).await?;
        Ok(hall.ratings.of(who.account())?)
    }

    /// What is to be done every second: what is over at the engine is removed, who let a turn pass has lost, who was banned leaves, who is gone is forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] and [`Error::Ratings`]; the next tick does what this one did not.
    pub async fn tick(&self) -> Result<(), Error> {
        self.engine.sweep(100).await?;
        let mut hall = self.hall.lock().await;
        for player in hall.lobby.late(self.clock.now()) {
            self.put_out(&mut hall, player)?;
        }
        loop {
            let after = hall.ratings.cursor()?;
            let events = self.engine.events(&self.ourselves, after, 100).await?;
            let Some(last) = events.last() else { return Ok(()) };
            let mut gone = Vec::new();
            for stored in &events {
                let player = stored.event.account;
                match stored.event.kind {
                    EventKind::Banned if !self.may_play(player).await? => {
                        self.put_out(&mut hall, player)?;
                    }
                    EventKind::AccountDeleted | EventKind::Withdrawn { .. } => {
                        self.put_out(&mut hall, player)?;
                        gone.push(player);
                    }
                    _ => {}
                }
            }
            hall.ratings.forget(&gone, last.cursor)?;
            // Nobody else follows them.
            self.engine.prune_events(&self.ourselves, last.cursor).await?;
        }
    }

    /// Asks the engine whether the caller's session still counts.
    async fn check(&self, hall: &mut Hall, who: &Authenticated) -> Result<(), Error> {
        let Err(error) = self.engine.account(&RequestContext::new(), who).await else {
            return Ok(());
        };
        // When only this device was logged out, the player may play on with another one.
        if error.refusal().is_some() && !self.may_play(who.account()).await? {
            self.put_out(hall, who.account())?;
        }
        Err(error.into())
    }

    async fn may_play(&self, player: AccountId) -> Result<bool, Error> {
        let found = self.engine.accounts_by_id(&self.ourselves, &[player]).await?;
        let out = [Standing::Banned, Standing::Withdrawn, Standing::Missing];
        Ok(found.first().is_some_and(|account| !out.contains(&standing(account))))
    }

    /// Takes a player's seat away; the match is lost.
    fn put_out(&self, hall: &mut Hall, player: AccountId) -> Result<(), Error> {
        hall.lobby.stop_waiting(player);
        if let Some(played) = hall.lobby.seat(player) {
            self.put(hall, played.given_up_by(player))?;
        }
        Ok(())
    }

    /// Keeps a match as it is now, settles it when it is over, and tells.
    fn put(&self, hall: &mut Hall, played: Match) -> Result<Match, Error> {
        if let State::Won(winner) = played.state {
            hall.ratings.record(winner, played.opponent(winner))?;
        }
        hall.lobby.put(played);
        // Perhaps nobody listens.
        let _ = self.matches.send(played);
        Ok(played)
    }
}
