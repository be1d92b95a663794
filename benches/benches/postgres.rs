//! The engine on the PostgreSQL store beside the same statements written by hand, each on a database of its own of one
//! server with `fsync` on. CPU is that of the process and of the server together.

use std::sync::Arc;

use authcore::Engine;
use authcore_benches::floor::PostgresFloor;
use authcore_benches::measure::{
    Line, bench, compare_worlds, count_server, criterion, print, runtime, server_usage, sizes,
    table_only, tables_wanted,
};
use authcore_benches::server::{Server, postgres};
use authcore_benches::world::World;
use authcore_benches::{Op, Outcome, Target, engine};
use tokio::runtime::Runtime;
use tokio_postgres::Client;

const OPS: [Op; 5] = [Op::Login, Op::Create, Op::Refresh, Op::Link, Op::Verify];

const TASKS: [u64; 2] = [16, 64];

/// How often an operation is done to see what the server writes for it.
const COUNTED: u64 = 4096;

type Worlds = (Arc<World<Engine>>, Arc<World<PostgresFloor>>);

fn main() -> Outcome<()> {
    let runtime = runtime()?;
    let server = Server::start()?;
    count_server(server.process()?);
    let mut tables = Vec::new();
    let mut criterion = (!table_only()).then(criterion);
    for accounts in sizes() {
        let (ours, theirs) = server.fill(&runtime, accounts)?;
        let worlds = runtime.block_on(open(&ours, &theirs, accounts))?;
        if let Some(criterion) = &mut criterion {
            for op in OPS {
                for tasks in TASKS {
                    let name = format!("postgres/{}/{tasks} tasks/{accounts}", op.name());
                    bench(criterion, &runtime, &format!("{name}/engine"), &worlds.0, (op, tasks));
                    bench(criterion, &runtime, &format!("{name}/floor"), &worlds.1, (op, tasks));
                }
            }
        }
        if tables_wanted() {
            let lines = lines(&runtime, &worlds)?;
            let client = runtime.block_on(server.client("postgres"))?;
            tables.push((accounts, lines, counts(&runtime, &client, &worlds)?));
        }
    }
    if let Some(criterion) = criterion {
        criterion.final_summary();
    }
    for (accounts, lines, counts) in tables {
        print(&format!("PostgreSQL store, {accounts} accounts, fsync on"), &lines);
        print_counts(&counts);
    }
    Ok(())
}

async fn open(ours: &str, theirs: &str, accounts: u64) -> Outcome<Worlds> {
    let engine = engine::open(Arc::new(postgres(ours).await?)).await?;
    let floor = PostgresFloor::open(theirs).await?;
    Ok((World::new(engine, accounts), World::new(floor, accounts)))
}

fn lines(runtime: &Runtime, (engine, floor): &Worlds) -> Outcome<Vec<Line>> {
    let mut lines = Vec::new();
    for tasks in TASKS {
        for op in OPS {
            let line = compare_worlds(runtime, (engine, floor), (op, tasks))?;
            let aim = match op {
                Op::Login => Some(1.4),
                Op::Create | Op::Refresh | Op::Link if tasks == 64 => Some(1.5),
                _ => None,
            };
            lines.push(line.named(format!("{}, {tasks} tasks", op.name()), aim));
        }
    }
    Ok(lines)
}

/// What the server does for one operation.
struct Count {
    name: String,
    statements: f64,
    wal: f64,
    cpu: f64,
}

fn counts(runtime: &Runtime, client: &Client, (engine, floor): &Worlds) -> Outcome<Vec<Count>> {
    runtime.block_on(async {
        client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await?;
        client.batch_execute("ALTER SYSTEM SET pg_stat_statements.track = 'top'").await?;
        client.batch_execute("SELECT pg_reload_conf()").await?;
        let mut counts = Vec::new();
        for tasks in TASKS {
            for op in OPS {
                let name = format!("{}, {tasks} tasks", op.name());
                let ours = count(client, engine, (op, tasks)).await?;
                counts.push(Count { name: format!("{name}, engine"), ..ours });
                let theirs = count(client, floor, (op, tasks)).await?;
                counts.push(Count { name: format!("{name}, floor"), ..theirs });
            }
        }
        client.batch_execute("ALTER SYSTEM RESET pg_stat_statements.track").await?;
        client.batch_execute("SELECT pg_reload_conf()").await?;
        Ok(counts)
    })
}

async fn count<T: Target>(
    client: &Client,
    world: &Arc<World<T>>,
    (op, tasks): (Op, u64),
) -> Outcome<Count> {
    world.prepare(op, tasks).await?;
    client.batch_execute("CHECKPOINT").await?;
    client.batch_execute("SELECT pg_stat_statements_reset()").await?;
    let wal = "SELECT (pg_current_wal_insert_lsn() - '0/0')::float8";
    let before: f64 = client.query_one(wal, &[]).await?.try_get(0)?;
    let before_cpu = server_usage()?;
    world.run(op, tasks, COUNTED).await?;
    let cpu = server_usage()? - before_cpu;
    let after: f64 = client.query_one(wal, &[]).await?.try_get(0)?;
    let sql = "SELECT coalesce(sum(calls), 0)::float8 FROM pg_stat_statements s \
               JOIN pg_database d ON d.oid = s.dbid WHERE d.datname <> 'postgres'";
    let row = client.query_one(sql, &[]).await?;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let count = COUNTED as f64;
    Ok(Count {
        name: String::new(),
        statements: row.try_get::<_, f64>(0)? / count,
        wal: (after - before) / count,
        cpu: cpu.total() * 1e6 / count,
    })
}

fn print_counts(counts: &[Count]) {
    println!("\nThe same, what the server does for one operation, right after a checkpoint\n");
    println!("| line | statements | WAL bytes | server CPU us |");
    println!("| --- | --- | --- | --- |");
    for Count { name, statements, wal, cpu, .. } in counts {
        println!("| {name} | {statements:.2} | {wal:.0} | {cpu:.0} |");
    }
}
