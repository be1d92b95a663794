use std::sync::Arc;

use authcore::verifier::{VerifyContext, VerifyError};
use authcore_jose::foreign::{ForeignError, SignedToken};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::claims::Claims;
use super::rules::TokenRules;
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::Call;
use crate::keys::KeySource;

/// Verifies the tokens of one issuer: form, signature, then claims.
#[derive(Debug)]
pub struct TokenVerifier {
    rules: TokenRules,
    keys: Arc<KeySource>,
}

impl TokenVerifier {
    /// Keys and rules go together: the keys of one issuer never verify the tokens of another (security 48). Two kinds of
    /// token of one issuer share its keys.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the rules leave open what must not be.
    pub fn new(rules: TokenRules, keys: impl Into<Arc<KeySource>>) -> Result<Self, ConfigError> {
        rules.check()?;
        Ok(Self { rules, keys: keys.into() })
    }

    /// Verifies a token. What it uses up is used up in the commit of the login, not here.
    ///
    /// # Errors
    ///
    /// [`VerifyError`].
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn verify(
        &self,
        credential: &TokenCredential,
        context: &VerifyContext,
        call: &Call,
    ) -> Result<Claims, VerifyError> {
        let members = self.signed(credential.token(), call).await?;
        Ok(self.rules.apply(members, credential, context)?)
    }

    /// Verifies a token without a `sub` and a nonce: a notice, say. The claims, and from when on it is certainly over.
    pub(crate) async fn verify_without_subject(
        &self,
        token: &str,
        call: &Call,
    ) -> Result<(Map<String, Value>, DateTime<Utc>), VerifyError> {
        let members = self.signed(token, call).await?;
        let end = self.rules.apply_without_subject(&members, call.now())?;
        Ok((members, end))
    }

    /// The claims, which the issuer signed and nobody has looked at.
    async fn signed(&self, token: &str, call: &Call) -> Result<Map<String, Value>, VerifyError> {
        let token = SignedToken::parse(token, &self.rules.algorithms).map_err(reason)?;
        self.rules.check_typ(token.typ())?;
        let key = self.keys.key(token.kid(), call).await?;
        Ok(token.verify(&key).map_err(reason)?)
    }
}

/// Why, in our words.
pub(crate) const fn reason(error: ForeignError) -> Reason {
    match error {
        ForeignError::Algorithm => Reason::AlgNotAllowed,
        ForeignError::UnknownKey => Reason::UnknownKey,
        ForeignError::WeakKey => Reason::WeakKey,
        ForeignError::Signature => Reason::BadSignature,
        _ => Reason::Malformed,
    }
}
