use std::sync::{Arc, Mutex};

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
use rcgen::{
    CertificateParams, DnType, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};
use serde_json::{Value, json};

use super::gamecenter::authority;
use crate::server::Host;
use crate::sign::{Signer, Token};

/// Xbox: a certificate of ours that it encrypts to, and one of its own that it signs with and serves.
#[derive(Clone, Debug)]
pub struct FakeXbox {
    /// What signs the inner token.
    pub signer: Arc<Signer>,
    /// The certificate of that, which is served.
    pub served: Arc<Mutex<Vec<u8>>>,
    parties: Arc<Parties>,
}

#[derive(Debug)]
struct Parties {
    issuer: Issuer<'static, KeyPair>,
    issuer_pem: String,
    signer_key: KeyPair,
    ours: Encryption,
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
    /// Where its certificate is.
    pub const CERTIFICATE: &str = "/signing/1.cer";
    const HOST: &str = "xsts.xboxlive.com";

    /// With certificates that are good for years.
    #[must_use]
    pub fn new() -> Self {
        let (issuer_pem, issuer) = authority("Signing CA", None);
        let signer_key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let signer = Signer::rs256_of("x1", &signer_key.serialize_der());
        let parties = Parties { issuer, issuer_pem, signer_key, ours: Encryption::new() };
        let this =
            Self { signer: Arc::new(signer), served: Arc::default(), parties: Arc::new(parties) };
        this.serve("Microsoft Corporation");
        this
    }

    /// Serves a certificate of this organisation for the key that signs, by the issuer that is trusted, from now on.
    pub fn serve(&self, organization: &str) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(2025, 1, 1), date_time_ymd(2035, 1, 1));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::OrganizationName, organization);
        let certificate = params.signed_by(&self.parties.signer_key, &self.parties.issuer);
        *self.served.lock().unwrap() = certificate.unwrap().der().to_vec();
    }

    /// Serves a certificate for the key that signs, which that key itself signed.
    pub fn serve_self_signed(&self) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::OrganizationName, "Microsoft Corporation");
        let certificate = params.self_signed(&self.parties.signer_key).unwrap();
        *self.served.lock().unwrap() = certificate.der().to_vec();
    }

    /// The certificate of the one who issued Microsoft's, as PEM text.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.parties.issuer_pem
    }

    /// The certificate that tokens are encrypted to, and its key.
    #[must_use]
    pub fn encryption(&self) -> &Encryption {
        &self.parties.ours
    }

    /// Its hosts.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let served = Arc::clone(&self.served);
        let certificate = move || async move {
            ([(CONTENT_TYPE, "application/octet-stream")], served.lock().unwrap().clone())
        };
        vec![(Self::HOST.into(), Router::new().route(Self::CERTIFICATE, get(certificate)))]
    }

    /// A player who is signed in, as a token lists them.
    #[must_use]
    pub fn user(hash: &str, partner_id: &str) -> Value {
        json!({"uhs": hash, "ptx": partner_id, "xid": "2533270000000001", "gtg": "Major", "agg": "Adult"})
    }

    /// A good inner token, to be changed and signed.
    #[must_use]
    pub fn token(&self, now: DateTime<Utc>) -> Token {
        Token::new("xsts.auth.xboxlive.com", Self::RELYING_PARTY, "", now)
            .without("sub")
            .claim("xui", json!([Self::user(Self::HASH, Self::SUBJECT)]))
            .claim("tid", "12345")
            .header("x5t", thumbprint(&self.served.lock().unwrap()))
            .header("x5u", format!("https://{}{}", Self::HOST, Self::CERTIFICATE))
    }

    /// What a client presents: this signed token, encrypted to us.
    #[must_use]
    pub fn presented(&self, signed: &str) -> String {
        let token = encrypted(&self.parties.ours, "RSA-OAEP", "A128CBC-HS256", signed);
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

/// Encrypts a text to a certificate (RFC 7516). An `alg` or `enc` that is not known stands in the header all the same.
#[must_use]
pub fn encrypted(to: &Encryption, alg: &str, enc: &str, text: &str) -> String {
    let header = json!({"alg": alg, "enc": enc, "x5t": to.thumbprint, "cty": "JWT"});
    encrypted_with(to, &header, text)
}

/// As [`encrypted`], with this header.
#[must_use]
pub fn encrypted_with(to: &Encryption, header: &Value, text: &str) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let aad = part(header.to_string().as_bytes());
    // Each token of a test may have the same key: nothing here is secret.
    let (key, iv, ciphertext, tag) = match header["enc"].as_str().unwrap() {
        "A128GCM" => gcm(&[1; 16], aad.as_bytes(), text),
        "A256GCM" => gcm(&[1; 32], aad.as_bytes(), text),
        "A256CBC-HS512" => cbc(&[1; 64], aad.as_bytes(), text),
        _ => cbc(&[1; 32], aad.as_bytes(), text),
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

fn gcm(key: &[u8], aad: &[u8], text: &str) -> Sealed {
    let algorithm = if key.len() == 16 { &AES_128_GCM } else { &AES_256_GCM };
    let sealing = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
    let mut body = text.as_bytes().to_vec();
    let nonce = Nonce::assume_unique_for_key([2; 12]);
    let tag = sealing.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut body).unwrap();
    (key.into(), vec![2; 12], body, tag.as_ref().into())
}

fn cbc(key: &[u8], aad: &[u8], text: &str) -> Sealed {
    let (mac, secret) = key.split_at(key.len() / 2);
    let (algorithm, hash) = match secret.len() {
        16 => (&AES_128, hmac::HMAC_SHA256),
        _ => (&AES_256, hmac::HMAC_SHA512),
    };
    let cipher = UnboundCipherKey::new(algorithm, secret).unwrap();
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(cipher).unwrap();
    let (iv, mut body) = ([2; 16], text.as_bytes().to_vec());
    let context = EncryptionContext::Iv128((&iv).into());
    cipher.less_safe_encrypt(&mut body, context).unwrap();
    let bits = (aad.len() as u64 * 8).to_be_bytes();
    let signed = [aad, &iv, &body, &bits].concat();
    let tag = hmac::sign(&hmac::Key::new(hash, mac), &signed);
    (key.into(), iv.into(), body, tag.as_ref()[..mac.len()].into())
}
