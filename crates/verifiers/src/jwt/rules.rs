use authcore::store::SingleUseKey;
use authcore::verifier::{VerifyContext, VerifyError};
use authcore_jose::foreign::SignatureAlgorithm;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::claims::{Claims, subject, texts, time};
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::nonce::{Nonces, is_nonce_or_its_digest, single_use};

/// The most that clocks may differ.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(300);

/// Whether a token must be bound to a pending login (providers.md J12).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum NoncePolicy {
    /// A nonce in the token is not looked at.
    #[default]
    Off,
    /// A token that has a nonce must have one of ours, unused.
    IfPresent(Nonces),
    /// Each token must have one of ours, unused.
    Required(Nonces),
}

/// What a token must say. There is no audience by default, and no verifier without one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenRules {
    /// How it may be signed.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// The `iss` that count, exactly.
    pub issuers: Vec<String>,
    /// Whether an `iss` counts as well that is one of them, a slash, and more.
    pub below_issuers: bool,
    /// Our ids at the provider: one of them must be in `aud`.
    pub audiences: Vec<String>,
    /// What may be in `aud` beside one of ours.
    pub other_audiences: Vec<String>,
    /// What may be `azp` besides our audiences.
    pub authorized_parties: Vec<String>,
    /// The header's `typ`, where it must be another than `JWT` or none.
    pub typ: Option<String>,
    /// Whether it must be bound to the login.
    pub nonce: NoncePolicy,
    /// How old it may be, by the claim that says when it was issued.
    pub max_age: TimeDelta,
    /// Whether its `nbf` says when it was issued, for an issuer whose tokens have no `iat`.
    pub(crate) issued_by_nbf: bool,
    /// How much the issuer's clock may differ from ours; at most 5 minutes.
    pub skew: TimeDelta,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
}

impl TokenRules {
    /// RS256, one hour, 30 seconds of skew, no nonce.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for `issuers` or `audiences` without an entry.
    pub fn new(issuers: Vec<String>, audiences: Vec<String>) -> Result<Self, ConfigError> {
        ConfigError::unless_named("issuers", &issuers)?;
        ConfigError::unless_named("audiences", &audiences)?;
        Ok(Self {
            algorithms: vec![SignatureAlgorithm::Rs256],
            issuers,
            below_issuers: false,
            audiences,
            other_audiences: Vec::new(),
            authorized_parties: Vec::new(),
            typ: None,
            nonce: NoncePolicy::Off,
            max_age: TimeDelta::hours(1),
            issued_by_nbf: false,
            skew: TimeDelta::seconds(30),
            reject_reuse: false,
        })
    }

    /// The fields may have changed since they were made.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless_named("issuers", &self.issuers)?;
        ConfigError::unless_named("audiences", &self.audiences)?;
        if self.algorithms.is_empty() {
            return Err(ConfigError::new("algorithms", "it must name at least one"));
        }
        if !(TimeDelta::zero()..=SKEW_MAX).contains(&self.skew) {
            return Err(ConfigError::new("skew", "it must be 0 to 300 seconds"));
        }
        if !(TimeDelta::zero()..=TimeDelta::days(1)).contains(&self.max_age)
            || self.max_age.is_zero()
        {
            return Err(ConfigError::new("max_age", "it must be up to a day"));
        }
        Ok(())
    }

    /// Looks at claims that did not come signed to us, but over TLS from the issuer that looked at the signature.
    pub(crate) fn check_claims(
        &self,
        members: Map<String, Value>,
        credential: &TokenCredential,
        context: &VerifyContext,
    ) -> Result<Claims, VerifyError> {
        self.apply(members, credential, context).map_err(|broken| match broken {
            Broken::Expired => VerifyError::Expired,
            Broken::Rejected(reason) => reason.into(),
        })
    }

    /// Whether the header's `typ` is right: an access token is no ID token (providers.md 5.1).
    pub(super) fn check_typ(&self, typ: Option<&str>) -> Result<(), Reason> {
        let right = match (&self.typ, typ) {
            (Some(wanted), Some(typ)) => typ.eq_ignore_ascii_case(wanted),
            (Some(_), None) => false,
            (None, typ) => typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")),
        };
        if right { Ok(()) } else { Err(Reason::WrongType) }
    }

    /// Looks at the claims of a token whose signature is good.
    pub(super) fn apply(
        &self,
        members: Map<String, Value>,
        credential: &TokenCredential,
        context: &VerifyContext,
    ) -> Result<Claims, Broken> {
        self.check_origin(&members)?;
        let expires_at = self.check_times(&members, context.now())?;
        let subject = subject(&members)?;
        let nonce = self.check_nonce(&members, credential, context)?;
        let reuse =
            self.reject_reuse.then(|| (single_use("token", credential.token()), expires_at));
        let single_use = nonce.into_iter().chain(reuse).collect();
        Ok(Claims { members, subject, expires_at, single_use })
    }

    /// Looks at the claims of a token without a `sub`: from when on it is certainly over.
    pub(super) fn apply_without_subject(
        &self,
        members: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Broken> {
        self.check_origin(members)?;
        self.check_times(members, now)
    }

    fn check_origin(&self, members: &Map<String, Value>) -> Result<(), Reason> {
        let issuer = members.get("iss").and_then(Value::as_str);
        let is_ours = |issuer: &str, ours: &String| match issuer.strip_prefix(ours) {
            Some("") => true,
            Some(below) => self.below_issuers && below.starts_with('/'),
            None => false,
        };
        if !issuer.is_some_and(|issuer| self.issuers.iter().any(|ours| is_ours(issuer, ours))) {
            return Err(Reason::WrongIssuer);
        }
        let is_ours = |audience: &str| self.audiences.iter().any(|ours| ours == audience);
        let audiences = members.get("aud").and_then(texts).ok_or(Reason::WrongAudience)?;
        let all_known = audiences.iter().all(|audience| {
            is_ours(audience) || self.other_audiences.iter().any(|other| other == audience)
        });
        if !all_known || !audiences.iter().any(|audience| is_ours(audience)) {
            return Err(Reason::WrongAudience);
        }
        match members.get("azp") {
            None if audiences.len() > 1 => Err(Reason::WrongAudience),
            None => Ok(()),
            Some(Value::String(azp))
                if is_ours(azp) || self.authorized_parties.iter().any(|party| party == azp) =>
            {
                Ok(())
            }
            Some(_) => Err(Reason::WrongAudience),
        }
    }

    /// From when on the token is certainly over.
    fn check_times(
        &self,
        members: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Broken> {
        let exp = time(members, "exp")?.ok_or(Reason::Malformed)? + self.skew;
        let (nbf, iat) = (time(members, "nbf")?, time(members, "iat")?);
        let issued_at = if self.issued_by_nbf { nbf } else { iat }.ok_or(Reason::Malformed)?;
        if now >= exp {
            return Err(Broken::Expired);
        }
        if nbf.into_iter().chain(iat).any(|begin| begin > now + self.skew) {
            return Err(Reason::NotYetValid.into());
        }
        if now > issued_at + self.max_age + self.skew {
            return Err(Reason::TooOld.into());
        }
        Ok(exp)
    }

    /// What the nonce uses up.
    fn check_nonce(
        &self,
        members: &Map<String, Value>,
        credential: &TokenCredential,
        context: &VerifyContext,
    ) -> Result<Option<(SingleUseKey, DateTime<Utc>)>, Reason> {
        let in_token = match members.get("nonce") {
            None => None,
            Some(Value::String(nonce)) => Some(nonce.as_str()),
            Some(_) => return Err(Reason::Malformed),
        };
        let (nonces, in_token) = match (&self.nonce, in_token) {
            (NoncePolicy::Off, _) => return Ok(None),
            // A client that knows of a nonce and a token that does not are not of one login, but where the issuer says
            // that it could not put one there, as Apple does of old devices (providers.md 3.1).
            (NoncePolicy::IfPresent(_), None)
                if credential.nonce().is_none()
                    || members.get("nonce_supported") == Some(&Value::Bool(false)) =>
            {
                return Ok(None);
            }
            (_, None) => return Err(Reason::NonceMissing),
            (NoncePolicy::IfPresent(nonces) | NoncePolicy::Required(nonces), Some(in_token)) => {
                (nonces, in_token)
            }
        };
        // Where the token has the nonce itself, the client need not repeat it.
        let nonce = credential.nonce().unwrap_or(in_token);
        if !is_nonce_or_its_digest(in_token, nonce) {
            return Err(Reason::NonceMismatch);
        }
        let scope = context.nonce_scope(credential.binding());
        let redeemed = nonces.redeem(nonce, &scope, context.now())?;
        Ok(Some((redeemed.single_use, redeemed.forget_at)))
    }
}

/// Which rule a token broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Expired,
    Rejected(Reason),
}

impl From<Reason> for Broken {
    fn from(reason: Reason) -> Self {
        Self::Rejected(reason)
    }
}

impl From<Broken> for VerifyError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Expired => Self::Expired,
            Broken::Rejected(reason) => reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(change: impl FnOnce(&mut TokenRules)) -> Option<&'static str> {
        let mut rules = TokenRules::new(vec!["i".into()], vec!["a".into()]).unwrap();
        change(&mut rules);
        rules.check().err().map(|error| error.field())
    }

    #[test]
    fn j8_rules_that_leave_open_what_must_not_be_are_refused() {
        assert_eq!(problem(|_| {}), None);
        assert_eq!(problem(|rules| rules.skew = SKEW_MAX), None);
        assert_eq!(problem(|rules| rules.skew = SKEW_MAX + TimeDelta::seconds(1)), Some("skew"));
        assert_eq!(problem(|rules| rules.skew = TimeDelta::seconds(-1)), Some("skew"));
        assert_eq!(problem(|rules| rules.algorithms.clear()), Some("algorithms"));
        assert_eq!(problem(|rules| rules.max_age = TimeDelta::zero()), Some("max_age"));
        assert_eq!(problem(|rules| rules.audiences.clear()), Some("audiences"));
    }
}
