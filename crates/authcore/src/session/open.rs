use chrono::{DateTime, Utc};

use super::{Activity, LoginRecord, Method, Session, Vars};
use crate::account::{Epoch, Ordinal, SessionId};
use crate::context::RequestContext;
use crate::policy::Policy;

/// A session that is to be opened.
pub(crate) struct OpenSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) identity: Option<Ordinal>,
    pub(crate) method: Method,
    pub(crate) client_vars: &'a Vars,
    pub(crate) server_vars: &'a Vars,
    pub(crate) context: &'a RequestContext,
    pub(crate) account_epoch: Epoch,
    pub(crate) store_epoch: Epoch,
}

/// Records a login and opens its session. Dead sessions are dropped, and where there are too many the oldest gives way
/// (security 38).
pub(crate) fn open_session(
    activity: Activity,
    open: &OpenSession<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> (Activity, Session) {
    let expires_at = now + policy.session_absolute;
    let session = Session {
        id: open.id,
        identity: open.identity,
        method: open.method,
        authenticated_at: now,
        last_used_at: now,
        idle_expires_at: (now + policy.session_idle).min(expires_at),
        expires_at,
        generation: 0,
        access_revoked: false,
        refresh_revoked: false,
        client_vars: open.client_vars.clone(),
        server_vars: open.server_vars.clone(),
        device_name: open.context.device_name.as_deref().map(Into::into),
        device_id: open.context.device_id.as_deref().map(Into::into),
        epoch: open.account_epoch,
        store_epoch: open.store_epoch,
    };
    let alive = |kept: &Session| kept.is_alive(open.account_epoch, open.store_epoch, now);
    let mut sessions = activity.sessions;
    sessions.retain(alive);
    let surplus = (sessions.len() + 1).saturating_sub(policy.sessions_per_account);
    sessions.drain(..surplus);
    // By one and not to the double: the list is kept.
    sessions.reserve_exact(1);
    sessions.push(session.clone());
    let next = Activity {
        login_count: activity.login_count.saturating_add(1),
        last_login: Some(LoginRecord { at: now, identity: open.identity }),
        previous_login_at: activity.last_login.map(|login| login.at),
        sessions,
    };
    (next, session)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn log_in(activity: Activity, number: u8, policy: &Policy, now: DateTime<Utc>) -> Activity {
        let open = OpenSession {
            id: SessionId::from_bytes([number; 16]),
            identity: None,
            method: Method::Device,
            client_vars: &Vars::new(),
            server_vars: &Vars::new(),
            context: &RequestContext::new(),
            account_epoch: Epoch::FIRST,
            store_epoch: Epoch::FIRST,
        };
        open_session(activity, &open, policy, now).0
    }

    #[test]
    fn security_38_the_oldest_session_gives_way() {
        let policy = Policy { sessions_per_account: 3, ..Policy::recommended() };
        let now = DateTime::UNIX_EPOCH;
        let activity =
            (1..=5).fold(Activity::default(), |kept, number| log_in(kept, number, &policy, now));
        let ids: Vec<_> =
            activity.sessions.iter().map(|session| session.id.as_bytes()[0]).collect();
        assert_eq!(ids, [3, 4, 5]);
        assert_eq!(activity.login_count, 5);
    }

    #[test]
    fn dead_sessions_are_dropped_at_the_next_login() {
        let policy = Policy::recommended();
        let start = DateTime::UNIX_EPOCH;
        let first = log_in(Activity::default(), 1, &policy, start);
        let later = start + policy.session_idle;
        let second = log_in(first.clone(), 2, &policy, later);
        assert_eq!(second.sessions.len(), 1);
        assert_eq!(second.previous_login_at, Some(start));
        let before = later - TimeDelta::milliseconds(1);
        assert_eq!(log_in(first, 2, &policy, before).sessions.len(), 2);
    }
}
