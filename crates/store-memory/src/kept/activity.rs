use authcore::account::{Epoch, Ordinal, SessionId};
use authcore::session::{Activity, LoginRecord, Method, Session, Vars};
use chrono::{DateTime, Utc};

/// An account's logins and sessions.
pub(crate) struct KeptActivity {
    login_count: u64,
    last_login: Option<LoginRecord>,
    previous_login_at: Option<DateTime<Utc>>,
    sessions: Box<[KeptSession]>,
}

struct KeptSession {
    id: SessionId,
    identity: Option<Ordinal>,
    method: Method,
    authenticated_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    idle_expires_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    generation: u32,
    access_revoked: bool,
    refresh_revoked: bool,
    epoch: Epoch,
    store_epoch: Epoch,
    rare: Option<Box<RareSession>>,
}

/// What few sessions have.
#[derive(Clone, Default)]
struct RareSession {
    client_vars: Vars,
    server_vars: Vars,
    device_name: Option<Box<str>>,
    device_id: Option<Box<str>>,
}

impl KeptActivity {
    pub(crate) fn new(activity: &Activity) -> Self {
        let Activity { login_count, last_login, previous_login_at, sessions } = activity;
        Self {
            login_count: *login_count,
            last_login: *last_login,
            previous_login_at: *previous_login_at,
            sessions: sessions.iter().map(KeptSession::new).collect(),
        }
    }

    pub(crate) fn activity(&self) -> Activity {
        Activity {
            login_count: self.login_count,
            last_login: self.last_login,
            previous_login_at: self.previous_login_at,
            sessions: self.sessions.iter().map(KeptSession::session).collect(),
        }
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        self.sessions.iter().find(|session| session.id == id).map(KeptSession::session)
    }
}

impl KeptSession {
    fn new(session: &Session) -> Self {
        // Names every field, so that a new one cannot be lost in silence.
        let Session {
            id,
            identity,
            method,
            authenticated_at,
            last_used_at,
            idle_expires_at,
            expires_at,
            generation,
            access_revoked,
            refresh_revoked,
            client_vars,
            server_vars,
            device_name,
            device_id,
            epoch,
            store_epoch,
        } = session;
        let usual = client_vars.is_empty()
            && server_vars.is_empty()
            && device_name.is_none()
            && device_id.is_none();
        let rare = || RareSession {
            client_vars: client_vars.clone(),
            server_vars: server_vars.clone(),
            device_name: device_name.clone(),
            device_id: device_id.clone(),
        };
        Self {
            id: *id,
            identity: *identity,
            method: *method,
            authenticated_at: *authenticated_at,
            last_used_at: *last_used_at,
            idle_expires_at: *idle_expires_at,
            expires_at: *expires_at,
            generation: *generation,
            access_revoked: *access_revoked,
            refresh_revoked: *refresh_revoked,
            epoch: *epoch,
            store_epoch: *store_epoch,
            rare: (!usual).then(|| Box::new(rare())),
        }
    }

    fn session(&self) -> Session {
        let rare = self.rare.as_deref().cloned().unwrap_or_default();
        Session {
            id: self.id,
            identity: self.identity,
            method: self.method,
            authenticated_at: self.authenticated_at,
            last_used_at: self.last_used_at,
            idle_expires_at: self.idle_expires_at,
            expires_at: self.expires_at,
            generation: self.generation,
            access_revoked: self.access_revoked,
            refresh_revoked: self.refresh_revoked,
            client_vars: rare.client_vars,
            server_vars: rare.server_vars,
            device_name: rare.device_name,
            device_id: rare.device_id,
            epoch: self.epoch,
            store_epoch: self.store_epoch,
        }
    }
}
