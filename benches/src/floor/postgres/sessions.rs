//! The list of an account's sessions, as the store keeps it.

use uuid::Uuid;

use super::Session;
use crate::Outcome;

/// Bytes of a session.
const LENGTH: usize = 66;

/// The method, and that there is an identity.
const DEVICE: [u8; 2] = [0, 1];

#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) session: Session,
    epoch: u32,
    store_epoch: u32,
    identity: u32,
    method_and_flags: [u8; 2],
}

impl Kept {
    pub(super) fn open(session: Session, epoch: i64, store_epoch: i64) -> Outcome<Self> {
        let (epoch, store_epoch) = (epoch.try_into()?, store_epoch.try_into()?);
        Ok(Self { session, epoch, store_epoch, identity: 1, method_and_flags: DEVICE })
    }

    fn read(mut bytes: &[u8]) -> Outcome<Self> {
        let bytes = &mut bytes;
        Ok(Self {
            session: Session {
                id: Uuid::from_bytes(take(bytes)?),
                authenticated_at: i64::from_be_bytes(take(bytes)?),
                last_used_at: i64::from_be_bytes(take(bytes)?),
                idle_expires_at: i64::from_be_bytes(take(bytes)?),
                expires_at: i64::from_be_bytes(take(bytes)?),
                generation: u32::from_be_bytes(take(bytes)?),
            },
            epoch: u32::from_be_bytes(take(bytes)?),
            store_epoch: u32::from_be_bytes(take(bytes)?),
            identity: u32::from_be_bytes(take(bytes)?),
            method_and_flags: take(bytes)?,
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        let session = &self.session;
        bytes.extend_from_slice(session.id.as_bytes());
        bytes.extend_from_slice(&session.authenticated_at.to_be_bytes());
        bytes.extend_from_slice(&session.last_used_at.to_be_bytes());
        bytes.extend_from_slice(&session.idle_expires_at.to_be_bytes());
        bytes.extend_from_slice(&session.expires_at.to_be_bytes());
        bytes.extend_from_slice(&session.generation.to_be_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.store_epoch.to_be_bytes());
        bytes.extend_from_slice(&self.identity.to_be_bytes());
        bytes.extend_from_slice(&self.method_and_flags);
    }
}

impl AsRef<Session> for Kept {
    fn as_ref(&self) -> &Session {
        &self.session
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Outcome<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk().ok_or("a session is cut short")?;
    *bytes = rest;
    Ok(*first)
}

pub(super) fn read(list: &[u8]) -> Outcome<Vec<Kept>> {
    list.chunks(LENGTH).map(Kept::read).collect()
}

pub(super) fn written(sessions: &[Kept]) -> Vec<u8> {
    let mut list = Vec::with_capacity(sessions.len() * LENGTH);
    for kept in sessions {
        kept.write(&mut list);
    }
    list
}
