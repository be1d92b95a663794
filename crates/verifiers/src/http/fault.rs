use authcore::verifier::VerifyError;
use chrono::TimeDelta;

/// Why a provider gave no answer that can be used. It holds no URL and nothing of the answer (providers.md H6).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFault {
    /// It failed before, or was asked too often for what it does not have, and is left alone for a while.
    #[error("the provider is left alone for a while")]
    LeftAlone {
        /// For how much longer.
        retry_after: TimeDelta,
    },
    /// No connection, or none that can be trusted.
    #[error("no connection to the provider")]
    Connect(#[source] reqwest::Error),
    /// The host is at an address of one's own network.
    #[error("the provider's host is not on the public network")]
    PrivateAddress,
    /// The time was over.
    #[error("the provider did not answer in time")]
    Timeout,
    /// It redirects, and is not followed.
    #[error("the provider redirects")]
    Redirect,
    /// It has too much to do, or does not work: 429 or 5xx.
    #[error("the provider answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// When it says to come again.
        retry_after: Option<TimeDelta>,
    },
    /// The answer is longer than it may be.
    #[error("the provider's answer is too long")]
    TooLarge,
    /// The answer broke off, or came in an encoding that was not asked for.
    #[error("the provider's answer cannot be read")]
    Body,
    /// The answer is not what it should be: of another kind, or no JSON of the expected form.
    #[error("the provider's answer is not understood")]
    NotUnderstood,
}

impl HttpFault {
    pub(super) fn of(error: reqwest::Error) -> Self {
        if error.is_connect() || error.is_request() || error.is_builder() {
            Self::Connect(error.without_url())
        } else {
            Self::Body
        }
    }

    /// Whether it may help to ask once more (providers.md H7).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_connect(),
            Self::Status { status, retry_after: None } => matches!(status, 502..=504),
            _ => false,
        }
    }

    /// When to come again, where that is known.
    #[must_use]
    pub const fn retry_after(&self) -> Option<TimeDelta> {
        match self {
            Self::LeftAlone { retry_after } => Some(*retry_after),
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<HttpFault> for VerifyError {
    fn from(fault: HttpFault) -> Self {
        Self::Unavailable { retry_after: fault.retry_after(), source: Box::new(fault) }
    }
}
