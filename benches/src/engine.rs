//! The engine as a target, and how accounts get into its store without logging in one by one.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use authcore::account::{
    Account, AccountId, CommitId, Folding, Identity, IdentityKey, ProviderId, Username,
};
use authcore::event::{Event, EventKind};
use authcore::session::Activity;
use authcore::store::{ChangeSet, Store, Write};
use authcore::{
    Credential, Engine, Link, Login, MasterKey, Policy, Random as _, Refresh, RequestContext,
    SystemRandom,
};
use authcore_store_sqlite::{SqliteConfig, SqliteStore};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Runtime;

use crate::{Outcome, Pair, Target};

/// The key that everything here is signed with.
pub const KEY: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The game that the accounts belong to.
pub const GAME: &str = "bench";

/// How many accounts go into one change set when a file is filled.
pub const AT_ONCE: u64 = 256;

/// The policy under which everything is measured: that of the host, but access tokens outlive a run, and every refresh
/// rotates: within the grace window one would not write anything.
#[must_use]
pub fn policy() -> Policy {
    let (access_lifetime, refresh_grace) = (TimeDelta::minutes(60), TimeDelta::zero());
    Policy { access_lifetime, refresh_grace, ..Policy::nakama() }
}

/// The time now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark is a host")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// An engine as the host opens it.
///
/// # Errors
///
/// When it does not open.
pub async fn open(store: Arc<dyn Store>) -> Outcome<Engine> {
    let builder = Engine::builder_on(GAME, store).signing_key(MasterKey::new(KEY)?).clock(now);
    Ok(builder.folding(Folding::Exact).policy(policy()).open().await?)
}

/// Fills a store with the devices `0..accounts`, as their first logins would leave them, but without sessions: so many
/// `at_once` in one change set.
///
/// # Errors
///
/// When the store fails.
pub async fn preload(
    store: &Arc<dyn Store>,
    accounts: u64,
    tasks: u64,
    at_once: u64,
) -> Outcome<()> {
    let mut running = Vec::new();
    for task in 0..tasks {
        let store = Arc::clone(store);
        running.push(tokio::spawn(async move {
            let mut start = task * at_once;
            while start < accounts {
                let change = newcomers(start..accounts.min(start + at_once))?;
                store.commit(&change).await?;
                start += tasks * at_once;
            }
            Outcome::Ok(())
        }));
    }
    for task in running {
        task.await??;
    }
    Ok(())
}

/// A SQLite store as the host opens it.
///
/// # Errors
///
/// When it does not open.
pub fn sqlite(path: &Path) -> Outcome<SqliteStore> {
    Ok(SqliteStore::open(SqliteConfig::file(path))?)
}

/// Makes a SQLite file with so many accounts, and closes it.
///
/// # Errors
///
/// When the store fails.
pub fn make_file(runtime: &Runtime, path: &Path, accounts: u64) -> Outcome<()> {
    let store: Arc<dyn Store> = Arc::new(sqlite(path)?);
    runtime.block_on(preload(&store, accounts, 16, AT_ONCE))?;
    drop(store);
    let file = File::open(path)?;
    // What is measured does not share the disk with gigabytes that the kernel still has to write.
    file.sync_all()?;
    in_memory(&file)
}

/// Reads the whole file, of which the kernel may have given up much since it was written. From its end and page by page: forwards
/// the kernel would read ahead, and keep large pieces of which each write of a page costs more.
fn in_memory(file: &File) -> Outcome<()> {
    const PAGE: u64 = 4096;
    let mut page = [0; 4096];
    for number in (0..file.metadata()?.len() / PAGE).rev() {
        file.read_exact_at(&mut page, number * PAGE)?;
    }
    Ok(())
}

/// What makes the devices of these numbers players, as their first logins would, but without sessions.
///
/// # Errors
///
/// When there are no random bytes.
pub fn newcomers(numbers: std::ops::Range<u64>) -> Outcome<ChangeSet> {
    let mut change = ChangeSet {
        id: CommitId::new(random()?),
        require: Vec::new(),
        writes: Vec::new(),
        events: Vec::new(),
    };
    for number in numbers {
        let now = now();
        let mut account = Account::new(AccountId::new(now, &random()?), now);
        account.username = Some(Username::new(&username(number), Folding::Exact));
        let ordinal = account.next_ordinal;
        account.next_ordinal = ordinal.next();
        account.identities.push(Identity {
            ordinal,
            key: IdentityKey::new(ProviderId::DEVICE, &device(number)),
            shown: None,
            linked_at: now,
            verified_at: None,
            data: None,
        });
        let id = account.id;
        let created = Event { account: id, at: now, kind: EventKind::AccountCreated };
        let linked = EventKind::IdentityLinked { ordinal, provider: ProviderId::DEVICE };
        change.events.extend([created, Event { account: id, at: now, kind: linked }]);
        let (account, activity) = (Box::new(account), Activity::default().into());
        change.writes.push(Write::InsertAccount { account, activity });
    }
    Ok(change)
}

/// Random bytes from the operating system, as the engine takes them.
///
/// # Errors
///
/// When there are none.
pub fn random<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

/// The id of a device by its number: without order, as real ones are.
#[must_use]
pub fn device(number: u64) -> String {
    format!("{:016x}{:016x}", mix(number), mix(!number))
}

/// Ten letters, different for each number below 26^10.
#[must_use]
pub fn username(number: u64) -> String {
    const NAMES: u64 = 26_u64.pow(10);
    // An odd factor that 13 does not divide reaches every name once.
    let mut rest = number.wrapping_mul(1_000_000_007) % NAMES;
    let mut letters = String::with_capacity(10);
    for _ in 0..10 {
        letters.push(char::from(b'a' + u8::try_from(rest % 26).unwrap_or_default()));
        rest /= 26;
    }
    letters
}

/// Spreads numbers evenly over all of them (splitmix64).
#[must_use]
pub const fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pair(tokens: &authcore::TokenPair) -> Pair {
    Pair { access: tokens.access.reveal().into(), refresh: tokens.refresh.reveal().into() }
}

impl Target for Engine {
    async fn login(&self, device: String) -> Outcome<Pair> {
        let login = Login::new(Credential::Device(device.into()));
        let player = Self::login(self, &RequestContext::new(), login).await?;
        Ok(pair(&player.tokens))
    }

    async fn refresh(&self, token: String) -> Outcome<Pair> {
        let refresh = Refresh::new(token);
        let refreshed = Self::refresh(self, &RequestContext::new(), refresh).await?;
        Ok(pair(&refreshed.tokens))
    }

    async fn verify(&self, token: &str) -> Outcome<()> {
        Self::verify(self, token).await.map(drop)?;
        Ok(())
    }

    fn verify_stateless(&self, token: &str) -> Outcome<()> {
        Self::verify_stateless(self, token)?;
        Ok(())
    }

    async fn link(&self, token: &str, custom: String) -> Outcome<()> {
        let who = Self::verify(self, token).await?;
        let link = Link::new(Credential::Custom(custom.into()));
        Self::link(self, &RequestContext::new(), &who, link).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn devices_and_usernames_differ() {
        let all: HashSet<_> = (0..10_000).flat_map(|n| [device(n), username(n)]).collect();
        assert_eq!(all.len(), 20_000);
    }
}
