use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::MAX_FOREIGN_TOKEN_BYTES;
use super::keys::{Matching, PublicKey, SignatureAlgorithm, is_kid};
use crate::json::from_strict_json;
use crate::token::{Parts, REFUSED_MEMBERS};

/// Why a token of somebody else was refused. Holds nothing of the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// It is not a strict compact JWS, its header asks for what is not supported, or its payload is no JSON object.
    #[error("the token is malformed")]
    Malformed,
    /// The `alg` is missing, is none of those that were allowed, or does not go with the key.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// The `kid` is missing or is no name of a key.
    #[error("the token names no key")]
    UnknownKey,
    /// The key is too weak to prove anything.
    #[error("the token's key is too weak")]
    WeakKey,
    /// The signature does not match.
    #[error("the token's signature does not match")]
    Signature,
}

/// A token whose form is good and whose signature is still to be checked. Its claims cannot be read before.
#[derive(Debug)]
pub struct SignedToken<'a> {
    parts: Parts<'a>,
    algorithm: SignatureAlgorithm,
    kid: String,
    typ: Option<String>,
}

impl<'a> SignedToken<'a> {
    /// Reads the header of a token whose algorithm is one of `allowed` (providers.md J1 to J5). Keys that the header
    /// itself offers (`jwk`, `jku`, `x5u`, `x5c`) are never used.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] for every other token.
    pub fn parse(token: &'a str, allowed: &[SignatureAlgorithm]) -> Result<Self, ForeignError> {
        if token.len() > MAX_FOREIGN_TOKEN_BYTES {
            return Err(ForeignError::Malformed);
        }
        let parts = Parts::split(token).ok_or(ForeignError::Malformed)?;
        let header = object(parts.header)?;
        if REFUSED_MEMBERS.iter().any(|name| header.contains_key(*name)) {
            return Err(ForeignError::Malformed);
        }
        let text = |name| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(ForeignError::Malformed),
        };
        let algorithm = text("alg")?
            .and_then(SignatureAlgorithm::from_name)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(ForeignError::Algorithm)?;
        let kid = text("kid")?.filter(|kid| is_kid(kid)).ok_or(ForeignError::UnknownKey)?.into();
        let typ = text("typ")?.map(Into::into);
        Ok(Self { parts, algorithm, kid, typ })
    }

    /// The name of the key that it claims to be signed with.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The header's `typ`.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Checks the signature and only then reads the claims, which no member may hold twice.
    ///
    /// No claim is looked at: the caller compares `exp` and its relatives with its own time.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] when the key is of another kind than the token's algorithm, is weak, or did not sign it, and
    /// when what it signed is no object.
    pub fn verify(&self, key: &PublicKey) -> Result<Map<String, Value>, ForeignError> {
        let signature = decode(self.parts.signature)?;
        check(key, self.algorithm, self.parts.signed.as_bytes(), &signature)?;
        object(self.parts.payload)
    }
}

/// Checks a signature by its bytes.
pub(super) fn check(
    key: &PublicKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ForeignError> {
    match key.for_algorithm(algorithm) {
        Matching::Key(key) => {
            key.verify_sig(message, signature).map_err(|_| ForeignError::Signature)
        }
        Matching::Weak => Err(ForeignError::WeakKey),
        Matching::Other => Err(ForeignError::Algorithm),
    }
}

pub(super) fn decode(part: &str) -> Result<Vec<u8>, ForeignError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| ForeignError::Malformed)
}

pub(super) fn object(part: &str) -> Result<Map<String, Value>, ForeignError> {
    from_strict_json(&decode(part)?).map_err(|_| ForeignError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j1_a_token_has_16_kib_at_most() {
        let parse = |length: usize| {
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"key"}"#);
            let payload = "A".repeat(length - header.len() - ".AA".len() - 1);
            let token = format!("{header}.{payload}.AA");
            assert_eq!(token.len(), length);
            SignedToken::parse(&token, &[SignatureAlgorithm::EdDsa]).err()
        };
        assert_eq!(parse(16 * 1024), None);
        assert_eq!(parse(16 * 1024 + 3), Some(ForeignError::Malformed));
    }
}
