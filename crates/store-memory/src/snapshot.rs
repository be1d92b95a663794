//! The store as bytes, and back.
//!
//! A line `authcore-memory-store <format> <SHA-256 of the rest, in hexadecimal digits>`, then JSON: [`Saved`].

mod saved;

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use authcore::event::{EventCursor, StoredEvent};
use sha2::{Digest, Sha256};

use crate::MemoryStore;
use crate::kept::Documents;
use crate::log::Log;
use crate::shards::ShardSet;
use crate::snapshot::saved::{
    Saved, SavedAccount, SavedCode, SavedHeader, SavedThrottle, SavedUse,
};
use crate::state::State;
use crate::sundries::Sundries;

/// What snapshots are written in. A change of [`Saved`] that an older release would not understand gets a new number.
const FORMAT: u32 = 1;

const MAGIC: &str = "authcore-memory-store";

/// Bytes that do not make a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A newer release wrote it.
    #[error("the snapshot is of format {format}, and this release reads up to {FORMAT}")]
    Newer {
        /// What it was written in.
        format: u32,
    },
    /// It is no snapshot, or not all of one, or not what was written.
    #[error("the snapshot is corrupt: {what}")]
    Corrupt {
        /// Which part; never a value.
        what: &'static str,
    },
    /// The store holds something that this release cannot write.
    #[error("the store holds what a snapshot cannot")]
    Unwritable,
}

const fn corrupt(what: &'static str) -> SnapshotError {
    SnapshotError::Corrupt { what }
}

impl MemoryStore {
    /// Everything that the store holds at one moment, as bytes for [`from_snapshot`](Self::from_snapshot): accounts,
    /// sessions, codes, throttles, single-use keys, the outbox with its cursor, the epoch. Times are kept to the
    /// millisecond, as the engine hands them over. Commits wait while it is taken, but not while it is written out. Two
    /// snapshots of the same contents are the same bytes.
    ///
    /// **They are secret**: password hashes, email addresses and what is known of players are in them, unencrypted.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Unwritable`].
    ///
    /// ```
    /// use authcore_store_memory::MemoryStore;
    ///
    /// let world = MemoryStore::new();
    /// let bytes = world.snapshot()?;
    /// let again = MemoryStore::from_snapshot(&bytes)?;
    /// assert_eq!(again.snapshot()?, bytes);
    /// # Ok::<(), authcore_store_memory::SnapshotError>(())
    /// ```
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let saved = self.state.save();
        let body = serde_json::to_vec(&saved).map_err(|_| SnapshotError::Unwritable)?;
        let mut bytes = format!("{MAGIC} {FORMAT} {}\n", digest(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// A store that holds what another held when it made this snapshot.
    ///
    /// # Errors
    ///
    /// [`SnapshotError::Newer`] and [`SnapshotError::Corrupt`].
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let (head, body) = bytes.split_at_checked(line_end(bytes)?).ok_or(corrupt("head"))?;
        let mut head = std::str::from_utf8(head).map_err(|_| corrupt("head"))?.split(' ');
        if head.next() != Some(MAGIC) {
            return Err(corrupt("head"));
        }
        match head.next().map(u32::from_str) {
            Some(Ok(FORMAT)) => {}
            Some(Ok(format)) if format > FORMAT => return Err(SnapshotError::Newer { format }),
            _ => return Err(corrupt("format")),
        }
        let body = body.get(1..).unwrap_or_default();
        if head.next() != Some(digest(body).as_str()) || head.next().is_some() {
            return Err(corrupt("digest"));
        }
        // What serde says of an error may quote the value.
        let saved: Saved = serde_json::from_slice(body).map_err(|_| corrupt("contents"))?;
        Ok(Self { state: Arc::new(State::restore(saved)?) })
    }
}

fn line_end(bytes: &[u8]) -> Result<usize, SnapshotError> {
    bytes.iter().position(|byte| *byte == b'\n').ok_or(corrupt("head"))
}

fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl State {
    fn save(&self) -> Saved {
        let mut documents = Vec::new();
        let mut saved = Saved::default();
        {
            let accounts = self.accounts.read_all();
            let sundries = self.sundries.read_all();
            let log = self.log.read();
            documents.extend(accounts.iter().flat_map(|shard| shard.iter().cloned()));
            let epoch = accounts.first().map(|shard| (shard.epoch, shard.epoch_by));
            (saved.epoch, saved.epoch_by) = epoch.unwrap_or_default();
            for shard in &sundries {
                saved.add(shard);
            }
            saved.add_log(&log);
        }
        saved.accounts = documents.iter().map(SavedAccount::from).collect();
        saved.sort();
        saved
    }

    fn restore(saved: Saved) -> Result<Self, SnapshotError> {
        let state = Self::default();
        for account in saved.accounts {
            state.insert(account.into())?;
        }
        for shard in state.accounts.lock(ShardSet::ALL).iter_mut() {
            (shard.epoch, shard.epoch_by) = (saved.epoch, saved.epoch_by);
        }
        for SavedCode { by, code } in saved.codes {
            state.sundries.of(state.hasher.hash(&code.key)).write().put_code(&code, by);
        }
        for SavedUse { key, by, forget_at } in saved.single_use {
            let mut shard = state.sundries.of(state.hasher.hash(&key)).write();
            shard.single_use.insert(key, forget_at, by);
        }
        for SavedThrottle { key, used_up_until } in saved.throttles {
            let mut shard = state.sundries.of(state.hasher.hash(&key)).write();
            shard.throttles.insert(key, used_up_until, ());
        }
        let header = saved.header.map(|SavedHeader(header)| header);
        let events = saved.events.into_iter().map(StoredEvent::from).collect();
        let log = Log::restore(header, saved.recent, events, saved.last_cursor);
        *state.log.write() = log.ok_or(corrupt("cursors"))?;
        Ok(state)
    }

    fn insert(&self, documents: Documents) -> Result<(), SnapshotError> {
        let account = &documents.account;
        let id = account.value.id;
        for key in account.value.keys() {
            let hash = self.hasher.hash(&key);
            let mut index = self.index.of(hash).write();
            if index.owner(hash, key).is_some_and(|owner| owner.value.id != id) {
                return Err(corrupt("keys"));
            }
            index.insert(hash, key, account);
        }
        let hash = self.hasher.hash(&id);
        let mut shard = self.accounts.of(hash).write();
        if shard.get(hash, id).is_some() {
            return Err(corrupt("accounts"));
        }
        shard.put(&self.hasher, documents);
        Ok(())
    }
}

impl Saved {
    fn add(&mut self, shard: &Sundries) {
        let codes = shard.codes.iter();
        self.codes
            .extend(codes.map(|(_, _, (by, code))| SavedCode { by: *by, code: code.clone() }));
        let used = shard.single_use.iter();
        self.single_use.extend(used.map(|(key, forget_at, by)| SavedUse {
            key,
            by: *by,
            forget_at,
        }));
        let throttles = shard.throttles.iter();
        self.throttles
            .extend(throttles.map(|(key, used_up_until, ())| SavedThrottle { key, used_up_until }));
    }

    fn add_log(&mut self, log: &Log) {
        self.header = log.header.clone().map(SavedHeader);
        self.recent = log.recent.iter().collect();
        self.events =
            log.events(EventCursor::START, u32::MAX).into_iter().map(Into::into).collect();
        self.last_cursor = log.last_cursor();
    }

    fn sort(&mut self) {
        self.accounts.sort_unstable_by_key(|account| account.id);
        self.codes.sort_unstable_by_key(|saved| saved.code.key);
        self.single_use.sort_unstable_by_key(|used| used.key);
        self.throttles.sort_unstable_by_key(|throttle| throttle.key);
    }
}
