use authcore::Secret;
use authcore::verifier::VerifyError;
use authcore_jose::from_strict_json;
use serde::Deserialize;

use crate::error::Reason;

/// A token as a client sends it: the bare text, or, where something comes with it, the JSON object
/// `{"token":"...","nonce":"...","binding":"..."}`.
#[derive(Deserialize)]
pub struct TokenCredential {
    token: Secret,
    nonce: Option<Secret>,
    #[serde(default)]
    binding: Secret,
}

impl TokenCredential {
    /// Reads it. Members that are not known are ignored: nothing but the token proves anything (providers.md P7). The
    /// engine has seen to it that it is at most 16,384 bytes, as long as a token may be (providers.md J1).
    ///
    /// # Errors
    ///
    /// [`Reason::Malformed`].
    pub fn read(credential: &Secret) -> Result<Self, VerifyError> {
        let text = credential.reveal();
        if text.starts_with('{') {
            return Ok(from_strict_json(text.as_bytes()).map_err(|_| Reason::Malformed)?);
        }
        Ok(Self { token: credential.clone(), nonce: None, binding: Secret::default() })
    }

    /// A token that was had for a credential, with the nonce and the binding that stand there.
    pub(crate) fn of_token(credential: &Secret, token: Secret) -> Result<Self, VerifyError> {
        #[derive(Deserialize)]
        struct Beside {
            nonce: Option<Secret>,
            #[serde(default)]
            binding: Secret,
        }
        let beside: Beside =
            from_strict_json(credential.reveal().as_bytes()).map_err(|_| Reason::Malformed)?;
        Ok(Self { token, nonce: beside.nonce, binding: beside.binding })
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> &str {
        self.token.reveal()
    }

    /// The nonce that the token is said to be bound to.
    #[must_use]
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_ref().map(Secret::reveal)
    }

    /// What the nonce was issued for.
    #[must_use]
    pub fn binding(&self) -> &str {
        self.binding.reveal()
    }
}
