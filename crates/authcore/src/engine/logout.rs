use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries, Whose};
use crate::account::SessionId;
use crate::command::Logout;
use crate::context::RequestContext;
use crate::error::Error;
use crate::event::{EventKind, SessionEnd};
use crate::hooks::Done;
use crate::proof::Authenticated;
use crate::refusal::{Field, Refusal, Rule};
use crate::session::{Activity, Session, SessionEvent, SessionStatus, end_sessions};

/// Which tokens end.
#[derive(Clone, Copy, Default)]
struct Ends {
    access: Option<SessionId>,
    refresh: Option<SessionId>,
}

impl Ends {
    const fn whole(session: SessionId) -> Self {
        Self { access: Some(session), refresh: Some(session) }
    }
}

impl Engine {
    /// The caller's sessions that are alive, oldest first (security 37).
    ///
    /// # Errors
    ///
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn sessions(&self, who: &Authenticated) -> Result<Vec<Session>, Error> {
        let now = self.now();
        let mut settled = self.load_caller(who, now).await?;
        let (account, store) = (settled.account.epoch, settled.store_epoch);
        settled.activity.sessions.retain(|session| session.is_alive(account, store, now));
        Ok(settled.activity.sessions)
    }

    /// Ends sessions: this one, another one, all of them, or what some tokens stand for. When it is answered, they are over, for
    /// every node and after any restart (security 35, 37).
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] with [`Rule::NotYours`] when a token is not the caller's own or is over, and
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified; nothing has ended then.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the sessions may have ended all the same.
    pub async fn logout(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        logout: Logout,
    ) -> Result<(), Error> {
        let logout = self.parts.hooks.before_logout(context, who, logout).await?;
        let now = self.now();
        match logout {
            Logout::Everywhere => {
                self.change(Whose::Caller(who), now, |account, draft| {
                    end_sessions(account, SessionEvent::LoggedOutEverywhere);
                    draft.events.push((account.id, EventKind::SessionsEnded));
                    Ok(())
                })
                .await?;
            }
            Logout::ThisSession => self.end(who, Ends::whole(who.session().id), now).await?,
            Logout::Session(id) => self.end(who, Ends::whole(id), now).await?,
            Logout::Tokens { access, refresh } => {
                let keys = &self.parts.keys;
                let mut ends = Ends::default();
                if let Some(token) = access {
                    let claims = keys.access(token.reveal(), &self.policy, now);
                    let own = claims.filter(|claims| claims.account == who.account());
                    ends.access = Some(own.ok_or(not_yours(Field::AccessToken))?.session);
                }
                if let Some(token) = refresh {
                    let claims = keys.refresh(token.reveal(), &self.policy, now);
                    let own = claims.filter(|claims| claims.at.account == who.account());
                    ends.refresh = Some(own.ok_or(not_yours(Field::RefreshToken))?.at.session);
                }
                self.end(who, ends, now).await?;
            }
        }
        self.parts.hooks.after(context, &Done::Logout(who)).await;
        Ok(())
    }

    async fn end(&self, who: &Authenticated, ends: Ends, now: DateTime<Utc>) -> Result<(), Error> {
        let mut tries = Tries::new();
        loop {
            let settled = self.load_caller(who, now).await?;
            let Some(draft) = end_named(&settled, ends) else {
                return Ok(());
            };
            match self.commit(draft, now).await {
                Ok(()) => return Ok(()),
                Err(lost) => tries.again(lost)?,
            };
        }
    }
}

fn not_yours(field: Field) -> Refusal {
    Refusal::Invalid { field, rule: Rule::NotYours }
}

/// The commit that ends the access tokens of one session and the refresh tokens of one; none when they have ended.
fn end_named(settled: &Settled, ends: Ends) -> Option<Draft> {
    let before = &settled.activity;
    let mut draft = Draft::default();
    let mut sessions = Vec::new();
    for kept in &before.sessions {
        let mut session = kept.clone();
        let mut ended = false;
        for (named, on) in [
            (ends.access, SessionEvent::AccessTokensEnded),
            (ends.refresh, SessionEvent::RefreshTokensEnded),
        ] {
            if named == Some(session.id) {
                ended = session.end_tokens(on) == SessionStatus::Ended;
            }
        }
        if ended {
            let reason = SessionEnd::LoggedOut;
            let ended = EventKind::SessionEnded { session: session.id, reason };
            draft.events.push((settled.account.id, ended));
        } else {
            sessions.push(session);
        }
    }
    if sessions == before.sessions {
        return None;
    }
    draft.writes.push(settled.update_activity(Activity { sessions, ..before.clone() }));
    Some(draft)
}
