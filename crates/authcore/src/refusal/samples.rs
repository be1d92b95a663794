//! Each refusal once, for tests of whole tables.

use chrono::DateTime;

use super::{Field, Operation, Refusal, Rule};
use crate::account::{AccountId, ProviderId};
use crate::gate::Closed;
use crate::lifecycle::{BanInfo, Expiry};
use crate::transfer::Block;

/// Each operation once, in their order.
pub(crate) const OPERATIONS: [Operation; 17] = [
    Operation::Login,
    Operation::Resume,
    Operation::Link,
    Operation::LinkForcibly,
    Operation::ChangeLogin,
    Operation::Merge,
    Operation::Unlink,
    Operation::Refresh,
    Operation::Logout,
    Operation::Account,
    Operation::Update,
    Operation::Delete,
    Operation::Withdraw,
    Operation::TransferAccount,
    Operation::Transfer,
    Operation::FindAccounts,
    Operation::Operator,
];

/// Each refusal once.
pub(crate) fn all() -> Vec<Refusal> {
    let provider = ProviderId::CUSTOM;
    let account = AccountId::from_bytes([1; 16]);
    let since = DateTime::UNIX_EPOCH;
    let ban = BanInfo {
        account,
        since,
        expiry: Expiry::Never,
        message: Box::default(),
        support_contact: Box::default(),
        support_url: Box::default(),
    };
    let closed = Closed { since, until: None, message: Box::default(), url: Box::default() };
    let block = Block { id: "id".into(), failures: 5, until: Expiry::Never, issued_at: since };
    vec![
        Refusal::Invalid { field: Field::DeviceId, rule: Rule::Required },
        Refusal::ProviderNotConfigured(provider.clone()),
        Refusal::CredentialRejected { provider: provider.clone(), extra: None },
        Refusal::CredentialExpired(provider.clone()),
        Refusal::IdentityDenied { provider: provider.clone(), policy: "age" },
        Refusal::ProviderUnavailable { provider: provider.clone(), retry_after: 10 },
        Refusal::WrongPassword,
        Refusal::AccountNotFound,
        Refusal::Banned(Box::new(ban)),
        Refusal::Withdrawn,
        Refusal::Missing,
        Refusal::NotPlayable(Box::new(closed)),
        Refusal::IdentityUnknown(provider.clone()),
        Refusal::OtherAccount(provider.clone()),
        Refusal::AccountRequired,
        Refusal::AlreadyLoggedIn,
        Refusal::TokenLoginInvalid,
        Refusal::RevalidationRequired(provider.clone()),
        Refusal::UsernameTaken,
        Refusal::IdentityTaken { provider: provider.clone(), ticket: None },
        Refusal::TicketUnknown,
        Refusal::TicketUsed,
        Refusal::TicketExpired,
        Refusal::TicketOtherProvider(provider.clone()),
        Refusal::TicketOtherIdentity(provider.clone()),
        Refusal::WouldOrphan,
        Refusal::AlreadyLinked(provider.clone()),
        Refusal::NotLinkable(provider.clone()),
        Refusal::TooManyIdentities { most: 64 },
        Refusal::AccountExists,
        Refusal::NotLinked(provider.clone()),
        Refusal::LoggedInIdentity(provider.clone()),
        Refusal::ConfirmAnonymous,
        Refusal::ForeignIdentity(provider.clone()),
        Refusal::LastIdentity(provider.clone()),
        Refusal::NothingToChange,
        Refusal::AccessTokenInvalid,
        Refusal::RefreshTokenInvalid,
        Refusal::RefreshTokenReused,
        Refusal::RecentLoginRequired,
        Refusal::TryAgainLater { retry_at: None },
        Refusal::WithdrawalPending,
        Refusal::WithdrawalNotPending,
        Refusal::AlreadyBanned,
        Refusal::NotBanned,
        Refusal::NoGraceBan,
        Refusal::TooManyPayments { most: 256 },
        Refusal::DonorNotNormal(account),
        Refusal::ReceiverNotEligible(account),
        Refusal::TransferOff,
        Refusal::NotGuestOnly,
        Refusal::TransferMissing,
        Refusal::TransferExists,
        Refusal::TransferUnknown,
        Refusal::TransferWrongPassword,
        Refusal::TransferBlocked(Box::new(block)),
        Refusal::TransferExpired,
        Refusal::TransferUsed,
        Refusal::TransferSameDevice,
        Refusal::Disabled,
        Refusal::Host { code: Some(3), text: "the host's words".into() },
    ]
}
