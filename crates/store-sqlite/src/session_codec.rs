//! The list of an account's sessions as one blob.
//!
//! A list is the format's number (1), then each session behind its length in bytes. Numbers are LEB128 varints, signed
//! ones zigzag; text is its length and its UTF-8. A session is
//!
//! `id (16 bytes), flags, method, authenticated_at, last_used_at - authenticated_at, idle_expires_at - last_used_at,
//! expires_at - authenticated_at, generation, epoch, store_epoch`
//!
//! and then, where the flags say so, `identity, device_name, device_id, client_vars, server_vars`. Times are in
//! milliseconds. A plain session takes 44 bytes, so that some twenty of them fit into a row without an overflow page.

use authcore::account::{Epoch, Ordinal, SessionId};
use authcore::session::{Method, Session, Vars};
use chrono::{DateTime, Utc};

use crate::error::Fault;

const FORMAT: u8 = 1;
const WHAT: &str = "account_activity.sessions";

const HAS_IDENTITY: u8 = 1;
const ACCESS_REVOKED: u8 = 1 << 1;
const REFRESH_REVOKED: u8 = 1 << 2;
const HAS_DEVICE_NAME: u8 = 1 << 3;
const HAS_DEVICE_ID: u8 = 1 << 4;
const HAS_CLIENT_VARS: u8 = 1 << 5;
const HAS_SERVER_VARS: u8 = 1 << 6;
const UNUSED: u8 = 1 << 7;

/// A session was proven by a method that this release does not know how to keep.
#[derive(Debug, thiserror::Error)]
#[error("a session's method is not known to the store")]
struct UnknownMethod;

pub(crate) fn encode(sessions: &[Session]) -> Result<Vec<u8>, Fault> {
    let mut list = Vec::with_capacity(1 + sessions.len() * 48);
    list.push(FORMAT);
    let mut body = Vec::with_capacity(64);
    for session in sessions {
        body.clear();
        encode_one(session, &mut body)?;
        put_length(&mut list, body.len());
        list.extend_from_slice(&body);
    }
    Ok(list)
}

fn encode_one(session: &Session, out: &mut Vec<u8>) -> Result<(), Fault> {
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.extend_from_slice(session.id.as_bytes());
    out.push(
        flag(session.identity.is_some(), HAS_IDENTITY)
            | flag(session.access_revoked, ACCESS_REVOKED)
            | flag(session.refresh_revoked, REFRESH_REVOKED)
            | flag(session.device_name.is_some(), HAS_DEVICE_NAME)
            | flag(session.device_id.is_some(), HAS_DEVICE_ID)
            | flag(!session.client_vars.is_empty(), HAS_CLIENT_VARS)
            | flag(!session.server_vars.is_empty(), HAS_SERVER_VARS),
    );
    out.push(match session.method {
        Method::Device => 0,
        Method::Custom => 1,
        Method::Guest => 2,
        Method::Password => 3,
        Method::Provider => 4,
        _ => return Err(Fault::other(UnknownMethod)),
    });
    // Two times that chrono can hold are less than 2^54 ms apart, so none of these overflows.
    let proven = session.authenticated_at.timestamp_millis();
    let used = session.last_used_at.timestamp_millis();
    put_signed(out, proven);
    put_signed(out, used - proven);
    put_signed(out, session.idle_expires_at.timestamp_millis() - used);
    put_signed(out, session.expires_at.timestamp_millis() - proven);
    put(out, session.generation.into());
    put(out, session.epoch.number().into());
    put(out, session.store_epoch.number().into());
    if let Some(ordinal) = session.identity {
        put(out, ordinal.number().into());
    }
    for text in [&session.device_name, &session.device_id].into_iter().flatten() {
        put_text(out, text);
    }
    for vars in [&session.client_vars, &session.server_vars] {
        if !vars.is_empty() {
            put_length(out, vars.len());
            for (name, value) in vars {
                put_text(out, name);
                put_text(out, value);
            }
        }
    }
    Ok(())
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

fn put_signed(out: &mut Vec<u8>, number: i64) {
    put(out, (number << 1 ^ number >> 63).cast_unsigned());
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    put(out, u64::try_from(length).unwrap_or(u64::MAX));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn decode(list: &[u8]) -> Result<Vec<Session>, Fault> {
    let mut sessions = Vec::new();
    let mut input = open(list)?;
    while !input.is_empty() {
        sessions.push(decode_one(input.length_prefixed()?)?);
    }
    Ok(sessions)
}

/// Decodes only the session asked for.
pub(crate) fn find(list: &[u8], id: SessionId) -> Result<Option<Session>, Fault> {
    let mut input = open(list)?;
    while !input.is_empty() {
        let body = input.length_prefixed()?;
        if body.starts_with(id.as_bytes()) {
            return decode_one(body).map(Some);
        }
    }
    Ok(None)
}

fn open(list: &[u8]) -> Result<Input<'_>, Fault> {
    let mut input = Input(list);
    if input.byte()? == FORMAT { Ok(input) } else { Err(corrupt()) }
}

fn decode_one(body: &[u8]) -> Result<Session, Fault> {
    let mut input = Input(body);
    let id = input.bytes(16)?.try_into().map_err(|_| corrupt())?;
    let flags = input.byte()?;
    if flags & UNUSED != 0 {
        return Err(corrupt());
    }
    let has = |flag: u8| flags & flag != 0;
    let method = match input.byte()? {
        0 => Method::Device,
        1 => Method::Custom,
        2 => Method::Guest,
        3 => Method::Password,
        4 => Method::Provider,
        _ => return Err(corrupt()),
    };
    let (proven, authenticated_at) = input.time(0)?;
    let (used, last_used_at) = input.time(proven)?;
    let session = Session {
        id: SessionId::from_bytes(id),
        method,
        authenticated_at,
        last_used_at,
        idle_expires_at: input.time(used)?.1,
        expires_at: input.time(proven)?.1,
        generation: input.u32()?,
        access_revoked: has(ACCESS_REVOKED),
        refresh_revoked: has(REFRESH_REVOKED),
        epoch: Epoch::new(input.u32()?),
        store_epoch: Epoch::new(input.u32()?),
        identity: input.when(has(HAS_IDENTITY), Input::u32)?.map(Ordinal::new),
        device_name: input.when(has(HAS_DEVICE_NAME), Input::text)?.map(Into::into),
        device_id: input.when(has(HAS_DEVICE_ID), Input::text)?.map(Into::into),
        client_vars: input.when(has(HAS_CLIENT_VARS), Input::vars)?.unwrap_or_default(),
        server_vars: input.when(has(HAS_SERVER_VARS), Input::vars)?.unwrap_or_default(),
    };
    if input.is_empty() { Ok(session) } else { Err(corrupt()) }
}

fn corrupt() -> Fault {
    Fault::corrupt(WHAT)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let (first, rest) = self.0.split_first().ok_or_else(corrupt)?;
        self.0 = rest;
        Ok(*first)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(corrupt)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the 64th bit and no more.
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(corrupt())
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.number()?.try_into().map_err(|_| corrupt())
    }

    fn length_prefixed(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.number()?.try_into().map_err(|_| corrupt())?;
        self.bytes(length)
    }

    fn text(&mut self) -> Result<String, Fault> {
        let bytes = self.length_prefixed()?;
        String::from_utf8(bytes.to_vec()).map_err(|_| corrupt())
    }

    fn time(&mut self, since: i64) -> Result<(i64, DateTime<Utc>), Fault> {
        let number = self.number()?;
        let delta = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        let millis = since.checked_add(delta).ok_or_else(corrupt)?;
        let time = DateTime::from_timestamp_millis(millis).ok_or_else(corrupt)?;
        Ok((millis, time))
    }

    fn vars(&mut self) -> Result<Vars, Fault> {
        let count = self.number()?;
        let mut vars = Vars::new();
        for _ in 0..count {
            let name = self.text()?;
            if vars.insert(name, self.text()?).is_some() {
                return Err(corrupt());
            }
        }
        Ok(vars)
    }

    fn when<T>(
        &mut self,
        there: bool,
        read: fn(&mut Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if there { read(self).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests;
