use std::borrow::Cow;

use super::{Field, Operation, Refusal, Rule};
use crate::account::ProviderId;

/// What Nakama says: a gRPC code and a text for the player.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NakamaAnswer {
    /// The gRPC code.
    pub code: i32,
    /// The text, letter by letter.
    pub text: Cow<'static, str>,
}

const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const ALREADY_EXISTS: i32 = 6;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const FAILED_PRECONDITION: i32 = 9;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

fn answer(code: i32, text: impl Into<Cow<'static, str>>) -> NakamaAnswer {
    NakamaAnswer { code, text: text.into() }
}

impl Refusal {
    /// What Nakama says to this refusal, during this operation (nakama 5, 6, 9, 10, 11, 12).
    #[must_use]
    pub fn nakama(&self, operation: Operation) -> NakamaAnswer {
        match self {
            Self::Invalid { field, rule } => invalid(*field, *rule, operation),
            Self::ProviderNotConfigured(provider) => answer(
                FAILED_PRECONDITION,
                format!("{} authentication is not configured.", label(provider)),
            ),
            // Nakama does not tell an old credential from a bad one (nakama P2, P3).
            Self::CredentialRejected { provider, .. } | Self::CredentialExpired(provider) => {
                answer(
                    UNAUTHENTICATED,
                    format!("Could not authenticate {} profile.", label(provider)),
                )
            }
            // Nakama does not look at what such a policy would (nakama 7.6).
            Self::IdentityDenied { provider, policy } => answer(
                PERMISSION_DENIED,
                format!("{} identity is refused: {policy}.", label(provider)),
            ),
            // Nakama takes a provider that fails for one that says no; its clients would forget a good credential.
            Self::ProviderUnavailable { provider, .. } => {
                answer(UNAVAILABLE, format!("{} authentication is not available.", label(provider)))
            }
            Self::WrongPassword => answer(UNAUTHENTICATED, "Invalid credentials."),
            Self::AccountNotFound if operation == Operation::Account => {
                answer(NOT_FOUND, "Account not found.")
            }
            // Nakama knows neither of the last two; it deletes the row.
            Self::AccountNotFound | Self::Withdrawn | Self::Missing => {
                answer(NOT_FOUND, "User account not found.")
            }
            Self::Banned(_) => answer(PERMISSION_DENIED, "User account banned."),
            // Nakama leaks an inner error here, and clients match on it (nakama 12.2).
            Self::UsernameTaken if operation == Operation::Update => answer(
                INVALID_ARGUMENT,
                "rpc error: code = AlreadyExists desc = Username is already in use.",
            ),
            Self::UsernameTaken => answer(ALREADY_EXISTS, "Username is already in use."),
            Self::IdentityTaken { provider, .. } => answer(ALREADY_EXISTS, taken(provider)),
            Self::AlreadyLinked(provider) => {
                answer(ALREADY_EXISTS, format!("{} is already linked.", id_label(provider)))
            }
            Self::NotLinkable(provider) => {
                answer(INVALID_ARGUMENT, format!("{} cannot be linked.", id_label(provider)))
            }
            Self::TooManyIdentities { .. } => {
                answer(RESOURCE_EXHAUSTED, "Too many identifiers are linked.")
            }
            Self::AccountExists => answer(ALREADY_EXISTS, "User account already exists."),
            Self::NotLinked(_) | Self::LastIdentity(_) => answer(
                PERMISSION_DENIED,
                "Cannot unlink last account identifier. Check profile exists and is not last link.",
            ),
            Self::NothingToChange => answer(INVALID_ARGUMENT, "No fields to update."),
            Self::AccessTokenInvalid => answer(UNAUTHENTICATED, "Auth token invalid"),
            Self::RefreshTokenInvalid | Self::RefreshTokenReused => {
                answer(UNAUTHENTICATED, "Refresh token invalid or expired.")
            }
            Self::RecentLoginRequired => {
                answer(PERMISSION_DENIED, "Recent authentication is required.")
            }
            Self::TryAgainLater { .. } => answer(RESOURCE_EXHAUSTED, "Try again later."),
            // Nakama knows none of what follows; the codes are those that it uses for the like.
            Self::NotPlayable(_) => answer(UNAVAILABLE, "The game is closed."),
            Self::IdentityUnknown(_)
            | Self::TicketUnknown
            | Self::TransferMissing
            | Self::TransferUnknown => answer(NOT_FOUND, self.sentence()),
            Self::TokenLoginInvalid
            | Self::RevalidationRequired(_)
            | Self::TransferWrongPassword => answer(UNAUTHENTICATED, self.sentence()),
            Self::AlreadyLoggedIn | Self::TransferExists | Self::AlreadyBanned => {
                answer(ALREADY_EXISTS, self.sentence())
            }
            Self::TransferBlocked(_) | Self::TooManyPayments { .. } => {
                answer(RESOURCE_EXHAUSTED, self.sentence())
            }
            Self::OtherAccount(_)
            | Self::AccountRequired
            | Self::TicketUsed
            | Self::TicketExpired
            | Self::TicketOtherProvider(_)
            | Self::TicketOtherIdentity(_)
            | Self::WouldOrphan
            | Self::LoggedInIdentity(_)
            | Self::ConfirmAnonymous
            | Self::ForeignIdentity(_)
            | Self::WithdrawalPending
            | Self::WithdrawalNotPending
            | Self::NotBanned
            | Self::NoGraceBan
            | Self::DonorNotNormal(_)
            | Self::ReceiverNotEligible(_)
            | Self::TransferOff
            | Self::NotGuestOnly
            | Self::TransferExpired
            | Self::TransferUsed
            | Self::TransferSameDevice => answer(FAILED_PRECONDITION, self.sentence()),
            Self::Disabled => answer(NOT_FOUND, "Requested resource was not found."),
            Self::Host { code, text } => answer(code.unwrap_or(INTERNAL), text.clone()),
        }
    }
}

/// The HTTP status of a gRPC code (nakama 2.2, 2.3). Code 0 says "no error", so as an error it is a fault.
#[must_use]
pub const fn nakama_status(code: i32) -> u16 {
    match code {
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}

/// What Nakama says when the machine does not work (nakama 5.1, 9.3, 10.2, 12.2): it tells nothing of why.
#[must_use]
pub fn nakama_fault(operation: Operation, provider: Option<&ProviderId>) -> NakamaAnswer {
    let text = match (operation, provider) {
        (Operation::Login, _) => "Error finding or creating user account.".into(),
        (Operation::Link, Some(provider)) if *provider == ProviderId::DEVICE => {
            "Error linking Device ID.".into()
        }
        (Operation::Link, Some(provider)) if *provider == ProviderId::EMAIL => {
            "Error while trying to link email.".into()
        }
        (Operation::Link, Some(provider)) => {
            format!("Error while trying to link {}.", id_label(provider)).into()
        }
        (Operation::Unlink, Some(provider)) if *provider == ProviderId::DEVICE => {
            "Could not unlink device ID.".into()
        }
        (Operation::Unlink, Some(provider)) if *provider == ProviderId::EMAIL => {
            "Error while trying to unlink email.".into()
        }
        (Operation::Unlink, Some(provider)) if *provider == ProviderId::CUSTOM => {
            "Error while trying to unlink custom ID.".into()
        }
        (Operation::Unlink, Some(provider)) => {
            format!("Error while trying to unlink {}.", id_label(provider)).into()
        }
        (Operation::Update, _) => "Error while trying to update account.".into(),
        _ => Cow::Borrowed("Internal error."),
    };
    NakamaAnswer { code: INTERNAL, text }
}

fn invalid(field: Field, rule: Rule, operation: Operation) -> NakamaAnswer {
    let link = operation == Operation::Link;
    let text: Cow<'static, str> = match (field, rule) {
        (Field::DeviceId, Rule::Required) if operation == Operation::Unlink => {
            "A device ID must be supplied.".into()
        }
        (Field::DeviceId, rule) => id_text("Device ID", rule),
        (Field::CustomId, Rule::Forbidden) if link => {
            "Invalid custom ID, no spaces or control characters allowed.".into()
        }
        (Field::CustomId, Rule::Bytes { .. }) if link => {
            "Invalid custom ID, must be 6-128 bytes.".into()
        }
        (Field::CustomId, rule) => id_text("Custom ID", rule),
        (Field::GuestKey, rule) => id_text("Guest key", rule),
        (Field::Email, Rule::Required) => "Email address and password is required.".into(),
        (Field::Email, Rule::Forbidden) => {
            "Invalid email address, no spaces or control characters allowed.".into()
        }
        (Field::Email, Rule::Bytes { min, max }) => {
            format!("Invalid email address, must be {min}-{max} bytes.").into()
        }
        (Field::Email, _) => "Invalid email address format.".into(),
        (Field::Password, Rule::AtLeast { characters }) => {
            format!("Password must be at least {characters} characters long.").into()
        }
        (Field::Password, Rule::AtMost { characters }) => {
            format!("Password must be at most {characters} characters long.").into()
        }
        (Field::Username, Rule::Required) => {
            "Username is required when email address is not supplied.".into()
        }
        (Field::Username, rule) => id_text("Username", rule),
        (Field::RefreshToken, Rule::Required) => "Refresh token is required.".into(),
        (Field::RefreshToken, _) => "Refresh token invalid.".into(),
        (Field::AccessToken, _) => "Session token invalid.".into(),
        // Nakama lets its database say no to these (nakama 12.2).
        (
            Field::DisplayName
            | Field::AvatarUrl
            | Field::LangTag
            | Field::Location
            | Field::Timezone,
            _,
        ) => return nakama_fault(Operation::Update, None),
        (Field::Vars, Rule::Bytes { max, .. }) => {
            format!("Session vars invalid, must be at most {max} bytes.").into()
        }
        (Field::Count, Rule::AtMostItems { items }) => {
            format!("Too many users asked for, must be at most {items}.").into()
        }
        _ => "Invalid argument.".into(),
    };
    answer(INVALID_ARGUMENT, text)
}

fn id_text(label: &str, rule: Rule) -> Cow<'static, str> {
    match rule {
        Rule::Required => format!("{label} is required.").into(),
        Rule::Bytes { min, max } => format!("{label} invalid, must be {min}-{max} bytes.").into(),
        _ => format!("{label} invalid, no spaces or control characters allowed.").into(),
    }
}

fn taken(provider: &ProviderId) -> Cow<'static, str> {
    match provider.as_str() {
        "device" => "Device ID already in use.".into(),
        "email" => "Email is already in use.".into(),
        _ => format!("{} is already in use.", id_label(provider)).into(),
    }
}

/// What Nakama calls the provider.
fn label(provider: &ProviderId) -> &str {
    match provider.as_str() {
        "apple" => "Apple",
        "facebook" => "Facebook",
        "facebookinstantgame" => "Facebook Instant Game",
        "gamecenter" => "GameCenter",
        "google" => "Google",
        "steam" => "Steam",
        other => other,
    }
}

/// What Nakama calls the provider's id.
fn id_label(provider: &ProviderId) -> String {
    match provider.as_str() {
        "custom" => "Custom ID".into(),
        "device" => "Device ID".into(),
        "email" => "Email".into(),
        "guest" => "Guest key".into(),
        _ => format!("{} ID", label(provider)),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn nakama_5_3_6_1_9_4_texts_of_bad_input() {
        let mut table = String::new();
        let cases = [
            (Field::DeviceId, Rule::Required),
            (Field::DeviceId, Rule::Forbidden),
            (Field::DeviceId, Rule::Bytes { min: 10, max: 128 }),
            (Field::CustomId, Rule::Required),
            (Field::CustomId, Rule::Forbidden),
            (Field::CustomId, Rule::Bytes { min: 6, max: 128 }),
            (Field::Email, Rule::Required),
            (Field::Email, Rule::Forbidden),
            (Field::Email, Rule::Shape),
            (Field::Email, Rule::Bytes { min: 10, max: 255 }),
            (Field::Password, Rule::AtLeast { characters: 8 }),
            (Field::Password, Rule::AtMost { characters: 256 }),
            (Field::Username, Rule::Required),
            (Field::Username, Rule::Forbidden),
            (Field::Username, Rule::Bytes { min: 1, max: 128 }),
            (Field::RefreshToken, Rule::Required),
            (Field::RefreshToken, Rule::NotYours),
            (Field::AccessToken, Rule::NotYours),
            (Field::LangTag, Rule::Characters { min: 1, max: 18 }),
            (Field::Vars, Rule::Bytes { min: 0, max: 2048 }),
            (Field::Count, Rule::AtMostItems { items: 100 }),
            (Field::Identity, Rule::Required),
        ];
        for (field, rule) in cases {
            let refusal = Refusal::Invalid { field, rule };
            let login = refusal.nakama(Operation::Login);
            let link = refusal.nakama(Operation::Link);
            writeln!(table, "{field:?} {rule:?}: {} {} | {}", login.code, login.text, link.text)
                .unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn nakama_9_3_10_2_faults_tell_nothing_of_why() {
        let mut table = String::new();
        for operation in [
            Operation::Login,
            Operation::Link,
            Operation::Unlink,
            Operation::Update,
            Operation::Delete,
        ] {
            for provider in ["device", "custom", "email", "apple", "gamecenter"] {
                let provider = ProviderId::new(provider).unwrap();
                let answer = nakama_fault(operation, Some(&provider));
                writeln!(table, "{operation:?} {provider}: {} {}", answer.code, answer.text)
                    .unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }
}
