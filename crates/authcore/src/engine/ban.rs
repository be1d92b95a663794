use chrono::{DateTime, Utc};

use super::Engine;
use super::corridor::Whose;
use crate::account::{Account, AccountId};
use crate::error::Error;
use crate::lifecycle::{self, Ban, BanEnd, BanRecord, BanSource, Expiry, ban_history};
use crate::proof::Operator;
use crate::refusal::{Field, Refusal, Rule};
use crate::store::Lookup;

/// How many accounts may be banned or unbanned at once (gamebase 3.13).
const MOST: usize = 10_000;
/// How long the words of a ban may be, in bytes.
const WORDS: usize = 1024;
/// How many flags a ban may have, and how long each may be, in bytes.
const FLAGS: (usize, usize) = (16, 64);

/// Asks for a ban.
///
/// ```
/// use authcore::BanRequest;
///
/// let ban = BanRequest::permanent().with_message("cheating").for_reason("report 17").replacing();
/// assert!(ban.replace);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BanRequest {
    /// When it ends; in the future.
    pub expiry: Expiry,
    /// Why, for the player; at most 1024 bytes. A template's words go before it.
    pub message: String,
    /// The code of one of the policy's [`ban_templates`](crate::Policy::ban_templates).
    pub template: Option<u32>,
    /// Why, for operators only; at most 1024 bytes.
    pub reason: String,
    /// Which kind of system asks.
    pub source: BanSource,
    /// Marks of the host's own, such as `leaderboard`; at most 16 of 1 to 64 bytes each.
    pub flags: Vec<String>,
    /// Whether it takes the place of a ban in force, which is otherwise refused (gamebase X-7).
    pub replace: bool,
}

impl BanRequest {
    const fn new(expiry: Expiry) -> Self {
        Self {
            expiry,
            message: String::new(),
            template: None,
            reason: String::new(),
            source: BanSource::Console,
            flags: Vec::new(),
            replace: false,
        }
    }

    /// A ban without an end.
    #[must_use]
    pub const fn permanent() -> Self {
        Self::new(Expiry::Never)
    }

    /// A ban until a date.
    #[must_use]
    pub const fn until(date: DateTime<Utc>) -> Self {
        Self::new(Expiry::At(date))
    }

    /// With words for the player.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// With the words of a template.
    #[must_use]
    pub const fn with_template(mut self, code: u32) -> Self {
        self.template = Some(code);
        self
    }

    /// With words for operators only.
    #[must_use]
    pub fn for_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// From this kind of system.
    #[must_use]
    pub const fn from_source(mut self, source: BanSource) -> Self {
        self.source = source;
        self
    }

    /// With one more mark.
    #[must_use]
    pub fn with_flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// In the place of a ban in force.
    #[must_use]
    pub const fn replacing(mut self) -> Self {
        self.replace = true;
        self
    }
}

/// Asks for the end of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnbanRequest {
    /// Why, for operators only; at most 1024 bytes.
    pub reason: String,
    /// Which kind of system asks.
    pub source: BanSource,
}

impl UnbanRequest {
    /// Without a reason, from an operator's console.
    #[must_use]
    pub const fn new() -> Self {
        Self { reason: String::new(), source: BanSource::Console }
    }

    /// With words for operators only.
    #[must_use]
    pub fn for_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    /// From this kind of system.
    #[must_use]
    pub const fn from_source(mut self, source: BanSource) -> Self {
        self.source = source;
        self
    }
}

impl Default for UnbanRequest {
    fn default() -> Self {
        Self::new()
    }
}

/// One of many that was not done; the others were.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failed {
    /// Which.
    pub account: AccountId,
    /// Why.
    pub error: Error,
}

impl Engine {
    /// Bans an account (gamebase 3.13). When it is answered, all its sessions are over and no login succeeds until the ban
    /// ends; after that, old tokens stay dead (security 36). It ends a grace ban.
    ///
    /// ```
    /// # futures_executor::block_on(async {
    /// # use authcore::*;
    /// # let harness = authcore_testkit::Harness::with_policy(Policy::recommended());
    /// # let engine = harness.engine();
    /// # let login = Login::new(Credential::Device("a-device-id-of-the-client".into()));
    /// # let player = engine.login(&RequestContext::new(), login).await?;
    /// let operator = Operator::vouched_for("support");
    /// engine.ban(&operator, player.account.id, BanRequest::permanent()).await?;
    /// assert!(engine.verify(player.tokens.access.reveal()).await.is_err());
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::AlreadyBanned`], [`Refusal::Withdrawn`] or [`Refusal::Missing`] when there
    /// is nobody to ban (gamebase X-37), [`Refusal::Invalid`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the ban may be committed all the same.
    pub async fn ban(
        &self,
        operator: &Operator,
        account: AccountId,
        request: BanRequest,
    ) -> Result<Account, Error> {
        let now = self.now();
        self.check_ban(&request, now)?;
        self.commit_ban(operator, account, &request, now).await
    }

    /// Bans many accounts, each as [`ban`](Self::ban) does, and says which were not (gamebase 3.13). An account that is
    /// named twice counts once.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when the request is not one, or names more than 10,000; nothing was done then.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; any of the bans may be committed all the same.
    pub async fn ban_many(
        &self,
        operator: &Operator,
        accounts: &[AccountId],
        request: BanRequest,
    ) -> Result<Vec<Failed>, Error> {
        let now = self.now();
        let accounts = once_each(accounts)?;
        self.check_ban(&request, now)?;
        let mut failed = Vec::new();
        for account in accounts {
            if let Err(error) = self.commit_ban(operator, account, &request, now).await {
                failed.push(Failed { account, error });
            }
        }
        Ok(failed)
    }

    /// Lifts a ban (gamebase 3.13). Tokens from before the ban stay dead, and a grace ban that it followed does not come
    /// back. A ban whose end came, and whose player has not been back since, counts as lifted from then on.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], [`Refusal::NotBanned`], [`Refusal::Withdrawn`], [`Refusal::Invalid`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; the ban may be lifted all the same.
    pub async fn unban(
        &self,
        operator: &Operator,
        account: AccountId,
        request: UnbanRequest,
    ) -> Result<Account, Error> {
        check_words(Field::BanReason, &request.reason)?;
        self.commit_unban(operator, account, &request, self.now()).await
    }

    /// Lifts many bans, each as [`unban`](Self::unban) does, and says which were not.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when the request is not one, or names more than 10,000; nothing was done then.
    ///
    /// # Cancel safety
    ///
    /// May be dropped; any of the bans may be lifted all the same.
    pub async fn unban_many(
        &self,
        operator: &Operator,
        accounts: &[AccountId],
        request: UnbanRequest,
    ) -> Result<Vec<Failed>, Error> {
        let now = self.now();
        let accounts = once_each(accounts)?;
        check_words(Field::BanReason, &request.reason)?;
        let mut failed = Vec::new();
        for account in accounts {
            if let Err(error) = self.commit_unban(operator, account, &request, now).await {
                failed.push(Failed { account, error });
            }
        }
        Ok(failed)
    }

    /// The bans of an account, oldest first: those that are over, at most 100 of them, and the one in force (gamebase 1.6,
    /// 3.12). What it says is for operators only.
    ///
    /// # Errors
    ///
    /// [`Refusal::AccountNotFound`], or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn bans(
        &self,
        _operator: &Operator,
        account: AccountId,
    ) -> Result<Vec<BanRecord>, Error> {
        let settled = self.load(&Lookup::Id(account), self.now()).await?;
        let settled = settled.ok_or(Refusal::AccountNotFound)?;
        Ok(ban_history(&settled.account, settled.activity.last_login.map(|login| login.at)))
    }

    fn check_ban(&self, request: &BanRequest, now: DateTime<Utc>) -> Result<(), Refusal> {
        check_words(Field::BanMessage, &request.message)?;
        check_words(Field::BanReason, &request.reason)?;
        let invalid = |field, rule| Err(Refusal::Invalid { field, rule });
        if request.expiry.is_over(now) {
            return invalid(Field::BanExpiry, Rule::Future);
        }
        let (items, max) = FLAGS;
        if request.flags.len() > items {
            return invalid(Field::BanFlags, Rule::AtMostItems { items });
        }
        if request.flags.iter().any(|flag| !(1..=max).contains(&flag.len())) {
            return invalid(Field::BanFlags, Rule::Bytes { min: 1, max });
        }
        let templates = &self.policy.ban_templates;
        match request.template {
            Some(code) if templates.iter().all(|template| template.code != code) => {
                invalid(Field::BanTemplate, Rule::Unknown)
            }
            _ => Ok(()),
        }
    }

    async fn commit_ban(
        &self,
        operator: &Operator,
        account: AccountId,
        request: &BanRequest,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let ban = Ban {
            since: now,
            expiry: request.expiry,
            message: request.message.as_str().into(),
            template: request.template,
            reason: request.reason.as_str().into(),
            source: request.source,
            registrar: operator.name().into(),
            flags: request.flags.iter().map(|flag| flag.as_str().into()).collect(),
        };
        let (banned, ()) = self
            .change(Whose::Account(account), now, |account, draft| {
                let event = lifecycle::ban(account, ban.clone(), request.replace, now)?;
                draft.events.push((account.id, event));
                Ok(())
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "banned");
        Ok(banned)
    }

    async fn commit_unban(
        &self,
        operator: &Operator,
        account: AccountId,
        request: &UnbanRequest,
        now: DateTime<Utc>,
    ) -> Result<Account, Error> {
        let (unbanned, ()) = self
            .change_settled(Whose::Account(account), now, |settled, account, draft| {
                let end = BanEnd::Released {
                    at: now,
                    source: request.source,
                    by: operator.name().into(),
                    reason: request.reason.as_str().into(),
                };
                let last_login = settled.activity.last_login.map(|login| login.at);
                let event = lifecycle::unban(account, end, last_login, now)?;
                draft.happened(account.id, event.into_iter().collect());
                Ok(())
            })
            .await?;
        tracing::info!(%account, operator = operator.name(), "unbanned");
        Ok(unbanned)
    }
}

fn check_words(field: Field, words: &str) -> Result<(), Refusal> {
    if words.len() <= WORDS {
        Ok(())
    } else {
        Err(Refusal::Invalid { field, rule: Rule::Bytes { min: 0, max: WORDS } })
    }
}

/// The accounts in their order, each once.
fn once_each(accounts: &[AccountId]) -> Result<Vec<AccountId>, Refusal> {
    if accounts.len() > MOST {
        let rule = Rule::AtMostItems { items: MOST };
        return Err(Refusal::Invalid { field: Field::Count, rule });
    }
    let mut seen = std::collections::HashSet::new();
    Ok(accounts.iter().copied().filter(|account| seen.insert(*account)).collect())
}
