//! The engine on every store: what an operation takes, in time, CPU and memory.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use authcore::account::ProviderId;
use authcore::store::Store;
use authcore::{Credential, Engine, Link, RequestContext, Unlink};
use authcore_benches::engine::{device, make_file, mix, open, preload, sqlite};
use authcore_benches::floor::SqliteFloor;
use authcore_benches::measure::instant;
use authcore_benches::server::{Server, postgres};
use authcore_benches::usage::{Usage, forget_peak, peak_resident, threads};
use authcore_benches::{Outcome, Pair, Target};
use authcore_store_memory::MemoryStore;
use clap::{Parser, ValueEnum};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Measures the engine on the stores, without HTTP, and prints a table.
#[derive(Parser)]
struct Options {
    /// On which stores.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all")]
    store: Vec<Stores>,
    /// How many accounts there are at first.
    #[arg(long, value_delimiter = ',', default_value = "100000")]
    accounts: Vec<u64>,
    /// How many tasks act at once, each again as soon as it was answered.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    tasks: Vec<u64>,
    /// On how many threads of the runtime.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// For how many seconds each line is measured.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Measures here and now, without the heading.
    #[arg(long, hide = true)]
    inside: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stores {
    All,
    Memory,
    Sqlite,
    /// Logins on SQLite as they are written by hand.
    SqliteFloor,
    Postgres,
}

impl Stores {
    const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::SqliteFloor => "sqlite-floor",
            Self::Postgres => "postgres",
        }
    }
}

fn main() -> Outcome<()> {
    let options = Options::parse();
    if options.inside {
        return inside(&options);
    }
    println!(
        "| store | accounts | tasks | operation | a second | p50 us | p99 us | engine us | store us | database us | \
         peak MB | database MB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    let all = [Stores::Memory, Stores::Sqlite, Stores::Postgres];
    let stores = if options.store.contains(&Stores::All) { &all } else { options.store.as_slice() };
    let tasks: Vec<_> = options.tasks.iter().map(u64::to_string).collect();
    for store in stores {
        for accounts in &options.accounts {
            // A process of its own, so that its memory is its own.
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["--inside", "--store", store.name(), "--tasks", &tasks.join(",")]);
            command.args(["--accounts", &accounts.to_string()]);
            command.args(["--threads", &options.threads.to_string()]);
            command.args(["--seconds", &options.seconds.to_string()]);
            if !command.status()?.success() {
                return Err(format!("{} failed", store.name()).into());
            }
        }
    }
    Ok(())
}

fn inside(options: &Options) -> Outcome<()> {
    let (&[store], &[accounts]) = (options.store.as_slice(), options.accounts.as_slice()) else {
        return Err("one store and one number of accounts".into());
    };
    let workers = usize::from(options.threads);
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let mut place = Place::filled(&runtime, store, accounts)?;
    let engine = runtime.block_on(open(Arc::clone(&place.store)))?;
    let (floor, devices) = (place.floor.take(), AtomicU64::new(accounts));
    let operations = if floor.is_some() { &[Operation::Login][..] } else { &Operation::ALL };
    let world = Arc::new(World { engine, floor, accounts, devices });
    let time = Duration::from_secs_f64(options.seconds);
    for tasks in options.tasks.iter().map(|tasks| (*tasks).clamp(1, accounts.max(1))) {
        for operation in operations {
            let line = measure(&runtime, &world, &place, (*operation, tasks), time)?;
            println!("| {} | {accounts} | {tasks} | {line}", store.name());
        }
    }
    Ok(())
}

/// A store with its accounts, and what belongs to it.
struct Place {
    store: Arc<dyn Store>,
    floor: Option<SqliteFloor>,
    server: Option<Server>,
    _folder: Option<TempDir>,
}

impl Place {
    fn filled(runtime: &Runtime, store: Stores, accounts: u64) -> Outcome<Self> {
        let place = match store {
            Stores::All => return Err("one store".into()),
            Stores::Memory => {
                let store = Arc::new(MemoryStore::new());
                Self { store, floor: None, server: None, _folder: None }
            }
            Stores::Sqlite | Stores::SqliteFloor => {
                // `TMPDIR` chooses the disk.
                let folder = tempfile::tempdir()?;
                let path = folder.path().join("bench.db");
                make_file(runtime, &path, accounts)?;
                let by_hand = store == Stores::SqliteFloor;
                let floor = by_hand.then(|| SqliteFloor::open(&path)).transpose()?;
                let store = Arc::new(sqlite(&path)?);
                return Ok(Self { store, floor, server: None, _folder: Some(folder) });
            }
            Stores::Postgres => {
                let server = Server::start()?;
                let store = Arc::new(runtime.block_on(postgres(&server.url("postgres")))?);
                Self { store, floor: None, server: Some(server), _folder: None }
            }
        };
        runtime.block_on(preload(&place.store, accounts, 64, 1))?;
        Ok(place)
    }

    /// What all have taken so far.
    fn usage(&self) -> Outcome<Parts> {
        let of_store = |name: &str| name.starts_with("sqlite-");
        let engine = threads("self", |name| !of_store(name))?;
        let store = threads("self", of_store)?;
        let database = self.server.as_ref().map(Server::usage).transpose()?;
        Ok(Parts { engine, store, database: database.unwrap_or_default() })
    }
}

/// Who takes CPU time.
struct Parts {
    /// The runtime's threads: the engine, and what a store does on its caller's thread.
    engine: Usage,
    /// The store's own threads.
    store: Usage,
    /// The database's processes.
    database: Usage,
}

impl Parts {
    fn since(self, before: &Self) -> Self {
        Self {
            engine: self.engine - before.engine,
            store: self.store - before.store,
            database: self.database - before.database,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Login,
    FirstLogin,
    Refresh,
    Account,
    LinkUnlink,
}

impl Operation {
    const ALL: [Self; 5] =
        [Self::Login, Self::FirstLogin, Self::Refresh, Self::Account, Self::LinkUnlink];

    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::FirstLogin => "first login",
            Self::Refresh => "refresh",
            Self::Account => "account read",
            Self::LinkUnlink => "link or unlink",
        }
    }

    /// Whether it takes a player's tokens.
    const fn takes_tokens(self) -> bool {
        matches!(self, Self::Refresh | Self::Account | Self::LinkUnlink)
    }
}

fn measure(
    runtime: &Runtime,
    world: &Arc<World>,
    place: &Place,
    (operation, tasks): (Operation, u64),
    time: Duration,
) -> Outcome<String> {
    let hands = each(0..tasks, |task| Hand::ready(Arc::clone(world), operation, task, tasks));
    let hands = runtime.block_on(hands)?;
    let run = |hands, time| {
        let until = instant() + time;
        runtime.block_on(each(hands, |hand: Hand| hand.run(operation, until)))
    };
    // Not to be measured: caches, plans, prepared statements.
    let hands = run(hands, time / 10)?;
    forget_peak()?;
    let (before, started) = (place.usage()?, instant());
    let hands = run(hands, time)?;
    let (after, took) = (place.usage()?, started.elapsed().as_secs_f64());
    let peak = peak_resident()?;
    let database_memory = place.server.as_ref().map(Server::memory).transpose()?;
    let mut times = Times::default();
    for hand in &hands {
        times.add(&hand.times);
    }
    runtime.block_on(each(hands, |hand| hand.finish(operation)))?;
    let Parts { engine, store, database } = after.since(&before);
    let each = |usage: Usage| {
        let micros = |seconds: f64| seconds * 1e6 / times.count();
        format!("{:.1} + {:.1}", micros(usage.user), micros(usage.system))
    };
    Ok(format!(
        "{} | {:.0} | {:.1} | {:.1} | {} | {} | {} | {:.0} | {:.0} |",
        operation.name(),
        times.count() / took,
        times.at(0.5),
        times.at(0.99),
        each(engine),
        each(store),
        each(database),
        mega(peak),
        mega(database_memory.unwrap_or_default()),
    ))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Runs one task for each of these, and waits for all.
async fn each<A, T, F>(of: impl IntoIterator<Item = A>, run: impl Fn(A) -> F) -> Outcome<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    let running: Vec<_> = of.into_iter().map(|one| tokio::spawn(run(one))).collect();
    let mut done = Vec::new();
    for task in running {
        done.push(task.await??);
    }
    Ok(done)
}

struct World {
    engine: Engine,
    /// What logs in instead of the engine.
    floor: Option<SqliteFloor>,
    accounts: u64,
    /// How many devices there are; those from here on are new.
    devices: AtomicU64,
}

/// How many players hold tokens at a time.
const HOLDERS: u64 = 2048;

/// One task of several, and the players that only it acts for.
struct Hand {
    world: Arc<World>,
    task: u64,
    tasks: u64,
    turn: u64,
    players: Vec<Pair>,
    times: Times,
}

impl Hand {
    async fn ready(
        world: Arc<World>,
        operation: Operation,
        task: u64,
        tasks: u64,
    ) -> Outcome<Self> {
        let (mut players, holders) = (Vec::new(), HOLDERS.min(world.accounts));
        if operation.takes_tokens() {
            for holder in (task..holders).step_by(usize::try_from(tasks)?) {
                // Spread over all accounts.
                let number = holder * (world.accounts / holders);
                players.push(Target::login(&world.engine, device(number)).await?);
            }
        }
        let any = mix(world.devices.load(Ordering::Relaxed) ^ task);
        let turn = if operation.takes_tokens() { 0 } else { any };
        Ok(Self { world, task, tasks, turn, players, times: Times::default() })
    }

    async fn run(mut self, operation: Operation, until: Instant) -> Outcome<Self> {
        self.times = Times::default();
        let mut started = instant();
        while started < until {
            self.once(operation).await?;
            let ended = instant();
            self.times.note(ended - started);
            started = ended;
        }
        Ok(self)
    }

    /// Leaves nobody linked.
    async fn finish(mut self, operation: Operation) -> Outcome<()> {
        while operation == Operation::LinkUnlink && !self.turn.is_multiple_of(2 * self.length()) {
            self.once(operation).await?;
        }
        Ok(())
    }

    fn length(&self) -> u64 {
        u64::try_from(self.players.len()).unwrap_or(1).max(1)
    }

    async fn once(&mut self, operation: Operation) -> Outcome<()> {
        let World { engine, floor, accounts, devices } = &*self.world;
        let context = RequestContext::new();
        let turn = self.turn;
        self.turn = turn.wrapping_add(1);
        if operation == Operation::Login {
            let own = (accounts / self.tasks).max(1);
            let number = mix(turn) % own * self.tasks + self.task;
            let device = device(number % accounts);
            match floor {
                Some(floor) => Target::login(floor, device).await?,
                None => Target::login(engine, device).await?,
            };
            return Ok(());
        }
        if operation == Operation::FirstLogin {
            Target::login(engine, device(devices.fetch_add(1, Ordering::Relaxed))).await?;
            return Ok(());
        }
        let (place, round) = (turn % self.length(), turn / self.length());
        let player = self.players.get_mut(usize::try_from(place)?).ok_or("no tokens")?;
        match operation {
            Operation::Refresh => {
                *player = Target::refresh(engine, player.refresh.clone()).await?;
            }
            Operation::Account => drop(engine.account_by_token(&context, &player.access).await?),
            _ => {
                // As a request does it: the token first.
                let who = engine.verify(&player.access).await?;
                if round % 2 == 0 {
                    let id = format!("custom-{}-{place}", self.task);
                    let link = Link::new(Credential::Custom(id.into()));
                    engine.link(&context, &who, link).await?;
                } else {
                    engine.unlink(&context, &who, Unlink::any(ProviderId::CUSTOM)).await?;
                }
            }
        }
        Ok(())
    }
}

/// How often an operation took how long, to three parts in a hundred.
struct Times(Vec<u64>);

/// Classes of times in each doubling.
const CLASSES: u32 = 32;

impl Default for Times {
    fn default() -> Self {
        Self(vec![0; 64 * 32])
    }
}

impl Times {
    fn note(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(u64::from(CLASSES));
        let doubling = nanos.ilog2();
        let class = (nanos >> (doubling - CLASSES.ilog2())) % u64::from(CLASSES);
        let place = u64::from(doubling * CLASSES) + class;
        if let Some(count) = usize::try_from(place).ok().and_then(|place| self.0.get_mut(place)) {
            *count += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn count(&self) -> f64 {
        self.0.iter().sum::<u64>() as f64
    }

    /// In microseconds, what this share took at most.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn at(&self, share: f64) -> f64 {
        let (mut seen, wanted) = (0.0, self.count() * share);
        let place = self.0.iter().position(|count| {
            seen += *count as f64;
            seen >= wanted
        });
        let place = place.and_then(|place| u32::try_from(place).ok()).unwrap_or_default();
        let (doubling, class) = (place / CLASSES, place % CLASSES);
        f64::from(doubling).exp2() * (1.0 + f64::from(class + 1) / f64::from(CLASSES)) / 1000.0
    }
}
