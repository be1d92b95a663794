//! The loader on every store, in a moment. PostgreSQL is the system's.

use std::process::Command;

#[test]
fn every_operation_is_measured_on_every_store() {
    let output = Command::new(env!("CARGO_BIN_EXE_stores"))
        .args(["--accounts", "20", "--tasks", "2", "--seconds", "0.05"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Vec<_>> =
        table.lines().skip(2).map(|line| line.split('|').map(str::trim).collect()).collect();
    for store in ["memory", "sqlite", "postgres"] {
        for operation in ["login", "first login", "refresh", "account read", "link or unlink"] {
            let line = lines.iter().find(|line| line[1] == store && line[4] == operation);
            let line = line.unwrap_or_else(|| panic!("{operation} on {store} is missing: {table}"));
            let [p50, p99] = [6, 7].map(|column| line[column].parse::<f64>().unwrap());
            assert!(0.0 < p50 && p50 <= p99, "{line:?}");
            assert_eq!(line[12] == "0", store != "postgres", "{line:?}");
        }
    }
    assert_eq!(lines.len(), 15);
}
