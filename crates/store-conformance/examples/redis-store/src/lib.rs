//! A store of authcore on Redis, from 7.0 on: written by `docs/store-authors.md` alone, to show that the page suffices.
//!
//! Every key is the prefix `{keyspace}`, a letter, and bytes (see `commit.lua`, which writes nearly all of them):
//!
//! | key | type | value |
//! | --- | --- | --- |
//! | `h` | hash | header, and the numbers of the formats |
//! | `e` | string | store epoch |
//! | `a` id | hash | account: `version`, `writer`, `epoch`, `password`, `due`, `keys`, `document` |
//! | `v` id | hash | activity: `version`, `writer`, `document` |
//! | `i` identity, `u` username, `t` transfer key | string | the account's id |
//! | `d` | sorted set | ids by `due_at` |
//! | `c` code key | hash | code: `tries`, `owner`, `document` |
//! | `C` account's id | set | the keys of its codes |
//! | `xc`, `xs`, `xT` | sorted set | codes, single-use keys and throttles by the moment of their end |
//! | `o` | stream | events; the cursor is the second half of the stream's id |
//! | `r` commit id | string | applied set, for ten minutes |

mod change;
mod failure;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use authcore::account::{AccountId, Epoch, Version};
use authcore::event::{EVENT_FORMAT, EventCursor, StoredEvent};
use authcore::session::{Activity, SessionRef, SessionSnapshot};
use authcore::store::{
    Admission, Capabilities, ChangeSet, Charge, CodeKey, CommitError, DOCUMENT_FORMAT, Lookup,
    OneTimeCode, Snapshot, Store, StoreError, StoreErrorKind, StoreHeader,
};
use chrono::{DateTime, Utc};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, Script, ScriptInvocation, cmd};
use serde::de::DeserializeOwned;

use crate::change::{json, key};
use crate::failure::{commit_failed, corrupt, failed};

pub(crate) const STORE: &str = "redis";

/// The format of the keys. A store with a higher one is not opened.
const LAYOUT: u32 = 1;

/// How many keys a script reads or removes at most: all others wait for it.
const PIECE: u32 = 256;

/// How long an answer may take. The client's own bound, half a second, is less than a slow disk may need.
const PATIENCE: Duration = Duration::from_secs(10);

/// A store of one game, under one prefix of a Redis server.
#[derive(Clone)]
pub struct RedisStore {
    connection: ConnectionManager,
    prefix: Vec<u8>,
    durable: bool,
    scripts: Scripts,
}

#[derive(Clone)]
struct Scripts {
    bind: Script,
    load: Script,
    commit: Script,
    charge: Script,
    sweep: Script,
}

/// What `load.lua` finds: version and document of the account, of its activity, and the store's epoch.
type Found = (u64, Vec<u8>, u64, Vec<u8>, u32);

/// What `session` reads: epoch and `due_at` of the account, version and document of its activity, and the store's epoch.
type Looked = ((Option<u32>, Option<String>), (Option<u64>, Option<Vec<u8>>), Option<u32>);

impl RedisStore {
    /// Connects to the server at `url`, as the crate `redis` writes it. All keys begin with `{keyspace}`. The store calls
    /// itself durable when the server is set to write each commit to its disk and to evict nothing.
    ///
    /// # Errors
    ///
    /// `Other` when the url is none, or `keyspace` is empty or holds a brace. `Unavailable` when the server is not
    /// reached.
    ///
    /// # Cancel safety
    ///
    /// Nothing is written.
    pub async fn connect(url: &str, keyspace: &str) -> Result<Self, StoreError> {
        if keyspace.is_empty() || keyspace.contains(['{', '}']) {
            let rule = "keyspace must not be empty and must hold no brace";
            return Err(StoreError::new(STORE, StoreErrorKind::Other).with_source(rule));
        }
        let client = Client::open(url).map_err(|error| failed(&error))?;
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_with_config(client, config).await;
        let mut connection = connection.map_err(|error| failed(&error))?;
        let durable = is_durable(&mut connection).await?;
        let prefix = format!("{{{keyspace}}}").into_bytes();
        let scripts = Scripts {
            bind: Script::new(include_str!("bind.lua")),
            load: Script::new(include_str!("load.lua")),
            commit: Script::new(concat!(include_str!("prelude.lua"), include_str!("commit.lua"))),
            charge: Script::new(include_str!("charge.lua")),
            sweep: Script::new(concat!(include_str!("prelude.lua"), include_str!("sweep.lua"))),
        };
        Ok(Self { connection, prefix, durable, scripts })
    }

    fn key(&self, kind: &str, id: &[u8]) -> Vec<u8> {
        [&self.prefix, kind.as_bytes(), id].concat()
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        command.query_async(&mut self.connection.clone()).await.map_err(|error| failed(&error))
    }

    async fn call<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        call.invoke_async(&mut self.connection.clone()).await.map_err(|error| failed(&error))
    }

    /// Charges a throttle of which `read` was kept (nothing is the empty text), unless it has changed since: then what is
    /// kept now.
    async fn charge(
        &self,
        key: &[u8],
        read: &str,
        keep: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        let mut call = self.scripts.charge.key(self.key("xT", b""));
        self.call(call.arg(key).arg(read).arg(keep.timestamp_millis())).await
    }

    async fn sweep_kind(&self, kind: &str, now: i64, limit: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        let mut left = limit;
        loop {
            let piece = left.min(PIECE);
            let mut call = self.scripts.sweep.key(&self.prefix);
            let over: u32 = self.call(call.arg(kind).arg(now).arg(piece)).await?;
            swept += u64::from(over);
            left = left.saturating_sub(over);
            if over < piece || left == 0 {
                return Ok(swept);
            }
        }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("durable", &self.durable).finish_non_exhaustive()
    }
}

/// Whether an answer means that it is on the disk. A server that does not tell is not taken for one that does it.
async fn is_durable(connection: &mut ConnectionManager) -> Result<bool, StoreError> {
    let mut durable = true;
    for (setting, wanted) in
        [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")]
    {
        let asked = cmd("CONFIG").arg("GET").arg(setting).query_async(connection).await;
        let is: Option<(String, String)> = match asked {
            Ok(is) => is,
            Err(error) if error.is_io_error() => return Err(failed(&error)),
            Err(_) => None,
        };
        durable &= is.is_some_and(|(_, is)| is == wanted);
    }
    Ok(durable)
}

fn parsed<T: DeserializeOwned>(what: &str, document: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(document).map_err(|_| corrupt(what))
}

fn lookup_key(lookup: &Lookup) -> Vec<u8> {
    match lookup {
        Lookup::Id(id) => key(b'a', id.as_bytes()),
        Lookup::Identity(identity) => key(b'i', &identity.encode()),
        Lookup::Username(username) => key(b'u', username.as_bytes()),
        Lookup::Transfer(transfer) => key(b't', transfer.as_bytes()),
    }
}

fn snapshot(found: &Found) -> Result<Snapshot, StoreError> {
    let (version, account, activity_version, activity, store_epoch) = found;
    Ok(Snapshot {
        account: parsed("account", account)?,
        version: Version::new(*version),
        activity: parsed("activity", activity)?,
        activity_version: Version::new(*activity_version),
        store_epoch: Epoch::new(*store_epoch),
    })
}

#[async_trait]
impl Store for RedisStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { durable: self.durable, multi_process: true }
    }

    async fn bind(&self, header: &StoreHeader) -> Result<StoreHeader, StoreError> {
        let mut call = self.scripts.bind.key(&self.prefix);
        call.arg(json(header)?).arg(LAYOUT).arg(DOCUMENT_FORMAT);
        let (kept, layout, documents): (Vec<u8>, u32, u32) = self.call(&call).await?;
        if layout > LAYOUT || documents > DOCUMENT_FORMAT {
            return Err(corrupt("header: the format is of a later release"));
        }
        parsed("header", &kept)
    }

    async fn load(&self, lookup: &Lookup) -> Result<Option<Snapshot>, StoreError> {
        let mut found = self.load_many(std::slice::from_ref(lookup)).await?;
        Ok(found.pop().flatten())
    }

    async fn load_many(&self, lookups: &[Lookup]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let mut snapshots = Vec::with_capacity(lookups.len());
        for piece in lookups.chunks(PIECE as usize) {
            let mut call = self.scripts.load.key(&self.prefix);
            for lookup in piece {
                call.arg(lookup_key(lookup));
            }
            let found: Vec<Option<Found>> = self.call(&call).await?;
            for found in found {
                snapshots.push(found.as_ref().map(snapshot).transpose()?);
            }
        }
        Ok(snapshots)
    }

    async fn session(&self, at: SessionRef) -> Result<Option<SessionSnapshot>, StoreError> {
        let id = at.account.as_bytes();
        let mut together = redis::pipe();
        together.atomic();
        together.cmd("HMGET").arg(self.key("a", id)).arg("epoch").arg("due");
        together.cmd("HMGET").arg(self.key("v", id)).arg("version").arg("document");
        together.get(self.key("e", b""));
        let read = together.query_async(&mut self.connection.clone()).await;
        let (account, activity, store_epoch): Looked = read.map_err(|error| failed(&error))?;
        let ((Some(epoch), Some(due)), (Some(version), Some(document))) = (account, activity)
        else {
            return Ok(None);
        };
        let activity: Activity = parsed("activity", &document)?;
        let Some(session) = activity.sessions.into_iter().find(|session| session.id == at.session)
        else {
            return Ok(None);
        };
        Ok(Some(SessionSnapshot {
            session,
            account_epoch: Epoch::new(epoch),
            store_epoch: Epoch::new(store_epoch.unwrap_or_default()),
            account_due_at: (!due.is_empty()).then(|| moment(&due)).transpose()?,
            activity_version: Version::new(version),
        }))
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let epoch: Option<u32> = self.ask(cmd("GET").arg(self.key("e", b""))).await?;
        Ok(Epoch::new(epoch.unwrap_or_default()))
    }

    async fn due(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        let mut command = cmd("ZRANGEBYSCORE");
        command.arg(self.key("d", b"")).arg("-inf").arg(now.timestamp_millis());
        let due: Vec<Vec<u8>> = self.ask(command.arg("LIMIT").arg(0).arg(limit)).await?;
        let id = |id: Vec<u8>| id.try_into().map(AccountId::from_bytes);
        due.into_iter().map(|due| id(due).map_err(|_| corrupt("due"))).collect()
    }

    async fn commit(&self, change: &ChangeSet) -> Result<(), CommitError> {
        let mut call = self.scripts.commit.key(&self.prefix);
        call.arg(change::arguments(change)?);
        let answer = call.invoke_async(&mut self.connection.clone()).await;
        let answer: Vec<Vec<u8>> = answer.map_err(|error| commit_failed(&error))?;
        let [what, of] = answer.as_slice() else {
            return Ok(());
        };
        Err(CommitError::Conflict(change::conflict(what, of, change)?))
    }

    async fn consume(&self, charge: &Charge) -> Result<Admission, StoreError> {
        let key = charge.key.as_bytes();
        let mut command = cmd("ZSCORE");
        let read: Option<String> = self.ask(command.arg(self.key("xT", b"")).arg(key)).await?;
        let mut read = read.unwrap_or_default();
        // Ends, since of those that meet one is done each time.
        loop {
            let kept = (!read.is_empty()).then(|| moment(&read)).transpose()?;
            let (admission, keep) = charge.apply(kept);
            if admission != Admission::Admitted || charge.cost == 0 {
                return Ok(admission);
            }
            match self.charge(key, &read, keep).await? {
                None => return Ok(admission),
                Some(kept) => read = kept,
            }
        }
    }

    async fn code(&self, key: &CodeKey) -> Result<Option<OneTimeCode>, StoreError> {
        let mut command = cmd("HGET");
        command.arg(self.key("c", key.as_bytes())).arg("document");
        let document: Option<Vec<u8>> = self.ask(&command).await?;
        document.map(|document| parsed("code", &document)).transpose()
    }

    async fn events(&self, after: EventCursor, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut command = cmd("XRANGE");
        command.arg(self.key("o", b"")).arg(format!("(0-{}", after.number())).arg("+");
        let found: Vec<(String, (u32, Vec<u8>))> =
            self.ask(command.arg("COUNT").arg(limit)).await?;
        found.into_iter().map(|(id, (format, event))| stored(&id, format, &event)).collect()
    }

    async fn prune_events(&self, up_to: EventCursor) -> Result<u64, StoreError> {
        // The first to stay; behind the last number of one half comes the next of the other.
        let first = up_to.number().checked_add(1);
        let first = first.map_or_else(|| "1-0".to_owned(), |first| format!("0-{first}"));
        let mut command = cmd("XTRIM");
        self.ask(command.arg(self.key("o", b"")).arg("MINID").arg("=").arg(first)).await
    }

    async fn sweep(&self, now: DateTime<Utc>, limit: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        for kind in ["xc", "xs", "xT"] {
            swept += self.sweep_kind(kind, now.timestamp_millis(), limit).await?;
        }
        Ok(swept)
    }
}

fn moment(millis: &str) -> Result<DateTime<Utc>, StoreError> {
    let moment = millis.parse().ok().and_then(DateTime::from_timestamp_millis);
    moment.ok_or_else(|| corrupt("moment"))
}

fn stored(id: &str, format: u32, event: &[u8]) -> Result<StoredEvent, StoreError> {
    let cursor = id.strip_prefix("0-").and_then(|cursor| cursor.parse().ok());
    let cursor = cursor.filter(|_| format <= EVENT_FORMAT).ok_or_else(|| corrupt("event"))?;
    Ok(StoredEvent { cursor: EventCursor::new(cursor), event: parsed("event", event)? })
}
