use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::{Draft, Settled, Tries};
use crate::command::{Refresh, Refreshed};
use crate::context::RequestContext;
use crate::error::Error;
use crate::event::{EventKind, SessionEnd};
use crate::hooks::{Done, Intent};
use crate::refusal::{Field, Refusal, Rule};
use crate::session::{RefreshClaims, Rotation, Session, SessionEvent, Vars, rotate};
use crate::store::{Lookup, Require};

impl Engine {
    /// Takes a refresh token and gives the next pair of tokens.
    ///
    /// A refresh token rotates at its first use, and at most once in a grace window
    /// ([`refresh_grace`](crate::Policy::refresh_grace)): a younger one stays. Within the window after it rotated the
    /// former token gets the same pair again, so that neither a lost answer nor several calls at once lose anything.
    /// Its use after that ends the session, because somebody else may hold it (security 56-60). Vars that come with a
    /// token that has rotated already are not taken: its successor is made as it was.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&RequestContext::new(), login).await?;
    /// let refresh = Refresh::new(player.tokens.refresh.reveal());
    /// let next = engine.refresh(&RequestContext::new(), refresh).await?;
    /// assert_eq!(next.session.id, player.session.id);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::RefreshTokenInvalid`], [`Refusal::RefreshTokenReused`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the rotation may be committed all the same, and the same token then gets its successor within
    /// the grace window.
    pub async fn refresh(
        &self,
        context: &RequestContext,
        refresh: Refresh,
    ) -> Result<Refreshed, Error> {
        self.check_open(context, self.now())?;
        let refresh = self.parts.hooks.before_refresh(context, refresh).await?;
        context.check()?;
        if refresh.token.is_empty() {
            let rule = Rule::Required;
            return Err(Refusal::Invalid { field: Field::RefreshToken, rule }.into());
        }
        let now = self.now();
        let claims = self
            .parts
            .keys
            .refresh(refresh.token.reveal(), &self.policy, now)
            .ok_or(Refusal::RefreshTokenInvalid)?;
        let refreshed = self.rotate(context, &refresh, claims, now).await?;
        self.parts.hooks.after(context, &Done::Refresh(&refreshed)).await;
        Ok(refreshed)
    }

    async fn rotate(
        &self,
        context: &RequestContext,
        refresh: &Refresh,
        claims: RefreshClaims,
        now: DateTime<Utc>,
    ) -> Result<Refreshed, Error> {
        let mut tries = Tries::new();
        loop {
            let (settled, session) = self.load_session(claims, now).await?;
            self.parts.hooks.veto(context, &Intent::Refresh(&settled.account))?;
            let device = context.device_id.as_deref();
            let rotation = rotate(&session, claims.generation, device, &self.policy, now);
            let vars = self.replaced_vars(refresh, &session)?;
            let next = match (rotation, vars) {
                // Minted as of the rotation, so that it is the very same pair.
                (Rotation::Repeat, _) => {
                    let minted = session.last_used_at;
                    return self.refreshed(settled, session, minted);
                }
                (Rotation::Keep, None) => return self.refreshed(settled, session, now),
                (Rotation::Keep, Some(vars)) => {
                    Some(Session { client_vars: vars, ..session.clone() })
                }
                (Rotation::Next(next), None) => Some(*next),
                (Rotation::Next(next), Some(vars)) => Some(Session { client_vars: vars, ..*next }),
                (Rotation::Reused, _) => None,
            };
            let draft = replace(&settled, &session, next.as_ref());
            match (self.commit(draft, now).await, next) {
                (Ok(()), Some(session)) => return self.refreshed(settled, session, now),
                (Ok(()), None) => return Err(Refusal::RefreshTokenReused.into()),
                (Err(lost), _) => {
                    tries.again(lost)?;
                }
            }
        }
    }

    /// The vars that a client puts in the place of its old ones, where the policy lets it and it does.
    fn replaced_vars(&self, refresh: &Refresh, session: &Session) -> Result<Option<Vars>, Refusal> {
        if !self.policy.refresh_replaces_vars || refresh.vars.is_empty() {
            return Ok(None);
        }
        super::login::check_vars(&refresh.vars, &session.server_vars)?;
        Ok(Some(refresh.vars.clone()))
    }

    /// The account and the session of a refresh token, when the token still counts.
    async fn load_session(
        &self,
        claims: RefreshClaims,
        now: DateTime<Utc>,
    ) -> Result<(Settled, Session), Error> {
        let settled = self
            .load(&Lookup::Id(claims.at.account), now)
            .await?
            .ok_or(Refusal::RefreshTokenInvalid)?;
        let session = settled
            .session(claims.at.session, SessionEvent::Refreshed, now)
            .cloned()
            .ok_or(Refusal::RefreshTokenInvalid)?;
        Ok((settled, session))
    }

    fn refreshed(
        &self,
        settled: Settled,
        session: Session,
        minted: DateTime<Utc>,
    ) -> Result<Refreshed, Error> {
        let tokens = self.parts.keys.mint(&settled.account, &session, minted, &self.policy)?;
        Ok(Refreshed { account: settled.account, session, tokens })
    }
}

/// The commit that puts `next` in the place of a session, or ends it. The account need not be the same, only its
/// epoch: a change of profile beside a refresh is no race.
pub(super) fn replace(settled: &Settled, session: &Session, next: Option<&Session>) -> Draft {
    let mut draft = Draft::default();
    let account = &settled.account;
    draft.require.push(Require::Epoch(account.id, account.epoch));
    if next.is_none() {
        let reason = SessionEnd::RefreshReused;
        draft.events.push((account.id, EventKind::SessionEnded { session: session.id, reason }));
    }
    let mut activity = settled.activity.clone();
    activity.sessions = activity
        .sessions
        .into_iter()
        .filter_map(|kept| if kept.id == session.id { next.cloned() } else { Some(kept) })
        .collect();
    draft.writes.push(settled.update_activity(activity));
    draft
}
