//! Reading the outbox, so that nobody who follows its cursors misses an event.
//!
//! An event gets its number when it is written, and is seen when its transaction is committed: of two that commit side
//! by side, the higher number may be seen first. A consumer that went on from there would never see the lower one. So
//! whoever writes events holds the outbox's lock for share, from before the first number until the commit is seen by
//! all, and a reader
//!
//! 1. looks which events there are, up to some number;
//! 2. takes the lock for itself and lets go of it: all who got a number up to that one have ended by then, and whoever
//!    gets one later gets a higher one;
//! 3. reads the events up to that number.
//!
//! Writers do not wait for each other. Each step is a statement of its own, and sees what was committed before it, at
//! every isolation level.

use authcore::event::{EVENT_FORMAT, Event, EventCursor, StoredEvent};
use tokio_postgres::Row;

use crate::apply::outbox_lock;
use crate::cols::Cols;
use crate::error::{Fault, Stop};
use crate::param::params;
use crate::tx::{Job, Tx};

const LOCK: &str = outbox_lock!("pg_advisory_xact_lock");
const PAGE: &str = "SELECT seq, at, account_id, format, data::text FROM events \
                    WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3";

pub(crate) struct Events {
    pub(crate) after: EventCursor,
    pub(crate) limit: u32,
}

impl Job for Events {
    type Out = Vec<StoredEvent>;
    const WRITES: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let (after, limit) = (cursor(self.after), i64::from(self.limit));
        let sql = "SELECT max(seq) FROM (SELECT seq FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) AS page";
        let last = tx.query(sql, params![after, limit]).await?.first().await?;
        let last = last.map(|row| Cols::new(&row).opt_int("events.seq")).transpose()?.flatten();
        let Some(last) = last else {
            return Ok(Vec::new());
        };
        // Sent one behind the other.
        tx.know(LOCK).await?;
        tx.know(PAGE).await?;
        let ended = tx.query(LOCK, params![]).await?;
        let page = tx.query(PAGE, params![after, last, limit]).await?;
        ended.answer().await?;
        Ok(page.answer().await?.iter().map(stored).collect::<Result<_, _>>()?)
    }
}

fn stored(row: &Row) -> Result<StoredEvent, Fault> {
    let mut cols = Cols::new(row);
    let cursor = EventCursor::new(cols.u64("events.seq")?);
    let at = cols.time("events.at")?;
    let account = cols.account("events.account_id")?;
    if cols.u32("events.format")? > EVENT_FORMAT {
        return Err(Fault::corrupt("events.format"));
    }
    let kind = cols.opt_json("events.data")?.ok_or_else(|| Fault::corrupt("events.data"))?;
    Ok(StoredEvent { cursor, event: Event { account, at, kind } })
}

/// A cursor beyond what PostgreSQL counts to is beyond every event.
fn cursor(cursor: EventCursor) -> i64 {
    i64::try_from(cursor.number()).unwrap_or(i64::MAX)
}

/// Removes some of the events; see [`PRUNED_AT_ONCE`].
pub(crate) struct PruneEvents(pub(crate) EventCursor);

/// A long outbox is pruned in pieces, so that no transaction is long.
pub(crate) const PRUNED_AT_ONCE: u32 = 2048;

impl Job for PruneEvents {
    type Out = u64;
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<u64, Stop> {
        let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= $1 ORDER BY seq LIMIT $2)";
        tx.write(sql, params![cursor(self.0), i64::from(PRUNED_AT_ONCE)]).await?;
        Ok(tx.counts().await?.iter().sum())
    }
}
