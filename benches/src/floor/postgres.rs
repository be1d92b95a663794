mod reads;
mod record;
mod sessions;
mod writes;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, oneshot};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use self::reads::{BY_DEVICE, BY_ID, Read, SESSIONS, read};
use self::sessions::Kept;
use self::writes::{Change, Link, Login, Newcomer, Refresh, STATEMENTS, write};
use super::{FloorTokens, Session, push};
use crate::engine::{now, random};
use crate::{Outcome, Pair, Target};

/// How much shares a statement at most.
const BATCH: usize = 128;

/// The store's.
const TURN: Duration = Duration::from_millis(5);

/// How many connections read, and how many write.
const READERS: usize = 2;
const WRITERS: usize = 2;

/// The store's.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; \
     SET enable_mergejoin = off; SET enable_hashjoin = off";

/// The PostgreSQL store's statements on its tables, as narrow as what is measured allows: what waits to be read is read
/// by one statement, what waits to be written is written by one statement or one transaction.
#[derive(Debug)]
pub struct PostgresFloor {
    reads: UnboundedSender<Read>,
    writes: UnboundedSender<Change>,
    tokens: FloorTokens,
}

type Ask<I, O> = (I, oneshot::Sender<O>);

/// A connection with its statements.
struct Connection {
    client: Client,
    statements: Vec<(&'static str, Statement)>,
}

impl Connection {
    async fn open(url: &str, statements: &[&'static str]) -> Outcome<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(SETTINGS).await?;
        let mut prepared = Vec::new();
        for sql in statements {
            prepared.push((*sql, client.prepare(sql).await?));
        }
        Ok(Self { client, statements: prepared })
    }

    fn statement(&self, sql: &str) -> Outcome<&Statement> {
        let found = self.statements.iter().find(|(known, _)| *known == sql);
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

/// Connections that nobody works on, one for each worker.
type Idle = Arc<std::sync::Mutex<Vec<Connection>>>;

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
        let (reading, writing) = (Idle::default(), Idle::default());
        for _ in 0..READERS {
            let connection = Connection::open(url, &[BY_ID, BY_DEVICE, SESSIONS]).await?;
            reading.lock().map_err(|_| "a reader failed")?.push(connection);
            tokio::spawn(serve(Idle::clone(&reading), Waiting::clone(&asked), read));
        }
        for _ in 0..WRITERS {
            let connection = Connection::open(url, &STATEMENTS).await?;
            writing.lock().map_err(|_| "a writer failed")?.push(connection);
            tokio::spawn(serve(Idle::clone(&writing), Waiting::clone(&changes), write));
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

/// A worker: takes what waits, until nobody can send any more or the server fails.
async fn serve<T>(
    idle: Idle,
    waiting: Waiting<T>,
    work: impl AsyncFn(&Connection, Vec<T>) -> Outcome<()>,
) {
    loop {
        let (mut turn, mut batch) = (waiting.lock().await, Vec::new());
        let Some(first) = turn.recv().await else { return };
        batch.push(first);
        // Whoever is about to ask as well does so first.
        tokio::task::yield_now().await;
        while batch.len() < BATCH
            && let Ok(next) = turn.try_recv()
        {
            batch.push(next);
        }
        // The one that worked last.
        let Some(connection) = idle.lock().ok().and_then(|mut idle| idle.pop()) else { return };
        told(in_turn(turn, work(&connection, batch)).await);
        if let Ok(mut idle) = idle.lock() {
            idle.push(connection);
        }
    }
}

/// Works while the next worker waits, as the store's do, unless it takes long: what comes meanwhile is taken together.
async fn in_turn<R>(turn: impl Sized, work: impl Future<Output = R>) -> R {
    let mut work = pin!(work);
    if let Ok(done) = tokio::time::timeout(TURN, &mut work).await {
        return done;
    }
    drop(turn);
    work.await
}

/// The askers learn that nobody answers.
fn told(done: Outcome<()>) {
    if let Err(error) = done {
        eprintln!("the floor failed: {error}");
    }
}

impl Target for PostgresFloor {
    async fn login(&self, device: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let session = Session::open(Uuid::from_bytes(random()?), now);
        let Some(loaded) = self.ask(Read::Device, device.clone()).await? else {
            return self.create(device, session).await;
        };
        let mut sessions = loaded.sessions.clone();
        push(&mut sessions, Kept::open(session, loaded.epoch, loaded.store_epoch)?, now);
        let (id, username) = (loaded.id, loaded.username.clone().unwrap_or_default());
        let commit = random::<16>()?.to_vec();
        self.commit(Change::Login, Login { loaded, now, sessions, commit }).await?;
        self.tokens.mint_for(id, username, &session)
    }

    async fn refresh(&self, token: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(&token)?;
        let loaded = self.ask(Read::Id, claims.uid).await?.ok_or("no account")?;
        let mut sessions = loaded.sessions.clone();
        let kept = sessions.iter_mut().find(|kept| kept.session.id == claims.tid);
        let kept = kept.ok_or("no session")?;
        let generation = claims.r#gen.ok_or("no refresh token")?;
        let session = kept.session.rotated(generation, now).ok_or("the token is old")?;
        kept.session = session;
        let username = loaded.username.clone().unwrap_or_default();
        let commit = random::<16>()?.to_vec();
        self.commit(Change::Refresh, Refresh { loaded, sessions, commit }).await?;
        self.tokens.mint_for(claims.uid, username, &session)
    }

    async fn verify(&self, token: &str) -> Outcome<()> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(token)?;
        let sessions = self.ask(Read::Session, claims.uid).await?.ok_or("no account")?;
        let alive = |kept: &Kept| kept.session.id == claims.tid && kept.session.is_alive(now);
        if sessions.iter().any(alive) { Ok(()) } else { Err("no session".into()) }
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
        let alive = |kept: &Kept| kept.session.id == claims.tid && kept.session.is_alive(now);
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
        let kept = Kept::open(session, 0, 0)?;
        let newcomer = Newcomer { id, username: username.clone(), device, session: kept, commit };
        self.commit(Change::Create, newcomer).await?;
        self.tokens.mint_for(id, username, &session)
    }
}
