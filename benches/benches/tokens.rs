//! Two tokens made and one checked: the engine's way beside bare `jsonwebtoken`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use authcore_benches::engine::{KEY, device, now, open};
use authcore_benches::floor::{Claims, FloorTokens};
use authcore_benches::measure::{
    compare, criterion, instant, must, print, runtime, table_only, tables_wanted,
};
use authcore_benches::{Outcome, Target};
use authcore_jose::{Algorithm, KeySet, MasterKey, TokenKey, from_strict_json};
use authcore_store_memory::MemoryStore;
use uuid::Uuid;

/// The engine's part: its keys, and its claims as text. The engine's own writer is not public; this is the same.
struct Jose {
    access: KeySet,
    refresh: KeySet,
}

impl Jose {
    fn new() -> Outcome<Self> {
        let master = MasterKey::new(KEY)?;
        let derive = |purpose| {
            TokenKey::derive(&master, Algorithm::Hs256, "bench", purpose).map(KeySet::new)
        };
        Ok(Self { access: derive("access")?, refresh: derive("refresh")? })
    }

    fn pair(&self, claims: &Claims) -> Outcome<(String, String)> {
        let access = self.access.sign("JWT", &text(claims, None))?;
        Ok((access, self.refresh.sign("JWT", &text(claims, Some(0)))?))
    }

    fn pair_and_verify(&self, claims: &Claims) -> Outcome<Claims> {
        let (access, refresh) = self.pair(claims)?;
        black_box(refresh);
        Ok(from_strict_json(&self.access.verify("JWT", &access)?)?)
    }
}

fn text(claims: &Claims, generation: Option<u32>) -> String {
    let mut json = String::with_capacity(320);
    let id = |json: &mut String, key: &str, id: Uuid| {
        json.push_str(key);
        push_text(json, &id.to_string());
    };
    id(&mut json, "{\"tid\":", claims.tid);
    id(&mut json, ",\"uid\":", claims.uid);
    json.push_str(",\"usn\":");
    push_text(&mut json, &claims.usn);
    if let Some(generation) = generation {
        json.push_str(",\"gen\":");
        json.push_str(&generation.to_string());
    }
    json.push_str(",\"exp\":");
    json.push_str(&claims.exp.to_string());
    json.push_str(",\"iat\":");
    json.push_str(&claims.iat.to_string());
    json.push('}');
    json
}

fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            ' '..='}' if !matches!(c, '<' | '>' | '&' | '?') => json.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
        }
    }
    json.push('"');
}

fn repeat<T>(count: u64, mut once: impl FnMut() -> Outcome<T>) -> Outcome<Duration> {
    let started = instant();
    for _ in 0..count {
        black_box(once()?);
    }
    Ok(started.elapsed())
}

fn main() -> Outcome<()> {
    let (jose, bare, runtime) = (Jose::new()?, FloorTokens::default(), runtime()?);
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
