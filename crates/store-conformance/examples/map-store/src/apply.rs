//! What is written: all that a commit does once it is judged, throttles, and the sweep.

use std::collections::HashMap;

use authcore::account::CommitId;
use authcore::event::EVENT_FORMAT;
use authcore::store::{ChangeSet, OneTimeCode, StoreError, Write};
use chrono::{DateTime, Utc};

use crate::judge::{account_of, indexes_of, written};
use crate::map::{Kept, Map, corrupt, key, millis, part};

impl Map {
    pub(crate) fn apply(&mut self, change: &ChangeSet) -> Result<(), StoreError> {
        let mut before = HashMap::new();
        // First every account lets go of its keys, then every account takes its own: so they can be swapped.
        for id in change.writes.iter().filter_map(account_of) {
            if let Some(kept) = self.account(id)? {
                for key in indexes_of(&kept.value) {
                    self.0.remove(&key);
                }
                before.insert(id, kept.version);
            }
        }
        for write in &change.writes {
            if let Some(account) = written(write) {
                let version = before.get(&account.id).map_or(1, |version| version + 1);
                let kept = Kept { version, by: change.id, value: account };
                self.write(key(b'a', &[account.id.as_bytes()]), &kept)?;
                for key in indexes_of(account) {
                    self.write(key, &account.id)?;
                }
            }
            match write {
                Write::InsertAccount { account, activity } => {
                    let kept = Kept { version: 1, by: change.id, value: &**activity };
                    self.write(key(b'v', &[account.id.as_bytes()]), &kept)?;
                }
                Write::DeleteAccount { id, .. } => {
                    self.0.remove(&key(b'a', &[id.as_bytes()]));
                    self.0.remove(&key(b'v', &[id.as_bytes()]));
                    let all = key(b'C', &[id.as_bytes()]);
                    for of in self.range(all.clone(), &[&*all, &[0xff; 33]].concat(), u32::MAX) {
                        self.remove_code(part(&of, 17))?;
                    }
                }
                Write::UpdateActivity { id, activity, expect } => {
                    let kept =
                        Kept { version: expect.next().number(), by: change.id, value: &**activity };
                    self.write(key(b'v', &[id.as_bytes()]), &kept)?;
                }
                Write::PutCode(code) => {
                    self.remove_code(code.key.as_bytes())?;
                    self.write(key(b'c', &[code.key.as_bytes()]), code)?;
                    self.write(key(b'C', &[code.account.as_bytes(), code.key.as_bytes()]), &())?;
                    self.ends(b'c', code.key.as_bytes(), code.expires_at)?;
                }
                Write::DeleteCode(code) => self.remove_code(code.as_bytes())?,
                Write::UseUp { key: used, forget_at } => {
                    self.write(key(b's', &[used.as_bytes()]), &())?;
                    self.ends(b's', used.as_bytes(), *forget_at)?;
                }
                Write::ResetThrottle(throttle) => self.set_throttle(throttle.as_bytes(), None)?,
                Write::RaiseStoreEpoch => {
                    let next = self.epoch()?.next();
                    self.write(b"e".to_vec(), &next)?;
                }
                _ => {}
            }
        }
        for event in &change.events {
            let cursor = self.read::<u64>(b"n")?.unwrap_or(0) + 1;
            self.write(b"n".to_vec(), &cursor)?;
            self.write(key(b'o', &[&cursor.to_be_bytes()]), &(EVENT_FORMAT, event))?;
        }
        self.remember(change.id)
    }

    /// Keeps the ids of the latest sets. A database that forgets by itself needs no ring.
    pub(crate) fn remember(&mut self, id: CommitId) -> Result<(), StoreError> {
        let place = self.read::<u64>(b"m")?.unwrap_or(0);
        self.write(b"m".to_vec(), &((place + 1) % 4096))?;
        let slot = key(b'q', &[&place.to_be_bytes()]);
        if let Some(oldest) = self.read::<CommitId>(&slot)? {
            self.0.remove(&key(b'r', &[oldest.as_bytes()]));
        }
        self.write(slot, &id)?;
        self.write(key(b'r', &[id.as_bytes()]), &())
    }

    pub(crate) fn remove_code(&mut self, code: &[u8]) -> Result<(), StoreError> {
        if let Some(found) = self.read::<OneTimeCode>(&key(b'c', &[code]))? {
            self.0.remove(&key(b'c', &[code]));
            self.0.remove(&key(b'C', &[found.account.as_bytes(), code]));
            self.0.remove(&key(b'x', &[b"c", &millis(found.expires_at), code]));
        }
        Ok(())
    }

    pub(crate) fn ends(
        &mut self,
        kind: u8,
        of: &[u8],
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(key(b'x', &[&[kind], &millis(at), of]), &())
    }

    pub(crate) fn throttle(&self, of: &[u8]) -> Result<Option<DateTime<Utc>>, StoreError> {
        let until: Option<i64> = self.read(&key(b'T', &[of]))?;
        let read = |until| DateTime::from_timestamp_millis(until).ok_or_else(|| corrupt(b'T'));
        until.map(read).transpose()
    }

    pub(crate) fn set_throttle(
        &mut self,
        of: &[u8],
        until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        if let Some(before) = self.throttle(of)? {
            self.0.remove(&key(b'T', &[of]));
            self.0.remove(&key(b'x', &[b"T", &millis(before), of]));
        }
        if let Some(until) = until {
            self.write(key(b'T', &[of]), &until.timestamp_millis())?;
            self.ends(b'T', of, until)?;
        }
        Ok(())
    }

    pub(crate) fn sweep(&mut self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        for kind in [b'c', b's', b'T'] {
            // What ends at `now` is over, so the end of the range is behind every key of that moment.
            let end = key(b'x', &[&[kind], &millis(now), &[0xff; 33]]);
            for ended in self.range(key(b'x', &[&[kind]]), &end, limit) {
                let of = part(&ended, 10);
                match kind {
                    b'c' => self.remove_code(of)?,
                    b's' => {
                        self.0.remove(&key(b's', &[of]));
                        self.0.remove(&ended);
                    }
                    _ => self.set_throttle(of, None)?,
                }
                swept += 1;
            }
        }
        Ok(swept)
    }
}
