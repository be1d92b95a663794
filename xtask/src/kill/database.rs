//! What the file itself says, read without the host.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::ledger::{Ledger, Linked};
use super::v1::case::Case;
use crate::failure::Result;

/// Looks at a copy of the files as the last kill left them: the next start is to find them untouched.
pub(crate) fn check_as_left(directory: &Path) -> Result<Vec<String>> {
    let copy = directory.join("as-left");
    fs::create_dir_all(&copy)?;
    // Not the shared memory index: it is rebuilt from the log, as after a loss of power.
    for name in ["host.db", "host.db-wal"] {
        if directory.join(name).exists() {
            fs::copy(directory.join(name), copy.join(name))?;
        }
    }
    integrity(&Connection::open(copy.join("host.db"))?, "as left")
}

/// Looks at the file of a host that has stopped.
pub(crate) fn check_stopped<'a>(
    directory: &Path,
    ledgers: &[Ledger],
    cases: impl Iterator<Item = &'a Case> + Clone,
) -> Result<Vec<String>> {
    let file = Connection::open(directory.join("host.db"))?;
    let mut findings = integrity(&file, "stopped")?;
    for (what, query) in [
        (
            "identities are on several accounts",
            "SELECT count(*) FROM (SELECT 1 FROM identities \
             GROUP BY provider, tenant, issuer, subject HAVING count(*) > 1)",
        ),
        (
            "identities are on no account",
            "SELECT count(*) FROM identities WHERE account_id NOT IN (SELECT id FROM accounts)",
        ),
        (
            "withdrawn accounts have identities",
            "SELECT count(*) FROM accounts WHERE withdrawal_kind = 'done' \
             AND id IN (SELECT account_id FROM identities)",
        ),
        (
            "accounts have no activity",
            "SELECT count(*) FROM accounts \
             WHERE id NOT IN (SELECT account_id FROM account_activity)",
        ),
    ] {
        let count: i64 = file.query_row(query, [], |row| row.get(0))?;
        if count > 0 {
            findings.push(format!("{count} {what}"));
        }
    }
    // Only a forced link or a transfer takes a last login. Any other such account would be half of a change.
    let without = "SELECT lower(hex(id)) FROM accounts WHERE withdrawal_kind IS NOT 'done' \
                   AND id NOT IN (SELECT account_id FROM identities)";
    let withdrawn = "SELECT lower(hex(id)) FROM accounts WHERE withdrawal_kind = 'done'";
    for (standing, query) in [("missing", without), ("withdrawn", withdrawn)] {
        let found: BTreeSet<String> = file
            .prepare(query)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let facts = cases.clone().map(|case| &case.facts);
        let known: BTreeSet<_> = facts
            .flat_map(|facts| facts.accounts.keys().filter(|id| facts.standing(id) == standing))
            .map(|id| id.replace('-', ""))
            .collect();
        for account in found.symmetric_difference(&known) {
            let found = found.contains(account);
            findings.push(format!(
                "{account}: {standing} in the file: {found}, acknowledged: {}",
                !found
            ));
        }
    }
    let mut holders = file.prepare(
        "SELECT lower(hex(account_id)) FROM identities WHERE provider = ?1 AND subject = ?2",
    )?;
    let owned = cases.flat_map(|case| &case.facts.owners);
    let owned = owned.map(|(key, owner)| (&*key.provider, &*key.subject, owner.as_deref()));
    let acknowledged = ledgers.iter().flat_map(acknowledged);
    let acknowledged =
        acknowledged.map(|(provider, subject, account)| (provider, subject, Some(account)));
    for (provider, subject, account) in acknowledged.chain(owned) {
        let found: Vec<String> = holders
            .query_map([provider, subject], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if found != account.map(|id| id.replace('-', "")).into_iter().collect::<Vec<_>>() {
            findings
                .push(format!("{subject}: acknowledged for {account:?}, in the file on {found:?}"));
        }
    }
    Ok(findings)
}

/// Provider, subject and account of every identity that was acknowledged.
fn acknowledged(ledger: &Ledger) -> impl Iterator<Item = (&str, &str, &str)> {
    let players = ledger.players.iter().flat_map(|player| {
        let linked = [
            ("device", &player.device),
            ("device", &player.second_device),
            ("custom", &player.custom),
        ];
        linked.into_iter().filter_map(|(provider, linked)| match linked {
            Linked::Acknowledged(id) => Some((provider, &**id, &*player.account)),
            _ => None,
        })
    });
    let contested = ledger.contested.iter();
    players.chain(contested.map(|(device, account, _)| ("device", &**device, &**account)))
}

fn integrity(file: &Connection, when: &str) -> Result<Vec<String>> {
    let mut check = file.prepare("PRAGMA integrity_check")?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    let lines = lines.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(lines
        .into_iter()
        .filter(|line| line != "ok")
        .map(|line| format!("{when}: {line}"))
        .collect())
}
