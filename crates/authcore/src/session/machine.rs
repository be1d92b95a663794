use chrono::{DateTime, Utc};

use super::Session;
use crate::account::{Account, Epoch};
use crate::lifecycle::{Machine, Step};

/// How a session stands, as the states of [`SESSION`]. The two kinds of its tokens can be ended apart (nakama 11.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionStatus {
    /// There is none.
    None,
    /// Both kinds of its tokens count.
    Active,
    /// Its access tokens count no longer.
    OnlyRefresh,
    /// Its refresh tokens count no longer.
    OnlyAccess,
    /// It is over, for good.
    Ended,
}

/// What may happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A login, or a sign-up.
    LoggedIn,
    /// An access token is presented.
    AccessTokenUsed,
    /// The current refresh token is presented, or the one before it in the grace window.
    Refreshed,
    /// A login by one of its own tokens (gamebase 3.5).
    Resumed,
    /// A logout names an access token of it.
    AccessTokensEnded,
    /// A logout names a refresh token of it.
    RefreshTokensEnded,
    /// A refresh token is presented that was used before (security 57).
    TokenReused,
    /// It was not refreshed in time, or is as old as a session may be.
    Expired,
    /// The account has more sessions than the policy allows, and this is the oldest.
    PushedOut,
    /// The player logs out of the session.
    LoggedOut,
    /// The player logs out everywhere.
    LoggedOutEverywhere,
    /// The login that opened it is the account's no longer, or another one, or the password, where the policy ends the
    /// other sessions then (gamebase 4.8).
    LoginTakenAway,
    /// The account is banned.
    Banned,
    /// The account is withdrawn.
    Withdrawn,
    /// The account has lost its last login.
    Lost,
    /// The guest's account was transferred to another device.
    Transferred,
    /// An operator ends the account's sessions, by a kickout or alone (gamebase 3.18).
    EndedByOperator,
    /// The player took their consent back at the provider (gamebase 3.19).
    ConsentRevoked,
}

/// The same end from each state in which a session lives.
macro_rules! steps {
    ($($step:expr,)*; ends: $($end:ident)*) => {
        &[
            $($step,)*
            $(
                Step::new(SessionStatus::Active, SessionEvent::$end, SessionStatus::Ended),
                Step::new(SessionStatus::OnlyRefresh, SessionEvent::$end, SessionStatus::Ended),
                Step::new(SessionStatus::OnlyAccess, SessionEvent::$end, SessionStatus::Ended),
            )*
        ]
    };
}

/// A session (gamebase 4.7, 4.8; nakama 11.4). What is not here leaves sessions as they are: a release revives none, and a
/// suspension, a request to be withdrawn or a closure ends none.
pub static SESSION: Machine<SessionStatus, SessionEvent> = {
    use SessionEvent as On;
    use SessionStatus::{Active, Ended, None, OnlyAccess, OnlyRefresh};
    Machine {
        name: "session",
        start: None,
        steps: steps![
            Step::new(Active, On::AccessTokenUsed, Active),
            Step::new(OnlyAccess, On::AccessTokenUsed, OnlyAccess),
            Step::new(Active, On::Refreshed, Active),
            Step::new(OnlyRefresh, On::Refreshed, OnlyRefresh),
            Step::new(Active, On::Resumed, Active),
            Step::new(None, On::LoggedIn, Active),
            Step::new(Active, On::AccessTokensEnded, OnlyRefresh),
            Step::new(OnlyRefresh, On::AccessTokensEnded, OnlyRefresh),
            Step::new(OnlyAccess, On::AccessTokensEnded, Ended),
            Step::new(Active, On::RefreshTokensEnded, OnlyAccess),
            Step::new(OnlyAccess, On::RefreshTokensEnded, OnlyAccess),
            Step::new(OnlyRefresh, On::RefreshTokensEnded, Ended),
            ; ends: TokenReused Expired PushedOut LoggedOut LoggedOutEverywhere LoginTakenAway Banned
                Withdrawn Lost Transferred EndedByOperator ConsentRevoked
        ],
    }
};

impl Session {
    /// The state of [`SESSION`] that it is in, given the epochs of its account and its store.
    #[must_use]
    pub fn status(&self, account: Epoch, store: Epoch, now: DateTime<Utc>) -> SessionStatus {
        let over = self.epoch < account
            || self.store_epoch < store
            || now >= self.idle_expires_at
            || now >= self.expires_at;
        if over { SessionStatus::Ended } else { self.tokens() }
    }

    /// The state that its tokens are in.
    const fn tokens(&self) -> SessionStatus {
        match (self.access_revoked, self.refresh_revoked) {
            (false, false) => SessionStatus::Active,
            (true, false) => SessionStatus::OnlyRefresh,
            (false, true) => SessionStatus::OnlyAccess,
            (true, true) => SessionStatus::Ended,
        }
    }

    /// Whether the session still counts, given the epochs of its account and its store.
    #[must_use]
    pub fn is_alive(&self, account: Epoch, store: Epoch, now: DateTime<Utc>) -> bool {
        self.status(account, store, now) != SessionStatus::Ended
    }

    /// Whether the table lets this happen to it.
    pub(crate) fn takes(
        &self,
        on: SessionEvent,
        account: Epoch,
        store: Epoch,
        now: DateTime<Utc>,
    ) -> bool {
        SESSION.next(self.status(account, store, now), on).is_ok()
    }

    /// Ends the kinds of its tokens that the table says end, and says how it stands then.
    pub(crate) fn end_tokens(&mut self, on: SessionEvent) -> SessionStatus {
        let next = SESSION.next(self.tokens(), on).unwrap_or(SessionStatus::Ended);
        (self.access_revoked, self.refresh_revoked) = match next {
            SessionStatus::Active => (false, false),
            SessionStatus::OnlyRefresh => (true, false),
            SessionStatus::OnlyAccess => (false, true),
            SessionStatus::None | SessionStatus::Ended => (true, true),
        };
        next
    }
}

/// Ends all sessions of an account, where the table says that this ends one: they are of a former epoch from now on.
pub(crate) fn end_sessions(account: &mut Account, on: SessionEvent) {
    if SESSION.next(SessionStatus::Active, on) == Ok(SessionStatus::Ended) {
        account.epoch = account.epoch.next();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    use SessionEvent as On;
    use SessionStatus::{Active, Ended, None, OnlyAccess, OnlyRefresh};

    const LIVING: [SessionStatus; 3] = [Active, OnlyRefresh, OnlyAccess];

    fn ends(on: SessionEvent) {
        for from in LIVING {
            assert_eq!(SESSION.next(from, on), Ok(Ended));
        }
    }

    #[test]
    fn the_table_says_one_thing_of_each_step_and_the_diagram_is_documented() {
        let pairs: HashSet<_> = SESSION.steps.iter().map(|step| (step.from, step.on)).collect();
        assert_eq!(pairs.len(), SESSION.steps.len());
        let diagram = format!("```mermaid\n{}```", SESSION.diagram());
        crate::documentation::check("machines.md", "session machine", &diagram);
    }

    #[test]
    fn gamebase_4_7_nothing_happens_to_a_session_that_is_over() {
        assert!(SESSION.steps.iter().all(|step| step.from != Ended));
    }

    #[test]
    fn gamebase_4_7_none_login_ok_gives_active() {
        assert_eq!(SESSION.next(None, On::LoggedIn), Ok(Active));
        assert_eq!(SESSION.steps.iter().filter(|step| step.from == None).count(), 1);
    }

    #[test]
    fn gamebase_4_7_logout_ends() {
        ends(On::LoggedOut);
        ends(On::LoggedOutEverywhere);
    }

    #[test]
    fn gamebase_4_7_token_expired_ends_and_an_extension_in_time_does_not() {
        ends(On::Expired);
        assert_eq!(SESSION.next(Active, On::Refreshed), Ok(Active));
    }

    #[test]
    fn gamebase_4_7_member_banned_ends() {
        ends(On::Banned);
    }

    #[test]
    fn gamebase_4_7_member_withdrawn_lost_or_transferred_away_ends() {
        ends(On::Withdrawn);
        ends(On::Lost);
    }

    #[test]
    fn gamebase_4_7_guest_transferred_ends() {
        ends(On::Transferred);
    }

    #[test]
    fn gamebase_4_7_apple_consent_revoked_ends() {
        ends(On::ConsentRevoked);
    }

    #[test]
    fn nakama_11_4_the_two_kinds_of_tokens_end_apart_and_both_are_the_end() {
        assert_eq!(SESSION.next(Active, On::AccessTokensEnded), Ok(OnlyRefresh));
        assert_eq!(SESSION.next(Active, On::RefreshTokensEnded), Ok(OnlyAccess));
        assert_eq!(SESSION.next(OnlyRefresh, On::RefreshTokensEnded), Ok(Ended));
        assert_eq!(SESSION.next(OnlyAccess, On::AccessTokensEnded), Ok(Ended));
        for (state, on) in [
            (OnlyRefresh, On::AccessTokenUsed),
            (OnlyRefresh, On::Resumed),
            (OnlyAccess, On::Refreshed),
            (OnlyAccess, On::Resumed),
        ] {
            assert!(SESSION.next(state, on).is_err(), "{state:?} {on:?}");
        }
    }
}
