//! The engine on the SQLite store beside the same statements written by hand, each on a file of its own with
//! `synchronous=FULL`.

use std::path::Path;
use std::sync::Arc;

use authcore::Engine;
use authcore_benches::floor::SqliteFloor;
use authcore_benches::measure::{
    Line, bench, compare_worlds, criterion, print, runtime, sizes, table_only, tables_wanted,
};
use authcore_benches::world::World;
use authcore_benches::{Op, Outcome, engine};
use tokio::runtime::Runtime;

const OPS: [Op; 4] = [Op::Login, Op::Create, Op::Refresh, Op::Verify];

const TASKS: [u64; 2] = [1, 64];

type Worlds = (Arc<World<Engine>>, Arc<World<SqliteFloor>>);

fn main() -> Outcome<()> {
    let runtime = runtime()?;
    let mut tables = Vec::new();
    let mut criterion = (!table_only()).then(criterion);
    for accounts in sizes() {
        // `TMPDIR` chooses the disk.
        let folder = tempfile::tempdir()?;
        let worlds = filled(&runtime, folder.path(), accounts)?;
        if let Some(criterion) = &mut criterion {
            for op in OPS {
                for tasks in TASKS {
                    let name = format!("sqlite/{}/{tasks} tasks/{accounts}", op.name());
                    bench(criterion, &runtime, &format!("{name}/engine"), &worlds.0, (op, tasks));
                    bench(criterion, &runtime, &format!("{name}/floor"), &worlds.1, (op, tasks));
                }
            }
        }
        if tables_wanted() {
            tables.push((accounts, lines(&runtime, &worlds)?));
        }
    }
    if let Some(criterion) = criterion {
        criterion.final_summary();
    }
    for (accounts, lines) in tables {
        print(&format!("SQLite store, {accounts} accounts, synchronous=FULL"), &lines);
    }
    Ok(())
}

fn filled(runtime: &Runtime, folder: &Path, accounts: u64) -> Outcome<Worlds> {
    let (ours, theirs) = (folder.join("engine.db"), folder.join("floor.db"));
    engine::make_file(runtime, &ours, accounts)?;
    std::fs::copy(&ours, &theirs)?;
    let engine = runtime.block_on(engine::open(Arc::new(engine::sqlite(&ours)?)))?;
    Ok((World::new(engine, accounts), World::new(SqliteFloor::open(&theirs)?, accounts)))
}

fn lines(runtime: &Runtime, (engine, floor): &Worlds) -> Outcome<Vec<Line>> {
    let mut lines = Vec::new();
    for tasks in TASKS {
        for op in OPS {
            let line = compare_worlds(runtime, (engine, floor), (op, tasks))?;
            let aim = match op {
                _ if tasks < 64 => None,
                Op::Login | Op::Create => Some(1.5),
                _ => Some(1.4),
            };
            lines.push(line.named(format!("{}, {tasks} tasks", op.name()), aim));
        }
    }
    Ok(lines)
}
