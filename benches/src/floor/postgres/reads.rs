//! What the floor reads.

use tokio::sync::oneshot;
use tokio_postgres::Row;
use uuid::Uuid;

use super::record::{Record, Records};
use super::sessions::{self, Kept};
use super::{Ask, Connection};
use crate::Outcome;

macro_rules! select {
    ($asked:literal) => {
        concat!(
            "SELECT k.n, a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban::text, \
             a.withdrawal::text, a.records::text, a.next_ordinal, a.created_at, a.updated_at, v.version, v.login_count, \
             v.last_login_at, v.last_login_ordinal, v.previous_login_at, v.sessions, v.session_details::text, \
             ARRAY(SELECT ROW(i.ordinal, i.provider, i.subject, i.tenant, i.issuer, i.shown, i.linked_at, i.verified_at, \
             i.data) FROM identities i WHERE i.account_id = a.id ORDER BY i.ordinal), \
             (SELECT epoch FROM store WHERE store.id = 1) FROM ",
            $asked,
            " JOIN account_activity v ON v.account_id = a.id"
        )
    };
}

pub(super) const BY_ID: &str =
    select!("unnest($1::uuid[]) WITH ORDINALITY AS k (id, n) JOIN accounts a ON a.id = k.id");
pub(super) const BY_DEVICE: &str = select!(
    "unnest($1::text[]) WITH ORDINALITY AS k (subject, n) JOIN identities f ON f.provider = 'device' \
     AND f.subject = k.subject COLLATE \"C\" AND f.tenant = '' AND f.issuer = '' JOIN accounts a ON a.id = f.account_id"
);
pub(super) const SESSIONS: &str = "SELECT k.n, v.sessions, v.session_details::text, v.account_epoch, v.account_due_at, \
     v.version, (SELECT epoch FROM store WHERE store.id = 1) \
     FROM unnest($1::uuid[]) WITH ORDINALITY AS k (account_id, n) JOIN account_activity v ON v.account_id = k.account_id";

#[derive(Debug)]
pub(super) enum Read {
    Device(Ask<String, Option<Loaded>>),
    Id(Ask<Uuid, Option<Loaded>>),
    Session(Ask<Uuid, Option<Vec<Kept>>>),
}

#[derive(Debug)]
#[expect(dead_code, reason = "all of it is read from the row, as an engine must")]
pub(super) struct Loaded {
    pub(super) id: Uuid,
    pub(super) version: i64,
    pub(super) epoch: i64,
    pub(super) username: Option<String>,
    pub(super) username_key: Option<String>,
    pub(super) profile: [String; 6],
    pub(super) password: (Option<String>, Option<i64>, Option<i64>),
    pub(super) rare: [Option<String>; 3],
    pub(super) next_ordinal: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) activity_version: i64,
    pub(super) login_count: i64,
    pub(super) last_login_at: Option<i64>,
    pub(super) last_login_ordinal: Option<i64>,
    pub(super) previous_login_at: Option<i64>,
    pub(super) identities: Vec<Identity>,
    pub(super) sessions: Vec<Kept>,
    pub(super) session_details: Option<String>,
    pub(super) store_epoch: i64,
}

#[derive(Debug)]
#[expect(dead_code, reason = "as above")]
pub(super) struct Identity {
    pub(super) ordinal: i64,
    pub(super) provider: String,
    pub(super) subject: String,
    pub(super) tenant: String,
    pub(super) issuer: String,
    pub(super) shown: Option<String>,
    pub(super) linked_at: i64,
    pub(super) verified_at: Option<i64>,
    pub(super) data: Option<String>,
}

impl Identity {
    fn read(mut row: Record<'_>) -> Outcome<Self> {
        Ok(Self {
            ordinal: row.column()?,
            provider: row.column()?,
            subject: row.column()?,
            tenant: row.column()?,
            issuer: row.column()?,
            shown: row.column()?,
            linked_at: row.column()?,
            verified_at: row.column()?,
            data: row.column()?,
        })
    }
}

impl Loaded {
    fn read(row: &Row) -> Outcome<Self> {
        let Records(identities) = row.try_get(28)?;
        Ok(Self {
            id: row.try_get(1)?,
            version: row.try_get(2)?,
            epoch: row.try_get(3)?,
            username: row.try_get(4)?,
            username_key: row.try_get(5)?,
            profile: [
                row.try_get(6)?,
                row.try_get(7)?,
                row.try_get(8)?,
                row.try_get(9)?,
                row.try_get(10)?,
                row.try_get(11)?,
            ],
            password: (row.try_get(12)?, row.try_get(13)?, row.try_get(14)?),
            rare: [row.try_get(15)?, row.try_get(16)?, row.try_get(17)?],
            next_ordinal: row.try_get(18)?,
            created_at: row.try_get(19)?,
            updated_at: row.try_get(20)?,
            activity_version: row.try_get(21)?,
            login_count: row.try_get(22)?,
            last_login_at: row.try_get(23)?,
            last_login_ordinal: row.try_get(24)?,
            previous_login_at: row.try_get(25)?,
            identities: identities.into_iter().map(Identity::read).collect::<Outcome<_>>()?,
            sessions: sessions::read(row.try_get(26)?)?,
            session_details: row.try_get(27)?,
            store_epoch: row.try_get(29)?,
        })
    }
}

pub(super) async fn read(connection: &Connection, batch: Vec<Read>) -> Outcome<()> {
    let (mut devices, mut ids, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for asked in batch {
        match asked {
            Read::Device(ask) => devices.push(ask),
            Read::Id(ask) => ids.push(ask),
            Read::Session(ask) => sessions.push(ask),
        }
    }
    let (devices, device_answers): (Vec<_>, Vec<_>) = devices.into_iter().unzip();
    let (ids, id_answers): (Vec<_>, Vec<_>) = ids.into_iter().unzip();
    let (sessions, session_answers): (Vec<_>, Vec<_>) = sessions.into_iter().unzip();
    if !devices.is_empty() {
        let rows = connection.query(BY_DEVICE, &[&devices]).await?;
        answer(&rows, device_answers, Loaded::read)?;
    }
    if !ids.is_empty() {
        let rows = connection.query(BY_ID, &[&ids]).await?;
        answer(&rows, id_answers, Loaded::read)?;
    }
    if !sessions.is_empty() {
        let rows = connection.query(SESSIONS, &[&sessions]).await?;
        answer(&rows, session_answers, |row| sessions::read(row.try_get(1)?))?;
    }
    Ok(())
}

fn answer<T>(
    rows: &[Row],
    answers: Vec<oneshot::Sender<Option<T>>>,
    read: impl Fn(&Row) -> Outcome<T>,
) -> Outcome<()> {
    let mut found: Vec<Option<T>> = answers.iter().map(|_| None).collect();
    for row in rows {
        let number = usize::try_from(row.try_get::<_, i64>(0)?)?;
        *found.get_mut(number - 1).ok_or("an answer to nothing")? = Some(read(row)?);
    }
    for (answer, found) in answers.into_iter().zip(found) {
        // Nobody may be waiting any more.
        let _ = answer.send(found);
    }
    Ok(())
}
