use std::io::Write as _;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::server::Host;
use crate::sign::{Issuer, Signer, Token};

/// Xbox: keys that it signs with, and a certificate of ours that it encrypts to. Its tokens look as the one that Microsoft
/// publishes as an example.
#[derive(Clone, Debug)]
pub struct FakeXbox {
    /// Its keys.
    pub issuer: Issuer,
    ours: Arc<Encryption>,
}

/// A certificate that tokens are encrypted to, with its key.
#[derive(Debug)]
pub struct Encryption {
    /// The certificate, as PEM text.
    pub certificate: String,
    /// The key, as PEM text.
    pub private_key: String,
    thumbprint: String,
    public: OaepPublicEncryptingKey,
}

impl Encryption {
    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let private = PrivateDecryptingKey::from_pkcs8(&key.serialize_der()).unwrap();
        Self {
            certificate: certificate.pem(),
            private_key: key.serialize_pem(),
            thumbprint: thumbprint(certificate.der()),
            public: OaepPublicEncryptingKey::new(private.public_key()).unwrap(),
        }
    }

    /// The header of what is packed and encrypted to it.
    #[must_use]
    pub fn header(&self, alg: &str, enc: &str) -> Value {
        json!({"alg": alg, "enc": enc, "x5t": self.thumbprint, "cty": "JWT", "zip": "DEF"})
    }
}

impl Default for Encryption {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeXbox {
    /// Our relying party.
    pub const RELYING_PARTY: &str = "https://game.example/";
    /// The user hash of the player.
    pub const HASH: &str = "1111222233334444555";
    /// Whose token it is, at our publisher.
    pub const SUBJECT: &str = "2814600000000001";
    /// The title that its tokens are of.
    pub const TITLE: &str = "1234567890";
    /// Where its keys are.
    pub const KEYS: &str = "/keys";
    const HOST: &str = "xsts-keys.auth.xboxlive.com";

    /// With a key.
    #[must_use]
    pub fn new() -> Self {
        let signer = Signer::ps256("0b4f6a52-6c1d-4d3e-9f57-2a8c1e5d7b90");
        Self { issuer: Issuer::new(signer), ours: Arc::new(Encryption::new()) }
    }

    /// The certificate that tokens are encrypted to, and its key.
    #[must_use]
    pub fn encryption(&self) -> &Encryption {
        &self.ours
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let issuer = self.issuer.clone();
        let keys = move || async move { ([(CONTENT_TYPE, "application/json")], issuer.jwks()) };
        vec![(Self::HOST.into(), Router::new().route(Self::KEYS, get(keys)))]
    }

    /// A player who is signed in, as a token lists them.
    #[must_use]
    pub fn user(hash: &str, partner_id: &str) -> Value {
        json!({"uhs": hash, "ptx": partner_id, "xid": "2533270000000001", "gtg": "Major", "agg": "Adult"})
    }

    /// A good inner token, to be changed and signed.
    #[must_use]
    pub fn token(now: DateTime<Utc>) -> Token {
        Token::new("xsts.auth.xboxlive.com", Self::RELYING_PARTY, "", now)
            .without("sub")
            .without("iat")
            .claim("nbf", now.timestamp())
            .claim("xdi", json!({"dty": "XboxOne", "dvr": "10.0.1.2"}))
            .claim("xti", json!({"tid": Self::TITLE, "tvr": "1.0.0.0"}))
            .claim("sbx", "RETAIL")
            .claim(
                "cnf",
                json!({"jwk": {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"}}),
            )
            .claim("xui", json!([Self::user(Self::HASH, Self::SUBJECT)]))
            .header("jku", format!("https://{}{}", Self::HOST, Self::KEYS))
    }

    /// What a client presents: this signed token, encrypted to us.
    #[must_use]
    pub fn presented(&self, signed: &str) -> String {
        let token = encrypted(&self.ours, "RSA-OAEP", "A128CBC-HS256", signed);
        format!("XBL3.0 x={};{token}", Self::HASH)
    }
}

impl Default for FakeXbox {
    fn default() -> Self {
        Self::new()
    }
}

fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, der))
}

/// Packs a text and encrypts it to a certificate (RFC 7516). An `alg` or `enc` that is not known stands in the header all the
/// same.
#[must_use]
pub fn encrypted(to: &Encryption, alg: &str, enc: &str, text: &str) -> String {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    encrypted_with(to, &to.header(alg, enc), &packed.finish().unwrap())
}

/// Encrypts these bytes as they are, with this header.
#[must_use]
pub fn encrypted_with(to: &Encryption, header: &Value, content: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let aad = part(header.to_string().as_bytes());
    // Each token of a test may have the same key: nothing here is secret.
    let (key, iv, ciphertext, tag) = match header["enc"].as_str().unwrap() {
        "A128GCM" => gcm(&[1; 16], aad.as_bytes(), content),
        "A256GCM" => gcm(&[1; 32], aad.as_bytes(), content),
        "A256CBC-HS512" => cbc(&[1; 64], aad.as_bytes(), content),
        _ => cbc(&[1; 32], aad.as_bytes(), content),
    };
    let wrap = match header["alg"].as_str().unwrap() {
        "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
        _ => &OAEP_SHA1_MGF1SHA1,
    };
    let mut room = vec![0; to.public.ciphertext_size()];
    let wrapped = to.public.encrypt(wrap, &key, &mut room, None).unwrap();
    [&aad, &part(wrapped), &part(&iv), &part(&ciphertext), &part(&tag)]
        .map(String::as_str)
        .join(".")
}

type Sealed = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

fn gcm(key: &[u8], aad: &[u8], inside: &[u8]) -> Sealed {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let sealing = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
    let mut body = inside.to_vec();
    let nonce = Nonce::assume_unique_for_key([2; 12]);
    let tag = sealing.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut body).unwrap();
    (key.into(), vec![2; 12], body, tag.as_ref().into())
}

fn cbc(key: &[u8], aad: &[u8], inside: &[u8]) -> Sealed {
    let (mac, secret) = key.split_at(key.len() / 2);
    let (algorithm, hash) = match secret.len() {
        16 => (&AES_128, hmac::HMAC_SHA256),
        _ => (&AES_256, hmac::HMAC_SHA512),
    };
    let cipher = UnboundCipherKey::new(algorithm, secret).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).unwrap();
    let (iv, mut body) = ([2; 16], inside.to_vec());
    let context = EncryptionContext::Iv128((&iv).into());
    cipher.less_safe_encrypt(&mut body, context).unwrap();
    let bits = (aad.len() as u64 * 8).to_be_bytes();
    let signed = [aad, &iv, &body, &bits].concat();
    let tag = hmac::sign(&hmac::Key::new(hash, mac), &signed);
    (key.into(), iv.into(), body, tag.as_ref()[..mac.len()].into())
}
