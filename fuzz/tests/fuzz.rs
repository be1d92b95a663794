//! Each target on what is in `corpus/`, on its own seeds, and on seeded mutations of both. `PROVE_CASES` is how many
//! mutations each target gets, `PROVE_SEED` the first seed, `PROVE_MINUTES` when to stop.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{env, fs};

use authcore_fuzz::{Mutator, TARGETS, Target};

/// How many mutations each target gets where nobody says.
const CASES: u64 = 150;
/// No input takes longer than a login may, network included.
const LONGEST: Duration = Duration::from_secs(7);

#[test]
fn what_is_broken_is_refused_and_what_is_accepted_is_sound() {
    let first = limit("PROVE_SEED").unwrap_or(1);
    let end = limit("PROVE_MINUTES").map(|minutes| now() + Duration::from_secs(60 * minutes));
    let cases = limit("PROVE_CASES").unwrap_or(if end.is_some() { u64::MAX } else { CASES });
    let ran = TARGETS.map(|target| std::thread::spawn(move || prove(target, first, cases, end)));
    let mut figures = BTreeMap::new();
    for (target, ran) in TARGETS.iter().zip(ran) {
        figures.insert(target.name, ran.join().unwrap());
    }
    let mut all = 0;
    for (name, Ran { cases, accepted }) in &figures {
        println!("{name}: {cases} inputs, {accepted} accepted");
        assert!(*accepted > 0, "{name} accepted nothing, so it proves nothing");
        assert!(*accepted < *cases, "{name} refused nothing");
        all += cases;
    }
    println!("proved: {all} inputs into {} parsers", figures.len());
}

struct Ran {
    cases: u64,
    accepted: u64,
}

fn prove(target: Target, first: u64, cases: u64, end: Option<Instant>) -> Ran {
    let mut inputs = (target.seeds)();
    let first_seed = inputs.first().unwrap();
    assert!(try_one(target, first_seed, "its first seed"), "{}: its first seed", target.name);
    inputs.extend(corpus(target));
    let mut ran = Ran { cases: 0, accepted: 0 };
    let mut one = |input: &[u8], what: &str| {
        ran.cases += 1;
        ran.accepted += u64::from(try_one(target, input, what));
    };
    for input in &inputs {
        one(input, "the corpus");
    }
    for seed in first..first.saturating_add(cases) {
        if end.is_some_and(|end| now() >= end) {
            break;
        }
        one(&Mutator::new(seed).mutated(&inputs), &format!("seed {seed}"));
    }
    ran
}

/// A failure names the input, so that it can go into the corpus.
fn try_one(target: Target, input: &[u8], what: &str) -> bool {
    let began = now();
    let accepted = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = began.elapsed();
    assert!(took < LONGEST, "{} took {took:?} for {what}: {}", target.name, input.escape_ascii());
    assert!(accepted.is_ok(), "{} failed for {what}: {}", target.name, input.escape_ascii());
    accepted.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "how long it takes is tested")]
fn now() -> Instant {
    Instant::now()
}

fn limit(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap())
}

fn directory(target: Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// What is committed, which is never nothing.
fn corpus(target: Target) -> Vec<Vec<u8>> {
    let directory = directory(target);
    if env::var_os("FUZZ_WRITE_CORPUS").is_some() {
        fs::create_dir_all(&directory).unwrap();
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
        }
    }
    let mut files: Vec<_> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn each_target_has_its_program_for_cargo_fuzz() {
    for target in TARGETS {
        let program = format!("fuzz_targets/{}.rs", target.name);
        let text = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(&program));
        let wanted = format!("authcore_fuzz::target(\"{}\")", target.name);
        assert!(text.is_ok_and(|text| text.contains(&wanted)), "{program}");
    }
}
