use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{FloorTokens, Session, push};
use crate::engine::{now, random};
use crate::{Outcome, Pair, Target};

/// How many jobs share a transaction at most.
const BATCH: usize = 256;

const CHECKPOINT_EVERY: Duration = Duration::from_millis(200);

/// The bytes of one session in the list.
const SESSION: usize = 52;

macro_rules! select {
    ($from:literal, $condition:literal) => {
        concat!(
            "SELECT a.id, a.version, a.epoch, a.username, a.username_key, a.display_name, a.avatar_url, a.lang_tag, \
             a.location, a.timezone, a.metadata, a.password_hash, a.password_version, a.password_set_at, a.ban, \
             a.withdrawal, a.records, a.next_ordinal, a.created_at, a.updated_at, v.version, v.login_count, \
             v.last_login_at, v.last_login_ordinal, v.previous_login_at, v.sessions, i.ordinal, i.provider, i.subject, \
             i.tenant, i.issuer, i.shown, i.linked_at, i.verified_at, i.data FROM ",
            $from,
            " CROSS JOIN account_activity v ON v.account_id = a.id LEFT JOIN identities i ON i.account_id = a.id WHERE ",
            $condition
        )
    };
}

const BY_ID: &str = select!("accounts a", "a.id = ?1");
const BY_DEVICE: &str = select!(
    "identities k CROSS JOIN accounts a ON a.id = k.account_id",
    "k.provider = 'device' AND k.subject = ?1 AND k.tenant = '' AND k.issuer = ''"
);
const SESSIONS: &str = "SELECT a.epoch, a.due_at, v.version, v.sessions FROM accounts a \
                        CROSS JOIN account_activity v ON v.account_id = a.id WHERE a.id = ?1";
const LOGIN: &str = "UPDATE account_activity SET version = version + 1, login_count = ?1, last_login_at = ?2, \
     last_login_ordinal = ?3, previous_login_at = ?4, sessions = ?5, commit_id = ?6 \
     WHERE account_id = ?7 AND version = ?8 AND EXISTS (SELECT 1 FROM accounts WHERE id = ?7 AND version = ?9)";
const REFRESH: &str = "UPDATE account_activity SET version = version + 1, login_count = ?1, last_login_at = ?2, \
     last_login_ordinal = ?3, previous_login_at = ?4, sessions = ?5, commit_id = ?6 \
     WHERE account_id = ?7 AND version = ?8 AND EXISTS (SELECT 1 FROM accounts WHERE id = ?7 AND epoch = ?9)";
const TAKEN: &str = "SELECT 1 FROM identities \
     WHERE provider = 'device' AND subject = ?1 AND tenant = '' AND issuer = ''";
const NAME_TAKEN: &str = "SELECT 1 FROM accounts WHERE username_key = ?1";
const INSERT_ACCOUNT: &str = "INSERT INTO accounts (id, version, epoch, username, username_key, display_name, \
     avatar_url, lang_tag, location, timezone, metadata, next_ordinal, created_at, updated_at, commit_id) \
     VALUES (?1, 1, 0, ?2, ?2, '', '', 'en', '', '', '{}', 2, ?3, ?3, ?4)";
const INSERT_IDENTITY: &str = "INSERT INTO identities (account_id, ordinal, provider, subject, tenant, issuer, \
     shown, linked_at, verified_at, data) VALUES (?1, 1, 'device', ?2, '', '', NULL, ?3, NULL, NULL)";
const INSERT_ACTIVITY: &str = "INSERT INTO account_activity (account_id, version, login_count, last_login_at, \
     last_login_ordinal, previous_login_at, sessions, commit_id) VALUES (?1, 1, 1, ?2, 1, NULL, ?3, ?4)";
const INSERT_EVENT: &str =
    "INSERT INTO events (at, account_id, format, data) VALUES (?1, ?2, 1, ?3)";

/// The SQLite store's statements on the SQLite store's tables, on the same threads: one that writes what waits in one
/// transaction, two that read what waits in one transaction, one that moves the log.
pub struct SqliteFloor {
    writes: Option<Sender<Job<Change, bool>>>,
    reads: Vec<Sender<Read>>,
    next: AtomicUsize,
    stop: Option<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
    tokens: FloorTokens,
}

type Job<I, O> = (I, oneshot::Sender<O>);

enum Read {
    Device(Job<String, Option<Loaded>>),
    Id(Job<Uuid, Option<Loaded>>),
    Sessions(Job<Uuid, Option<Vec<Session>>>),
}

enum Change {
    Login { id: Uuid, activity: Activity, account: i64 },
    Refresh { id: Uuid, activity: Activity, epoch: u32 },
    Create(Box<Newcomer>),
}

struct Newcomer {
    id: Uuid,
    username: String,
    device: String,
    sessions: Vec<u8>,
    now: i64,
    commit: [u8; 16],
    events: [String; 2],
}

/// What is written at a login.
struct Activity {
    version: i64,
    login_count: i64,
    last_login_at: Option<i64>,
    previous_login_at: Option<i64>,
    sessions: Vec<u8>,
    commit: [u8; 16],
}

#[expect(dead_code, reason = "all of it is read from the row, as an engine must")]
struct Loaded {
    id: Uuid,
    version: i64,
    epoch: u32,
    username: Option<String>,
    username_key: Option<String>,
    profile: [String; 6],
    password: Option<(String, u32, i64)>,
    ban: Option<String>,
    withdrawal: Option<String>,
    records: Option<String>,
    next_ordinal: u32,
    created_at: i64,
    updated_at: i64,
    activity_version: i64,
    login_count: i64,
    last_login_at: Option<i64>,
    last_login_ordinal: Option<u32>,
    previous_login_at: Option<i64>,
    sessions: Vec<Session>,
    identities: Vec<Identity>,
    store_epoch: u32,
}

#[expect(dead_code, reason = "as above")]
struct Identity {
    ordinal: u32,
    provider: String,
    subject: String,
    tenant: String,
    issuer: String,
    shown: Option<String>,
    linked_at: i64,
    verified_at: Option<i64>,
    data: Option<String>,
}

impl Loaded {
    fn read(row: &Row<'_>, store_epoch: u32) -> rusqlite::Result<Self> {
        let password: Option<String> = row.get(11)?;
        Ok(Self {
            id: Uuid::from_bytes(row.get(0)?),
            version: row.get(1)?,
            epoch: row.get(2)?,
            username: row.get(3)?,
            username_key: row.get(4)?,
            profile: [
                row.get(5)?,
                row.get(6)?,
                row.get(7)?,
                row.get(8)?,
                row.get(9)?,
                row.get(10)?,
            ],
            password: match password {
                Some(hash) => Some((hash, row.get(12)?, row.get(13)?)),
                None => None,
            },
            ban: row.get(14)?,
            withdrawal: row.get(15)?,
            records: row.get(16)?,
            next_ordinal: row.get(17)?,
            created_at: row.get(18)?,
            updated_at: row.get(19)?,
            activity_version: row.get(20)?,
            login_count: row.get(21)?,
            last_login_at: row.get(22)?,
            last_login_ordinal: row.get(23)?,
            previous_login_at: row.get(24)?,
            sessions: decode(row.get_ref(25)?.as_blob()?),
            identities: Vec::new(),
            store_epoch,
        })
    }

    /// The activity as a login or a refresh at this time leaves it.
    fn activity(&self, commit: [u8; 16]) -> Activity {
        Activity {
            version: self.activity_version,
            login_count: self.login_count,
            last_login_at: self.last_login_at,
            previous_login_at: self.previous_login_at,
            sessions: encode(&self.sessions),
            commit,
        }
    }
}

impl Identity {
    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let Some(ordinal) = row.get(26)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            ordinal,
            provider: row.get(27)?,
            subject: row.get(28)?,
            tenant: row.get(29)?,
            issuer: row.get(30)?,
            shown: row.get(31)?,
            linked_at: row.get(32)?,
            verified_at: row.get(33)?,
            data: row.get(34)?,
        }))
    }
}

fn encode(sessions: &[Session]) -> Vec<u8> {
    let mut list = Vec::with_capacity(1 + sessions.len() * SESSION);
    list.push(1);
    for session in sessions {
        list.extend_from_slice(session.id.as_bytes());
        for time in [
            session.authenticated_at,
            session.last_used_at,
            session.idle_expires_at,
            session.expires_at,
        ] {
            list.extend_from_slice(&time.to_be_bytes());
        }
        list.extend_from_slice(&session.generation.to_be_bytes());
    }
    list
}

fn decode(list: &[u8]) -> Vec<Session> {
    let sessions = list.get(1..).unwrap_or_default().chunks_exact(SESSION);
    sessions.filter_map(decode_one).collect()
}

fn decode_one(bytes: &[u8]) -> Option<Session> {
    let time = |at: usize| Some(i64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    Some(Session {
        id: Uuid::from_bytes(*bytes.first_chunk()?),
        authenticated_at: time(16)?,
        last_used_at: time(24)?,
        idle_expires_at: time(32)?,
        expires_at: time(40)?,
        generation: u32::from_be_bytes(*bytes.get(48..)?.first_chunk()?),
    })
}

impl SqliteFloor {
    /// On a file that the SQLite store has made.
    ///
    /// # Errors
    ///
    /// When it does not open.
    pub fn open(path: &Path) -> Outcome<Self> {
        let (writes, written) = mpsc::channel();
        let (stop, stopped) = mpsc::channel();
        let mut floor = Self {
            writes: Some(writes),
            reads: Vec::new(),
            next: AtomicUsize::new(0),
            stop: Some(stop),
            threads: Vec::new(),
            tokens: FloorTokens::default(),
        };
        let connection = connect(path)?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        floor.threads.push(spawn("writer", move || run(&connection, &written, write))?);
        for _ in 0..2 {
            let (sender, asked) = mpsc::channel();
            let connection = connect(path)?;
            floor.reads.push(sender);
            floor.threads.push(spawn("reader", move || run(&connection, &asked, read))?);
        }
        let connection = connect(path)?;
        floor.threads.push(spawn("checkpointer", move || {
            while stopped.recv_timeout(CHECKPOINT_EVERY) == Err(RecvTimeoutError::Timeout) {
                let sql = "PRAGMA wal_checkpoint(PASSIVE)";
                let _ = connection.query_row(sql, [], |_| Ok(()));
            }
        })?);
        Ok(floor)
    }

    async fn ask<I, O>(&self, kind: fn(Job<I, O>) -> Read, what: I) -> Outcome<O> {
        let (sender, answer) = oneshot::channel();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let reader = self.reads.get(turn % self.reads.len()).ok_or("no readers")?;
        reader.send(kind((what, sender))).map_err(|_| "the reader is gone")?;
        Ok(answer.await?)
    }

    async fn commit(&self, change: Change) -> Outcome<()> {
        let (sender, answer) = oneshot::channel();
        let writes = self.writes.as_ref().ok_or("closed")?;
        writes.send((change, sender)).map_err(|_| "the writer is gone")?;
        if answer.await? { Ok(()) } else { Err("lost a race".into()) }
    }

    async fn create(&self, device: String, session: &Session, now: i64) -> Outcome<(Uuid, String)> {
        let number = u64::from_ne_bytes(random()?);
        let username = crate::engine::username(number);
        let millis = u64::try_from(now)?;
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random()?).into_uuid();
        let change = Newcomer {
            id,
            username: username.clone(),
            device,
            sessions: encode(std::slice::from_ref(session)),
            now,
            commit: random()?,
            events: [
                r#"{"type":"account_created"}"#.into(),
                r#"{"type":"identity_linked","ordinal":1,"provider":"device"}"#.into(),
            ],
        };
        self.commit(Change::Create(Box::new(change))).await?;
        Ok((id, username))
    }
}

impl Drop for SqliteFloor {
    fn drop(&mut self) {
        self.writes = None;
        self.reads.clear();
        self.stop = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Target for SqliteFloor {
    async fn login(&self, device: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let session = Session::open(Uuid::from_bytes(random()?), now);
        let Some(mut loaded) = self.ask(Read::Device, device.clone()).await? else {
            let (id, username) = self.create(device, &session, now).await?;
            return self.tokens.mint_for(id, username, &session);
        };
        push(&mut loaded.sessions, session, now);
        let mut activity = loaded.activity(random()?);
        activity.login_count += 1;
        activity.previous_login_at = activity.last_login_at.replace(now);
        self.commit(Change::Login { id: loaded.id, activity, account: loaded.version }).await?;
        self.tokens.mint_for(loaded.id, loaded.username.unwrap_or_default(), &session)
    }

    async fn refresh(&self, token: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(&token)?;
        let mut loaded = self.ask(Read::Id, claims.uid).await?.ok_or("no account")?;
        let kept = loaded.sessions.iter_mut().find(|kept| kept.id == claims.tid);
        let kept = kept.ok_or("no session")?;
        let generation = claims.r#gen.ok_or("no refresh token")?;
        *kept = kept.rotated(generation, now).ok_or("the token is old")?;
        let session = *kept;
        let activity = loaded.activity(random()?);
        self.commit(Change::Refresh { id: loaded.id, activity, epoch: loaded.epoch }).await?;
        self.tokens.mint_for(loaded.id, loaded.username.unwrap_or_default(), &session)
    }

    async fn verify(&self, token: &str) -> Outcome<()> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(token)?;
        let sessions = self.ask(Read::Sessions, claims.uid).await?.ok_or("no account")?;
        let alive = sessions.iter().any(|kept| kept.id == claims.tid && kept.is_alive(now));
        if alive { Ok(()) } else { Err("no session".into()) }
    }

    fn verify_stateless(&self, token: &str) -> Outcome<()> {
        self.tokens.read(token)?;
        Ok(())
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 32 * 1024 * 1024)?;
    Ok(connection)
}

/// Names it as the store's threads are named, by which their CPU is told apart.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Outcome<JoinHandle<()>> {
    Ok(thread::Builder::new().name(format!("sqlite-{name}")).spawn(run)?)
}

/// A thread: takes what waits, until nobody can send any more or SQLite fails. Then the askers learn that it is gone.
fn run<J>(
    connection: &Connection,
    jobs: &Receiver<J>,
    all: fn(&Connection, Vec<J>) -> rusqlite::Result<()>,
) {
    while let Ok(first) = jobs.recv() {
        let batch = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        if let Err(error) = all(connection, batch) {
            eprintln!("the floor failed: {error}");
            return;
        }
    }
}

fn execute(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> Executed {
    connection.prepare_cached(sql)?.execute(params)
}

type Executed = rusqlite::Result<usize>;

fn write(connection: &Connection, batch: Vec<Job<Change, bool>>) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE", [])?;
    let mut answers = Vec::with_capacity(batch.len());
    for (change, answer) in batch {
        answers.push((answer, apply(connection, &change)?));
    }
    execute(connection, "COMMIT", [])?;
    for (answer, done) in answers {
        let _ = answer.send(done);
    }
    Ok(())
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<bool> {
    let (sql, id, activity, expect) = match change {
        Change::Login { id, activity, account } => (LOGIN, id, activity, *account),
        Change::Refresh { id, activity, epoch } => (REFRESH, id, activity, i64::from(*epoch)),
        Change::Create(newcomer) => return create(connection, newcomer),
    };
    let written = execute(
        connection,
        sql,
        params![
            activity.login_count,
            activity.last_login_at,
            1,
            activity.previous_login_at,
            activity.sessions,
            activity.commit,
            id.as_bytes(),
            activity.version,
            expect,
        ],
    )?;
    Ok(written == 1)
}

fn create(connection: &Connection, newcomer: &Newcomer) -> rusqlite::Result<bool> {
    let Newcomer { id, username, device, sessions, now, commit, events } = newcomer;
    let id = id.as_bytes();
    if connection.prepare_cached(TAKEN)?.exists([device])?
        || connection.prepare_cached(NAME_TAKEN)?.exists([username])?
    {
        return Ok(false);
    }
    execute(connection, INSERT_ACCOUNT, params![id, username, now, commit])?;
    execute(connection, INSERT_IDENTITY, params![id, device, now])?;
    execute(connection, INSERT_ACTIVITY, params![id, now, sessions, commit])?;
    for event in events {
        execute(connection, INSERT_EVENT, params![now, id, event])?;
    }
    Ok(true)
}

fn read(connection: &Connection, batch: Vec<Read>) -> rusqlite::Result<()> {
    execute(connection, "BEGIN", [])?;
    let mut epoch = connection.prepare_cached("SELECT epoch FROM store WHERE id = 1")?;
    let epoch = epoch.query_row([], |row| row.get(0))?;
    for job in batch {
        // Nobody may be waiting any more.
        match job {
            Read::Device((device, answer)) => {
                let _ = answer.send(load(connection, BY_DEVICE, [device], epoch)?);
            }
            Read::Id((id, answer)) => {
                let _ = answer.send(load(connection, BY_ID, [id.as_bytes()], epoch)?);
            }
            Read::Sessions((id, answer)) => {
                let mut statement = connection.prepare_cached(SESSIONS)?;
                let sessions = statement
                    .query_row([id.as_bytes()], |row| Ok(decode(row.get_ref(3)?.as_blob()?)));
                let _ = answer.send(sessions.optional()?);
            }
        }
    }
    execute(connection, "COMMIT", [])?;
    Ok(())
}

fn load(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
    epoch: u32,
) -> rusqlite::Result<Option<Loaded>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut loaded: Option<Loaded> = None;
    while let Some(row) = rows.next()? {
        let loaded = match &mut loaded {
            Some(loaded) => loaded,
            None => loaded.insert(Loaded::read(row, epoch)?),
        };
        loaded.identities.extend(Identity::read(row)?);
    }
    Ok(loaded)
}
