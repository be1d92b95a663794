//! Two tokens made and one checked: the engine's way beside bare `jsonwebtoken`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use authcore_benches::engine::{device, now, open};
use authcore_benches::floor::{Claims, FloorTokens};
use authcore_benches::measure::{
    compare, criterion, instant, must, print, runtime, table_only, tables_wanted,
};
use authcore_benches::tokens::EngineTokens;
use authcore_benches::{Outcome, Target};
use authcore_store_memory::MemoryStore;
use uuid::Uuid;

fn repeat<T>(count: u64, mut once: impl FnMut() -> Outcome<T>) -> Outcome<Duration> {
    let started = instant();
    for _ in 0..count {
        black_box(once()?);
    }
    Ok(started.elapsed())
}

fn main() -> Outcome<()> {
    let (jose, bare, runtime) = (EngineTokens::new()?, FloorTokens::default(), runtime()?);
    let engine = runtime.block_on(open(Arc::new(MemoryStore::new())))?;
    let token = runtime.block_on(Target::login(&engine, device(0)))?.access;
    let iat = now().timestamp();
    let claims = || Claims {
        tid: Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef),
        uid: Uuid::from_u128(0x0198_4567_89ab_7def_8123_4567_89ab_cdef),
        usn: "abcdefghij".into(),
        r#gen: None,
        exp: iat + 3600,
        iat,
    };
    let (kept, mut changed) = (claims(), claims());
    let bare_token = bare.mint(&mut changed, [iat + 3600; 2], 0)?.access;

    let ours = || jose.pair_and_verify(&kept);
    let mut theirs = || {
        let pair = bare.mint(&mut changed, [iat + 3600; 2], 0)?;
        bare.read(&pair.access)
    };
    let ours_stateless = || Ok(engine.verify_stateless(&token)?);
    let theirs_stateless = || bare.read(&bare_token);

    if !table_only() {
        let mut criterion = criterion();
        let mut add = |name: &str, once: &mut dyn FnMut()| {
            criterion.bench_function(name, |bencher| bencher.iter(&mut *once));
        };
        add("tokens/pair and verify/engine", &mut || drop(black_box(must(ours()))));
        add("tokens/pair and verify/floor", &mut || drop(black_box(must(theirs()))));
        add("tokens/verify/engine", &mut || drop(black_box(must(ours_stateless()))));
        add("tokens/verify/floor", &mut || drop(black_box(must(theirs_stateless()))));
        criterion.final_summary();
    }
    if tables_wanted() {
        let mut again = claims();
        let mut pair = || bare.mint(&mut again, [iat + 3600; 2], 0);
        let lines = [
            compare(|count| repeat(count, || jose.pair(&kept)), |count| repeat(count, &mut pair))?
                .named("two tokens made", None),
            compare(|count| repeat(count, ours), |count| repeat(count, &mut theirs))?
                .named("two tokens made, one checked", 1.3),
            compare(
                |count| repeat(count, ours_stateless),
                |count| repeat(count, theirs_stateless),
            )?
            .named("verify_stateless, one decode", 1.3),
        ];
        print("Tokens, HS256", &lines);
    }
    Ok(())
}
