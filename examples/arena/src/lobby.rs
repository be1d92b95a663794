use std::collections::HashMap;

use authcore::account::AccountId;
use chrono::{DateTime, Utc};

use crate::nim::{Match, State};

/// Who waits and who plays. A player has one seat, on however many devices.
#[derive(Default)]
pub(crate) struct Lobby {
    waiting: Option<AccountId>,
    seats: HashMap<AccountId, Match>,
}

impl Lobby {
    pub(crate) fn seat(&self, player: AccountId) -> Option<Match> {
        self.seats.get(&player).copied()
    }

    /// The match of this player and whoever waits; without anybody, this player waits.
    pub(crate) fn pair(&mut self, player: AccountId, now: DateTime<Utc>) -> Option<Match> {
        match self.waiting.take() {
            Some(other) if other != player => Some(Match::new([other, player], now)),
            _ => {
                self.waiting = Some(player);
                None
            }
        }
    }

    pub(crate) fn stop_waiting(&mut self, player: AccountId) {
        self.waiting = self.waiting.filter(|other| *other != player);
    }

    /// Keeps a match as it is now; one that is over frees its players.
    pub(crate) fn put(&mut self, played: Match) {
        for player in played.players {
            match played.state {
                State::Turn { .. } => self.seats.insert(player, played),
                State::Won(_) => self.seats.remove(&player),
            };
        }
    }

    /// Whose turn has taken too long.
    pub(crate) fn late(&self, now: DateTime<Utc>) -> Vec<AccountId> {
        let late = self.seats.iter().filter_map(|(seat, played)| match played.state {
            State::Turn { player, until } if player == *seat && now >= until => Some(player),
            _ => None,
        });
        late.collect()
    }
}
