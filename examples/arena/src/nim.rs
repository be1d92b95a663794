use authcore::account::AccountId;
use chrono::{DateTime, TimeDelta, Utc};

/// How many stones a match begins with.
const STONES: u32 = 15;
/// How many may be taken in a turn.
const MOST: u32 = 3;
/// How long a turn may take.
const TURN: TimeDelta = TimeDelta::minutes(1);

/// A match of nim: in turns two players take one to three stones, and who takes the last one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Who plays; the first one began.
    pub players: [AccountId; 2],
    /// How many stones are left.
    pub stones: u32,
    /// Whose turn it is, or who won.
    pub state: State,
}

/// How a match stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A player has to take stones.
    Turn {
        /// Who.
        player: AccountId,
        /// By when.
        until: DateTime<Utc>,
    },
    /// It is over.
    Won(AccountId),
}

/// What the rules forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// There is no match to play in.
    #[error("you are in no match")]
    NoMatch,
    /// The other player has to move.
    #[error("it is not your turn")]
    NotYourTurn,
    /// So many stones cannot be taken.
    #[error("take one to {MOST} stones, and no more than there are")]
    Stones,
}

impl Match {
    pub(crate) fn new(players: [AccountId; 2], now: DateTime<Utc>) -> Self {
        let state = State::Turn { player: players[0], until: now + TURN };
        Self { players, stones: STONES, state }
    }

    /// The player on the other side.
    #[must_use]
    pub fn opponent(&self, player: AccountId) -> AccountId {
        let [first, second] = self.players;
        if player == first { second } else { first }
    }

    pub(crate) fn take(
        self,
        player: AccountId,
        stones: u32,
        now: DateTime<Utc>,
    ) -> Result<Self, Illegal> {
        if !matches!(self.state, State::Turn { player: next, .. } if next == player) {
            return Err(Illegal::NotYourTurn);
        }
        let left = self.stones.checked_sub(stones).filter(|_| (1..=MOST).contains(&stones));
        let left = left.ok_or(Illegal::Stones)?;
        let state = match left {
            0 => State::Won(player),
            _ => State::Turn { player: self.opponent(player), until: now + TURN },
        };
        Ok(Self { stones: left, state, ..self })
    }

    /// The match when this player gives it up.
    pub(crate) fn given_up_by(self, player: AccountId) -> Self {
        Self { state: State::Won(self.opponent(player)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: AccountId = AccountId::from_bytes([1; 16]);
    const BEN: AccountId = AccountId::from_bytes([2; 16]);
    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn who_takes_the_last_stone_wins() {
        let mut played = Match::new([ANN, BEN], NOW);
        for player in [ANN, BEN, ANN, BEN, ANN] {
            played = played.take(player, 3, NOW).unwrap();
        }
        assert_eq!((played.stones, played.state), (0, State::Won(ANN)));
    }

    #[test]
    fn only_one_to_three_stones_that_are_there_can_be_taken() {
        let full = Match::new([ANN, BEN], NOW);
        for stones in [0, 4, u32::MAX] {
            assert_eq!(full.take(ANN, stones, NOW), Err(Illegal::Stones));
        }
        let two_left = Match { stones: 2, ..full };
        assert_eq!(two_left.take(ANN, 3, NOW), Err(Illegal::Stones));
    }
}
