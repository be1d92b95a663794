//! Every "no" that a player can be told, with its stable code and what Nakama, Gamebase and brainCloud call it.
//!
//! A refusal is not a fault: the machine works, and the answer is no. Each has a [`code`](Refusal::code) that never
//! changes, and the data that a game needs to go on.

mod braincloud;
mod gamebase;
mod nakama;
mod operation;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod table;

pub use braincloud::{BraincloudAnswer, braincloud_fault};
pub use gamebase::{GamebaseAnswer, gamebase_fault};
pub use nakama::{NakamaAnswer, nakama_fault, nakama_status};
pub use operation::Operation;

use chrono::{DateTime, Utc};

use crate::account::{AccountId, ProviderId, UsernameRule};
use crate::gate::Closed;
use crate::lifecycle::BanInfo;
use crate::mapping::TicketOffer;
use crate::password::PasswordRule;
use crate::transfer::Block;

/// A "no", with what the game needs to go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[must_use]
pub enum Refusal {
    /// A field breaks a rule. Nothing was written.
    #[error("{field:?} breaks a rule: {rule:?}")]
    Invalid {
        /// Which field.
        field: Field,
        /// Which rule.
        rule: Rule,
    },
    /// No verifier of this name was configured.
    #[error("the provider {0} is not configured")]
    ProviderNotConfigured(ProviderId),
    /// The provider, or whoever checked, did not accept the credential.
    #[error("the credential of {provider} was not accepted")]
    CredentialRejected {
        /// The provider.
        provider: ProviderId,
        /// What the verifier has for the client: JSON text (braincloud 7, extraErrorJson).
        extra: Option<Box<str>>,
    },
    /// The credential was good, and is over: get a new one at the provider, and try again.
    #[error("the credential of {0} has expired")]
    CredentialExpired(ProviderId),
    /// The identity is authentic, and a policy of the host's, or the provider's own, refuses it. A new credential changes
    /// nothing.
    #[error("the identity of {provider} is refused: {policy}")]
    IdentityDenied {
        /// The provider.
        provider: ProviderId,
        /// Which policy, in a word: `vac_banned`, `age`.
        policy: &'static str,
    },
    /// The provider could not be asked, or is left alone for a while: nothing is known of the credential. It concerns this
    /// provider only (security 97).
    #[error("{provider} cannot be asked at the moment")]
    ProviderUnavailable {
        /// The provider.
        provider: ProviderId,
        /// How many seconds to wait before the next try makes sense; at least 1.
        retry_after: u32,
    },
    /// The email address or username and the password do not go together.
    #[error("wrong email address, username or password")]
    WrongPassword,
    /// There is no such account, and none was to be made.
    #[error("there is no such account")]
    AccountNotFound,
    /// The account is banned.
    #[error("the account is banned")]
    Banned(Box<BanInfo>),
    /// The account was withdrawn, and is gone.
    #[error("the account was withdrawn")]
    Withdrawn,
    /// The account has lost its last login; an operator may repair it.
    #[error("the account has lost its last login")]
    Missing,
    /// The game is closed at the moment (gamebase 3.17).
    #[error("the game is closed")]
    NotPlayable(Box<Closed>),
    /// There is no such identity, though an account was expected: it may have been deleted. Log in without naming one
    /// (braincloud 4.1, row 3 and 4).
    #[error("there is no such identity of {0}")]
    IdentityUnknown(ProviderId),
    /// The identity belongs to another account than the one that was expected. Ask the player, then log in without naming
    /// one (braincloud 4.1, row 7 and 8).
    #[error("the identity of {0} belongs to another account than the one that was expected")]
    OtherAccount(ProviderId),
    /// A login by device id must name the account that it expects (braincloud 4.2, A4).
    #[error("the login must name the account that it expects")]
    AccountRequired,
    /// The caller is logged in with another identity. Log out first, or say that it does not matter (gamebase X-1).
    #[error("the caller is logged in already")]
    AlreadyLoggedIn,
    /// The own token that was presented to log in again is not one of ours, is over, or its session has ended. Log in with
    /// a provider.
    #[error("the token is no longer good for a login")]
    TokenLoginInvalid,
    /// The provider must vouch once more: present its credential with the token (gamebase 3.1).
    #[error("the credential of {0} is needed once more")]
    RevalidationRequired(ProviderId),
    /// Another account has the username.
    #[error("the username is taken")]
    UsernameTaken,
    /// Another account owns the identity; no login was changed.
    #[error("the identity of {provider} belongs to another account")]
    IdentityTaken {
        /// The identity's provider.
        provider: ProviderId,
        /// The next legal step, where the policy has one: take the identity by force, or log in to the other account.
        ticket: Option<Box<TicketOffer>>,
    },
    /// There is no such ticket of the caller's, or what it stood for has changed since (gamebase 3311).
    #[error("there is no such ticket")]
    TicketUnknown,
    /// The ticket was used (gamebase 3312).
    #[error("the ticket was used before")]
    TicketUsed,
    /// The ticket is over (gamebase 3313).
    #[error("the ticket has expired")]
    TicketExpired,
    /// The ticket is for another provider (gamebase 3314).
    #[error("the ticket is for another provider than {0}")]
    TicketOtherProvider(ProviderId),
    /// The ticket is for another identity of that provider (gamebase 3315).
    #[error("the ticket is for another identity of {0}")]
    TicketOtherIdentity(ProviderId),
    /// The other account would lose its last login, and the policy forbids that (gamebase X-6).
    #[error("the other account would lose its last login")]
    WouldOrphan,
    /// The account already has another identity of this kind, and the policy does not replace it.
    #[error("the account already has an identity of {0}")]
    AlreadyLinked(ProviderId),
    /// A login of this kind cannot be added to an account.
    #[error("an identity of {0} cannot be linked")]
    NotLinkable(ProviderId),
    /// The account has as many identities as the policy allows.
    #[error("an account may have at most {most} identities")]
    TooManyIdentities {
        /// How many.
        most: usize,
    },
    /// An account of this id is here already.
    #[error("an account of this id is here already")]
    AccountExists,
    /// The account does not have this identity.
    #[error("the account does not have this identity of {0}")]
    NotLinked(ProviderId),
    /// It is the identity that opened the caller's session (gamebase 3403).
    #[error("the session was opened by this identity of {0}")]
    LoggedInIdentity(ProviderId),
    /// Only device ids would be left. Say that this is meant (braincloud 40210).
    #[error("only device ids would be left")]
    ConfirmAnonymous,
    /// It is another account's identity (braincloud 40209).
    #[error("the identity of {0} belongs to another account")]
    ForeignIdentity(ProviderId),
    /// It is the last login that the account has.
    #[error("the last identity of an account cannot be unlinked")]
    LastIdentity(ProviderId),
    /// Nothing was asked to be changed.
    #[error("there is nothing to change")]
    NothingToChange,
    /// The access token is not one of ours, is over, or its session has ended.
    #[error("the access token is not valid")]
    AccessTokenInvalid,
    /// The refresh token is not one of ours, is over, or its session has ended.
    #[error("the refresh token is not valid")]
    RefreshTokenInvalid,
    /// A refresh token was used a second time. The session has ended: log in again.
    #[error("the refresh token was used before; its session has ended")]
    RefreshTokenReused,
    /// Prove who you are once more, then try again.
    #[error("this needs a recent login")]
    RecentLoginRequired,
    /// Too many tries, or too much to do at the moment.
    #[error("try again later")]
    TryAgainLater {
        /// From when on a try makes sense, where that is known.
        retry_at: Option<DateTime<Utc>>,
    },
    /// The withdrawal was asked for before (gamebase 3602).
    #[error("the withdrawal is pending already")]
    WithdrawalPending,
    /// No withdrawal was asked for (gamebase 3603).
    #[error("no withdrawal is pending")]
    WithdrawalNotPending,
    /// The account is banned already; replace the ban, or lift it first (gamebase X-7).
    #[error("the account is banned already")]
    AlreadyBanned,
    /// The account is not banned.
    #[error("the account is not banned")]
    NotBanned,
    /// There is no grace ban to pay for or to end.
    #[error("the account has no grace ban")]
    NoGraceBan,
    /// There are more open payments than a grace ban can count.
    #[error("a grace ban counts at most {most} payments")]
    TooManyPayments {
        /// How many.
        most: usize,
    },
    /// The account that would give the identity away does not stand normally (gamebase 3.21).
    #[error("the account {0} may not give an identity away")]
    DonorNotNormal(AccountId),
    /// The account that would get the identity is neither a guest nor missing (gamebase 3.21).
    #[error("the account {0} may not take an identity")]
    ReceiverNotEligible(AccountId),
    /// Transfer accounts are switched off (gamebase 3045).
    #[error("transfer accounts are switched off")]
    TransferOff,
    /// Only a guest without any other login may have a transfer account (gamebase 9).
    #[error("only a guest may do this")]
    NotGuestOnly,
    /// No transfer account was issued, or it is gone (gamebase 3046).
    #[error("there is no transfer account")]
    TransferMissing,
    /// There is one already (gamebase X-8), or another account has the id that was chosen (gamebase 3047).
    #[error("there is such a transfer account already")]
    TransferExists,
    /// No transfer account has this id (gamebase 3043).
    #[error("no transfer account has this id")]
    TransferUnknown,
    /// The transfer account's password is another one; or the one that was chosen is the present one (gamebase 3044).
    #[error("wrong password for the transfer account")]
    TransferWrongPassword,
    /// Too many wrong passwords (gamebase 3042).
    #[error("the transfer account is blocked")]
    TransferBlocked(Box<Block>),
    /// The transfer account is over (gamebase 3041).
    #[error("the transfer account has expired")]
    TransferExpired,
    /// The transfer account was good for one transfer, which was made (gamebase 3048).
    #[error("the transfer account was used")]
    TransferUsed,
    /// It is the device that the transfer account was issued on (gamebase 8).
    #[error("this is the device that the transfer account was issued on")]
    TransferSameDevice,
    /// The host switched this operation off.
    #[error("the host switched this operation off")]
    Disabled,
    /// The host said no, in its own words.
    #[error("refused by the host: {text}")]
    Host {
        /// A gRPC code, or none for a failure of the host's own.
        code: Option<i32>,
        /// The host's text, for the player.
        text: String,
    },
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The device id.
    DeviceId,
    /// The custom id.
    CustomId,
    /// The guest key.
    GuestKey,
    /// The email address.
    Email,
    /// The password.
    Password,
    /// The username.
    Username,
    /// What a provider's verifier gets.
    ProviderCredential,
    /// The display name.
    DisplayName,
    /// The avatar.
    AvatarUrl,
    /// The language tag.
    LangTag,
    /// The location.
    Location,
    /// The time zone.
    Timezone,
    /// The session's vars.
    Vars,
    /// The refresh token.
    RefreshToken,
    /// The access token.
    AccessToken,
    /// An imported hash.
    PasswordHash,
    /// An imported identity.
    Identity,
    /// The device's id or name in the request's context.
    ContextDevice,
    /// How many are asked for at once.
    Count,
    /// What a ban says to the player.
    BanMessage,
    /// What the host keeps with a profile: JSON text.
    Metadata,
    /// What operators read of a ban or its end.
    BanReason,
    /// The code of a ban's words.
    BanTemplate,
    /// Marks on a ban.
    BanFlags,
    /// The host's name for a purchase.
    Purchase,
    /// A currency.
    Currency,
    /// The device links of a login.
    DeviceLink,
    /// The id of a transfer account.
    TransferId,
    /// The password of a transfer account.
    TransferPassword,
    /// A universal id.
    UniversalId,
    /// What operators read of a kickout.
    KickoutReason,
    /// When a ban ends.
    BanExpiry,
}

/// The rule that a field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// It must be there.
    Required,
    /// It holds a character that it must not.
    Forbidden,
    /// It must be this many bytes, both ends included.
    Bytes {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// It must be this many code points, both ends included.
    Characters {
        /// At least.
        min: usize,
        /// At most.
        max: usize,
    },
    /// It must be at least this many code points.
    AtLeast {
        /// How many.
        characters: usize,
    },
    /// It must be at most this many code points.
    AtMost {
        /// How many.
        characters: usize,
    },
    /// There must be at most this many.
    AtMostItems {
        /// How many.
        items: usize,
    },
    /// It does not look like one.
    Shape,
    /// It does not belong to the caller, or is over.
    NotYours,
    /// It asks for more than may be spent on it.
    TooCostly,
    /// It names nothing that is known here.
    Unknown,
    /// It must be in the future.
    Future,
}

impl From<UsernameRule> for Refusal {
    fn from(rule: UsernameRule) -> Self {
        let rule = match rule {
            UsernameRule::Characters => Rule::Forbidden,
            UsernameRule::Length => Rule::Bytes { min: 1, max: 128 },
        };
        Self::Invalid { field: Field::Username, rule }
    }
}

impl From<PasswordRule> for Refusal {
    fn from(rule: PasswordRule) -> Self {
        let rule = match rule {
            PasswordRule::TooShort { min } => Rule::AtLeast { characters: min },
            PasswordRule::TooLong { max } => Rule::AtMost { characters: max },
        };
        Self::Invalid { field: Field::Password, rule }
    }
}

impl Refusal {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::ProviderNotConfigured(_) => "provider_not_configured",
            Self::CredentialRejected { .. } => "credential_rejected",
            Self::CredentialExpired(_) => "credential_expired",
            Self::IdentityDenied { .. } => "identity_denied",
            Self::ProviderUnavailable { .. } => "provider_unavailable",
            Self::WrongPassword => "wrong_password",
            Self::AccountNotFound => "account_not_found",
            Self::Banned(_) => "banned",
            Self::UsernameTaken => "username_taken",
            Self::IdentityTaken { .. } => "identity_taken",
            Self::AlreadyLinked(_) => "already_linked",
            Self::NotLinkable(_) => "not_linkable",
            Self::TooManyIdentities { .. } => "too_many_identities",
            Self::AccountExists => "account_exists",
            Self::NotLinked(_) => "not_linked",
            Self::LastIdentity(_) => "last_identity",
            Self::NothingToChange => "nothing_to_change",
            Self::AccessTokenInvalid => "access_token_invalid",
            Self::RefreshTokenInvalid => "refresh_token_invalid",
            Self::RefreshTokenReused => "refresh_token_reused",
            Self::RecentLoginRequired => "recent_login_required",
            Self::TryAgainLater { .. } => "try_again_later",
            Self::Withdrawn => "withdrawn",
            Self::Missing => "missing",
            Self::NotPlayable(_) => "not_playable",
            Self::IdentityUnknown(_) => "identity_unknown",
            Self::OtherAccount(_) => "other_account",
            Self::AccountRequired => "account_required",
            Self::AlreadyLoggedIn => "already_logged_in",
            Self::TokenLoginInvalid => "token_login_invalid",
            Self::RevalidationRequired(_) => "revalidation_required",
            Self::TicketUnknown => "ticket_unknown",
            Self::TicketUsed => "ticket_used",
            Self::TicketExpired => "ticket_expired",
            Self::TicketOtherProvider(_) => "ticket_other_provider",
            Self::TicketOtherIdentity(_) => "ticket_other_identity",
            Self::WouldOrphan => "would_orphan",
            Self::LoggedInIdentity(_) => "logged_in_identity",
            Self::ConfirmAnonymous => "confirm_anonymous",
            Self::ForeignIdentity(_) => "foreign_identity",
            Self::WithdrawalPending => "withdrawal_pending",
            Self::WithdrawalNotPending => "withdrawal_not_pending",
            Self::AlreadyBanned => "already_banned",
            Self::NotBanned => "not_banned",
            Self::NoGraceBan => "no_grace_ban",
            Self::TooManyPayments { .. } => "too_many_payments",
            Self::DonorNotNormal(_) => "donor_not_normal",
            Self::ReceiverNotEligible(_) => "receiver_not_eligible",
            Self::TransferOff => "transfer_off",
            Self::NotGuestOnly => "not_guest_only",
            Self::TransferMissing => "transfer_missing",
            Self::TransferExists => "transfer_exists",
            Self::TransferUnknown => "transfer_unknown",
            Self::TransferWrongPassword => "transfer_wrong_password",
            Self::TransferBlocked(_) => "transfer_blocked",
            Self::TransferExpired => "transfer_expired",
            Self::TransferUsed => "transfer_used",
            Self::TransferSameDevice => "transfer_same_device",
            Self::Disabled => "disabled",
            Self::Host { .. } => "host",
        }
    }

    /// The refusal's own words, as a sentence.
    fn sentence(&self) -> String {
        let text = self.to_string();
        let mut characters = text.chars();
        characters.next().map_or_else(String::new, |first| {
            format!("{}{}.", first.to_uppercase(), characters.as_str())
        })
    }
}
