use crate::account::{Account, Ordinal, SessionId};
use crate::event::{EventKind, SessionEnd};
use crate::policy::CredentialChange;
use crate::session::{Activity, Method, Session, SessionEvent, end_sessions};

/// What a rule did to an account's logins, for what follows for its sessions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// What happened.
    pub(crate) events: Vec<EventKind>,
    /// The identities that are gone, but no guest keys that another identity replaces.
    pub(crate) gone: Vec<Ordinal>,
    /// Whether the password is gone.
    pub(crate) password_gone: bool,
    /// The guest keys that are gone, and what their sessions are opened by from now on.
    pub(crate) guests: Option<(Vec<Ordinal>, Ordinal, Method)>,
}

impl Change {
    /// Whether sessions may end or change with it.
    pub(crate) fn concerns_sessions(&self) -> bool {
        self.takes_a_login_away() || self.guests.is_some()
    }

    /// What becomes of the account's sessions: the activity to write, where it changes. All end but the acting one where
    /// `ends` says so; that one too when it was opened by what is gone (security 63, 72; gamebase X-24).
    pub(crate) fn sessions(
        &mut self,
        account: &mut Account,
        before: &Activity,
        ends: CredentialChange,
        acting: Option<SessionId>,
    ) -> Option<Activity> {
        let mut after = before.clone();
        self.follow_guests(&mut after);
        match ends {
            CredentialChange::EndsItsSessions => {
                after.sessions.retain(|session| {
                    let stays = !self.opened(session);
                    if !stays {
                        let reason = SessionEnd::Unlinked;
                        self.events.push(EventKind::SessionEnded { session: session.id, reason });
                    }
                    stays
                });
            }
            CredentialChange::EndsOtherSessions if self.takes_a_login_away() => {
                end_sessions(account, SessionEvent::LoginTakenAway);
                after
                    .sessions
                    .retain(|session| Some(session.id) == acting && !self.opened(session));
                for session in &mut after.sessions {
                    session.epoch = account.epoch;
                }
            }
            CredentialChange::EndsOtherSessions | CredentialChange::KeepsSessions => {}
        }
        (after != *before).then_some(after)
    }

    /// The player stays logged in when the guest key goes: by the identity that took its place (gamebase 3.7).
    fn follow_guests(&self, activity: &mut Activity) {
        let Some((guests, heir, method)) = &self.guests else { return };
        let is_guest = |ordinal: Option<Ordinal>| ordinal.is_some_and(|it| guests.contains(&it));
        for session in activity.sessions.iter_mut().filter(|session| is_guest(session.identity)) {
            session.identity = Some(*heir);
            session.method = *method;
        }
        if let Some(login) = activity.last_login.as_mut().filter(|login| is_guest(login.identity)) {
            login.identity = Some(*heir);
        }
    }

    /// Whether the session was opened by what is gone. A login by username has no identity, only the password.
    fn opened(&self, session: &Session) -> bool {
        session.identity.map_or(self.password_gone, |ordinal| self.gone.contains(&ordinal))
    }

    /// Whether a login that worked works no more: an identity is gone, or the password is another.
    fn takes_a_login_away(&self) -> bool {
        !self.gone.is_empty() || self.events.contains(&EventKind::PasswordChanged)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::account::{AccountId, Epoch, ProviderId};
    use crate::session::Vars;

    fn opened_by(identity: Option<Ordinal>) -> Session {
        let now = DateTime::UNIX_EPOCH;
        Session {
            id: SessionId::from_bytes([1; 16]),
            identity,
            method: Method::Guest,
            authenticated_at: now,
            last_used_at: now,
            idle_expires_at: now,
            expires_at: now,
            generation: 0,
            access_revoked: false,
            refresh_revoked: false,
            client_vars: Vars::new(),
            server_vars: Vars::new(),
            device_name: None,
            device_id: None,
            epoch: Epoch::FIRST,
            store_epoch: Epoch::FIRST,
        }
    }

    #[test]
    fn gamebase_3_7_a_guest_key_that_another_identity_replaces_ends_no_session() {
        let (guest, heir) = (Ordinal::FIRST, Ordinal::FIRST.next());
        let mut account = Account::new(AccountId::from_bytes([1; 16]), DateTime::UNIX_EPOCH);
        let sessions = vec![opened_by(Some(guest)), opened_by(None)];
        let before = Activity { sessions, ..Activity::default() };
        let method = Method::of(&ProviderId::DEVICE);
        let mut change = Change { guests: Some((vec![guest], heir, method)), ..Change::default() };
        let ends = CredentialChange::EndsOtherSessions;
        let after = change.sessions(&mut account, &before, ends, None).unwrap();
        let opened: Vec<_> = after.sessions.iter().map(|session| session.identity).collect();
        assert_eq!((opened, account.epoch), (vec![Some(heir), None], Epoch::FIRST));
        assert_eq!(after.sessions[0].method, method);
        assert_eq!(change.events, []);
    }
}
