//! Who may pass: the player of an account that stands well enough, while the game is open.

use std::sync::{Arc, PoisonError};

use chrono::{DateTime, Utc};

use super::Engine;
use crate::account::{Account, AccountId};
use crate::context::RequestContext;
use crate::gate::Closure;
use crate::lifecycle::{Ban, BanInfo, Standing, standing};
use crate::refusal::Refusal;

impl Engine {
    /// Closes the game to players, or opens it again (gamebase 3.17): for this engine and all its clones and views, in this
    /// process. Sessions stay; logins, refreshes and changes of logins are refused with [`Refusal::NotPlayable`].
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let now = harness.clock().now();
    /// engine.set_closure(Some(Closure {
    ///     begins_at: now,
    ///     ends_at: None,
    ///     message: "back soon".into(),
    ///     url: String::new(),
    ///     test_devices: vec![TestDevice::Id("one-of-ours".into())],
    /// }));
    /// let login = || Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// assert!(engine.login(&RequestContext::new(), login()).await.is_err());
    ///
    /// let mut ours = RequestContext::new();
    /// ours.device_id = Some("one-of-ours".into());
    /// engine.login(&ours, login()).await?;
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    pub fn set_closure(&self, closure: Option<Closure>) {
        let mut kept = self.parts.closure.write().unwrap_or_else(PoisonError::into_inner);
        *kept = closure.map(Arc::new);
    }

    /// The first of all checks: whether the game is open to this request (gamebase 3).
    pub(super) fn check_open(
        &self,
        context: &RequestContext,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let kept = self.parts.closure.read().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref().and_then(|closure| closure.keeps_out(context, now)) {
            Some(closed) => Err(Refusal::NotPlayable(Box::new(closed))),
            None => Ok(()),
        }
    }

    /// The member gate (gamebase 4.1), for a settled account.
    pub(super) fn check_gate(
        &self,
        account: &Account,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        match (standing(account), account.ban.ban()) {
            (Standing::Withdrawn, _) => Err(Refusal::Withdrawn),
            (Standing::Missing, _) => Err(Refusal::Missing),
            (_, Some(ban)) => Err(self.banned(account.id, ban, context)),
            _ => Ok(()),
        }
    }

    /// What the player is told of a ban.
    pub(super) fn banned(
        &self,
        account: AccountId,
        ban: &Ban,
        context: &RequestContext,
    ) -> Refusal {
        let templates = &self.policy.ban_templates;
        let template = templates.iter().find(|template| Some(template.code) == ban.template);
        let message =
            template.map_or(&*ban.message, |template| template.message(context.locale.as_deref()));
        Refusal::Banned(Box::new(BanInfo {
            account,
            since: ban.since,
            expiry: ban.expiry,
            message: message.into(),
            support_contact: self.policy.support.contact.as_str().into(),
            support_url: self.policy.support.url.as_str().into(),
        }))
    }
}
