//! The process dies before each write of each operation. `cargo xtask prove crash` runs the same.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use authcore_simulation::Exams;

/// The names of the engine's public methods that may wait for the store.
fn methods() -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    let mut folders = vec![Path::new("../authcore/src/engine").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let names = text.lines().filter_map(|line| line.trim().strip_prefix("pub async fn "));
            methods
                .extend(names.filter_map(|name| Some(name.split_once(['(', '<'])?.0.to_owned())));
        }
    }
    methods
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it runs is no part of what it proves")]
fn a_process_that_dies_leaves_each_operation_done_or_not_begun() {
    let begun = std::time::Instant::now();
    let exams = Exams::all();
    assert!(exams.violations.is_empty(), "{:#?}", exams.violations);
    for examined in &exams.examined {
        println!("{:3} points: {}, {}", examined.points, examined.method, examined.setting);
    }
    if std::env::var_os("PROVE_BUG").is_some() {
        // The engine was broken on purpose, and no rule was.
        return;
    }
    let mut points = 0;
    for examined in &exams.examined {
        // One before a write, and one when all is done, at least.
        assert!(examined.points >= 2, "{examined:?}");
        points += examined.points;
    }
    let examined: BTreeSet<String> = exams.examined.iter().map(|it| it.method.to_owned()).collect();
    // `open` binds a fresh store to its game, in one write: each setting begins with it.
    let others = exams.readers.iter().copied().chain(["open"]);
    let known = examined.iter().cloned().chain(others.map(str::to_owned)).collect();
    assert_eq!(
        methods(),
        known,
        "each method is examined, as one that writes or as one that reads"
    );
    assert_eq!((exams.examined.len(), points), (54, 338), "settings, and points in them");
    println!(
        "proved: {} methods in {} settings, {points} points, in {:.1} s",
        examined.len(),
        exams.examined.len(),
        begun.elapsed().as_secs_f64()
    );
}
