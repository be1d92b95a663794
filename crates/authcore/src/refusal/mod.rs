//! Every "no" that a player can be told, with its stable code and what Nakama calls it.
//!
//! A refusal is not a fault: the machine works, and the answer is no. Each has a [`code`](Refusal::code) that never
//! changes, and the data that a game needs to go on.

mod nakama;

pub use nakama::{NakamaAnswer, Operation, nakama_fault};

use chrono::{DateTime, Utc};

use crate::account::{ProviderId, UsernameRule};
use crate::lifecycle::Ban;
use crate::password::PasswordRule;

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
    #[error("the credential of {0} was not accepted")]
    CredentialRejected(ProviderId),
    /// The email address or username and the password do not go together.
    #[error("wrong email address, username or password")]
    WrongPassword,
    /// There is no such account, and none was to be made.
    #[error("there is no such account")]
    AccountNotFound,
    /// The account is banned.
    #[error("the account is banned")]
    Banned(Ban),
    /// Another account has the username.
    #[error("the username is taken")]
    UsernameTaken,
    /// Another account owns the identity; nothing was changed.
    #[error("the identity of {0} belongs to another account")]
    IdentityTaken(ProviderId),
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
            Self::CredentialRejected(_) => "credential_rejected",
            Self::WrongPassword => "wrong_password",
            Self::AccountNotFound => "account_not_found",
            Self::Banned(_) => "banned",
            Self::UsernameTaken => "username_taken",
            Self::IdentityTaken(_) => "identity_taken",
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
            Self::Disabled => "disabled",
            Self::Host { .. } => "host",
        }
    }
}
