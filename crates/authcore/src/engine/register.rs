use super::Engine;
use super::corridor::{Draft, Tries};
use super::import::check_key;
use crate::account::{Account, AccountId, IdentityKey};
use crate::error::Error;
use crate::lifecycle::Standing;
use crate::mapping::{LinkRequest, link};
use crate::policy::Policy;
use crate::proof::Operator;
use crate::refusal::Refusal;
use crate::store::{Conflict, Lookup};

impl Engine {
    /// Gives an account a login ahead of its first use: whoever proves it enters that account (braincloud 7). One that the
    /// account has already is done. It is also the way back for an account that has lost its last login.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::{*, account::{IdentityKey, ProviderId}};
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::braincloud());
    /// # let engine = harness.engine();
    /// # let context = RequestContext::new();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&context, login).await?;
    /// let operator = Operator::vouched_for("support");
    /// let key = IdentityKey::new(ProviderId::CUSTOM, "an-id-of-the-host");
    /// engine.register_identity(&operator, player.account.id, key).await?;
    ///
    /// let login = Login::new(Credential::Custom("an-id-of-the-host".into()));
    /// let same = engine.login(&context, login).await?;
    /// assert_eq!(same.account.id, player.account.id);
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`]; [`Refusal::ProviderNotConfigured`]; [`Refusal::AccountNotFound`]; [`Refusal::Withdrawn`];
    /// [`Refusal::NotLinkable`] for a guest key, and for a universal id that would be all that an account without a
    /// password has; [`Refusal::AlreadyLinked`] when the account has another of its kind;
    /// [`Refusal::IdentityTaken`] when another account owns it. Or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the identity may be registered all the same.
    pub async fn register_identity(
        &self,
        operator: &Operator,
        account: AccountId,
        key: IdentityKey,
    ) -> Result<Account, Error> {
        let key = check_key(key, self.parts.folding)?;
        if !key.provider().is_built_in() {
            self.verifier(key.provider())?;
        }
        // Nothing that the player has is replaced in silence, and asking twice is no fault.
        let policy = Policy {
            relink: crate::policy::Relink::Refuse,
            relink_own_is_done: true,
            ..Policy::clone(&self.policy)
        };
        let request = LinkRequest { key: &key, shown: None, password: None };
        let now = self.now();
        let mut tries = Tries::new();
        loop {
            let settled = self.load(&Lookup::Id(account), now).await?;
            let settled = settled.ok_or(Refusal::AccountNotFound)?;
            if crate::lifecycle::standing(&settled.account) == Standing::Withdrawn {
                return Err(Refusal::Withdrawn.into());
            }
            let mut registered = settled.account.clone();
            let change = link(&mut registered, &request, &policy, now)?;
            if change.events.is_empty() {
                return Ok(registered);
            }
            if !registered.has_a_login() {
                // Without a password nobody logs in by it, and a guest key would have gone for it.
                return Err(Refusal::NotLinkable(key.provider().clone()).into());
            }
            let mut draft = Draft::default();
            self.write_change(&settled, &mut registered, change, None, &mut draft);
            let lost = match self.commit(draft, now).await {
                Ok(()) => {
                    tracing::info!(%account, operator = operator.name(), "identity registered");
                    return Ok(registered);
                }
                Err(lost) => lost,
            };
            if let Conflict::IdentityTaken(key) = tries.again(lost)?
                && self.owner(&key, now).await?.is_some_and(|owner| owner.account.id != account)
            {
                let provider = key.provider().clone();
                return Err(Refusal::IdentityTaken { provider, ticket: None }.into());
            }
        }
    }
}
