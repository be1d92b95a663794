use std::borrow::Cow;

use super::{Field, Operation, Refusal, Rule};

/// What brainCloud says: the status and reason code of a message's error, and its text (braincloud 6, 14).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BraincloudAnswer {
    /// The status inside the message; HTTP's own is 200.
    pub status: u16,
    /// The reason code, which clients go by.
    pub reason_code: i32,
    /// The text, for people, with the prefix that brainCloud gives to a message's error.
    pub text: Cow<'static, str>,
}

const MISSING_IDENTITY: i32 = 40206;
const SWITCHING_PROFILES: i32 = 40207;
const MISSING_PROFILE: i32 = 40208;
const SECURITY: i32 = 40209;
const DOWNGRADING_TO_ANONYMOUS: i32 = 40210;
const DUPLICATE_IDENTITY_TYPE: i32 = 40211;
const MERGE_PROFILES: i32 = 40212;
const UNKNOWN_AUTH: i32 = 40217;
const EMAIL_NOT_VALID: i32 = 40221;
const SESSION_EXPIRED: i32 = 40303;
const TOKEN_DOES_NOT_MATCH_USER: i32 = 40307;
const DISABLED_APP: i32 = 40330;
const INVALID_OPERATION: i32 = 40333;
const MISSING_REQUIRED_PARAMETER: i32 = 40358;
const PROFILE_NOT_FOUND: i32 = 40446;
const UNSUPPORTED_AUTH_TYPE: i32 = 40464;
const NEW_CREDENTIAL_IN_USE: i32 = 40583;
const OLD_CREDENTIAL_NOT_OWNED: i32 = 40584;
const API_CALL_REJECTED: i32 = 40639;
const INVALID_PARAMETER_VALUE: i32 = 40660;
const USER_ALREADY_EXISTS: i32 = 40683;
const INVALID_EXT_AUTH_TYPE: i32 = 40684;
const USER_RATE_LIMIT_EXCEEDED: i32 = 40823;
const TOKEN_INVALID: i32 = 550_008;
const TOKEN_EXPIRED: i32 = 550_009;
const INVALID_PASSWORD_CONTENT: i32 = 550_022;

/// The texts that clients' tests know; all others are a refusal's own words.
const WRONG_TOKEN: &str = "Processing exception (message): Token does not match user";
const MUST_FORCE: &str = "Processing exception (message): Missing profile, must force create.";

impl Refusal {
    /// What brainCloud says to this refusal, during this operation (braincloud 4, 7, 8, 14). Where brainCloud knows nothing
    /// like it, the reason code is the nearest, which its clients know how to go on from.
    ///
    /// ```
    /// use authcore::{Refusal, refusal::Operation};
    ///
    /// let answer = Refusal::AccountNotFound.braincloud(Operation::Login);
    /// assert_eq!((answer.status, answer.reason_code), (202, 40208));
    /// ```
    #[must_use]
    pub fn braincloud(&self, operation: Operation) -> BraincloudAnswer {
        let (status, reason_code) = self.braincloud_codes(operation);
        let text = match reason_code {
            TOKEN_DOES_NOT_MATCH_USER => WRONG_TOKEN.into(),
            MISSING_PROFILE => MUST_FORCE.into(),
            _ => format!("Processing exception (message): {}", self.sentence()).into(),
        };
        BraincloudAnswer { status, reason_code, text }
    }

    const fn braincloud_codes(&self, operation: Operation) -> (u16, i32) {
        match self {
            Self::Invalid { field, rule } => (400, invalid(*field, *rule)),
            Self::ProviderNotConfigured(_) => (400, INVALID_EXT_AUTH_TYPE),
            // A verifier that fails is told as one that says no (braincloud 7). Nearest for the last three: ask for
            // credentials again (braincloud 4.1).
            Self::CredentialRejected { .. }
            | Self::CredentialExpired(_)
            | Self::ProviderUnavailable { .. }
            | Self::WrongPassword
            | Self::RevalidationRequired(_)
            | Self::TransferWrongPassword
            | Self::TransferUnknown => (403, TOKEN_DOES_NOT_MATCH_USER),
            Self::AccountNotFound => missing_account(operation),
            // brainCloud has no bans: games make them with hooks that refuse the call.
            Self::Banned(_) | Self::AlreadyBanned | Self::Host { .. } => (500, API_CALL_REJECTED),
            // A profile that was deleted is one that is not there (braincloud 4.1).
            Self::Withdrawn | Self::Missing | Self::IdentityUnknown(_) => (202, MISSING_IDENTITY),
            Self::NotPlayable(_) => (403, DISABLED_APP),
            // Nearest for the second: the player must decide which profile is meant.
            Self::OtherAccount(_) | Self::AlreadyLoggedIn => (202, SWITCHING_PROFILES),
            // Nearest for the last three: a security rule says no.
            Self::AccountRequired
            | Self::ForeignIdentity(_)
            | Self::LoggedInIdentity(_)
            | Self::IdentityDenied { .. }
            | Self::RecentLoginRequired => (403, SECURITY),
            // Sessions here have tokens; brainCloud's have an id, and end in one way.
            Self::TokenLoginInvalid
            | Self::AccessTokenInvalid
            | Self::RefreshTokenInvalid
            | Self::RefreshTokenReused => (403, SESSION_EXPIRED),
            Self::UsernameTaken => (400, NEW_CREDENTIAL_IN_USE),
            Self::IdentityTaken { .. } => match operation {
                Operation::Update => (400, NEW_CREDENTIAL_IN_USE),
                _ => (202, MERGE_PROFILES),
            },
            // brainCloud has no tickets; these are its words for a token that is shown once.
            Self::TicketUnknown
            | Self::TicketUsed
            | Self::TicketOtherProvider(_)
            | Self::TicketOtherIdentity(_) => (400, TOKEN_INVALID),
            Self::TicketExpired => (400, TOKEN_EXPIRED),
            // The way out is a merge.
            Self::WouldOrphan => (202, MERGE_PROFILES),
            Self::AlreadyLinked(_) | Self::TooManyIdentities { .. } => {
                (202, DUPLICATE_IDENTITY_TYPE)
            }
            Self::NotLinkable(_) => (400, UNSUPPORTED_AUTH_TYPE),
            Self::AccountExists => (400, USER_ALREADY_EXISTS),
            Self::NotLinked(_) => match operation {
                Operation::Update => (400, OLD_CREDENTIAL_NOT_OWNED),
                _ => (202, MISSING_IDENTITY),
            },
            // Nearest for the second: nothing would be left, not even a device.
            Self::ConfirmAnonymous | Self::LastIdentity(_) => (202, DOWNGRADING_TO_ANONYMOUS),
            Self::NothingToChange => (400, MISSING_REQUIRED_PARAMETER),
            Self::TryAgainLater { .. } | Self::TransferBlocked(_) => {
                (403, USER_RATE_LIMIT_EXCEEDED)
            }
            // brainCloud has no such operations at all.
            Self::WithdrawalPending
            | Self::WithdrawalNotPending
            | Self::NotBanned
            | Self::NoGraceBan
            | Self::TooManyPayments { .. }
            | Self::DonorNotNormal(_)
            | Self::ReceiverNotEligible(_)
            | Self::TransferOff
            | Self::NotGuestOnly
            | Self::TransferMissing
            | Self::TransferExists
            | Self::TransferExpired
            | Self::TransferUsed
            | Self::TransferSameDevice
            | Self::Disabled => (400, INVALID_OPERATION),
        }
    }
}

/// What brainCloud says when the machine does not work (braincloud 14): nothing of why.
#[must_use]
pub fn braincloud_fault() -> BraincloudAnswer {
    BraincloudAnswer {
        status: 500,
        reason_code: UNKNOWN_AUTH,
        text: "Processing exception (message): Internal error.".into(),
    }
}

const fn invalid(field: Field, rule: Rule) -> i32 {
    match (field, rule) {
        (_, Rule::Required) => MISSING_REQUIRED_PARAMETER,
        (Field::Email, _) => EMAIL_NOT_VALID,
        (Field::Password, _) => INVALID_PASSWORD_CONTENT,
        _ => INVALID_PARAMETER_VALUE,
    }
}

const fn missing_account(operation: Operation) -> (u16, i32) {
    match operation {
        Operation::Login | Operation::Resume => (202, MISSING_PROFILE),
        Operation::Merge => (202, MISSING_IDENTITY),
        _ => (400, PROFILE_NOT_FOUND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::ProviderId;

    #[test]
    fn braincloud_6_the_texts_that_clients_know() {
        let wrong = Refusal::WrongPassword.braincloud(Operation::Login);
        assert_eq!(wrong.text, "Processing exception (message): Token does not match user");
        let missing = Refusal::AccountNotFound.braincloud(Operation::Login);
        assert_eq!(
            (missing.status, missing.reason_code, &*missing.text),
            (202, 40208, "Processing exception (message): Missing profile, must force create.")
        );
    }

    #[test]
    fn braincloud_8_a_taken_identity_is_told_by_operation() {
        let taken = Refusal::IdentityTaken { provider: ProviderId::EMAIL, ticket: None };
        assert_eq!(taken.braincloud(Operation::Link).reason_code, 40212);
        assert_eq!(taken.braincloud(Operation::Update).reason_code, 40583);
    }

    #[test]
    fn braincloud_14_bad_input_is_told_by_field_and_rule() {
        for (field, rule, code) in [
            (Field::Email, Rule::Required, 40358),
            (Field::Email, Rule::Shape, 40221),
            (Field::Password, Rule::AtLeast { characters: 8 }, 550_022),
            (Field::DeviceId, Rule::Forbidden, 40660),
        ] {
            let answer = Refusal::Invalid { field, rule }.braincloud(Operation::Login);
            assert_eq!((answer.status, answer.reason_code), (400, code));
        }
    }

    #[test]
    fn braincloud_7_a_faulty_verifier_is_told_as_a_refusal() {
        let down = Refusal::ProviderUnavailable { provider: ProviderId::CUSTOM, retry_after: 1 };
        assert_eq!(down.braincloud(Operation::Login).reason_code, 40307);
        assert_eq!(braincloud_fault().status, 500);
    }
}
