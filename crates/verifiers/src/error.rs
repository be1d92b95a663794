use std::fmt;

use authcore::verifier::VerifyError;

/// Why a credential is not good (providers.md 1). It goes to the log and to tests, never to the player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Reason {
    Malformed,
    TooLarge,
    BadSignature,
    AlgNotAllowed,
    UnknownKey,
    WrongIssuer,
    WrongAudience,
    WrongApp,
    WrongType,
    NonceMissing,
    NonceMismatch,
    NotYetValid,
    TooOld,
    Replayed,
    Revoked,
    SubjectMissing,
    SubjectMismatch,
    UrlNotAllowed,
    CertUntrusted,
    WeakKey,
}

impl Reason {
    /// The word in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::BadSignature => "bad_signature",
            Self::AlgNotAllowed => "alg_not_allowed",
            Self::UnknownKey => "unknown_key",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::WrongApp => "wrong_app",
            Self::WrongType => "wrong_type",
            Self::NonceMissing => "nonce_missing",
            Self::NonceMismatch => "nonce_mismatch",
            Self::NotYetValid => "not_yet_valid",
            Self::TooOld => "too_old",
            Self::Replayed => "replayed",
            Self::Revoked => "revoked",
            Self::SubjectMissing => "subject_missing",
            Self::SubjectMismatch => "subject_mismatch",
            Self::UrlNotAllowed => "url_not_allowed",
            Self::CertUntrusted => "cert_untrusted",
            Self::WeakKey => "weak_key",
        }
    }
}

impl From<Reason> for VerifyError {
    fn from(reason: Reason) -> Self {
        Self::Rejected(reason.name())
    }
}

/// A configuration that no verifier can be built of: which field, and what is wrong with it. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ConfigError {
    field: &'static str,
    problem: String,
}

impl ConfigError {
    /// Says what is wrong with a field.
    pub fn new(field: &'static str, problem: impl fmt::Display) -> Self {
        Self { field, problem: problem.to_string() }
    }

    /// The field.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// Refuses a list that is empty or has an empty entry: it would let everything through, or nothing
    /// (CVE-2026-30863).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] that names the field.
    pub fn unless_named(field: &'static str, list: &[String]) -> Result<(), Self> {
        match list {
            [] => Err(Self::new(field, "it must name at least one")),
            list if list.iter().any(String::is_empty) => Err(Self::new(field, "one is empty")),
            _ => Ok(()),
        }
    }

    /// Refuses text that is empty.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] that names the field.
    pub fn unless_given(field: &'static str, text: &str) -> Result<(), Self> {
        if text.is_empty() { Err(Self::new(field, "it is empty")) } else { Ok(()) }
    }
}
