//! Who may pass: the player of an account that stands well enough, while the game is open.

use super::Engine;
use crate::account::Account;
use crate::context::RequestContext;
use crate::lifecycle::{Ban, BanInfo, Standing, standing};
use crate::refusal::Refusal;

impl Engine {
    /// The member gate (gamebase 4.1), for a settled account.
    pub(super) fn check_gate(
        &self,
        account: &Account,
        context: &RequestContext,
    ) -> Result<(), Refusal> {
        match (standing(account), account.ban.ban()) {
            (Standing::Withdrawn, _) => Err(Refusal::Withdrawn),
            (Standing::Missing, _) => Err(Refusal::Missing),
            (_, Some(ban)) => Err(self.banned(account, ban, context)),
            _ => Ok(()),
        }
    }

    /// What the player is told of a ban.
    pub(super) fn banned(&self, account: &Account, ban: &Ban, context: &RequestContext) -> Refusal {
        let templates = &self.policy.ban_templates;
        let template = templates.iter().find(|template| Some(template.code) == ban.template);
        let message =
            template.map_or(&*ban.message, |template| template.message(context.locale.as_deref()));
        Refusal::Banned(Box::new(BanInfo {
            account: account.id,
            since: ban.since,
            expiry: ban.expiry,
            message: message.into(),
            support_contact: self.policy.support.contact.as_str().into(),
            support_url: self.policy.support.url.as_str().into(),
        }))
    }
}
