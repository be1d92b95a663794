/// What was being done: a system's answer to one refusal differs by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Logging in with a credential.
    Login,
    /// Logging in with an own token (gamebase 3.1, 3.4).
    Resume,
    /// Linking.
    Link,
    /// Linking by force, with a ticket (gamebase 3.8).
    LinkForcibly,
    /// Changing to the account that a ticket names (gamebase 3.9).
    ChangeLogin,
    /// Merging two accounts (braincloud 8.3).
    Merge,
    /// Unlinking.
    Unlink,
    /// Refreshing.
    Refresh,
    /// Logging out.
    Logout,
    /// Reading the account.
    Account,
    /// Changing profile, username or password.
    Update,
    /// Deleting the account.
    Delete,
    /// Withdrawing the account: at once, later, or not after all (gamebase 3.6, 3.15).
    Withdraw,
    /// Issuing, reading or renewing a transfer account (gamebase 3.14).
    TransferAccount,
    /// Using a transfer account (gamebase 3.14).
    Transfer,
    /// Looking other players up.
    FindAccounts,
    /// What an operator does (gamebase 3.13, 3.21).
    Operator,
}
