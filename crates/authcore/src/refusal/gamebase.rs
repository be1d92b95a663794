use super::{Operation, Refusal, Rule};

/// What Gamebase says: the client's number with its name, and the code between servers where there is one
/// (gamebase 6, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GamebaseAnswer {
    /// The client's number.
    pub number: i32,
    /// That number's name.
    pub name: &'static str,
    /// The code that servers tell each other; a client makes the number of it.
    pub server_code: Option<i32>,
}

const fn answer(number: i32, name: &'static str, server_code: i32) -> GamebaseAnswer {
    GamebaseAnswer { number, name, server_code: Some(server_code) }
}

/// An answer that servers have no code for.
const fn client(number: i32, name: &'static str) -> GamebaseAnswer {
    GamebaseAnswer { number, name, server_code: None }
}

/// A parameter that is missing or does not do.
const PARAMETER: GamebaseAnswer = answer(3, "INVALID_PARAMETER", -4_000_002);
/// An account that this cannot be done to.
const WRONG_MEMBER: GamebaseAnswer = answer(6, "INVALID_MEMBER", -4_000_403);
const NO_MEMBER: GamebaseAnswer = answer(3003, "AUTH_NOT_EXIST_MEMBER", -4_040_401);
const NO_PERMISSION: GamebaseAnswer = client(5, "USER_PERMISSION");
const BAD_TOKEN: GamebaseAnswer = answer(3102, "AUTH_TOKEN_LOGIN_INVALID_TOKEN_INFO", -4_000_404);
const REMOVE_FAILED: GamebaseAnswer = client(3401, "AUTH_REMOVE_MAPPING_FAILED");

impl Refusal {
    /// What Gamebase says to this refusal, during this operation (gamebase 6, 7). Where Gamebase knows nothing like it, the
    /// number is the nearest, which its clients know how to go on from.
    ///
    /// ```
    /// use authcore::{Refusal, refusal::Operation};
    ///
    /// let answer = Refusal::WrongPassword.gamebase(Operation::Login);
    /// assert_eq!((answer.number, answer.name), (3201, "AUTH_IDP_LOGIN_FAILED"));
    /// ```
    #[must_use]
    pub const fn gamebase(&self, operation: Operation) -> GamebaseAnswer {
        match self {
            Self::Invalid { rule: Rule::AtMost { .. } | Rule::AtMostItems { .. }, .. } => {
                answer(3, "INVALID_PARAMETER", -4_000_008)
            }
            // Gamebase has neither device links to name an account for, nor usernames, imports, or a bound on payments.
            Self::Invalid { .. }
            | Self::AccountRequired
            | Self::UsernameTaken
            | Self::AccountExists
            | Self::NothingToChange
            | Self::TooManyPayments { .. } => PARAMETER,
            Self::ProviderNotConfigured(_) => not_configured(operation),
            Self::CredentialRejected { .. } | Self::CredentialExpired(_) | Self::WrongPassword => {
                GamebaseAnswer { server_code: rejected(operation), ..failed(operation) }
            }
            Self::ProviderUnavailable { .. } => client(3012, "AUTH_AUTHENTICATION_SERVER_ERROR"),
            // Nearest: an account that was expected and is gone.
            Self::AccountNotFound | Self::IdentityUnknown(_) => NO_MEMBER,
            Self::Withdrawn => withdrawn(operation),
            Self::Banned(_) => banned(operation),
            Self::AlreadyBanned => answer(7, "BANNED_MEMBER", -4_010_205),
            Self::Missing => answer(6, "INVALID_MEMBER", -4_010_204),
            // Nearest for the other account: the request is for a wrong member.
            Self::OtherAccount(_)
            | Self::NotBanned
            | Self::NoGraceBan
            | Self::DonorNotNormal(_) => WRONG_MEMBER,
            Self::ReceiverNotEligible(_) => answer(9, "NOT_GUEST_OR_HAS_OTHERS", -4_120_202),
            Self::NotPlayable(_) => client(3701, "AUTH_NOT_PLAYABLE"),
            // The host's own "no" has no number: what was asked for failed. Nearest for too many identities.
            Self::AlreadyLoggedIn
            | Self::TooManyIdentities { .. }
            | Self::IdentityDenied { .. }
            | Self::Host { .. } => failed(operation),
            // Gamebase has no refresh tokens; an own token that opens no session is the nearest.
            Self::TokenLoginInvalid | Self::RefreshTokenInvalid | Self::RefreshTokenReused => {
                BAD_TOKEN
            }
            // The client goes on with a login at the provider, which is what is needed (gamebase 3.1).
            Self::RevalidationRequired(_) => client(3101, "AUTH_TOKEN_LOGIN_FAILED"),
            Self::AccessTokenInvalid => bad_access_token(operation),
            Self::IdentityTaken { .. } => {
                answer(3302, "AUTH_ADD_MAPPING_ALREADY_MAPPED_TO_OTHER_MEMBER", -4_120_401)
            }
            Self::TicketUnknown => {
                answer(3311, "AUTH_ADD_MAPPING_FORCIBLY_NOT_EXIST_KEY", -4_040_404)
            }
            Self::TicketUsed => {
                answer(3312, "AUTH_ADD_MAPPING_FORCIBLY_ALREADY_USED_KEY", -4_100_404)
            }
            Self::TicketExpired => {
                answer(3313, "AUTH_ADD_MAPPING_FORCIBLY_EXPIRED_KEY", -4_100_405)
            }
            Self::TicketOtherProvider(_) => {
                answer(3314, "AUTH_ADD_MAPPING_FORCIBLY_DIFFERENT_IDP", -4_000_410)
            }
            Self::TicketOtherIdentity(_) => {
                answer(3315, "AUTH_ADD_MAPPING_FORCIBLY_DIFFERENT_AUTHKEY", -4_000_411)
            }
            Self::WouldOrphan => client(3301, "AUTH_ADD_MAPPING_FAILED"),
            Self::AlreadyLinked(_) => {
                answer(3303, "AUTH_ADD_MAPPING_ALREADY_HAS_SAME_IDP", -4_120_402)
            }
            Self::NotLinkable(_) => {
                answer(3305, "AUTH_ADD_MAPPING_CANNOT_ADD_GUEST_IDP", -4_120_405)
            }
            Self::NotLinked(_) | Self::ConfirmAnonymous | Self::ForeignIdentity(_) => REMOVE_FAILED,
            Self::LoggedInIdentity(_) => {
                answer(3403, "AUTH_REMOVE_MAPPING_LOGGED_IN_IDP", -4_050_201)
            }
            Self::LastIdentity(_) => {
                answer(3402, "AUTH_REMOVE_MAPPING_LAST_MAPPED_IDP", -4_060_401)
            }
            // Gamebase never asks for a recent login.
            Self::RecentLoginRequired => NO_PERMISSION,
            // Gamebase has no throttle. This number's advice is the same: wait, then call again.
            Self::TryAgainLater { .. } => client(3010, "AUTH_ALREADY_IN_PROGRESS_ERROR"),
            Self::WithdrawalPending => {
                answer(3602, "AUTH_WITHDRAW_ALREADY_TEMPORARY_WITHDRAW", -4_130_404)
            }
            Self::WithdrawalNotPending => {
                answer(3603, "AUTH_WITHDRAW_NOT_TEMPORARY_WITHDRAW", -4_130_402)
            }
            Self::TransferOff => {
                answer(3045, "AUTH_TRANSFERACCOUNT_CONSOLE_NO_CONDITION", -4_040_901)
            }
            Self::NotGuestOnly => answer(9, "NOT_GUEST_OR_HAS_OTHERS", -4_120_404),
            Self::TransferMissing => answer(3046, "AUTH_TRANSFERACCOUNT_NOT_EXIST", -4_040_403),
            Self::TransferExists => {
                answer(3047, "AUTH_TRANSFERACCOUNT_ALREADY_EXIST_ID", -4_000_925)
            }
            Self::TransferUnknown => answer(3043, "AUTH_TRANSFERACCOUNT_INVALID_ID", -4_040_920),
            Self::TransferWrongPassword => transfer_password(operation),
            Self::TransferBlocked(_) => answer(3042, "AUTH_TRANSFERACCOUNT_BLOCK", -4_000_901),
            Self::TransferExpired => answer(3041, "AUTH_TRANSFERACCOUNT_EXPIRED", -4_100_403),
            Self::TransferUsed => answer(3048, "AUTH_TRANSFERACCOUNT_ALREADY_USED", -4_100_402),
            Self::TransferSameDevice => answer(8, "SAME_REQUESTOR", -4_000_409),
            Self::Disabled => answer(10, "NOT_SUPPORTED", -4_040_202),
        }
    }
}

/// What Gamebase says when the machine does not work (gamebase 7): nothing of why.
#[must_use]
pub const fn gamebase_fault() -> GamebaseAnswer {
    answer(8001, "SERVER_INTERNAL_ERROR", -5_000_001)
}

/// That the operation failed, for no reason that has a number.
const fn failed(operation: Operation) -> GamebaseAnswer {
    match operation {
        Operation::Login => client(3201, "AUTH_IDP_LOGIN_FAILED"),
        Operation::Resume | Operation::ChangeLogin => client(3101, "AUTH_TOKEN_LOGIN_FAILED"),
        Operation::Link | Operation::LinkForcibly | Operation::Merge => {
            client(3301, "AUTH_ADD_MAPPING_FAILED")
        }
        Operation::Unlink => REMOVE_FAILED,
        Operation::Logout => client(3501, "AUTH_LOGOUT_FAILED"),
        Operation::Withdraw | Operation::Delete => client(3601, "AUTH_WITHDRAW_FAILED"),
        Operation::Refresh
        | Operation::Account
        | Operation::Update
        | Operation::TransferAccount
        | Operation::Transfer
        | Operation::FindAccounts
        | Operation::Operator => client(3999, "AUTH_UNKNOWN_ERROR"),
    }
}

/// The code between servers of a credential that was not accepted. A client makes 3102 of it during a login by token,
/// which would be about our own token and not the provider's, so there is none then; nor at a logout, where it makes 3999.
const fn rejected(operation: Operation) -> Option<i32> {
    match operation {
        Operation::Resume | Operation::ChangeLogin | Operation::Logout => None,
        _ => Some(-4_000_404),
    }
}

const fn not_configured(operation: Operation) -> GamebaseAnswer {
    match operation {
        Operation::Login => client(3202, "AUTH_IDP_LOGIN_INVALID_IDP_INFO"),
        Operation::Link | Operation::LinkForcibly => {
            client(3304, "AUTH_ADD_MAPPING_INVALID_IDP_INFO")
        }
        _ => client(3002, "AUTH_NOT_SUPPORTED_PROVIDER"),
    }
}

const fn withdrawn(operation: Operation) -> GamebaseAnswer {
    match operation {
        Operation::Withdraw | Operation::Delete => answer(3601, "AUTH_WITHDRAW_FAILED", -4_100_401),
        _ => NO_MEMBER,
    }
}

const fn banned(operation: Operation) -> GamebaseAnswer {
    let code = match operation {
        Operation::Login | Operation::Resume | Operation::ChangeLogin | Operation::Transfer => {
            -4_000_405
        }
        // Here it is the identity's owner who is banned (gamebase X-5).
        Operation::Link | Operation::LinkForcibly => -4_000_406,
        _ => -4_010_205,
    };
    answer(7, "BANNED_MEMBER", code)
}

/// Gamebase says during these operations that the client was logged out, and otherwise only that the server said no.
const fn bad_access_token(operation: Operation) -> GamebaseAnswer {
    match operation {
        Operation::Link
        | Operation::LinkForcibly
        | Operation::ChangeLogin
        | Operation::Merge
        | Operation::Unlink
        | Operation::Account
        | Operation::Withdraw
        | Operation::Delete => answer(3011, "AUTH_INVALID_GAMEBASE_TOKEN", -4_010_203),
        _ => answer(3012, "AUTH_AUTHENTICATION_SERVER_ERROR", -4_010_203),
    }
}

const fn transfer_password(operation: Operation) -> GamebaseAnswer {
    let code = match operation {
        // The password that was chosen is the present one.
        Operation::TransferAccount => -4_000_923,
        _ => -4_000_927,
    };
    answer(3044, "AUTH_TRANSFERACCOUNT_INVALID_PASSWORD", code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::ProviderId;

    #[test]
    fn gamebase_6_a_wrong_credential_is_told_by_operation() {
        for (operation, number, server_code) in [
            (Operation::Login, 3201, Some(-4_000_404)),
            (Operation::Link, 3301, Some(-4_000_404)),
            (Operation::Withdraw, 3601, Some(-4_000_404)),
            (Operation::Resume, 3101, None),
            (Operation::Operator, 3999, Some(-4_000_404)),
        ] {
            let answer = Refusal::WrongPassword.gamebase(operation);
            assert_eq!((answer.number, answer.server_code), (number, server_code));
        }
    }

    #[test]
    fn gamebase_7_a_provider_that_fails_is_told_from_us() {
        let down = Refusal::ProviderUnavailable { provider: ProviderId::CUSTOM, retry_after: 1 };
        assert_eq!(down.gamebase(Operation::Login).number, 3012);
        assert_eq!(gamebase_fault().server_code, Some(-5_000_001));
    }

    #[test]
    fn gamebase_7_a_code_between_servers_has_one_number_per_operation() {
        use crate::refusal::samples::{OPERATIONS, all};
        use std::collections::BTreeMap;

        for operation in OPERATIONS {
            let mut numbers = BTreeMap::new();
            for answer in all().iter().map(|refusal| refusal.gamebase(operation)) {
                if let Some(code) = answer.server_code {
                    let number = *numbers.entry(code).or_insert(answer.number);
                    // Bad tokens and bad credentials have a code in common (gamebase 7).
                    assert!(number == answer.number || code == -4_000_404, "{code}");
                }
            }
        }
    }
}
