//! What the database itself says, read without the host.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::{Ledger, Linked};
use super::store::Store;
use super::v1::case::Case;
use crate::failure::Result;

/// Compares the database with what was acknowledged.
pub(crate) fn check<'a>(
    store: &Store,
    ledgers: &[Ledger],
    cases: impl Iterator<Item = &'a Case> + Clone,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (what, query) in [
        (
            "identities are on several accounts",
            "SELECT 1 FROM identities \
             GROUP BY provider, tenant, issuer, subject HAVING count(*) > 1",
        ),
        (
            "identities are on no account",
            "SELECT 1 FROM identities WHERE account_id NOT IN (SELECT id FROM accounts)",
        ),
        (
            "withdrawn accounts have identities",
            "SELECT 1 FROM accounts WHERE withdrawal_kind = 'done' \
             AND id IN (SELECT account_id FROM identities)",
        ),
        (
            "accounts have no activity",
            "SELECT 1 FROM accounts WHERE id NOT IN (SELECT account_id FROM account_activity)",
        ),
    ] {
        let count = store.rows(query)?.len();
        if count > 0 {
            findings.push(format!("{count} {what}"));
        }
    }
    // Only a forced link or a transfer takes a last login. Any other such account would be half of a change.
    let without = "coalesce(withdrawal_kind, '') <> 'done' \
                   AND id NOT IN (SELECT account_id FROM identities)";
    for (standing, condition) in [("missing", without), ("withdrawn", "withdrawal_kind = 'done'")] {
        let id = store.digits("id");
        let found = store.rows(&format!("SELECT {id} FROM accounts WHERE {condition}"))?;
        let found: BTreeSet<String> = found.into_iter().flatten().collect();
        let facts = cases.clone().map(|case| &case.facts);
        let known: BTreeSet<_> = facts
            .flat_map(|facts| facts.accounts.keys().filter(|id| facts.standing(id) == standing))
            .map(|id| id.replace('-', ""))
            .collect();
        for account in found.symmetric_difference(&known) {
            let found = found.contains(account);
            findings.push(format!(
                "{account}: {standing} in the database: {found}, acknowledged: {}",
                !found
            ));
        }
    }
    let holders = holders(store)?;
    let owned = cases.flat_map(|case| &case.facts.owners);
    let owned = owned.map(|(key, owner)| (&*key.provider, &*key.subject, owner.as_deref()));
    let acknowledged = ledgers.iter().flat_map(acknowledged);
    let acknowledged =
        acknowledged.map(|(provider, subject, account)| (provider, subject, Some(account)));
    for (provider, subject, account) in acknowledged.chain(owned) {
        let key = (provider.to_owned(), subject.to_owned());
        let found = holders.get(&key).map(Vec::as_slice).unwrap_or_default();
        if found != account.map(|id| id.replace('-', "")).as_slice() {
            findings.push(format!(
                "{subject}: acknowledged for {account:?}, in the database on {found:?}"
            ));
        }
    }
    Ok(findings)
}

/// The accounts of each provider and subject.
fn holders(store: &Store) -> Result<BTreeMap<(String, String), Vec<String>>> {
    let id = store.digits("account_id");
    let rows = store.rows(&format!("SELECT provider, subject, {id} FROM identities"))?;
    let mut holders = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        if let Ok([provider, subject, account]) = <[String; 3]>::try_from(row) {
            holders.entry((provider, subject)).or_default().push(account);
        }
    }
    Ok(holders)
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
