//! The operations other than a commit.

use authcore::account::{AccountId, Epoch};
use authcore::event::{EVENT_FORMAT, Event, EventCursor, StoredEvent};
use authcore::session::{SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Charge, CodeKey, CodePurpose, Lookup, OneTimeCode, Snapshot, StoreHeader,
};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::params;

use crate::db::{Db, Operation};
use crate::error::{Fault, Stop};
use crate::rows;

pub(crate) struct Load(pub(crate) Lookup);

impl Operation for Load {
    type Out = Option<Snapshot>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(rows::load(db, &self.0)?)
    }
}

pub(crate) struct LoadMany(pub(crate) Vec<Lookup>);

impl Operation for LoadMany {
    type Out = Vec<Option<Snapshot>>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(self.0.iter().map(|lookup| rows::load(db, lookup)).collect::<Result<_, _>>()?)
    }
}

pub(crate) struct LoadSession(pub(crate) SessionRef);

impl Operation for LoadSession {
    type Out = Option<SessionSnapshot>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(rows::session(db, self.0)?)
    }
}

pub(crate) struct StoreEpoch;

impl Operation for StoreEpoch {
    type Out = Epoch;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(db.store_epoch()?)
    }
}

pub(crate) struct Due {
    pub(crate) now: DateTime<Utc>,
    pub(crate) limit: u32,
}

impl Operation for Due {
    type Out = Vec<AccountId>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        Ok(rows::due(db, self.now, self.limit)?)
    }
}

pub(crate) struct Bind(pub(crate) StoreHeader);

impl Operation for Bind {
    type Out = StoreHeader;
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        db.step("store");
        db.execute(
            "UPDATE store SET game = ?1, folding = ?2 WHERE id = 1 AND game IS NULL",
            params![&*self.0.game, self.0.folding],
        )?;
        let header = db.first("SELECT game, folding FROM store WHERE id = 1", [], |cols| {
            let game = cols.boxed("store.game")?;
            Ok(StoreHeader { game, folding: cols.u32("store.folding")? })
        })?;
        Ok(header.ok_or_else(|| Fault::corrupt("store"))?)
    }
}

pub(crate) struct Consume(pub(crate) Charge);

impl Operation for Consume {
    type Out = Admission;
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        let Self(charge) = self;
        let kept = db.first(
            "SELECT used_up_until, used_up_nanos FROM throttles WHERE key = ?1",
            (charge.key.as_bytes(),),
            |cols| {
                let millis = cols.time("throttles.used_up_until")?;
                let nanos = TimeDelta::nanoseconds(cols.int("throttles.used_up_nanos")?);
                let whole = millis.checked_add_signed(nanos);
                whole.ok_or_else(|| Fault::corrupt("throttles.used_up_nanos"))
            },
        )?;
        let (admission, until) = charge.apply(kept);
        // Refusals and mere questions write nothing, so that those who knock in vain cost no disk.
        if admission == Admission::Admitted && charge.cost > 0 {
            db.step("throttles");
            db.execute(
                "INSERT INTO throttles (key, used_up_until, used_up_nanos) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (key) DO UPDATE SET used_up_until = ?2, used_up_nanos = ?3",
                params![charge.key.as_bytes(), until.timestamp_millis(), nanos_beyond(until)],
            )?;
        }
        Ok(admission)
    }
}

fn nanos_beyond(moment: DateTime<Utc>) -> u32 {
    moment.timestamp_subsec_nanos() % 1_000_000
}

pub(crate) struct Code(pub(crate) CodeKey);

impl Operation for Code {
    type Out = Option<OneTimeCode>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        let Self(key) = self;
        let code = db.first(
            "SELECT purpose, account_id, credential_generation, tries_left, expires_at FROM codes WHERE key = ?1",
            (key.as_bytes(),),
            |cols| {
                Ok(OneTimeCode {
                    key: *key,
                    purpose: CodePurpose::from_name(cols.text("codes.purpose")?)
                        .ok_or_else(|| Fault::corrupt("codes.purpose"))?,
                    account: AccountId::from_bytes(cols.array("codes.account_id")?),
                    credential_generation: cols.u32("codes.credential_generation")?,
                    tries_left: cols.u32("codes.tries_left")?,
                    expires_at: cols.time("codes.expires_at")?,
                })
            },
        )?;
        Ok(code)
    }
}

pub(crate) struct Events {
    pub(crate) after: EventCursor,
    pub(crate) limit: u32,
}

impl Operation for Events {
    type Out = Vec<StoredEvent>;
    const WRITES: bool = false;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        let mut statement = db.prepare(
            "SELECT seq, at, account_id, format, data FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        )?;
        let mut rows = statement.query(params![cursor(self.after), self.limit])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cols = crate::cols::Cols::new(row);
            let cursor = EventCursor::new(cols.u64("events.seq")?);
            let at = cols.time("events.at")?;
            let account = AccountId::from_bytes(cols.array("events.account_id")?);
            if cols.u32("events.format")? > EVENT_FORMAT {
                return Err(Fault::corrupt("events.format").into());
            }
            let kind = serde_json::from_str(cols.text("events.data")?)
                .map_err(|_| Fault::corrupt("events.data"))?;
            events.push(StoredEvent { cursor, event: Event { account, at, kind } });
        }
        Ok(events)
    }
}

/// A cursor beyond what SQLite counts to is beyond every event.
fn cursor(cursor: EventCursor) -> i64 {
    i64::try_from(cursor.number()).unwrap_or(i64::MAX)
}

/// Removes some of the events; see [`PRUNED_AT_ONCE`].
pub(crate) struct PruneEvents(pub(crate) EventCursor);

/// A long outbox is pruned in pieces, so that commits do not wait for all of it.
pub(crate) const PRUNED_AT_ONCE: u64 = 2048;

impl Operation for PruneEvents {
    type Out = u64;
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        db.step("events");
        let sql = "DELETE FROM events WHERE seq IN \
                   (SELECT seq FROM events WHERE seq <= ?1 ORDER BY seq LIMIT ?2)";
        let count = db.execute(sql, params![cursor(self.0), PRUNED_AT_ONCE.cast_signed()])?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

pub(crate) struct Sweep {
    pub(crate) now: DateTime<Utc>,
    pub(crate) limit: u32,
}

impl Operation for Sweep {
    type Out = u64;
    const WRITES: bool = true;

    fn run(&self, db: &Db) -> Result<Self::Out, Stop> {
        let now = self.now.timestamp_millis();
        db.step("codes");
        let codes = db.execute(
            "DELETE FROM codes WHERE key IN (SELECT key FROM codes WHERE expires_at <= ?1 LIMIT ?2)",
            params![now, self.limit],
        )?;
        db.step("single_use");
        let single_use = db.execute(
            "DELETE FROM single_use WHERE key IN (SELECT key FROM single_use WHERE forget_at <= ?1 LIMIT ?2)",
            params![now, self.limit],
        )?;
        db.step("throttles");
        let throttles = db.execute(
            "DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE used_up_until <= ?1 \
             AND (used_up_until < ?1 OR used_up_nanos <= ?3) LIMIT ?2)",
            params![now, self.limit, nanos_beyond(self.now)],
        )?;
        Ok(u64::try_from(codes + single_use + throttles).unwrap_or(u64::MAX))
    }
}
