use serde_json::{Map, Value};

use super::encrypted::thumbprint;
use super::keys::SignatureAlgorithm;
use super::token::{ForeignError, decode, object};
use crate::token::{Parts, REFUSED_MEMBERS};

/// A token that names the certificate of its signer, and whose signature is still to be checked. Its claims cannot be read
/// before.
#[derive(Debug)]
pub struct CertifiedToken<'a> {
    parts: Parts<'a>,
    thumbprint: String,
    url: String,
}

impl<'a> CertifiedToken<'a> {
    /// Reads the header of a token that is signed with RS256 and says with which certificate: its SHA-1 (`x5t`) and where it
    /// is (`x5u`). Both are only claims: that the certificate may be trusted is for the caller to see to, before it asks for
    /// it and after.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] for every other token.
    pub fn parse(token: &'a str) -> Result<Self, ForeignError> {
        let parts = Parts::split(token).ok_or(ForeignError::Malformed)?;
        let header = object(parts.header)?;
        if REFUSED_MEMBERS.iter().any(|name| header.contains_key(*name)) {
            return Err(ForeignError::Malformed);
        }
        let text = |name| header.get(name).and_then(Value::as_str);
        if text("alg") != Some(SignatureAlgorithm::Rs256.name()) {
            return Err(ForeignError::Algorithm);
        }
        let url = text("x5u").ok_or(ForeignError::UnknownKey)?.to_owned();
        let thumbprint = thumbprint(text("x5t").unwrap_or_default())?.to_owned();
        Ok(Self { parts, thumbprint, url })
    }

    /// The SHA-1 that it says its signer's certificate has, in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Where it says that certificate is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Has the signature checked, and only then reads the claims, which no member may hold twice. `signed` is asked whether
    /// the certificate's key made this signature of this message: RSA PKCS#1 v1.5 with SHA-256.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] when it did not, and when what it signed is no object.
    pub fn verify(
        &self,
        signed: impl FnOnce(&[u8], &[u8]) -> bool,
    ) -> Result<Map<String, Value>, ForeignError> {
        let signature = decode(self.parts.signature)?;
        if !signed(self.parts.signed.as_bytes(), &signature) {
            return Err(ForeignError::Signature);
        }
        object(self.parts.payload)
    }
}
