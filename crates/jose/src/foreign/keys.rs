use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use crate::json::from_strict_json;

/// How others sign (providers.md J2, J6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl SignatureAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The `alg` of a header and of a key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one with this `alg`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Why a key set was refused as a whole (providers.md K5). Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// It is no strict JSON object with a list of `keys`.
    #[error("it is not a JSON Web Key Set")]
    Malformed,
    /// Two different keys have the same `kid`.
    #[error("two keys have the same kid")]
    Ambiguous,
    /// There is a symmetric key in a set of public ones.
    #[error("it holds a symmetric key")]
    Symmetric,
}

/// The public keys of an issuer, by their `kid`.
#[derive(Debug, Default)]
pub struct PublicKeys(HashMap<Box<str>, PublicKey>);

impl PublicKeys {
    /// Reads a JSON Web Key Set. Keys without a usable `kid`, for another use than signatures, of an unknown kind, or
    /// that cannot be read are skipped (providers.md K6).
    ///
    /// # Errors
    ///
    /// [`KeysError`] when the set as a whole cannot be trusted to mean one thing.
    pub fn parse(json: &[u8]) -> Result<Self, KeysError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = from_strict_json(json).map_err(|_| KeysError::Malformed)?;
        let mut keys = HashMap::new();
        for value in set.keys {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
            if jwk.kty == "oct" {
                return Err(KeysError::Symmetric);
            }
            let Some(kid) = jwk.kid.as_deref().filter(|kid| is_kid(kid)) else { continue };
            let Some(key) = jwk.signs().then(|| PublicKey::read(&jwk)).flatten() else { continue };
            let kid = Box::from(kid);
            match keys.get(&kid) {
                None => drop(keys.insert(kid, key)),
                Some(same) if *same == key => {}
                Some(_) => return Err(KeysError::Ambiguous),
            }
        }
        Ok(Self(keys))
    }

    /// The key of this `kid`.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&PublicKey> {
        self.0.get(kid)
    }

    /// Whether there is none to verify with.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A `kid`: 1 to 256 bytes of printable ASCII (providers.md J5).
pub(super) fn is_kid(kid: &str) -> bool {
    (1..=256).contains(&kid.len()) && kid.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// Whether it is there to verify signatures, as far as it says what it is there for.
    fn signs(&self) -> bool {
        self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    fn bytes(part: Option<&String>) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(part?).ok()
    }
}

/// One public key, prepared once. It verifies with the algorithms of its kind, or with the one that it names. A clone is the
/// same one.
#[derive(Clone)]
pub struct PublicKey(Arc<Prepared>);

struct Prepared {
    material: Material,
    /// What the key says it is for.
    only: Option<SignatureAlgorithm>,
    /// Tells two keys apart.
    public: Box<[u8]>,
}

enum Material {
    /// One for each padding: the library fixes it when it prepares the key.
    Rsa {
        pkcs1: ParsedPublicKey,
        pss: ParsedPublicKey,
    },
    Es256(ParsedPublicKey),
    EdDsa(ParsedPublicKey),
    /// An RSA key that is too short, too long, or has an exponent that is refused (providers.md J6).
    Weak,
}

impl PublicKey {
    fn read(jwk: &Jwk) -> Option<Self> {
        let only = match jwk.alg.as_deref() {
            None => None,
            Some(name) => Some(SignatureAlgorithm::from_name(name)?),
        };
        let (material, public) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => {
                let (n, e) = (Jwk::bytes(jwk.n.as_ref())?, Jwk::bytes(jwk.e.as_ref())?);
                let material = rsa(&n, &e).unwrap_or(Material::Weak);
                // An exponent has at most 8 bytes here, so the parts cannot be mistaken for each other.
                (material, [&[u8::try_from(e.len()).unwrap_or(u8::MAX)], &e[..], &n].concat())
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (Jwk::bytes(jwk.x.as_ref())?, Jwk::bytes(jwk.y.as_ref())?);
                if x.len() != 32 || y.len() != 32 {
                    return None;
                }
                let point = [&[4][..], &x, &y].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok()?;
                (Material::Es256(key), point)
            }
            ("OKP", Some("Ed25519")) => {
                let x = Jwk::bytes(jwk.x.as_ref())?;
                let key = ParsedPublicKey::new(&ED25519, &x).ok()?;
                (Material::EdDsa(key), x)
            }
            _ => return None,
        };
        Some(Self(Arc::new(Prepared { material, only, public: public.into() })))
    }

    /// What this key verifies a signature of that algorithm with.
    pub(super) fn for_algorithm(&self, algorithm: SignatureAlgorithm) -> Matching<'_> {
        if self.0.only.is_some_and(|only| only != algorithm) {
            return Matching::Other;
        }
        match (&self.0.material, algorithm) {
            (Material::Rsa { pkcs1, .. }, SignatureAlgorithm::Rs256) => Matching::Key(pkcs1),
            (Material::Rsa { pss, .. }, SignatureAlgorithm::Ps256) => Matching::Key(pss),
            (Material::Es256(key), SignatureAlgorithm::Es256)
            | (Material::EdDsa(key), SignatureAlgorithm::EdDsa) => Matching::Key(key),
            (Material::Weak, SignatureAlgorithm::Rs256 | SignatureAlgorithm::Ps256) => {
                Matching::Weak
            }
            _ => Matching::Other,
        }
    }
}

pub(super) enum Matching<'a> {
    Key(&'a ParsedPublicKey),
    Weak,
    /// The key is of another kind than the algorithm (providers.md J3).
    Other,
}

fn rsa(n: &[u8], e: &[u8]) -> Option<Material> {
    if e.len() > 8 {
        return None;
    }
    let zeros = usize::try_from(n.first()?.leading_zeros()).ok()?;
    if !(2048..=8192).contains(&(n.len() * 8 - zeros)) {
        return None;
    }
    let exponent = e.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    if exponent < 65_537 || exponent.is_multiple_of(2) {
        return None;
    }
    let parse = |parameters: &'static RsaParameters| {
        RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
    };
    Some(Material::Rsa {
        pkcs1: parse(&RSA_PKCS1_2048_8192_SHA256)?,
        pss: parse(&RSA_PSS_2048_8192_SHA256)?,
    })
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.public == other.0.public && self.0.only == other.0.only
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0.material {
            Material::Rsa { .. } => "RSA",
            Material::Es256(_) => "P-256",
            Material::EdDsa(_) => "Ed25519",
            Material::Weak => "weak RSA",
        };
        write!(f, "PublicKey({kind})")
    }
}
