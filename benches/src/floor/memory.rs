use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use uuid::Uuid;

use super::{FloorTokens, Session, push};
use crate::engine::{device, now, random, username};
use crate::{Outcome, Pair, Target};

/// Two maps behind one lock.
#[derive(Default)]
pub struct MemoryFloor {
    state: RwLock<State>,
    tokens: FloorTokens,
}

#[derive(Default)]
struct State {
    devices: HashMap<String, Uuid>,
    accounts: HashMap<Uuid, Account>,
}

#[derive(Clone)]
#[expect(dead_code, reason = "what an account has is copied, read or not")]
struct Account {
    version: u64,
    username: String,
    display_name: String,
    avatar_url: String,
    lang_tag: String,
    location: String,
    timezone: String,
    metadata: String,
    device: String,
    created_at: i64,
    login_count: u64,
    last_login_at: i64,
    sessions: Vec<Session>,
}

impl Account {
    fn new(device: String, username: String, now: i64) -> Self {
        Self {
            version: 1,
            username,
            display_name: String::new(),
            avatar_url: String::new(),
            lang_tag: "en".into(),
            location: String::new(),
            timezone: String::new(),
            metadata: "{}".into(),
            device,
            created_at: now,
            login_count: 0,
            last_login_at: 0,
            sessions: Vec::new(),
        }
    }
}

impl MemoryFloor {
    /// With the devices `0..accounts`.
    ///
    /// # Errors
    ///
    /// When there are no random bytes.
    pub fn filled(accounts: u64) -> Outcome<Self> {
        let floor = Self::default();
        for number in 0..accounts {
            floor.create(device(number), username(number), None)?;
        }
        Ok(floor)
    }

    fn create(&self, device: String, username: String, session: Option<Session>) -> Outcome<Uuid> {
        let now = now().timestamp_millis();
        let id = Uuid::from_bytes(random()?);
        let mut account = Account::new(device.clone(), username, now);
        account.sessions.extend(session);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.devices.insert(device, id);
        state.accounts.insert(id, account);
        Ok(id)
    }

    fn load(&self, find: impl FnOnce(&State) -> Option<Uuid>) -> Option<(Uuid, Account)> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let id = find(&state)?;
        Some((id, state.accounts.get(&id)?.clone()))
    }

    /// Puts what changes at a login in the place of what was loaded.
    fn swap(&self, id: Uuid, changed: &Account) -> Outcome<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let kept = state.accounts.get_mut(&id).ok_or("the account is gone")?;
        if kept.version != changed.version {
            return Err("the account has changed".into());
        }
        kept.version += 1;
        kept.login_count = changed.login_count;
        kept.last_login_at = changed.last_login_at;
        kept.sessions.clone_from(&changed.sessions);
        Ok(())
    }

    fn log_in(&self, device: String) -> Outcome<(Uuid, Account, Session)> {
        let now = now().timestamp_millis();
        let session = Session::open(Uuid::from_bytes(random()?), now);
        let Some((id, mut account)) = self.load(|state| state.devices.get(&device).copied()) else {
            let name = format!("{:010x}", u64::from_ne_bytes(random()?) >> 24);
            let id = self.create(device.clone(), name.clone(), Some(session))?;
            return Ok((id, Account::new(device, name, now), session));
        };
        push(&mut account.sessions, session, now);
        account.login_count += 1;
        account.last_login_at = now;
        self.swap(id, &account)?;
        Ok((id, account, session))
    }
}

impl Target for MemoryFloor {
    async fn login(&self, device: String) -> Outcome<Pair> {
        let (id, account, session) = self.log_in(device)?;
        self.tokens.mint_for(id, account.username, &session)
    }

    async fn refresh(&self, token: String) -> Outcome<Pair> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(&token)?;
        let (id, mut account) = self.load(|_| Some(claims.uid)).ok_or("no account")?;
        let kept = account.sessions.iter_mut().find(|kept| kept.id == claims.tid);
        let kept = kept.ok_or("no session")?;
        let generation = claims.r#gen.ok_or("no refresh token")?;
        *kept = kept.rotated(generation, now).ok_or("the token is old")?;
        let next = *kept;
        self.swap(id, &account)?;
        self.tokens.mint_for(id, account.username, &next)
    }

    async fn verify(&self, token: &str) -> Outcome<()> {
        let now = now().timestamp_millis();
        let claims = self.tokens.read(token)?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let account = state.accounts.get(&claims.uid).ok_or("no account")?;
        let alive = account.sessions.iter().any(|kept| kept.id == claims.tid && kept.is_alive(now));
        if alive { Ok(()) } else { Err("no session".into()) }
    }

    fn verify_stateless(&self, token: &str) -> Outcome<()> {
        self.tokens.read(token)?;
        Ok(())
    }
}

/// The memory floor, whose logins give no tokens.
#[derive(Default)]
pub struct WithoutTokens(pub MemoryFloor);

impl Target for WithoutTokens {
    async fn login(&self, device: String) -> Outcome<Pair> {
        self.0.log_in(device)?;
        Ok(Pair { access: String::new(), refresh: String::new() })
    }

    async fn refresh(&self, _: String) -> Outcome<Pair> {
        Err("there are no tokens".into())
    }

    async fn verify(&self, _: &str) -> Outcome<()> {
        Err("there are no tokens".into())
    }

    fn verify_stateless(&self, _: &str) -> Outcome<()> {
        Err("there are no tokens".into())
    }
}
