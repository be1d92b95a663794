//! Google's ID tokens checked, and their keys found: beside bare RSA, and beside a map behind a lock.

use std::time::Duration;

use authcore_benches::Outcome;
use authcore_benches::floor::RsaFloor;
use authcore_benches::identity::GoogleTokens;
use authcore_benches::measure::{
    compare, criterion, instant, must, print, runtime, table_only, tables_wanted,
};

fn main() -> Outcome<()> {
    let runtime = runtime()?;
    let google = runtime.block_on(GoogleTokens::warm())?;
    let floor = RsaFloor::of(&google)?;
    if !table_only() {
        let mut criterion = criterion();
        criterion.bench_function("identity/google/engine", |bencher| {
            bencher.iter(|| must(runtime.block_on(google.verify())));
        });
        criterion.bench_function("identity/google/floor", |bencher| {
            bencher.iter(|| must(floor.verify()));
        });
        criterion.final_summary();
    }
    if tables_wanted() {
        let ours = |count: u64| -> Outcome<Duration> {
            runtime.block_on(async {
                let started = instant();
                for _ in 0..count {
                    google.verify().await?;
                }
                Ok(started.elapsed())
            })
        };
        let theirs = |count: u64| -> Outcome<Duration> {
            let started = instant();
            for _ in 0..count {
                floor.verify()?;
            }
            Ok(started.elapsed())
        };
        let mut lines = vec![compare(ours, theirs)?.named("Google ID token, one signature", 1.3)];
        for tasks in [1, 64] {
            let line = compare(
                |count| runtime.block_on(google.look_up(tasks, count)),
                |count| runtime.block_on(floor.look_up(tasks, count)),
            )?;
            lines.push(line.named(format!("key of a token, {tasks} tasks"), None));
        }
        print("Identity, RS256 of 2048 bits, keys at hand", &lines);
    }
    Ok(())
}
