//! Compact JWS: three base64url parts, joined by dots.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{json::from_strict_json, key::TokenKey};

/// The longest token, in bytes, that [`KeySet::sign`] writes and [`KeySet::verify`] reads.
pub const MAX_TOKEN_BYTES: usize = 20 * 1024;

/// The longest token header, in bytes of JSON, that [`KeySet::verify`] reads.
pub const MAX_HEADER_BYTES: usize = 512;

/// The longest `typ`, in bytes. It leaves the header well below [`MAX_HEADER_BYTES`].
const MAX_TYP_BYTES: usize = 64;

/// Header members that change what the signature covers or how the payload is read. This
/// crate implements none of them, and to ignore one would read another token than was signed.
pub(crate) const REFUSED_MEMBERS: [&str; 3] = ["crit", "b64", "zip"];

/// Why a token could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The `typ` is empty, longer than 64 bytes, or has characters outside `A-Z a-z 0-9 + - . _ /`.
    #[error("the token type is not a media type name")]
    Type,
    /// The claims are empty, so they are no JSON text.
    #[error("the claims are empty")]
    Empty,
    /// The token would be longer than [`MAX_TOKEN_BYTES`].
    #[error("the token would be longer than {max} bytes")]
    TooLong {
        /// The longest token, in bytes.
        max: usize,
    },
    /// The cryptography refused.
    #[error("the token could not be signed")]
    Signature,
}

/// Why a token was refused. Holds nothing of the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is not a strict compact JWS, or its header asks for what is not supported.
    #[error("the token is malformed")]
    Malformed,
    /// The header's `alg` is missing, or is not the one of the key.
    #[error("the token has the wrong algorithm")]
    Algorithm,
    /// The header's `typ` is missing, or is not the expected one.
    #[error("the token has the wrong type")]
    Type,
    /// The header's `kid` is missing, or names no key of the set.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature does not match.
    #[error("the token's signature does not match")]
    Signature,
}

/// The key that signs, and the earlier keys whose tokens still verify.
///
/// To rotate the master key, sign with the new one and keep the old one as a previous key until
/// its last token has expired.
///
/// # Examples
///
/// ```
/// use authcore_jose::{Algorithm, KeySet, MasterKey, TokenError, TokenKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = |bytes: &[u8]| {
///     MasterKey::new(bytes)
///         .and_then(|master| TokenKey::derive(&master, Algorithm::Ed25519, "chess", "access"))
/// };
/// let (old, new) = (b"0123456789abcdefghijklmnopqrstuv", b"vutsrqponmlkjihgfedcba9876543210");
///
/// let before = KeySet::new(key(old)?);
/// let token = before.sign("at+jwt", r#"{"sub":"player-1"}"#)?;
///
/// let during = KeySet::new(key(new)?).with_previous(key(old)?);
/// assert_eq!(during.verify("at+jwt", &token)?, br#"{"sub":"player-1"}"#);
///
/// let after = KeySet::new(key(new)?);
/// assert_eq!(after.verify("at+jwt", &token), Err(TokenError::UnknownKey));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct KeySet {
    active: TokenKey,
    previous: Vec<TokenKey>,
}

impl KeySet {
    /// A set that signs and verifies with `active`.
    #[must_use]
    pub const fn new(active: TokenKey) -> Self {
        Self { active, previous: Vec::new() }
    }

    /// Adds a key that only verifies.
    #[must_use]
    pub fn with_previous(mut self, key: TokenKey) -> Self {
        self.previous.push(key);
        self
    }

    /// Signs `claims` with the active key.
    ///
    /// `claims` is JSON text, and it is signed byte for byte: this does not check that it is
    /// sound. `typ` goes into the header, for example `"at+jwt"`.
    ///
    /// # Errors
    ///
    /// Returns [`SignError`] when `typ` or `claims` cannot go into a token that
    /// [`verify`](Self::verify) would accept, or when the cryptography refuses.
    pub fn sign(&self, typ: &str, claims: &str) -> Result<String, SignError> {
        if !is_typ(typ) {
            return Err(SignError::Type);
        }
        if claims.is_empty() {
            return Err(SignError::Empty);
        }
        // Base64 only grows, so this bounds the work on oversized claims.
        if claims.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong { max: MAX_TOKEN_BYTES });
        }
        let header = self.active.header(typ);
        // With room for a signature of 64 bytes, so that no copy is made.
        let mut token = String::with_capacity(header.len() + claims.len().div_ceil(3) * 4 + 88);
        token.push_str(&header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.active.sign(token.as_bytes()).ok_or(SignError::Signature)?;
        token.push('.');
        token.push_str(&signature);
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong { max: MAX_TOKEN_BYTES });
        }
        Ok(token)
    }

    /// Checks a token and returns its payload, byte for byte as it was signed.
    ///
    /// The token must be three non-empty base64url parts without padding, in their one
    /// canonical form, and at most [`MAX_TOKEN_BYTES`] long. Its header must be strict JSON of
    /// at most [`MAX_HEADER_BYTES`], with exactly this `typ`, the `kid` of a key in the set and
    /// that key's `alg`. Keys that the header itself offers (`jwk`, `jku`, `x5u`, `x5c`) are
    /// never used. The payload is decoded only after its signature matched.
    ///
    /// No claim is looked at: the caller reads `exp` and compares it with its own time.
    ///
    /// # Errors
    ///
    /// Returns [`TokenError`] for every other token.
    pub fn verify(&self, typ: &str, token: &str) -> Result<Vec<u8>, TokenError> {
        let parts = Parts::split(token).ok_or(TokenError::Malformed)?;
        let key = self.key_for(typ, parts.header)?;
        if !key.verifies(parts.signed.as_bytes(), parts.signature) {
            return Err(TokenError::Signature);
        }
        URL_SAFE_NO_PAD.decode(parts.payload).map_err(|_| TokenError::Malformed)
    }

    /// The public keys of the set as a JWK Set, JSON text that may be published.
    ///
    /// Only Ed25519 keys have a public half, so a set of HMAC keys gives `{"keys":[]}`.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<String> = self.keys().filter_map(TokenKey::jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn keys(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.active).chain(&self.previous)
    }

    /// The key that this header names, when the header is acceptable.
    fn key_for(&self, typ: &str, header: &str) -> Result<&TokenKey, TokenError> {
        if !is_typ(typ) {
            return Err(TokenError::Type);
        }
        // The header that we write ourselves needs no parsing. Nothing in it is secret, so the
        // time of the comparison tells nothing.
        if let Some(key) = self.keys().find(|key| key.header(typ) == header) {
            return Ok(key);
        }
        self.key_for_parsed(typ, header)
    }

    /// As [`key_for`](Self::key_for), for a header with other members, order or spacing.
    fn key_for_parsed(&self, typ: &str, header: &str) -> Result<&TokenKey, TokenError> {
        let json = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenError::Malformed)?;
        if json.len() > MAX_HEADER_BYTES {
            return Err(TokenError::Malformed);
        }
        let members: Map<String, Value> =
            from_strict_json(&json).map_err(|_| TokenError::Malformed)?;
        if REFUSED_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(TokenError::Malformed);
        }
        let text = |name| members.get(name).and_then(Value::as_str);
        if text("typ") != Some(typ) {
            return Err(TokenError::Type);
        }
        let alg = text("alg").ok_or(TokenError::Algorithm)?;
        if !self.keys().any(|key| key.algorithm().name() == alg) {
            return Err(TokenError::Algorithm);
        }
        let kid = text("kid").ok_or(TokenError::UnknownKey)?;
        let key = self.keys().find(|key| key.kid() == kid).ok_or(TokenError::UnknownKey)?;
        if key.algorithm().name() != alg {
            return Err(TokenError::Algorithm);
        }
        Ok(key)
    }
}

/// A token that has the form of one. All parts are canonical base64url.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: &'a str,
    /// The header and the payload with their dot.
    pub(crate) signed: &'a str,
}

impl fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts([redacted])")
    }
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        // A fourth part would put a dot into the payload, and the alphabet has none.
        [header, payload, signature].into_iter().all(is_canonical_base64url).then_some(Self {
            header,
            payload,
            signature,
            signed,
        })
    }
}

/// Whether `part` is the one base64url text, without padding, of some non-empty bytes. Checked
/// up front, so that no text but the signed one is ever accepted for a token.
pub(crate) fn is_canonical_base64url(part: &str) -> bool {
    // The last character carries bits that belong to no byte, and they must be zero.
    let spare = match part.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    // Without a way out of the loop it takes many bytes at a time.
    part.bytes().fold(true, |all, byte| all & is_base64url(byte))
        && part.bytes().next_back().and_then(sextet).is_some_and(|last| last & spare == 0)
}

const fn is_base64url(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
}

const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// Whether `typ` is text that needs no escapes in JSON, so that the header can be written and
/// compared as plain text.
fn is_typ(typ: &str) -> bool {
    (1..=MAX_TYP_BYTES).contains(&typ.len())
        && typ.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'/')
        })
}

#[cfg(test)]
mod tests;
