use chrono::{DateTime, Utc};

use super::{Activity, LoginRecord, Method, Rotation, Session, Vars, rotate};
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

/// A session that is to be opened anew by one of its own tokens. The caller has checked that it is alive, and that
/// neither kind of its tokens was revoked.
pub(crate) struct Reopen<'a> {
    pub(crate) session: &'a Session,
    /// The refresh token's generation; an access token has none, and stands for the current one.
    pub(crate) generation: Option<u32>,
    /// Whether the player has proven once more who they are.
    pub(crate) vouched: bool,
    pub(crate) context: &'a RequestContext,
    pub(crate) account_epoch: Epoch,
    pub(crate) store_epoch: Epoch,
}

/// What a login by an own token gets.
pub(crate) enum Reopened {
    /// A login: the session, opened anew or, within the grace window, as it was.
    Login(Activity, Session),
    /// The answer that a login by the same token got a moment ago.
    Repeat(Session),
    /// Nothing: the token was used before, and the session ends.
    Reused,
}

/// Records a login by an own token and opens its session anew, in its own place: it keeps its name, so that a former
/// token of it is recognized as such (security 57), and its tokens rotate as they do at a refresh. Its time begins anew
/// (gamebase X-25); when the player proved who they are does not, unless they did it again.
pub(crate) fn reopen_session(
    activity: &Activity,
    reopen: &Reopen<'_>,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Reopened {
    let session = reopen.session;
    let device = reopen.context.device_id.as_deref();
    let generation = reopen.generation.unwrap_or(session.generation);
    let mut next = match rotate(session, generation, device, policy, now) {
        Rotation::Reused => return Reopened::Reused,
        Rotation::Repeat => return Reopened::Repeat(session.clone()),
        Rotation::Keep => session.clone(),
        Rotation::Next(next) => {
            let expires_at = now + policy.session_absolute;
            let context = reopen.context;
            Session {
                idle_expires_at: (now + policy.session_idle).min(expires_at),
                expires_at,
                device_name: context.device_name.as_deref().map(Into::into),
                device_id: context.device_id.as_deref().map(Into::into),
                epoch: reopen.account_epoch,
                store_epoch: reopen.store_epoch,
                ..*next
            }
        }
    };
    if reopen.vouched {
        next.authenticated_at = now;
    }
    let mut sessions = activity.sessions.clone();
    sessions.retain(|kept| {
        kept.id != next.id && kept.is_alive(reopen.account_epoch, reopen.store_epoch, now)
    });
    // The latest login is the last to give way.
    sessions.push(next.clone());
    let activity = Activity {
        login_count: activity.login_count.saturating_add(1),
        last_login: Some(LoginRecord { at: now, identity: next.identity }),
        previous_login_at: activity.last_login.map(|login| login.at),
        sessions,
    };
    Reopened::Login(activity, next)
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

    fn reopen(
        activity: &Activity,
        generation: Option<u32>,
        vouched: bool,
        now: DateTime<Utc>,
    ) -> Reopened {
        let reopen = Reopen {
            session: &activity.sessions[0],
            generation,
            vouched,
            context: &RequestContext::new(),
            account_epoch: Epoch::FIRST,
            store_epoch: Epoch::FIRST,
        };
        reopen_session(activity, &reopen, &Policy::gamebase(), now)
    }

    #[test]
    fn gamebase_x25_a_token_login_renews_the_session_in_its_place() {
        let (policy, start) = (Policy::gamebase(), DateTime::UNIX_EPOCH);
        let later = start + TimeDelta::days(20);
        let first = log_in(Activity::default(), 1, &policy, start);
        let two = log_in(first, 2, &policy, start);
        for (vouched, authenticated_at) in [(false, start), (true, later)] {
            let Reopened::Login(next, session) = reopen(&two, Some(0), vouched, later) else {
                panic!()
            };
            assert_eq!((session.id, session.generation), (two.sessions[0].id, 1));
            assert_eq!(session.idle_expires_at, later + policy.session_idle);
            assert_eq!(session.expires_at, later + policy.session_absolute);
            assert_eq!(session.authenticated_at, authenticated_at);
            assert_eq!((next.login_count, next.previous_login_at), (3, Some(start)));
            assert_eq!(next.sessions, [two.sessions[1].clone(), session]);
        }
    }

    #[test]
    fn gamebase_x25_a_session_that_is_opened_anew_is_of_the_device_and_the_epochs_of_now() {
        let (policy, start) = (Policy::gamebase(), DateTime::UNIX_EPOCH);
        let first = log_in(Activity::default(), 1, &policy, start);
        let mut context = RequestContext::new();
        context.device_name = Some("Ann's phone".to_owned());
        context.device_id = Some("a-device".to_owned());
        let (account_epoch, store_epoch) = (Epoch::new(2), Epoch::new(3));
        let reopen = Reopen {
            session: &first.sessions[0],
            generation: Some(0),
            vouched: true,
            context: &context,
            account_epoch,
            store_epoch,
        };
        let later = start + TimeDelta::days(1);
        let Reopened::Login(_, session) = reopen_session(&first, &reopen, &policy, later) else {
            panic!()
        };
        assert_eq!((session.epoch, session.store_epoch), (account_epoch, store_epoch));
        let device = (session.device_name.as_deref(), session.device_id.as_deref());
        assert_eq!(device, (Some("Ann's phone"), Some("a-device")));
    }

    #[test]
    fn gamebase_x25_the_idle_time_begins_anew_however_near_the_former_end_is() {
        let (policy, start) = (Policy::gamebase(), DateTime::UNIX_EPOCH);
        let first = log_in(Activity::default(), 1, &policy, start);
        let later = start + policy.session_absolute - TimeDelta::days(1);
        let Reopened::Login(_, session) = reopen(&first, Some(0), false, later) else { panic!() };
        assert_eq!(session.idle_expires_at, later + policy.session_idle);
    }

    #[test]
    fn security_57_a_former_token_repeats_a_moment_and_is_reuse_after() {
        let policy = Policy::gamebase();
        let later = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let first = log_in(Activity::default(), 1, &policy, DateTime::UNIX_EPOCH);
        let Reopened::Login(next, _) = reopen(&first, Some(0), false, later) else { panic!() };
        let again = |generation, after: i64| {
            reopen(&next, generation, false, later + TimeDelta::seconds(after))
        };
        assert!(matches!(again(Some(0), 9), Reopened::Repeat(_)));
        assert!(matches!(again(Some(0), 10), Reopened::Reused));
        let Reopened::Login(_, kept) = again(None, 9) else { panic!() };
        assert_eq!(kept, next.sessions[0], "a token that young stays");
        let Reopened::Login(_, moved) = again(None, 10) else { panic!() };
        assert_eq!(moved.generation, 2, "an access token stands for the current generation");
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
