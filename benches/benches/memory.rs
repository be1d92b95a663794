//! The engine on the memory store beside two maps behind a lock.

use std::sync::Arc;

use authcore::Engine;
use authcore::store::Store;
use authcore_benches::engine::{AT_ONCE, open, preload};
use authcore_benches::floor::{Claims, MemoryFloor, WithoutTokens};
use authcore_benches::measure::{
    Cost, Line, alone, bench, compare_worlds, criterion, instant, print, runtime, sizes,
    table_only, tables_wanted,
};
use authcore_benches::tokens::EngineTokens;
use authcore_benches::world::World;
use authcore_benches::{Op, Outcome};
use authcore_store_memory::MemoryStore;
use criterion::Criterion;
use tokio::runtime::Runtime;
use uuid::Uuid;

const OPS: [Op; 5] = [Op::Login, Op::Create, Op::Refresh, Op::Verify, Op::VerifyStateless];

const TASKS: [u64; 2] = [1, 64];

type Engines = Arc<World<Engine>>;

fn main() -> Outcome<()> {
    let runtime = runtime()?;
    let mut tables = Vec::new();
    let mut criterion = (!table_only()).then(criterion);
    for accounts in sizes() {
        let engine = filled(&runtime, accounts)?;
        let floor = World::new(MemoryFloor::filled(accounts)?, accounts);
        if let Some(criterion) = &mut criterion {
            groups(criterion, &runtime, &engine, &floor, accounts);
        }
        if tables_wanted() {
            let bare = World::new(WithoutTokens(MemoryFloor::filled(accounts)?), accounts);
            tables.push((accounts, lines(&runtime, &engine, &floor, &bare)?));
        }
    }
    if let Some(criterion) = criterion {
        criterion.final_summary();
    }
    for (accounts, lines) in tables {
        print(&format!("Memory store, {accounts} accounts"), &lines);
    }
    Ok(())
}

fn filled(runtime: &Runtime, accounts: u64) -> Outcome<Engines> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = runtime.block_on(async {
        preload(&store, accounts, 1, AT_ONCE).await?;
        open(Arc::clone(&store)).await
    })?;
    Ok(World::new(engine, accounts))
}

fn groups(
    criterion: &mut Criterion,
    runtime: &Runtime,
    engine: &Engines,
    floor: &Arc<World<MemoryFloor>>,
    accounts: u64,
) {
    for op in OPS {
        for tasks in TASKS {
            let name = format!("memory/{}/{tasks} tasks/{accounts}", op.name());
            bench(criterion, runtime, &format!("{name}/engine"), engine, (op, tasks));
            bench(criterion, runtime, &format!("{name}/floor"), floor, (op, tasks));
        }
    }
}

fn lines(
    runtime: &Runtime,
    engine: &Engines,
    floor: &Arc<World<MemoryFloor>>,
    bare: &Arc<World<WithoutTokens>>,
) -> Outcome<Vec<Line>> {
    let mut lines = Vec::new();
    for tasks in TASKS {
        for op in OPS {
            let line = compare_worlds(runtime, (engine, floor), (op, tasks))?;
            lines.push(line.named(format!("{}, {tasks} tasks", op.name()), None));
        }
        for (op, aim) in [(Op::Login, Some(4.0)), (Op::Create, None)] {
            let line = without_tokens(runtime, engine, bare, (op, tasks))?;
            lines.push(line.named(format!("{}, no tokens, {tasks} tasks", op.name()), aim));
        }
    }
    Ok(lines)
}

/// A login less its two tokens, which are measured right before.
fn without_tokens(
    runtime: &Runtime,
    engine: &Engines,
    bare: &Arc<World<WithoutTokens>>,
    (op, tasks): (Op, u64),
) -> Outcome<Line> {
    let tokens = engine_tokens()?;
    let mut line = compare_worlds(runtime, (engine, bare), (op, tasks))?;
    line.engine = line.engine.without(tokens);
    line.ratio =
        Cost { wall: line.engine.wall / line.floor.wall, cpu: line.engine.cpu / line.floor.cpu };
    Ok(line)
}

/// Two tokens as the engine makes them.
fn engine_tokens() -> Outcome<Cost> {
    let tokens = EngineTokens::new()?;
    let id = Uuid::from_u128(1);
    let claims = Claims { tid: id, uid: id, usn: "abcdefghij".into(), r#gen: None, exp: 0, iat: 0 };
    alone(|count| {
        let started = instant();
        for _ in 0..count {
            std::hint::black_box(tokens.pair(&claims)?);
        }
        Ok(started.elapsed())
    })
}
