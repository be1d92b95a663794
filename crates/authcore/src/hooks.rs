//! Where a host has its say.

use std::fmt;

use async_trait::async_trait;

use crate::account::{Account, ProfileUpdate};
use crate::command::{
    FindAccounts, Link, LoggedIn, Login, Logout, Merge, Merged, Refresh, Refreshed, Resume, Unlink,
};
use crate::context::RequestContext;
use crate::proof::Authenticated;
use crate::refusal::Refusal;

/// Where a host has its say (nakama 14). All methods do nothing unless overridden.
///
/// - `before_*` runs once, ahead of every check of the request's content. It may replace the request or refuse it:
///   [`Refusal::Disabled`] switches an operation off, [`Refusal::Host`] says no in the host's own words.
/// - [`veto`](Self::veto) runs after the account is known and before anything is written, perhaps several times: it
///   must be quick and without effect.
/// - [`after`](Self::after) runs once, after the commit, before the answer. It cannot refuse what is done.
///
/// A hook that panics takes its request with it, like any code of the host's.
///
/// # Cancel safety
///
/// When the operation's future is dropped, the hook's is dropped with it: `after` may not run although the change was
/// committed. A host that must not miss anything follows the events.
#[async_trait]
#[expect(unused_variables, reason = "the defaults do nothing")]
pub trait Hooks: fmt::Debug + Send + Sync + 'static {
    /// Ahead of a login.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_login(&self, context: &RequestContext, login: Login) -> Result<Login, Refusal> {
        Ok(login)
    }

    /// Ahead of a login with an own token.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_resume(
        &self,
        context: &RequestContext,
        resume: Resume,
    ) -> Result<Resume, Refusal> {
        Ok(resume)
    }

    /// Ahead of a link.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_link(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        link: Link,
    ) -> Result<Link, Refusal> {
        Ok(link)
    }

    /// Ahead of an unlink.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_unlink(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        unlink: Unlink,
    ) -> Result<Unlink, Refusal> {
        Ok(unlink)
    }

    /// Ahead of a merge, and of its preview.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_merge(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        merge: Merge,
    ) -> Result<Merge, Refusal> {
        Ok(merge)
    }

    /// Ahead of a refresh.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_refresh(
        &self,
        context: &RequestContext,
        refresh: Refresh,
    ) -> Result<Refresh, Refusal> {
        Ok(refresh)
    }

    /// Ahead of a logout.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_logout(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        logout: Logout,
    ) -> Result<Logout, Refusal> {
        Ok(logout)
    }

    /// Ahead of reading the caller's account.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_account(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// Ahead of looking other players up.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_find_accounts(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        find: FindAccounts,
    ) -> Result<FindAccounts, Refusal> {
        Ok(find)
    }

    /// Ahead of a change of profile or username.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_update(
        &self,
        context: &RequestContext,
        who: &Authenticated,
        update: ProfileUpdate,
    ) -> Result<ProfileUpdate, Refusal> {
        Ok(update)
    }

    /// Ahead of the deletion of the caller's account.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    async fn before_delete(
        &self,
        context: &RequestContext,
        who: &Authenticated,
    ) -> Result<(), Refusal> {
        Ok(())
    }

    /// The account is known, nothing is written yet.
    ///
    /// # Errors
    ///
    /// The refusal that the player gets.
    fn veto(&self, context: &RequestContext, intent: &Intent<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// It is done.
    async fn after(&self, context: &RequestContext, done: &Done<'_>) {}
}

/// What is about to be committed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Intent<'a> {
    /// A login that makes this account.
    Create(&'a Account),
    /// A login of this account.
    LogIn(&'a Account),
    /// A link: the account as it will be.
    Link(&'a Account),
    /// An unlink: the account as it will be.
    Unlink(&'a Account),
    /// A merge of two accounts.
    Merge {
        /// The survivor as it will be.
        survivor: &'a Account,
        /// The account that will be gone.
        merged: &'a Account,
    },
    /// A refresh of a session of this account.
    Refresh(&'a Account),
    /// A change of profile or username: the account as it will be.
    Update(&'a Account),
    /// The deletion of this account.
    Delete(&'a Account),
}

/// What was done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Done<'a> {
    /// A login.
    Login(&'a LoggedIn),
    /// A link: the account as it is now.
    Link(&'a Account),
    /// An unlink: the account as it is now.
    Unlink(&'a Account),
    /// A merge.
    Merge(&'a Merged),
    /// A refresh.
    Refresh(&'a Refreshed),
    /// A logout.
    Logout(&'a Authenticated),
    /// The caller's account was read.
    Account(&'a Account),
    /// Other players were looked up.
    FindAccounts(&'a [Account]),
    /// The profile or username changed: the account as it is now.
    Update(&'a Account),
    /// The account was deleted.
    Delete(&'a Authenticated),
}

/// Says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoHooks;

impl Hooks for NoHooks {}
