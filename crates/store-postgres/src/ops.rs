//! The operations other than a commit and the outbox.

use authcore::account::AccountId;
use authcore::store::{Admission, Charge, StoreHeader};
use chrono::{DateTime, TimeDelta, Utc};

use crate::cols::Cols;
use crate::error::{Fault, Stop};
use crate::param::params;
use crate::rows;
use crate::text;
use crate::tx::{Job, Tx};

pub(crate) struct Due {
    pub(crate) now: DateTime<Utc>,
    pub(crate) limit: u32,
}

impl Job for Due {
    type Out = Vec<AccountId>;
    const WRITES: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let params = params![self.now.timestamp_millis(), i64::from(self.limit)];
        let rows = tx.query(rows::DUE, params).await?.answer().await?;
        let due: Result<_, Fault> =
            rows.iter().map(|row| Cols::new(row).account("accounts.id")).collect();
        Ok(due?)
    }
}

pub(crate) struct Bind(pub(crate) StoreHeader);

impl Job for Bind {
    type Out = StoreHeader;
    const WRITES: bool = true;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let Self(StoreHeader { game, folding }) = self;
        let sql = "UPDATE store SET game = $1, folding = $2 WHERE id = 1 AND game IS NULL";
        tx.write(sql, params![text::encode(game).into_owned(), i64::from(*folding)]).await?;
        let sent = tx.query("SELECT game, folding FROM store WHERE id = 1", params![]).await?;
        let row = sent.first().await?.ok_or_else(|| Fault::corrupt("store"))?;
        let mut cols = Cols::new(&row);
        Ok(StoreHeader { game: cols.boxed("store.game")?, folding: cols.u32("store.folding")? })
    }
}

pub(crate) struct Consume(pub(crate) Charge);

impl Job for Consume {
    type Out = Admission;
    const WRITES: bool = true;
    /// A charge has no name of its own.
    const REPEATS: bool = false;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let Self(charge) = self;
        let key = || charge.key.as_bytes().to_vec();
        let sql = "SELECT used_up_until, used_up_nanos FROM throttles WHERE key = $1 FOR UPDATE";
        let row = tx.query(sql, params![key()]).await?.first().await?;
        let kept = row.as_ref().map(used_up).transpose()?;
        let (admission, until) = charge.apply(kept);
        // Refusals and mere questions write nothing, so that those who knock in vain cost no disk.
        if admission == Admission::Admitted && charge.cost > 0 {
            let sql = if kept.is_some() {
                "UPDATE throttles SET used_up_until = $2, used_up_nanos = $3 WHERE key = $1"
            } else {
                "INSERT INTO throttles (key, used_up_until, used_up_nanos) VALUES ($1, $2, $3)"
            };
            tx.write(sql, params![key(), until.timestamp_millis(), nanos_beyond(until)]).await?;
        }
        Ok(admission)
    }
}

fn used_up(row: &tokio_postgres::Row) -> Result<DateTime<Utc>, Fault> {
    let mut cols = Cols::new(row);
    let millis = cols.time("throttles.used_up_until")?;
    let nanos = TimeDelta::nanoseconds(cols.int("throttles.used_up_nanos")?);
    millis.checked_add_signed(nanos).ok_or_else(|| Fault::corrupt("throttles.used_up_nanos"))
}

fn nanos_beyond(moment: DateTime<Utc>) -> i64 {
    i64::from(moment.timestamp_subsec_nanos() % 1_000_000)
}

/// How many sets without a document of their own are remembered, the latest ones. The doubt about a commit lasts for
/// seconds.
const REMEMBERED: i64 = 65_536;

pub(crate) struct Sweep {
    pub(crate) now: DateTime<Utc>,
    pub(crate) limit: u32,
}

impl Job for Sweep {
    type Out = u64;
    const WRITES: bool = true;

    /// Each condition stands twice: what is renewed between the look and the removal stays. What others hold is left to
    /// the next sweep.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Stop> {
        let (now, limit) = (self.now.timestamp_millis(), i64::from(self.limit));
        tx.write(
            "DELETE FROM codes WHERE expires_at <= $1 AND key IN \
             (SELECT key FROM codes WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            params![now, limit],
        )
        .await?;
        tx.write(
            "DELETE FROM single_use WHERE forget_at <= $1 AND key IN \
             (SELECT key FROM single_use WHERE forget_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            params![now, limit],
        )
        .await?;
        tx.write(
            "DELETE FROM throttles WHERE (used_up_until < $1 OR used_up_until = $1 AND used_up_nanos <= $3) AND key IN \
             (SELECT key FROM throttles WHERE used_up_until <= $1 AND (used_up_until < $1 OR used_up_nanos <= $3) \
             LIMIT $2 FOR UPDATE SKIP LOCKED)",
            params![now, limit, nanos_beyond(self.now)],
        )
        .await?;
        let swept = tx.counts().await?.iter().sum();
        let sql =
            "DELETE FROM recent_commits WHERE seq <= (SELECT max(seq) FROM recent_commits) - $1";
        tx.write(sql, params![REMEMBERED]).await?;
        Ok(swept)
    }
}
