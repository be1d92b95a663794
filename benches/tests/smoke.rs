//! Every workload once, on few accounts.

use std::sync::Arc;

use authcore::store::Store;
use authcore_benches::floor::{FloorTokens, MemoryFloor, PostgresFloor, RsaFloor, SqliteFloor};
use authcore_benches::identity::GoogleTokens;
use authcore_benches::measure::runtime;
use authcore_benches::server::{Server, postgres};
use authcore_benches::usage::threads;
use authcore_benches::world::World;
use authcore_benches::{Op, Outcome, Target, engine};
use authcore_store_memory::MemoryStore;
use tokio::runtime::Runtime;

const ACCOUNTS: u64 = 10;

const OPS: [Op; 5] = [Op::Login, Op::Create, Op::Refresh, Op::Verify, Op::VerifyStateless];

fn each_once<T: Target>(runtime: &Runtime, target: T) -> Outcome<()> {
    let world = World::new(target, ACCOUNTS);
    for op in OPS {
        for tasks in [1, 4] {
            runtime.block_on(world.prepare(op, tasks))?;
            let took = runtime.block_on(world.run(op, tasks, 40))?;
            assert!(!took.is_zero(), "{op:?}");
        }
    }
    Ok(())
}

fn link_each<T: Target>(runtime: &Runtime, target: T) -> Outcome<()> {
    let world = World::new(target, ACCOUNTS);
    runtime.block_on(world.prepare(Op::Link, 4))?;
    runtime.block_on(world.run(Op::Link, 4, 40)).map(drop)
}

#[test]
fn memory() {
    let runtime = runtime().unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    runtime.block_on(engine::preload(&store, ACCOUNTS, 2, engine::AT_ONCE)).unwrap();
    each_once(&runtime, runtime.block_on(engine::open(store)).unwrap()).unwrap();
    each_once(&runtime, MemoryFloor::filled(ACCOUNTS).unwrap()).unwrap();
}

#[test]
fn sqlite() {
    let (runtime, folder) = (runtime().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (folder.path().join("engine.db"), folder.path().join("floor.db"));
    engine::make_file(&runtime, &ours, ACCOUNTS).unwrap();
    std::fs::copy(&ours, &theirs).unwrap();
    let store = Arc::new(engine::sqlite(&ours).unwrap());
    each_once(&runtime, runtime.block_on(engine::open(store)).unwrap()).unwrap();
    each_once(&runtime, SqliteFloor::open(&theirs).unwrap()).unwrap();
}

#[test]
fn identity() {
    let runtime = runtime().unwrap();
    let google = runtime.block_on(GoogleTokens::warm()).unwrap();
    let floor = RsaFloor::of(&google).unwrap();
    for _ in 0..2 {
        runtime.block_on(google.verify()).unwrap();
        floor.verify().unwrap();
        runtime.block_on(google.look_up(8, 64)).unwrap();
        runtime.block_on(floor.look_up(8, 64)).unwrap();
    }
    assert_eq!(google.fetches(), 2, "each way to the keys has fetched them once");
}

/// Both sides do what the other does: what was preloaded logs in, and is not made anew.
#[test]
fn preloaded_accounts_are_found() {
    let (runtime, folder) = (runtime().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.db");
    engine::make_file(&runtime, &path, ACCOUNTS).unwrap();
    let count = || {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.query_row("SELECT count(*) FROM accounts", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let floor = World::new(SqliteFloor::open(&path).unwrap(), ACCOUNTS);
    runtime.block_on(floor.run(Op::Login, 2, 20)).unwrap();
    assert_eq!(count(), 10);
    runtime.block_on(floor.run(Op::Create, 2, 20)).unwrap();
    assert_eq!(count(), 30);
}

#[test]
fn cpu_time_is_told() {
    let taken = || threads("self", |_| true).unwrap().total();
    let before = taken();
    let floor = MemoryFloor::filled(10_000).unwrap();
    assert!(taken() > before);
    drop(floor);
}

#[test]
fn a_floor_token_of_another_key_does_not_count() {
    let (floor, engine) = (FloorTokens::default(), MemoryFloor::default());
    assert!(floor.read("a.b.c").is_err());
    assert!(engine.verify_stateless("a.b.c").is_err());
}

#[test]
fn postgresql() {
    let runtime = runtime().unwrap();
    let server = Server::start().unwrap();
    let (ours, theirs) = server.fill(&runtime, ACCOUNTS).unwrap();
    let engine = async || engine::open(Arc::new(postgres(&ours).await?)).await;
    each_once(&runtime, runtime.block_on(engine()).unwrap()).unwrap();
    link_each(&runtime, runtime.block_on(engine()).unwrap()).unwrap();
    let floor = async || PostgresFloor::open(&theirs).await;
    each_once(&runtime, runtime.block_on(floor()).unwrap()).unwrap();
    link_each(&runtime, runtime.block_on(floor()).unwrap()).unwrap();
    // Both sides have done the same.
    let count = async |database: &str| {
        let client = server.client(database).await.unwrap();
        let sql = "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM identities), \
                   (SELECT count(*) FROM events), (SELECT sum(login_count)::bigint FROM account_activity)";
        let row = client.query_one(sql, &[]).await.unwrap();
        [0, 1, 2, 3].map(|column| row.get::<_, i64>(column))
    };
    let [ours, theirs] = ["engine_10", "floor_10"].map(|name| runtime.block_on(count(name)));
    assert_eq!(ours, theirs);
    assert_eq!(ours[0], 10 + 80);
    // What counts statements can be switched on while the server runs.
    let source = runtime.block_on(async {
        let sql = "SELECT source FROM pg_settings WHERE name = 'pg_stat_statements.track'";
        let client = server.client("postgres").await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get::<_, String>(0)
    });
    assert_eq!(source, "configuration file");
    assert!(server.usage().unwrap().total() > 0.0);
}
