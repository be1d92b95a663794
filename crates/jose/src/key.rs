//! The secret, and the token keys derived from it.

use std::{borrow::Cow, fmt, sync::OnceLock};

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm as Alg, DecodingKey, EncodingKey, crypto};
use zeroize::Zeroizing;

/// The fewest bytes a master key may have.
const MIN_MASTER_BYTES: usize = 32;
/// The fewest different byte values a master key may have. 32 random bytes practically never
/// miss this; zeroes, decimal digits and a short word repeated always do.
const MIN_DISTINCT_BYTES: usize = 12;

pub(crate) const SALT: &[u8] = b"authcore-jose";
const KEY_LABEL: &str = "token key v1";
const KID_LABEL: &str = "token kid v1";

/// Why a key was refused. Holds nothing of the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The master key has too few bytes.
    #[error("the master key has {actual} bytes, it needs at least {min}")]
    TooShort {
        /// The fewest bytes a master key may have.
        min: usize,
        /// The bytes this one has.
        actual: usize,
    },
    /// The master key repeats too few byte values to be random.
    #[error("the master key is not random enough")]
    LowEntropy,
    /// A token key could not be derived.
    #[error("the token key could not be derived")]
    Derivation,
}

/// The game's one signing secret, from which every [`TokenKey`] is derived.
///
/// The bytes are wiped when the value is dropped, and `Debug` does not print them.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<Vec<u8>>,
}

impl MasterKey {
    /// Takes a copy of `bytes`: at least 32 of them, with at least 12 different values.
    ///
    /// The second rule catches a placeholder or a repeated word. It cannot tell whether the
    /// bytes are secret: take them from a random generator.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::TooShort`] or [`KeyError::LowEntropy`].
    pub fn new(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < MIN_MASTER_BYTES {
            return Err(KeyError::TooShort { min: MIN_MASTER_BYTES, actual: bytes.len() });
        }
        let distinct = (0..=u8::MAX).filter(|value| bytes.contains(value)).count();
        if distinct < MIN_DISTINCT_BYTES {
            return Err(KeyError::LowEntropy);
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()) })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256, `"alg":"HS256"`. Whoever verifies can also sign.
    #[default]
    Hs256,
    /// Ed25519, `"alg":"EdDSA"`. Others verify with the public key of
    /// [`KeySet::jwks`](crate::KeySet::jwks).
    Ed25519,
}

impl Algorithm {
    /// The `alg` of a token's header.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Ed25519 => "EdDSA",
        }
    }
}

/// The key for one kind of token of one game.
///
/// The game, the purpose and the algorithm all go into the derivation, so a token of one game
/// or one kind never verifies as another. The key bytes are wiped when the value is dropped,
/// and `Debug` does not print them.
pub struct TokenKey {
    kid: String,
    material: Material,
    /// The `typ` that was asked for first, and the header with it. Practically always it is the
    /// only one.
    header: OnceLock<(String, String)>,
}

impl TokenKey {
    /// Derives the key from the master key. The same arguments always give the same key.
    ///
    /// `game` and `purpose` are free text, for example `"chess"` and `"access"`.
    ///
    /// # Errors
    ///
    /// Returns [`KeyError::Derivation`] when the cryptography refuses, which sound arguments
    /// never cause.
    pub fn derive(
        master: &MasterKey,
        algorithm: Algorithm,
        game: &str,
        purpose: &str,
    ) -> Result<Self, KeyError> {
        let prk = Salt::new(HKDF_SHA256, SALT).extract(&master.bytes);
        let secret = expand(&prk, [KEY_LABEL, algorithm.name(), game, purpose])?;
        let name = expand(&prk, [KID_LABEL, algorithm.name(), game, purpose])?;
        let kid = name.first_chunk().ok_or(KeyError::Derivation)?;
        let kid = format!("{:016x}", u64::from_be_bytes(*kid));
        let material = match algorithm {
            Algorithm::Hs256 => Material::Hmac(HmacKey::new(&secret)),
            Algorithm::Ed25519 => Material::Ed25519(Ed25519Key::new(&secret)?),
        };
        Ok(Self { kid, material, header: OnceLock::new() })
    }

    /// The key's public name: 16 lower-case hex characters, the `kid` of its tokens.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hmac(_) => Algorithm::Hs256,
            Material::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The header part of a token that we write, for a `typ` that needs no escapes in JSON.
    pub(crate) fn header(&self, typ: &str) -> Cow<'_, str> {
        let (known, header) =
            self.header.get_or_init(|| (typ.to_owned(), self.encoded_header(typ)));
        if known == typ { Cow::Borrowed(header) } else { Cow::Owned(self.encoded_header(typ)) }
    }

    fn encoded_header(&self, typ: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!(
            r#"{{"alg":"{}","typ":"{typ}","kid":"{}"}}"#,
            self.algorithm().name(),
            self.kid,
        ))
    }

    /// Signs `input`, and returns the signature in base64url.
    pub(crate) fn sign(&self, input: &[u8]) -> Option<String> {
        match &self.material {
            Material::Hmac(key) => Some(key.sign(input)),
            Material::Ed25519(key) => key.sign(input),
        }
    }

    /// Whether `signature`, in base64url, is this key's signature of `input`.
    pub(crate) fn verifies(&self, input: &[u8], signature: &str) -> bool {
        match &self.material {
            Material::Hmac(key) => key.verifies(input, signature),
            Material::Ed25519(key) => key.verifies(input, signature),
        }
    }

    /// The public key as a JWK, when there is one.
    pub(crate) fn jwk(&self) -> Option<String> {
        match &self.material {
            Material::Hmac(_) => None,
            // Base64url and hex need no escapes in JSON.
            Material::Ed25519(key) => Some(format!(
                r#"{{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"{}","kid":"{}","x":"{}"}}"#,
                self.algorithm().name(),
                self.kid,
                URL_SAFE_NO_PAD.encode(key.public),
            )),
        }
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// One type for each kind of key, and each signs and verifies with its own algorithm only. No
/// code path hands a public key to HMAC.
enum Material {
    Hmac(HmacKey),
    Ed25519(Ed25519Key),
}

/// Not with jsonwebtoken, which prepares the key anew for each signature: that takes as long as to
/// sign.
struct HmacKey(Box<hmac::Key>);

impl HmacKey {
    fn new(secret: &[u8; 32]) -> Self {
        Self(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    fn sign(&self, input: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, input))
    }

    fn verifies(&self, input: &[u8], signature: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(signature)
            .is_ok_and(|signature| hmac::verify(&self.0, input, &signature).is_ok())
    }
}

struct Ed25519Key {
    signing: EncodingKey,
    verifying: DecodingKey,
    public: [u8; 32],
}

impl Ed25519Key {
    fn new(seed: &[u8; 32]) -> Result<Self, KeyError> {
        install_provider();
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Derivation)?;
        let private = pair.to_pkcs8v1().map_err(|_| KeyError::Derivation)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Derivation)?;
        Ok(Self {
            signing: EncodingKey::from_ed_der(private.as_ref()),
            verifying: DecodingKey::from_ed_der(pair.public_key().as_ref()),
            public,
        })
    }

    fn sign(&self, input: &[u8]) -> Option<String> {
        crypto::sign(input, &self.signing, Alg::EdDSA).ok()
    }

    fn verifies(&self, input: &[u8], signature: &str) -> bool {
        ed25519_verifies(&self.verifying, input, signature)
    }
}

fn ed25519_verifies(key: &DecodingKey, input: &[u8], signature: &str) -> bool {
    crypto::verify(signature, input, key, Alg::EdDSA).unwrap_or(false)
}

/// Names the backend for the whole process. Without it the library panics when another crate
/// in the build switches on its second backend. Only the first call counts, so a failure means
/// that a backend is there already.
fn install_provider() {
    let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Each field goes in behind its length, so no two lists of fields give the same bytes.
pub(crate) fn expand(prk: &Prk, fields: [&str; 4]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut info = Vec::new();
    for field in fields {
        let length = u64::try_from(field.len()).map_err(|_| KeyError::Derivation)?;
        info.extend_from_slice(&length.to_be_bytes());
        info.extend_from_slice(field.as_bytes());
    }
    let mut out = Zeroizing::new([0; 32]);
    prk.expand(&[&info], HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *out))
        .map_err(|_| KeyError::Derivation)?;
    Ok(out)
}

#[cfg(test)]
#[path = "key/wycheproof.rs"]
mod wycheproof;
