use std::path::Path;

use authcore::account::AccountId;
use authcore::event::EventCursor;
use rusqlite::{Connection, OptionalExtension as _, Result};

/// What a player begins with.
const FIRST: i64 = 1000;
/// What a match is worth.
const STAKE: i64 = 10;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS arena_ratings (
        account BLOB PRIMARY KEY,
        rating  INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS arena_cursor (
        one    INTEGER PRIMARY KEY CHECK (one = 1),
        cursor INTEGER NOT NULL
    ) STRICT;
    INSERT OR IGNORE INTO arena_cursor VALUES (1, 0);
";

/// The game's own rows: a rating for each account, and how far the engine's events were followed. They may be in the
/// file that the engine's store is in.
pub struct Ratings(Connection);

impl Ratings {
    /// Ratings in a file, which is made when it is not there.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn open(path: &Path) -> Result<Self> {
        Self::on(Connection::open(path)?)
    }

    /// Ratings in memory, for tests.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub fn in_memory() -> Result<Self> {
        Self::on(Connection::open_in_memory()?)
    }

    fn on(connection: Connection) -> Result<Self> {
        connection.execute_batch(TABLES)?;
        Ok(Self(connection))
    }

    /// None is for who never played.
    pub(crate) fn of(&self, player: AccountId) -> Result<Option<i64>> {
        let sql = "SELECT rating FROM arena_ratings WHERE account = ?1";
        self.0.query_row(sql, [player.as_bytes()], |row| row.get(0)).optional()
    }

    /// A row for who has none.
    pub(crate) fn begin(&self, player: AccountId) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO arena_ratings VALUES (?1, ?2)";
        self.0.execute(sql, (player.as_bytes(), FIRST)).map(drop)
    }

    /// Both rows or none. Who has no row any more gets none by it.
    pub(crate) fn record(&mut self, winner: AccountId, loser: AccountId) -> Result<()> {
        let sql = "UPDATE arena_ratings SET rating = rating + ?2 WHERE account = ?1";
        let both = self.0.transaction()?;
        both.execute(sql, (winner.as_bytes(), STAKE))?;
        both.execute(sql, (loser.as_bytes(), -STAKE))?;
        both.commit()
    }

    pub(crate) fn cursor(&self) -> Result<EventCursor> {
        let sql = "SELECT cursor FROM arena_cursor";
        let cursor: i64 = self.0.query_row(sql, [], |row| row.get(0))?;
        Ok(EventCursor::new(cursor.cast_unsigned()))
    }

    /// Removes the rows of players who are gone, and notes in the same transaction how far the events were followed.
    pub(crate) fn forget(&mut self, gone: &[AccountId], cursor: EventCursor) -> Result<()> {
        let both = self.0.transaction()?;
        for player in gone {
            both.execute("DELETE FROM arena_ratings WHERE account = ?1", [player.as_bytes()])?;
        }
        both.execute("UPDATE arena_cursor SET cursor = ?1", [cursor.number().cast_signed()])?;
        both.commit()
    }
}
