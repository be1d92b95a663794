use authcore::account::ProviderId;
use authcore::verifier::VerifyError;
use authcore_jose::foreign::{ForeignError, SignedToken};

use super::claims::Claims;
use super::rules::{Broken, TokenRules};
use crate::credential::TokenCredential;
use crate::error::{ConfigError, Reason};
use crate::http::Call;
use crate::keys::KeySource;

/// Verifies the tokens of one issuer: form, signature, then claims.
#[derive(Debug)]
pub struct TokenVerifier {
    rules: TokenRules,
    keys: KeySource,
}

impl TokenVerifier {
    /// Keys and rules go together: the keys of one issuer never verify the tokens of another (security 48).
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the rules leave open what must not be.
    pub fn new(rules: TokenRules, keys: KeySource) -> Result<Self, ConfigError> {
        rules.check()?;
        Ok(Self { rules, keys })
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
        provider: &ProviderId,
        call: &Call,
    ) -> Result<Claims, VerifyError> {
        let token =
            SignedToken::parse(credential.token(), &self.rules.algorithms).map_err(reason)?;
        self.rules.check_typ(token.typ())?;
        let key = self.keys.key(token.kid(), call).await?;
        let members = token.verify(&key).map_err(reason)?;
        self.rules.apply(members, credential, provider, call.now()).map_err(|broken| match broken {
            Broken::Expired => VerifyError::Expired,
            Broken::Rejected(reason) => reason.into(),
        })
    }
}

const fn reason(error: ForeignError) -> Reason {
    match error {
        ForeignError::Algorithm => Reason::AlgNotAllowed,
        ForeignError::UnknownKey => Reason::UnknownKey,
        ForeignError::WeakKey => Reason::WeakKey,
        ForeignError::Signature => Reason::BadSignature,
        _ => Reason::Malformed,
    }
}
