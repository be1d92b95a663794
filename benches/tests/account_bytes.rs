//! An account in the memory store stays small.

use std::process::Command;

/// The table's line holds for a million; this many fill the hash tables as badly.
#[test]
fn an_account_takes_at_most_730_bytes_after_its_first_login() {
    let output = Command::new(env!("CARGO_BIN_EXE_account_bytes"))
        .args(["--accounts", "31250", "--logins", "1"])
        .output()
        .unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let bytes: u64 = line.split('|').nth(3).unwrap().trim().parse().unwrap();
    assert!((250..=730).contains(&bytes), "{bytes} bytes");
}
