//! The list of an account's sessions as two values of one row: each login reads and writes all of it.
//!
//! Of each session the first holds 66 bytes, numbers with the highest byte first:
//!
//! | byte | what |
//! | --- | --- |
//! | 0 | id |
//! | 16 | `authenticated_at`, `last_used_at`, `idle_expires_at`, `expires_at`: 8 bytes each, milliseconds |
//! | 48 | `generation`, `epoch`, `store_epoch`, `identity` (0 without one): 4 bytes each |
//! | 64 | method |
//! | 65 | flags |
//!
//! All are of one length so that SQL can take them apart: the view `sessions` does. The second value is a JSON array with
//! the vars and the device of each session, and null for one that has none; it is not there when none has any.

use std::borrow::Cow;

use authcore::account::{Epoch, Ordinal, SessionId};
use authcore::session::{Method, Session, Vars};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::Fault;
use crate::plan::json;
use crate::text;

pub(crate) const LIST: &str = "account_activity.sessions";
pub(crate) const DETAILS: &str = "account_activity.session_details";

const LENGTH: usize = 66;

const HAS_IDENTITY: u8 = 1;
const ACCESS_REVOKED: u8 = 1 << 1;
const REFRESH_REVOKED: u8 = 1 << 2;
const KNOWN: u8 = HAS_IDENTITY | ACCESS_REVOKED | REFRESH_REVOKED;

/// A session was proven by a method that this release does not know how to keep.
#[derive(Debug, thiserror::Error)]
#[error("a session's method is not known to the store")]
struct UnknownMethod;

/// What few sessions have.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "none")]
    client_vars: Cow<'a, Vars>,
    #[serde(skip_serializing_if = "none")]
    server_vars: Cow<'a, Vars>,
}

fn none(vars: &Vars) -> bool {
    vars.is_empty()
}

impl<'a> Details<'a> {
    fn of(session: &'a Session) -> Option<Self> {
        let Session { device_name, device_id, client_vars, server_vars, .. } = session;
        let has_any = device_name.is_some()
            || device_id.is_some()
            || !client_vars.is_empty()
            || !server_vars.is_empty();
        has_any.then(|| Self {
            device_name: device_name.as_deref().map(Cow::Borrowed),
            device_id: device_id.as_deref().map(Cow::Borrowed),
            client_vars: Cow::Borrowed(client_vars),
            server_vars: Cow::Borrowed(server_vars),
        })
    }

    fn put_into(self, session: &mut Session) {
        session.device_name = self.device_name.map(Into::into);
        session.device_id = self.device_id.map(Into::into);
        session.client_vars = self.client_vars.into_owned();
        session.server_vars = self.server_vars.into_owned();
    }
}

pub(crate) fn encode(sessions: &[Session]) -> Result<(Vec<u8>, Option<String>), Fault> {
    let mut list = Vec::with_capacity(sessions.len() * LENGTH);
    for session in sessions {
        encode_one(session, &mut list)?;
    }
    let details: Vec<_> = sessions.iter().map(Details::of).collect();
    let details = details.iter().any(Option::is_some).then(|| json(&details)).transpose()?;
    Ok((list, details))
}

fn encode_one(session: &Session, out: &mut Vec<u8>) -> Result<(), Fault> {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.extend_from_slice(session.id.as_bytes());
    for time in [
        session.authenticated_at,
        session.last_used_at,
        session.idle_expires_at,
        session.expires_at,
    ] {
        out.extend_from_slice(&time.timestamp_millis().to_be_bytes());
    }
    let identity = session.identity.map_or(0, Ordinal::number);
    for number in
        [session.generation, session.epoch.number(), session.store_epoch.number(), identity]
    {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.push(match session.method {
        Method::Device => 0,
        Method::Custom => 1,
        Method::Guest => 2,
        Method::Password => 3,
        Method::Provider => 4,
        _ => return Err(Fault::other(UnknownMethod)),
    });
    out.push(
        flag(session.identity.is_some(), HAS_IDENTITY)
            | flag(session.access_revoked, ACCESS_REVOKED)
            | flag(session.refresh_revoked, REFRESH_REVOKED),
    );
    Ok(())
}

pub(crate) fn decode(list: &[u8], details: Option<&str>) -> Result<Vec<Session>, Fault> {
    let (each, rest) = list.as_chunks();
    if !rest.is_empty() {
        return Err(Fault::corrupt(LIST));
    }
    let mut sessions = each.iter().map(decode_one).collect::<Result<Vec<_>, _>>()?;
    if let Some(details) = details {
        let details = decode_details(details, sessions.len())?;
        for (session, details) in sessions.iter_mut().zip(details) {
            details.unwrap_or_default().put_into(session);
        }
    }
    Ok(sessions)
}

/// Decodes only the session asked for.
pub(crate) fn find(
    list: &[u8],
    details: Option<&str>,
    id: SessionId,
) -> Result<Option<Session>, Fault> {
    let (each, rest) = list.as_chunks();
    if !rest.is_empty() {
        return Err(Fault::corrupt(LIST));
    }
    let Some(at) = each.iter().position(|kept: &[u8; LENGTH]| kept.starts_with(id.as_bytes()))
    else {
        return Ok(None);
    };
    let mut found = each.get(at).map(decode_one).transpose()?;
    if let (Some(session), Some(details)) = (&mut found, details) {
        let details = decode_details(details, each.len())?.into_iter().nth(at).flatten();
        details.unwrap_or_default().put_into(session);
    }
    Ok(found)
}

fn decode_details(details: &str, count: usize) -> Result<Vec<Option<Details<'static>>>, Fault> {
    let read: Option<Vec<_>> = serde_json::from_str(&text::decode_json(details)).ok();
    read.filter(|read| read.len() == count).ok_or_else(|| Fault::corrupt(DETAILS))
}

fn decode_one(kept: &[u8; LENGTH]) -> Result<Session, Fault> {
    read_one(kept).ok_or_else(|| Fault::corrupt(LIST))
}

fn read_one(kept: &[u8; LENGTH]) -> Option<Session> {
    let mut rest = &kept[..];
    let id = take(&mut rest)?;
    let mut time = || DateTime::from_timestamp_millis(i64::from_be_bytes(take(&mut rest)?));
    let (authenticated_at, last_used_at): (DateTime<Utc>, _) = (time()?, time()?);
    let (idle_expires_at, expires_at) = (time()?, time()?);
    let mut number = || Some(u32::from_be_bytes(take(&mut rest)?));
    let (generation, epoch, store_epoch, identity) = (number()?, number()?, number()?, number()?);
    let [method, flags] = take(&mut rest)?;
    let method = match method {
        0 => Method::Device,
        1 => Method::Custom,
        2 => Method::Guest,
        3 => Method::Password,
        4 => Method::Provider,
        _ => return None,
    };
    let has = |flag: u8| flags & flag != 0;
    let makes_sense = flags & !KNOWN == 0 && (has(HAS_IDENTITY) || identity == 0);
    makes_sense.then(|| Session {
        id: SessionId::from_bytes(id),
        identity: has(HAS_IDENTITY).then(|| Ordinal::new(identity)),
        method,
        authenticated_at,
        last_used_at,
        idle_expires_at,
        expires_at,
        generation,
        access_revoked: has(ACCESS_REVOKED),
        refresh_revoked: has(REFRESH_REVOKED),
        client_vars: Vars::new(),
        server_vars: Vars::new(),
        device_name: None,
        device_id: None,
        epoch: Epoch::new(epoch),
        store_epoch: Epoch::new(store_epoch),
    })
}

/// So many bytes from the front.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*first)
}

#[cfg(test)]
mod tests;
