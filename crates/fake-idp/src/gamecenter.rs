use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd,
};
use serde_json::{Value, json};

use crate::server::Host;

/// Apple's Game Center: a chain of certificates made at start, and signatures with the key of its last one.
#[derive(Clone, Debug)]
pub struct FakeGameCenter {
    chain: Arc<Chain>,
    /// What is served at [`URL`](Self::URL), with its content type.
    pub served: Arc<Mutex<(&'static str, Vec<u8>)>>,
}

#[derive(Debug)]
struct Chain {
    root: Issuer<'static, KeyPair>,
    issuer: Issuer<'static, KeyPair>,
    issuer_pem: String,
    key: RsaKeyPair,
    leaf_key: KeyPair,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leaf {
    /// Nothing.
    Good,
    /// It ended in 2025.
    Expired,
    /// It begins in 2030.
    Early,
    /// It is not for signing code.
    NoCodeSigning,
    /// It is for signing code, and says so without limits.
    AnyUsage,
    /// Its subject is another organisation.
    OtherOrganization,
    /// Its subject names none.
    NoOrganization,
    /// It is signed with its own key.
    SelfSigned,
    /// The root signed it, and not the issuer that is trusted.
    ByRoot,
    /// It is itself one that issues others.
    Authority,
    /// Its key is no RSA key.
    Ecdsa,
}

impl FakeGameCenter {
    /// The bundle that it signs for.
    pub const BUNDLE: &str = "com.example.game";
    /// Whose id it signs.
    pub const PLAYER: &str = "T:_abcdef0123456789";
    /// Where its certificate is.
    pub const URL: &str = "https://static.gc.apple.com/public-key/gc-test-1.cer";
    /// The path of that.
    pub const PATH: &str = "/public-key/gc-test-1.cer";
    /// What its certificate is served as.
    pub const CONTENT_TYPE: &str = "application/pkix-cert";

    /// With a good certificate.
    #[must_use]
    pub fn new() -> Self {
        let (_, root) = authority("Root", None);
        let (issuer_pem, issuer) = authority("Code Signing CA", Some(&root));
        let leaf_key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let key = RsaKeyPair::from_pkcs8(&leaf_key.serialize_der()).unwrap();
        let chain = Arc::new(Chain { root, issuer, issuer_pem, key, leaf_key });
        let this = Self { chain, served: Arc::default() };
        this.serve(Leaf::Good);
        this
    }

    /// The certificate of the one who issued Apple's, as PEM text.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.chain.issuer_pem
    }

    /// Makes a certificate of this kind for the key that signs, and serves it from now on.
    pub fn serve(&self, leaf: Leaf) {
        let chain = &self.chain;
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        (params.not_before, params.not_after) = match leaf {
            Leaf::Expired => (date_time_ymd(2024, 1, 1), date_time_ymd(2025, 12, 31)),
            Leaf::Early => (date_time_ymd(2030, 1, 1), date_time_ymd(2031, 1, 1)),
            _ => (date_time_ymd(2025, 1, 1), date_time_ymd(2030, 1, 1)),
        };
        params.extended_key_usages = match leaf {
            Leaf::NoCodeSigning => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Leaf::AnyUsage => Vec::new(),
            _ => vec![ExtendedKeyUsagePurpose::CodeSigning],
        };
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        if leaf == Leaf::Authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let organization = if leaf == Leaf::OtherOrganization { "Evil Inc." } else { "Apple Inc." };
        params.distinguished_name.push(DnType::CommonName, organization);
        if leaf != Leaf::NoOrganization {
            params.distinguished_name.push(DnType::OrganizationName, organization);
        }
        let ecdsa = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = if leaf == Leaf::Ecdsa { &ecdsa } else { &chain.leaf_key };
        let certificate = match leaf {
            Leaf::SelfSigned => params.self_signed(key),
            Leaf::ByRoot => params.signed_by(key, &chain.root),
            _ => params.signed_by(key, &chain.issuer),
        };
        let certificate = certificate.unwrap();
        *self.served.lock().unwrap() = (Self::CONTENT_TYPE, certificate.der().to_vec());
    }

    /// Its hosts. Any path below `/public-key/` leads to the certificate.
    #[must_use]
    pub fn hosts(&self) -> Vec<Host> {
        let served = Arc::clone(&self.served);
        let certificate = move || async move {
            let (content_type, body) = served.lock().unwrap().clone();
            (StatusCode::OK, [(CONTENT_TYPE, content_type)], body).into_response()
        };
        let routes = Router::new().route("/public-key/{name}", get(certificate));
        vec![("static.gc.apple.com".into(), routes)]
    }

    /// Signs bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.chain.key.public_modulus_len()];
        let padding: &dyn RsaEncoding = &RSA_PKCS1_SHA256;
        self.chain.key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        STANDARD.encode(signature)
    }

    /// What a client gets for this player and bundle, signed in this moment, to be changed.
    #[must_use]
    pub fn player(&self, player: &str, bundle: &str, now: DateTime<Utc>) -> Value {
        let salt = [7; 4];
        let time = u64::try_from(now.timestamp_millis()).unwrap();
        let message = [player.as_bytes(), bundle.as_bytes(), &time.to_be_bytes(), &salt].concat();
        json!({"player_id": player, "bundle_id": bundle, "public_key_url": Self::URL,
            "salt": STANDARD.encode(salt), "timestamp": time, "signature": self.sign(&message)})
    }
}

fn authority(
    name: &str,
    by: Option<&Issuer<'static, KeyPair>>,
) -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(by) => params.signed_by(&key, by),
        None => params.self_signed(&key),
    };
    (certificate.unwrap().pem(), Issuer::new(params, key))
}

impl Default for FakeGameCenter {
    fn default() -> Self {
        Self::new()
    }
}
