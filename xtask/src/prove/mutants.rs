//! Whether the tests of the rules bite: cargo-mutants changes the rules, one small thing at a time, and a test must fail.
//!
//! What became of each mutant is kept in `target/mutants`, and a run goes on where the last one stopped: first with the
//! mutants that nobody has tried, then with those that no test has seen.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use super::copy_sources;
use crate::arguments::Arguments;
use crate::clock::Moment;
use crate::failure::{Failure, Result};
use crate::process::{cargo, read, run};

/// The copies of the sources in which the mutants are made: a whole one, and one in which `authcore` stands alone, so that
/// nothing but itself is built for its unit tests.
const WHOLE: &str = "target/mutants/whole";
const ALONE: &str = "target/mutants/alone";
/// The manifest that differs.
const MANIFEST: &str = "crates/authcore/Cargo.toml";
/// The copies' own, as that of the bugs.
const TARGET: &str = "target/mutants/target";
/// Where cargo-mutants leaves what it found.
const FOUND: &str = "target/mutants/mutants.out";
/// What became of each mutant so far.
const KEPT: &str = "target/mutants/outcomes";
/// Held by whoever uses these.
const LOCK: &str = "target/mutants/lock";

/// How many mutants cargo-mutants gets at once: after so many the time is looked at.
const AT_ONCE: usize = 10;
/// How many of a hundred mutants that build must be caught; and of the few that a check tries, of which one is more.
const FLOOR: usize = 90;
const FLOOR_OF_FEW: usize = 80;

/// Some of the tests that a mutant is shown to.
struct Round {
    copy: &'static str,
    tests: &'static str,
}

/// From the cheapest to the dearest; each sees only what the ones before it missed. First the unit tests beside the rules,
/// then those of the rules through the engine.
const ROUNDS: [Round; 3] = [
    Round { copy: ALONE, tests: "--lib" },
    Round { copy: WHOLE, tests: "--test=on_memory" },
    Round { copy: WHOLE, tests: "--test=engine" },
];

pub(super) struct Options {
    /// Tries all anew, and keeps nothing of what it found.
    anew: bool,
    shard: Shard,
    /// What a mutant's name must hold: a part of its path, say.
    only: String,
    minutes: Option<u64>,
}

impl Options {
    /// About ten of all: what a check has time for.
    pub(super) const fn bounded() -> Self {
        Self { anew: true, shard: Shard { number: 1, of: 66 }, only: String::new(), minutes: None }
    }

    pub(super) fn parse(arguments: &mut Arguments) -> Result<Self> {
        let shard = arguments.value("--shard")?.unwrap_or(Shard { number: 1, of: 1 });
        let only = arguments.value("--only")?.unwrap_or_default();
        Ok(Self { anew: false, shard, only, minutes: arguments.value("--minutes")? })
    }
}

/// One of several equal parts, each a fair sample of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shard {
    number: usize,
    of: usize,
}

impl FromStr for Shard {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let (number, of) = text.split_once('/').ok_or(())?;
        let (number, of) = (number.parse().map_err(drop)?, of.parse().map_err(drop)?);
        if (1..=of).contains(&number) { Ok(Self { number, of }) } else { Err(()) }
    }
}

impl Shard {
    const fn holds(self, index: usize) -> bool {
        index % self.of == self.number - 1
    }
}

/// What became of a mutant, as cargo-mutants calls its files.
const CAUGHT: &str = "caught";
const MISSED: &str = "missed";
const TIMEOUT: &str = "timeout";
const UNVIABLE: &str = "unviable";

/// A mutant: where and what, and the code of its file, so that what became of it is not taken for that of another one
/// after a change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mutant {
    name: String,
    code: u64,
}

type Outcomes = BTreeMap<Mutant, String>;

/// Tries the mutants of the shard that are not caught yet, and says how many of all that were ever tried are.
pub(super) fn all(options: &Options) -> Result<Vec<String>> {
    fs::create_dir_all(TARGET)?;
    let lock = fs::File::create(LOCK)?;
    if lock.try_lock().is_err() {
        return Err(Failure::new("another run of the mutants is under way"));
    }
    prepare()?;
    let mutants = list()?;
    let mut outcomes = if options.anew { Outcomes::new() } else { kept(&mutants)? };

    let started = Moment::now();
    let limit = options.minutes.map(|minutes| Duration::from_secs(60 * minutes));
    let shard = mutants.iter().enumerate().filter(|(index, _)| options.shard.holds(*index));
    let shard = shard.map(|(_, mutant)| mutant);
    let chosen: Vec<_> = shard.filter(|mutant| mutant.name.contains(&options.only)).collect();
    let (fresh, again): (Vec<_>, Vec<_>) = chosen
        .iter()
        .copied()
        .filter(|mutant| {
            !matches!(outcomes.get(mutant).map(String::as_str), Some(CAUGHT | UNVIABLE))
        })
        .partition(|mutant| !outcomes.contains_key(mutant));
    let mut sound = Vec::new();
    for some in fresh.chunks(AT_ONCE).chain(again.chunks(AT_ONCE)) {
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            break;
        }
        try_on(some, &mutants, &mut sound, &mut outcomes)?;
        if !options.anew {
            keep(&outcomes)?;
        }
    }
    if !chosen.iter().any(|mutant| outcomes.contains_key(mutant)) {
        return Err(Failure::new(format!("of {} such mutants none was tried", chosen.len())));
    }
    report(&mutants, &outcomes, if options.anew { FLOOR_OF_FEW } else { FLOOR })
}

fn prepare() -> Result<()> {
    copy_sources(Path::new(WHOLE))?;
    copy_sources(Path::new(ALONE))?;
    let manifest = fs::read_to_string(MANIFEST)?;
    fs::write(Path::new(ALONE).join(MANIFEST), alone(&manifest))?;
    Ok(())
}

/// The manifest without the crates of the workspace that only other tests than the unit tests need.
fn alone(manifest: &str) -> String {
    let (before, tests) = manifest.split_once("[dev-dependencies]").unwrap_or((manifest, ""));
    let tests = tests.split('\n').filter(|line| !line.starts_with("authcore-"));
    format!("{before}[dev-dependencies]{}", tests.collect::<Vec<_>>().join("\n"))
}

/// Built anew for each mutant, so incremental; what fails need not be made small or kept.
fn within(copy: &str, mut command: Command) -> Result<Command> {
    command.current_dir(copy).env("CARGO_TARGET_DIR", fs::canonicalize(TARGET)?);
    command.env("CARGO_INCREMENTAL", "1");
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    Ok(command)
}

fn list() -> Result<Vec<Mutant>> {
    let command = cargo(&["mutants", "--list", "--colors=never", "--package=authcore"]);
    let listed = read(within(WHOLE, command)?)?;
    let mutant = |name: &str| {
        let (file, _) = name.split_once(':').unwrap_or((name, ""));
        Ok(Mutant { name: name.to_owned(), code: code_of(&fs::read_to_string(file)?) })
    };
    listed.lines().map(mutant).collect()
}

/// Stands for a file's code, but not for the unit tests that follow it.
fn code_of(text: &str) -> u64 {
    let (code, _) = text.split_once("\n#[cfg(test)]\nmod tests {").unwrap_or((text, ""));
    let mut hasher = DefaultHasher::new();
    code.hash(&mut hasher);
    hasher.finish()
}

/// Shows mutants to one round of tests after the other, until they are caught. `sound` are the tests that held without any.
fn try_on(
    some: &[&Mutant],
    all: &[Mutant],
    sound: &mut Vec<&str>,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let mut left = some.to_vec();
    for round in &ROUNDS {
        if left.is_empty() {
            break;
        }
        if !sound.contains(&round.tests) {
            // This also builds what no mutant changes.
            let test = ["test", "--quiet", "--package=authcore", round.tests];
            run(within(round.copy, cargo(&test))?)?;
            sound.push(round.tests);
        }
        make(&left, all, round)?;
        for outcome in [CAUGHT, MISSED, TIMEOUT, UNVIABLE] {
            let names = fs::read_to_string(Path::new(FOUND).join(outcome).with_extension("txt"))?;
            for mutant in left.iter().filter(|mutant| names.lines().any(|it| it == mutant.name)) {
                outcomes.insert((*mutant).clone(), outcome.to_owned());
            }
        }
        left.retain(|mutant| outcomes.get(mutant).is_some_and(|outcome| outcome == MISSED));
    }
    Ok(())
}

/// Has cargo-mutants make these mutants, and no others, and show each to the tests. It leaves out those that it takes for
/// caught before; its patterns of names would not do, for they let through each field that a literal may leave out.
fn make(mutants: &[&Mutant], all: &[Mutant], round: &Round) -> Result<()> {
    if Path::new(FOUND).exists() {
        fs::remove_dir_all(FOUND)?;
    }
    fs::create_dir(FOUND)?;
    let others = all.iter().filter(|mutant| !mutants.contains(mutant));
    let others: Vec<_> = others.map(|mutant| mutant.name.as_str()).collect();
    fs::write(Path::new(FOUND).join("previously_caught.txt"), others.join("\n"))?;

    let mut command = cargo(&["mutants", "--iterate", "--in-place", "--baseline=skip"]);
    command.args(["--package=authcore", "--output=..", "--colors=never"]);
    command.args(["--build-timeout=300", "--timeout=60"]);
    command.arg(format!("--cargo-arg={}", round.tests));
    let status = within(round.copy, command)?.status()?;
    // 2: some were missed; 3: some went on for too long.
    match status.code() {
        Some(0 | 2 | 3) => Ok(()),
        _ => Err(Failure::new(format!("cargo mutants failed ({status})"))),
    }
}

/// What former runs found; nothing of what was since changed.
fn kept(mutants: &[Mutant]) -> Result<Outcomes> {
    let text = if Path::new(KEPT).exists() { fs::read_to_string(KEPT)? } else { String::new() };
    let outcome = |line: &str| {
        let (outcome, mutant) = line.split_once(' ')?;
        let (code, name) = mutant.split_once(' ')?;
        let mutant = Mutant { name: name.to_owned(), code: code.parse().ok()? };
        mutants.contains(&mutant).then(|| (mutant, outcome.to_owned()))
    };
    Ok(text.lines().filter_map(outcome).collect())
}

fn keep(outcomes: &Outcomes) -> Result<()> {
    let line = |(mutant, outcome): (&Mutant, &String)| {
        format!("{outcome} {} {}\n", mutant.code, mutant.name)
    };
    fs::write(KEPT, outcomes.iter().map(line).collect::<String>())?;
    Ok(())
}

fn report(mutants: &[Mutant], outcomes: &Outcomes, floor: usize) -> Result<Vec<String>> {
    let count = |outcome: &str| outcomes.values().filter(|it| *it == outcome).count();
    for (mutant, outcome) in outcomes {
        if outcome == MISSED || outcome == TIMEOUT {
            println!("{outcome}: {}", mutant.name);
        }
    }
    let (caught, missed, timed_out) = (count(CAUGHT), count(MISSED), count(TIMEOUT));
    let viable = caught + missed + timed_out;
    let tenths = (1000 * caught).checked_div(viable).unwrap_or(0);
    let partial = if outcomes.len() < mutants.len() { "partial: " } else { "" };
    let figure = format!(
        "{partial}mutants: {}, tried: {}, viable: {viable}, caught: {caught}, missed: {missed}, \
         timed out: {timed_out}; {}.{} % of the viable ones caught",
        mutants.len(),
        outcomes.len(),
        tenths / 10,
        tenths % 10,
    );
    if viable == 0 {
        return Err(Failure::new(format!("{figure}: none of them builds")));
    }
    if 100 * caught < floor * viable {
        return Err(Failure::new(format!("{figure}, which is less than {floor} %")));
    }
    Ok(vec![figure])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_equal_parts_and_together_the_whole() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"].map(|it| it.parse().unwrap()).into();
        for index in 0..9 {
            assert_eq!(shards.iter().filter(|shard| shard.holds(index)).count(), 1);
        }
        for bad in ["0/3", "4/3", "1/0", "3", "a/b"] {
            assert_eq!(bad.parse::<Shard>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn a_change_of_the_unit_tests_alone_leaves_the_code_what_it_is() {
        let with =
            |tests| code_of(&format!("fn f() {{}}\n\n#[cfg(test)]\nmod tests {{{tests}}}\n"));
        assert_eq!(with("a"), with("b"));
        assert_eq!(with("a"), code_of("fn f() {}\n"), "the first tests of a file");
        assert_ne!(code_of("fn f() {}"), code_of("fn f() { }"));
    }

    #[test]
    fn a_figure_says_whether_all_were_tried() {
        let mutants = ["a", "b"].map(|name| Mutant { name: name.to_owned(), code: 0 });
        let [one, other] = mutants.clone();
        let unviable = Outcomes::from([(one.clone(), UNVIABLE.to_owned())]);
        assert!(report(&mutants, &unviable, 0).is_err(), "what does not build proves nothing");
        let mut outcomes = Outcomes::from([(one, CAUGHT.to_owned())]);
        assert!(
            report(&mutants, &outcomes, FLOOR).unwrap()[0]
                .starts_with("partial: mutants: 2, tried: 1,")
        );
        outcomes.insert(other.clone(), CAUGHT.to_owned());
        assert!(report(&mutants, &outcomes, 50).unwrap()[0].starts_with("mutants: 2, tried: 2,"));
        outcomes.insert(other, MISSED.to_owned());
        assert!(report(&mutants, &outcomes, 51).is_err(), "a half is too little");
    }

    #[test]
    fn alone_is_without_what_only_other_tests_need() {
        let manifest = "[dependencies]\nauthcore-jose = 1\n[dev-dependencies]\n\
                        authcore-testkit = 1\nproptest = 1\n";
        let left = "[dependencies]\nauthcore-jose = 1\n[dev-dependencies]\nproptest = 1\n";
        assert_eq!(alone(manifest), left);
    }
}
