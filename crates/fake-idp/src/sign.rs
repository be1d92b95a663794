use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// A key that signs, made when it is asked for.
#[derive(Debug)]
pub struct Signer {
    kid: String,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    Es256(Box<EcdsaKeyPair>),
    EdDsa(Box<Ed25519KeyPair>),
}

impl Signer {
    /// An RSA key of 2048 bits, for RS256.
    #[must_use]
    pub fn rs256(kid: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { kid: kid.into(), key: Key::Rs256(Box::new(key)) }
    }

    /// An RSA key of 2048 bits, for PS256.
    #[must_use]
    pub fn ps256(kid: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { kid: kid.into(), key: Key::Ps256(Box::new(key)) }
    }

    /// A P-256 key, for ES256.
    #[must_use]
    pub fn es256(kid: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.into(), key: Key::Es256(Box::new(key)) }
    }

    /// An Ed25519 key, for EdDSA.
    #[must_use]
    pub fn eddsa(kid: &str) -> Self {
        Self { kid: kid.into(), key: Key::EdDsa(Box::new(Ed25519KeyPair::generate().unwrap())) }
    }

    /// The Ed25519 key of a seed, which is always the same.
    #[must_use]
    pub fn eddsa_from_seed(kid: &str, seed: &[u8; 32]) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        Self { kid: kid.into(), key: Key::EdDsa(Box::new(key)) }
    }

    /// Another key of the same kind and name.
    #[must_use]
    pub fn stranger(&self) -> Self {
        match self.key {
            Key::Rs256(_) => Self::rs256(&self.kid),
            Key::Ps256(_) => Self::ps256(&self.kid),
            Key::Es256(_) => Self::es256(&self.kid),
            Key::EdDsa(_) => Self::eddsa(&self.kid),
        }
    }

    /// Its name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    const fn alg(&self) -> &'static str {
        match self.key {
            Key::Rs256(_) => "RS256",
            Key::Ps256(_) => "PS256",
            Key::Es256(_) => "ES256",
            Key::EdDsa(_) => "EdDSA",
        }
    }

    fn public(&self) -> Vec<u8> {
        match &self.key {
            Key::Rs256(key) | Key::Ps256(key) => key.public_key().as_ref().to_vec(),
            Key::Es256(key) => key.public_key().as_ref().to_vec(),
            Key::EdDsa(key) => key.public_key().as_ref().to_vec(),
        }
    }

    /// The public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let public = self.public();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.key {
            Key::Rs256(_) | Key::Ps256(_) => {
                // In DER the modulus of 256 bytes stands before the exponent 65537, which takes 5.
                let end = public.len() - 5;
                json!({"kty": "RSA", "n": part(&public[end - 256..end]), "e": "AQAB"})
            }
            Key::Es256(_) => {
                let (x, y) = public[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": part(x), "y": part(y)})
            }
            Key::EdDsa(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": part(&public)}),
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg().into();
        jwk
    }

    /// Signs bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |key: &RsaKeyPair, padding: &'static dyn RsaEncoding| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(padding, &random, message, &mut signature).unwrap();
            signature
        };
        match &self.key {
            Key::Rs256(key) => rsa(key, &RSA_PKCS1_SHA256),
            Key::Ps256(key) => rsa(key, &RSA_PSS_SHA256),
            Key::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

impl Signer {
    /// The claims of a compact token by this key; none of any other.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let algorithm: &dyn signature::VerificationAlgorithm = match self.key {
            Key::Rs256(_) => &signature::RSA_PKCS1_2048_8192_SHA256,
            Key::Ps256(_) => &signature::RSA_PSS_2048_8192_SHA256,
            Key::Es256(_) => &signature::ECDSA_P256_SHA256_FIXED,
            Key::EdDsa(_) => &signature::ED25519,
        };
        let key = signature::UnparsedPublicKey::new(algorithm, self.public());
        key.verify(message.as_bytes(), &signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(message.split_once('.')?.1).ok()?;
        serde_json::from_slice(&claims).ok()
    }
}

/// A token that is being put together; it begins as a good one.
#[derive(Clone, Debug)]
pub struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    /// One of these claims, issued now and good for an hour.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, subject: &str, now: DateTime<Utc>) -> Self {
        let now = now.timestamp();
        let claims =
            json!({"iss": issuer, "aud": audience, "sub": subject, "iat": now, "exp": now + 3600});
        let header = json!({"typ": "JWT"});
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        Self { header: object(header), claims: object(claims) }
    }

    /// With this claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without this claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// With this member of the header, in place of what signing would put there.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.into(), value.into());
        self
    }

    /// Signed, in compact form.
    #[must_use]
    pub fn signed(mut self, signer: &Signer) -> String {
        self.header.entry("kid").or_insert_with(|| signer.kid().into());
        self.header.entry("alg").or_insert_with(|| signer.alg().into());
        self.compact(|message| signer.sign(message))
    }

    /// Under the algorithm `none`, with an empty signature and with one that is not empty.
    #[must_use]
    pub fn unsigned(mut self, signer: &Signer) -> [String; 2] {
        self.header.insert("alg".into(), "none".into());
        self.header.insert("kid".into(), signer.kid().into());
        [self.clone().compact(|_| Vec::new()), self.compact(|_| vec![0])]
    }

    /// Under HS256 with the public key as the secret (CVE-2015-9235).
    #[must_use]
    pub fn hmac_with_public_key(mut self, signer: &Signer) -> String {
        self.header.insert("alg".into(), "HS256".into());
        self.header.insert("kid".into(), signer.kid().into());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &signer.public());
        self.compact(|message| hmac::sign(&key, message).as_ref().to_vec())
    }

    fn compact(self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
        let part =
            |value: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::from(value).to_string());
        let message = format!("{}.{}", part(self.header), part(self.claims));
        let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// An issuer's keys, which may change while it runs. Clones are one issuer.
#[derive(Clone, Debug)]
pub struct Issuer(Arc<Mutex<Vec<Arc<Signer>>>>);

impl Issuer {
    /// With one key.
    #[must_use]
    pub fn new(signer: Signer) -> Self {
        Self(Arc::new(Mutex::new(vec![Arc::new(signer)])))
    }

    /// The key that signs: the latest.
    #[must_use]
    pub fn signer(&self) -> Arc<Signer> {
        Arc::clone(self.0.lock().unwrap().last().unwrap())
    }

    /// Adds a key, which signs from now on.
    pub fn rotate(&self, signer: Signer) {
        self.0.lock().unwrap().push(Arc::new(signer));
    }

    /// Drops all keys but the latest.
    pub fn retire(&self) {
        let mut signers = self.0.lock().unwrap();
        let old = signers.len() - 1;
        signers.drain(..old);
    }

    /// The key set, as JSON text.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = self.0.lock().unwrap().iter().map(|signer| signer.jwk()).collect();
        json!({"keys": keys}).to_string()
    }
}
