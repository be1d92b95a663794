//! The same work without an engine: no rules, no errors told apart, no policy, but the same tokens, statements and
//! durability.

mod memory;
mod postgres;
mod rsa;
mod sqlite;
mod tokens;

pub use memory::{MemoryFloor, WithoutTokens};
pub use postgres::PostgresFloor;
pub use rsa::RsaFloor;
pub use sqlite::SqliteFloor;
pub use tokens::{Claims, FloorTokens};

use uuid::Uuid;

/// How many sessions an account keeps.
const SESSIONS: usize = 10;

/// How long a session lives without a refresh, and at most, in milliseconds.
const IDLE: i64 = 60 * 60 * 1000;
const ABSOLUTE: i64 = 30 * 24 * IDLE;

#[derive(Clone, Copy, Debug)]
struct Session {
    id: Uuid,
    authenticated_at: i64,
    last_used_at: i64,
    idle_expires_at: i64,
    expires_at: i64,
    generation: u32,
}

impl Session {
    fn open(id: Uuid, now: i64) -> Self {
        Self {
            id,
            authenticated_at: now,
            last_used_at: now,
            idle_expires_at: now + IDLE,
            expires_at: now + ABSOLUTE,
            generation: 0,
        }
    }

    /// The session after a refresh, when the token is the current one.
    fn rotated(self, generation: u32, now: i64) -> Option<Self> {
        (self.generation == generation && self.is_alive(now)).then_some(Self {
            generation: generation + 1,
            last_used_at: now,
            idle_expires_at: now + IDLE,
            ..self
        })
    }

    const fn is_alive(&self, now: i64) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }
}

impl AsRef<Self> for Session {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Adds a session to a list, from which the dead and the oldest go.
fn push<S: AsRef<Session>>(sessions: &mut Vec<S>, session: S, now: i64) {
    sessions.retain(|session| session.as_ref().is_alive(now));
    let surplus = (sessions.len() + 1).saturating_sub(SESSIONS);
    sessions.drain(..surplus);
    sessions.push(session);
}
