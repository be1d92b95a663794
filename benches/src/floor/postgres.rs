use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::{FloorTokens, Session, push};
use crate::engine::{now, random};
use crate::{Outcome, Pair, Target};

/// How much shares a statement at most.
const BATCH: usize = 128;

/// How many connections read, and how many write.
const READERS: usize = 2;
const WRITERS: usize = 2;

macro_rules! select {
    ($asked:literal) => {
        concat!(
            "SELECT k.n, a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban::text, \
             a.withdrawal::text, a.records::text, a.next_ordinal, a.created_at, a.updated_at, v.version, v.login_count, \
             v.last_login_at, v.last_login_ordinal, v.previous_login_at, \
             (SELECT json_agg(json_build_array(i.ordinal, i.provider, i.subject, i.tenant, i.issuer, i.shown, \
             i.linked_at, i.verified_at, i.data) ORDER BY i.ordinal)::text FROM identities i WHERE i.account_id = a.id), \
             (SELECT json_agg(json_build_array(s.id, s.authenticated_at, s.last_used_at, s.idle_expires_at, s.expires_at, \
             s.generation, s.place, s.method, s.access_revoked, s.refresh_revoked, s.client_vars, s.server_vars, \
             s.device_name, s.device_id, s.epoch, s.store_epoch) ORDER BY s.place)::text FROM sessions s \
             WHERE s.account_id = a.id), (SELECT epoch FROM store WHERE store.id = 1) FROM ",
            $asked,
            " JOIN account_activity v ON v.account_id = a.id"
        )
    };
}

const BY_ID: &str =
    select!("unnest($1::uuid[]) WITH ORDINALITY AS k (id, n) JOIN accounts a ON a.id = k.id");
const BY_DEVICE: &str = select!(
    "unnest($1::text[]) WITH ORDINALITY AS k (subject, n) JOIN identities f ON f.provider = 'device' \
     AND f.subject = k.subject COLLATE \"C\" AND f.tenant = '' AND f.issuer = '' JOIN accounts a ON a.id = f.account_id"
);
const SESSIONS: &str = "SELECT k.n, s.idle_expires_at, s.expires_at, a.epoch, a.due_at, v.version, \
     (SELECT epoch FROM store WHERE store.id = 1) FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS k (account_id, id, n) \
     JOIN sessions s ON s.account_id = k.account_id AND s.id = k.id JOIN accounts a ON a.id = k.account_id \
     JOIN account_activity v ON v.account_id = k.account_id";
const LOGIN: &str = "WITH written AS (\
       UPDATE account_activity v SET version = v.version + 1, login_count = t.login_count, last_login_at = t.now, \
         last_login_ordinal = 1, previous_login_at = t.previous, \
         commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[]) \
         AS t (account_id, expect, account_version, login_count, now, previous, commit_id) \
       WHERE v.account_id = t.account_id AND v.version = t.expect AND v.account_version = t.account_version \
       RETURNING v.account_id\
     ), gone AS (\
       DELETE FROM sessions s USING unnest($8::uuid[], $9::uuid[]) AS g (account_id, id), written w \
       WHERE w.account_id = g.account_id AND s.account_id = g.account_id AND s.id = g.id\
     ), added AS (\
       INSERT INTO sessions (account_id, id, place, identity, method, authenticated_at, last_used_at, idle_expires_at, \
         expires_at, generation, access_revoked, refresh_revoked, client_vars, server_vars, epoch, store_epoch) \
       SELECT n.account_id, n.id, n.place, 1, 'device', n.now, n.now, n.idle, n.expires, 0, false, false, '{}', '{}', \
         n.epoch, n.store_epoch FROM unnest($1::uuid[], $10::uuid[], $11::bigint[], $5::bigint[], $12::bigint[], \
         $13::bigint[], $14::bigint[], $15::bigint[]) AS n (account_id, id, place, now, idle, expires, epoch, store_epoch) \
       JOIN written w ON w.account_id = n.account_id\
     ) SELECT account_id FROM written";
const REFRESH: &str = "WITH written AS (\
       UPDATE account_activity v SET version = v.version + 1, \
         commit_ids = substring(t.commit_id || v.commit_ids from 1 for 128) \
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[]) AS t (account_id, expect, epoch, commit_id) \
       WHERE v.account_id = t.account_id AND v.version = t.expect AND v.account_epoch = t.epoch \
       RETURNING v.account_id\
     ), altered AS (\
       UPDATE sessions s SET generation = n.generation, last_used_at = n.used, idle_expires_at = n.idle \
       FROM unnest($1::uuid[], $5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[]) \
         AS n (account_id, id, generation, used, idle), written w \
       WHERE w.account_id = n.account_id AND s.account_id = n.account_id AND s.id = n.id\
     ) SELECT account_id FROM written";
const NEW_IDENTITIES: &str = "INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, linked_at) \
     SELECT account_id, ordinal, provider, subject, '', '', now FROM unnest($1::uuid[], $2::bigint[], $3::text[], \
     $4::text[], $5::bigint[]) AS t (account_id, ordinal, provider, subject, now) \
     ON CONFLICT (provider, subject, tenant, issuer) DO NOTHING";
const NEW_ACCOUNTS: &str = "INSERT INTO accounts (id, version, epoch, username, username_key, display_name, avatar_url, \
     lang_tag, location, timezone, metadata, next_ordinal, created_at, updated_at, commit_ids) \
     SELECT id, 1, 0, username, username, '', '', 'en', '', '', '{}', 2, now, now, commit_id \
     FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[]) AS t (id, username, now, commit_id)";
const NEW_ACTIVITIES: &str = "INSERT INTO account_activity (account_id, version, account_version, account_epoch, \
     login_count, last_login_at, last_login_ordinal, commit_ids) SELECT id, 1, 1, 0, 1, now, 1, commit_id \
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS t (id, now, commit_id)";
const NEW_SESSIONS: &str = "INSERT INTO sessions (account_id, id, place, identity, method, authenticated_at, \
     last_used_at, idle_expires_at, expires_at, generation, access_revoked, refresh_revoked, client_vars, server_vars, \
     epoch, store_epoch) SELECT account_id, id, 1, 1, 'device', now, now, idle, expires, 0, false, false, '{}', '{}', 0, 0 \
     FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) AS t (account_id, id, now, idle, expires)";
const LINK: &str = "UPDATE accounts a SET version = a.version + 1, next_ordinal = t.ordinal + 1, updated_at = t.now, \
     commit_ids = substring(t.commit_id || a.commit_ids from 1 for 128) \
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[]) \
     AS t (id, expect, ordinal, now, commit_id) WHERE a.id = t.id AND a.version = t.expect";
const COPY: &str = "UPDATE account_activity v SET account_version = t.version \
     FROM unnest($1::uuid[], $2::bigint[]) AS t (id, version) WHERE v.account_id = t.id";
const OLD_IDENTITIES: &str = "DELETE FROM identities i USING unnest($1::uuid[], $2::bigint[]) AS t (id, ordinal) \
     WHERE i.account_id = t.id AND i.ordinal = t.ordinal";
const OUTBOX: &str =
    "SELECT pg_advisory_xact_lock_shared(1635084392, 'events'::regclass::oid::int4)";
const EVENTS: &str = "INSERT INTO events (at, account_id, format, data) SELECT at, account_id, 1, data::jsonb \
     FROM unnest($1::bigint[], $2::uuid[], $3::text[]) AS t (at, account_id, data)";

/// The PostgreSQL store's statements on its tables, as narrow as what is measured allows: what waits to be read is read
/// by one statement, what waits to be written is written by one statement or one transaction.
#[derive(Debug)]
pub struct PostgresFloor {
    reads: UnboundedSender<Read>,
    writes: UnboundedSender<Change>,
    tokens: FloorTokens,
}

type Ask<I, O> = (I, oneshot::Sender<O>);

#[derive(Debug)]
enum Read {
    Device(Ask<String, Option<Loaded>>),
    Id(Ask<Uuid, Option<Loaded>>),
    Session(Ask<(Uuid, Uuid), Option<(i64, i64)>>),
}

#[derive(Debug)]
enum Change {
    Login(Ask<Login, bool>),
    Refresh(Ask<Refresh, bool>),
    Create(Ask<Newcomer, bool>),
    Link(Ask<Link, bool>),
}

#[derive(Debug)]
struct Login {
    loaded: Loaded,
    session: Session,
    place: i64,
    gone: Vec<Uuid>,
    commit: Vec<u8>,
}

#[derive(Debug)]
struct Refresh {
    loaded: Loaded,
    session: Session,
    commit: Vec<u8>,
}

#[derive(Debug)]
struct Newcomer {
    id: Uuid,
    username: String,
    device: String,
    session: Session,
    commit: Vec<u8>,
}

#[derive(Debug)]
struct Link {
    loaded: Loaded,
    custom: String,
    now: i64,
    commit: Vec<u8>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "all of it is read from the row, as an engine must")]
struct Loaded {
    id: Uuid,
    version: i64,
    epoch: i64,
    username: Option<String>,
    username_key: Option<String>,
    profile: [String; 6],
    password: (Option<String>, Option<i64>, Option<i64>),
    rare: [Option<String>; 3],
    next_ordinal: i64,
    created_at: i64,
    updated_at: i64,
    activity_version: i64,
    login_count: i64,
    last_login_at: Option<i64>,
    last_login_ordinal: Option<i64>,
    previous_login_at: Option<i64>,
    identities: Vec<Identity>,
    sessions: Vec<Kept>,
    store_epoch: i64,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Identity {
    ordinal: i64,
    provider: String,
    subject: String,
    tenant: String,
    issuer: String,
    shown: Option<String>,
    linked_at: i64,
    verified_at: Option<i64>,
    data: Option<String>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "as above")]
struct Kept {
    id: Uuid,
    authenticated_at: i64,
    last_used_at: i64,
    idle_expires_at: i64,
    expires_at: i64,
    generation: u32,
    place: i64,
    method: String,
    access_revoked: bool,
    refresh_revoked: bool,
    client_vars: std::collections::BTreeMap<String, String>,
    server_vars: std::collections::BTreeMap<String, String>,
    device_name: Option<String>,
    device_id: Option<String>,
    epoch: i64,
    store_epoch: i64,
}

impl Kept {
    const fn session(&self) -> Session {
        Session {
            id: self.id,
            authenticated_at: self.authenticated_at,
            last_used_at: self.last_used_at,
            idle_expires_at: self.idle_expires_at,
            expires_at: self.expires_at,
            generation: self.generation,
        }
    }
}

impl Loaded {
    fn read(row: &Row) -> Outcome<Self> {
        let json = |column| row.try_get::<_, Option<&str>>(column).map(|text| text.unwrap_or("[]"));
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
            identities: serde_json::from_str(json(26)?)?,
            sessions: serde_json::from_str(json(27)?)?,
            store_epoch: row.try_get(28)?,
        })
    }
}

/// A connection with its statements.
struct Connection {
    client: Client,
    statements: Vec<(&'static str, Statement)>,
}

impl Connection {
    async fn open(url: &str, statements: &[&'static str]) -> Outcome<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute("SET plan_cache_mode = force_generic_plan").await?;
        let mut prepared = Vec::new();
        for sql in statements {
            prepared.push((*sql, client.prepare(sql).await?));
        }
        Ok(Self { client, statements: prepared })
    }

    fn statement(&self, sql: &str) -> Outcome<&Statement> {
        let found = self.statements.iter().find(|(known, _)| std::ptr::eq(*known, sql));
        Ok(found.map(|(_, statement)| statement).ok_or("not prepared")?)
    }

    async fn query(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Outcome<Vec<Row>> {
        Ok(self.client.query(self.statement(sql)?, params).await?)
    }

    async fn begin(&self) -> Outcome<()> {
        Ok(self.client.batch_execute("BEGIN").await?)
    }

    async fn commit(&self) -> Outcome<()> {
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    /// How many rows it changed.
    async fn execute(&self, sql: &'static str, params: &[&(dyn ToSql + Sync)]) -> Outcome<u64> {
        Ok(self.client.execute(self.statement(sql)?, params).await?)
    }
}

type Waiting<T> = Arc<Mutex<UnboundedReceiver<T>>>;

impl PostgresFloor {
    /// On a database that the PostgreSQL store has made. Runs on the current runtime.
    ///
    /// # Errors
    ///
    /// When it does not open.
    pub async fn open(url: &str) -> Outcome<Self> {
        let (reads, asked) = unbounded_channel();
        let (writes, changes) = unbounded_channel();
        let (asked, changes) = (Arc::new(Mutex::new(asked)), Arc::new(Mutex::new(changes)));
        for _ in 0..READERS {
            let connection = Connection::open(url, &[BY_ID, BY_DEVICE, SESSIONS]).await?;
            tokio::spawn(serve_reads(connection, Waiting::clone(&asked)));
        }
        let statements = [
            LOGIN,
            REFRESH,
            NEW_IDENTITIES,
            NEW_ACCOUNTS,
            NEW_ACTIVITIES,
            NEW_SESSIONS,
            LINK,
            COPY,
            OLD_IDENTITIES,
            OUTBOX,
            EVENTS,
        ];
        for _ in 0..WRITERS {
            let connection = Connection::open(url, &statements).await?;
            tokio::spawn(serve_writes(connection, Waiting::clone(&changes)));
        }
        Ok(Self { reads, writes, tokens: FloorTokens::default() })
    }

    async fn ask<I, O>(&self, read: fn(Ask<I, O>) -> Read, what: I) -> Outcome<O> {
        let (reply, answer) = oneshot::channel();
        self.reads.send(read((what, reply))).map_err(|_| "the readers are gone")?;
        Ok(answer.await?)
    }

    async fn commit<I>(&self, change: fn(Ask<I, bool>) -> Change, what: I) -> Outcome<()> {
        let (reply, answer) = oneshot::channel();
        self.writes.send(change((what, reply))).map_err(|_| "the writers are gone")?;
        if answer.await? { Ok(()) } else { Err("lost a race".into()) }
    }
}

/// Workers: each takes what waits, until nobody can send any more or the server fails.
async fn serve_reads(connection: Connection, waiting: Waiting<Read>) {
    let mut batch = Vec::new();
    while waiting.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        told(read(&connection, std::mem::take(&mut batch)).await);
    }
}

async fn serve_writes(connection: Connection, waiting: Waiting<Change>) {
    let mut batch = Vec::new();
    while waiting.lock().await.recv_many(&mut batch, BATCH).await > 0 {
        told(write(&connection, std::mem::take(&mut batch)).await);
    }
}

/// The askers learn that nobody answers.
fn told(done: Outcome<()>) {
    if let Err(error) = done {
        eprintln!("the floor failed: {error}");
    }
}

async fn read(connection: &Connection, batch: Vec<Read>) -> Outcome<()> {
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
    let (accounts, sessions): (Vec<Uuid>, Vec<Uuid>) = sessions.into_iter().unzip();
    if !devices.is_empty() {
        let rows = connection.query(BY_DEVICE, &[&devices]).await?;
        answer(&rows, device_answers, Loaded::read)?;
    }
    if !ids.is_empty() {
        let rows = connection.query(BY_ID, &[&ids]).await?;
        answer(&rows, id_answers, Loaded::read)?;
    }
    if !accounts.is_empty() {
        let rows = connection.query(SESSIONS, &[&accounts, &sessions]).await?;
        answer(&rows, session_answers, |row| Ok((row.try_get(1)?, row.try_get(2)?)))?;
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

async fn write(connection: &Connection, batch: Vec<Change>) -> Outcome<()> {
    let (mut logins, mut refreshes, mut news, mut links) = (vec![], vec![], vec![], vec![]);
    for change in batch {
        match change {
            Change::Login(ask) => logins.push(ask),
            Change::Refresh(ask) => refreshes.push(ask),
            Change::Create(ask) => news.push(ask),
            Change::Link(ask) => links.push(ask),
        }
    }
    if !logins.is_empty() {
        let (mut logins, answers): (Vec<_>, Vec<_>) = sorted(logins, |login| login.loaded.id);
        let written = write_logins(connection, &mut logins).await?;
        for (login, answer) in logins.iter().zip(answers) {
            let _ = answer.send(written.contains(&login.loaded.id));
        }
    }
    if !refreshes.is_empty() {
        let (refreshes, answers): (Vec<_>, Vec<_>) = sorted(refreshes, |refresh| refresh.loaded.id);
        let written = write_refreshes(connection, &refreshes).await?;
        for (refresh, answer) in refreshes.iter().zip(answers) {
            let _ = answer.send(written.contains(&refresh.loaded.id));
        }
    }
    if !news.is_empty() {
        let (news, answers): (Vec<_>, Vec<_>) = sorted(news, |new| new.id);
        let done = write_newcomers(connection, &news).await?;
        answer_all(answers, done);
    }
    if !links.is_empty() {
        let (links, answers): (Vec<_>, Vec<_>) = sorted(links, |link| link.loaded.id);
        let done = write_links(connection, &links).await?;
        answer_all(answers, done);
    }
    Ok(())
}

fn answer_all(answers: Vec<oneshot::Sender<bool>>, done: bool) {
    for answer in answers {
        let _ = answer.send(done);
    }
}

type Sorted<T> = (Vec<T>, Vec<oneshot::Sender<bool>>);

fn sorted<T>(mut asks: Vec<Ask<T, bool>>, id: fn(&T) -> Uuid) -> Sorted<T> {
    asks.sort_by_key(|(what, _)| id(what));
    asks.into_iter().unzip()
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

async fn write_logins(connection: &Connection, logins: &mut [Login]) -> Outcome<HashSet<Uuid>> {
    let gone: Vec<_> = logins
        .iter()
        .flat_map(|login| login.gone.iter().map(|session| (login.loaded.id, *session)))
        .collect();
    let rows = connection
        .query(
            LOGIN,
            &[
                &column(logins, |login| login.loaded.id),
                &column(logins, |login| login.loaded.activity_version),
                &column(logins, |login| login.loaded.version),
                &column(logins, |login| login.loaded.login_count + 1),
                &column(logins, |login| login.session.authenticated_at),
                &column(logins, |login| login.loaded.last_login_at),
                &column(logins, |login| login.commit.clone()),
                &column(&gone, |(account, _)| *account),
                &column(&gone, |(_, session)| *session),
                &column(logins, |login| login.session.id),
                &column(logins, |login| login.place),
                &column(logins, |login| login.session.idle_expires_at),
                &column(logins, |login| login.session.expires_at),
                &column(logins, |login| login.loaded.epoch),
                &column(logins, |login| login.loaded.store_epoch),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn write_refreshes(connection: &Connection, refreshes: &[Refresh]) -> Outcome<HashSet<Uuid>> {
    let rows = connection
        .query(
            REFRESH,
            &[
                &column(refreshes, |refresh| refresh.loaded.id),
                &column(refreshes, |refresh| refresh.loaded.activity_version),
                &column(refreshes, |refresh| refresh.loaded.epoch),
                &column(refreshes, |refresh| refresh.commit.clone()),
                &column(refreshes, |refresh| refresh.session.id),
                &column(refreshes, |refresh| i64::from(refresh.session.generation)),
                &column(refreshes, |refresh| refresh.session.last_used_at),
                &column(refreshes, |refresh| refresh.session.idle_expires_at),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// All or none: nobody here makes the same device twice.
async fn write_newcomers(connection: &Connection, news: &[Newcomer]) -> Outcome<bool> {
    let ids = column(news, |new| new.id);
    let nows = column(news, |new| new.session.authenticated_at);
    let commits = column(news, |new| new.commit.clone());
    let ones = column(news, |_| 1_i64);
    let devices = column(news, |_| "device");
    let subjects = column(news, |new| new.device.as_str());
    let names = column(news, |new| new.username.as_str());
    let sessions = column(news, |new| new.session.id);
    let idle = column(news, |new| new.session.idle_expires_at);
    let expires = column(news, |new| new.session.expires_at);
    connection.client.batch_execute("BEGIN").await?;
    let owned =
        connection.execute(NEW_IDENTITIES, &[&ids, &ones, &devices, &subjects, &nows]).await?;
    if owned != u64::try_from(news.len())? {
        connection.client.batch_execute("ROLLBACK").await?;
        return Ok(false);
    }
    let told: Vec<_> = news
        .iter()
        .flat_map(|new| {
            let told = |event| (new.session.authenticated_at, new.id, event);
            [
                told(r#"{"type":"account_created"}"#),
                told(r#"{"type":"identity_linked","ordinal":1,"provider":"device"}"#),
            ]
        })
        .collect();
    let (at, whose, what) = events(&told);
    let accounts: [&(dyn ToSql + Sync); 4] = [&ids, &names, &nows, &commits];
    let activities: [&(dyn ToSql + Sync); 3] = [&ids, &nows, &commits];
    let opened: [&(dyn ToSql + Sync); 5] = [&ids, &sessions, &nows, &idle, &expires];
    let happened: [&(dyn ToSql + Sync); 3] = [&at, &whose, &what];
    // Sent one behind the other.
    tokio::try_join!(
        connection.execute(NEW_ACCOUNTS, &accounts),
        connection.execute(NEW_ACTIVITIES, &activities),
        connection.execute(NEW_SESSIONS, &opened),
        connection.execute(OUTBOX, &[]),
        connection.execute(EVENTS, &happened),
        connection.commit(),
    )?;
    Ok(true)
}

type Events<'a> = (Vec<i64>, Vec<Uuid>, Vec<&'a str>);

fn events<'a>(told: &[(i64, Uuid, &'a str)]) -> Events<'a> {
    (column(told, |told| told.0), column(told, |told| told.1), column(told, |told| told.2))
}

/// Each replaces the custom id of its account. All or none: nobody here loses a race.
async fn write_links(connection: &Connection, links: &[Link]) -> Outcome<bool> {
    let ids = column(links, |link| link.loaded.id);
    let expect = column(links, |link| link.loaded.version);
    let versions = column(links, |link| link.loaded.version + 1);
    let ordinals = column(links, |link| link.loaded.next_ordinal);
    let nows = column(links, |link| link.now);
    let commits = column(links, |link| link.commit.clone());
    let customs = column(links, |_| "custom");
    let subjects = column(links, |link| link.custom.as_str());
    let old: Vec<_> = links
        .iter()
        .flat_map(|link| {
            let old = link.loaded.identities.iter().filter(|kept| kept.provider == "custom");
            old.map(|kept| (link.loaded.id, kept.ordinal))
        })
        .collect();
    let texts: Vec<_> = old
        .iter()
        .map(|(id, ordinal)| {
            (
                *id,
                format!(
                    r#"{{"type":"identity_unlinked","ordinal":{ordinal},"provider":"custom"}}"#
                ),
            )
        })
        .chain(links.iter().map(|link| {
            let ordinal = link.loaded.next_ordinal;
            let text =
                format!(r#"{{"type":"identity_linked","ordinal":{ordinal},"provider":"custom"}}"#);
            (link.loaded.id, text)
        }))
        .collect();
    let at = links.first().map_or(0, |link| link.now);
    let told: Vec<_> = texts.iter().map(|(id, text)| (at, *id, text.as_str())).collect();
    let (at, whose, what) = events(&told);
    let (old_ids, old_ordinals) = (column(&old, |old| old.0), column(&old, |old| old.1));
    let linked: [&(dyn ToSql + Sync); 5] = [&ids, &expect, &ordinals, &nows, &commits];
    let copied: [&(dyn ToSql + Sync); 2] = [&ids, &versions];
    let (_, changed, copied) = tokio::try_join!(
        connection.begin(),
        connection.execute(LINK, &linked),
        connection.execute(COPY, &copied),
    )?;
    let count = u64::try_from(links.len())?;
    if changed != count || copied != count {
        connection.client.batch_execute("ROLLBACK").await?;
        return Ok(false);
    }
    let gone: [&(dyn ToSql + Sync); 2] = [&old_ids, &old_ordinals];
    let new: [&(dyn ToSql + Sync); 5] = [&ids, &ordinals, &customs, &subjects, &nows];
    let happened: [&(dyn ToSql + Sync); 3] = [&at, &whose, &what];
    let (_, owned, ..) = tokio::try_join!(
        connection.execute(OLD_IDENTITIES, &gone),
        connection.execute(NEW_IDENTITIES, &new),
        connection.execute(OUTBOX, &[]),
        connection.execute(EVENTS, &happened),
        connection.commit(),
    )?;
    Ok(owned == count)
}

impl Target for PostgresFloor {
    async fn login(&self, device: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let session = Session::open(Uuid::from_bytes(random()?), now);
        let Some(loaded) = self.ask(Read::Device, device.clone()).await? else {
            return self.create(device, session).await;
        };
        let before: Vec<_> = loaded.sessions.iter().map(Kept::session).collect();
        let mut after = before.clone();
        push(&mut after, session, now);
        let stays = |old: &Session| after.iter().any(|kept| kept.id == old.id);
        let gone = before.iter().filter(|old| !stays(old)).map(|old| old.id).collect();
        let place = loaded.sessions.last().map_or(1, |last| last.place + 1);
        let (id, username) = (loaded.id, loaded.username.clone().unwrap_or_default());
        let commit = random::<16>()?.to_vec();
        self.commit(Change::Login, Login { loaded, session, place, gone, commit }).await?;
        self.tokens.mint_for(id, username, &session)
    }

    async fn refresh(&self, token: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(&token)?;
        let loaded = self.ask(Read::Id, claims.uid).await?.ok_or("no account")?;
        let kept = loaded.sessions.iter().find(|kept| kept.id == claims.tid).ok_or("no session")?;
        let generation = claims.r#gen.ok_or("no refresh token")?;
        let session = kept.session().rotated(generation, now).ok_or("the token is old")?;
        let username = loaded.username.clone().unwrap_or_default();
        let commit = random::<16>()?.to_vec();
        self.commit(Change::Refresh, Refresh { loaded, session, commit }).await?;
        self.tokens.mint_for(claims.uid, username, &session)
    }

    async fn verify(&self, token: &str) -> Outcome<()> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(token)?;
        let (idle, ends) =
            self.ask(Read::Session, (claims.uid, claims.tid)).await?.ok_or("no session")?;
        if now < idle && now < ends { Ok(()) } else { Err("no session".into()) }
    }

    fn verify_stateless(&self, token: &str) -> Outcome<()> {
        self.tokens.read(token)?;
        Ok(())
    }

    async fn link(&self, token: &str, custom: String) -> Outcome<()> {
        let now = now().timestamp_millis();
        self.verify(token).await?;
        let claims = self.tokens.read(token)?;
        let loaded = self.ask(Read::Id, claims.uid).await?.ok_or("no account")?;
        let alive = |kept: &Kept| kept.id == claims.tid && kept.session().is_alive(now);
        if !loaded.sessions.iter().any(alive) {
            return Err("no session".into());
        }
        let commit = random::<16>()?.to_vec();
        self.commit(Change::Link, Link { loaded, custom, now, commit }).await
    }
}

impl PostgresFloor {
    async fn create(&self, device: String, session: Session) -> Outcome<Pair> {
        let username = crate::engine::username(u64::from_ne_bytes(random()?));
        let millis = u64::try_from(session.authenticated_at)?;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid();
        let commit = random::<16>()?.to_vec();
        let newcomer = Newcomer { id, username: username.clone(), device, session, commit };
        self.commit(Change::Create, newcomer).await?;
        self.tokens.mint_for(id, username, &session)
    }
}
