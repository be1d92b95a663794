use std::collections::{BTreeMap, BTreeSet};

use super::api::Api;
use super::case::Case;
use super::facts::{Facts, Identity, Probe, Seen, Session};
use crate::failure::Result;
use crate::kill::http::Answer;
use crate::kill::verify::Verified;

pub(crate) fn cases(api: &Api, cases: &mut [Case]) -> Result<Verified> {
    let mut verified = Verified::default();
    for each in cases {
        case(api, each, &mut verified)?;
    }
    Ok(verified)
}

/// Asks everything about a case and holds it against what must be.
pub(crate) fn case(api: &Api, case: &mut Case, verified: &mut Verified) -> Result<()> {
    let mut seen = BTreeMap::new();
    for probe in case.facts.expected().into_keys() {
        let answer = see(api, &case.facts, &probe)?;
        seen.insert(probe, answer);
    }
    verified.answers += seen.len() as u64;
    match case.settle(&seen) {
        Ok(None) => {}
        Ok(Some(happened)) => verified.settled(happened),
        Err(wrong) => {
            verified.lost.extend(wrong);
            return Ok(());
        }
    }
    used_tickets(api, &case.facts, verified)?;
    newcomers(api, case, verified)
}

fn see(api: &Api, facts: &Facts, probe: &Probe) -> Result<Seen> {
    Ok(match probe {
        Probe::Login(identity) => {
            let answer = api.login(identity, false)?;
            match (answer.v1_grant(), answer.text("/error/ban/account")) {
                (Some(grant), _) => Seen::Account(grant.account),
                (None, Some(banned)) => Seen::Banned(banned.to_owned()),
                (None, None) if answer.status == 404 => Seen::Nobody,
                (None, None) => Seen::Unexpected(answer.describe()),
            }
        }
        Probe::LookUp(id) => stands(&api.look_up(id)?),
        Probe::Session(place) => match facts.sessions.get(*place) {
            Some(session) => speaks_for(api, session)?,
            None => Seen::Nobody,
        },
    })
}

fn stands(answer: &Answer) -> Seen {
    let identities = answer.body.get("identities").and_then(|list| list.as_array());
    let (Some(standing), Some(identities)) = (answer.text("/standing"), identities) else {
        return Seen::Unexpected(answer.describe());
    };
    let text = |value: &serde_json::Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let identities: Option<BTreeSet<_>> = identities
        .iter()
        .map(|it| Some(Identity { provider: text(it, "provider")?, subject: text(it, "subject")? }))
        .collect();
    match identities {
        Some(identities) => Seen::Stands { standing: standing.to_owned(), identities },
        None => Seen::Unexpected(answer.describe()),
    }
}

/// Whom a session's tokens speak for. Nobody only if none of them is good for anything.
fn speaks_for(api: &Api, session: &Session) -> Result<Seen> {
    let answer = api.account(&session.access)?;
    match answer.text("/id") {
        Some(id) => return Ok(Seen::Account(id.to_owned())),
        None if answer.status != 401 => return Ok(Seen::Unexpected(answer.describe())),
        None => {}
    }
    let answer = api.refresh(&session.refresh)?;
    Ok(match answer.status {
        401 => Seen::Nobody,
        _ => Seen::Unexpected(format!("refresh: {}", answer.describe())),
    })
}

/// A ticket is good once.
fn used_tickets(api: &Api, facts: &Facts, verified: &mut Verified) -> Result<()> {
    for (account, ticket) in &facts.used_tickets {
        if let Some(access) = facts.access(account) {
            let answer = api.force_link(access, ticket)?;
            if answer.code() != "ticket_used" {
                verified.lose(&format!("a used ticket of {account}"), &answer);
            }
        }
    }
    Ok(())
}

/// A login that was given up makes a new account.
fn newcomers(api: &Api, case: &mut Case, verified: &mut Verified) -> Result<()> {
    let free = case.facts.owners.iter().filter(|(_, owner)| owner.is_none());
    let free: Vec<_> = free.map(|(identity, _)| identity.clone()).collect();
    for identity in free {
        let answer = api.login(&identity, true)?;
        match answer.v1_grant() {
            Some(grant) if grant.created && !case.facts.accounts.contains_key(&grant.account) => {
                case.facts.logged_in(&identity, grant);
            }
            _ => verified.lose(&format!("a new account of {identity:?}"), &answer),
        }
    }
    Ok(())
}
