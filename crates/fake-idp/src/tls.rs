use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;

/// Which certificate the server presents (X3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certificate {
    /// One for its hosts, by the authority that clients trust.
    #[default]
    Good,
    /// One that ended in 2020.
    Expired,
    /// One for another host.
    WrongName,
    /// One by an authority that nobody knows.
    UnknownAuthority,
}

/// The server's side of TLS, and the authority that a client needs to trust, as PEM text.
pub(crate) fn server(hosts: &[String], certificate: Certificate) -> (Arc<ServerConfig>, String) {
    let (trusted_pem, trusted) = authority();
    let (_, unknown) = authority();
    let hosts = match certificate {
        Certificate::WrongName => vec!["wrong.example".to_owned()],
        _ => hosts.to_vec(),
    };
    let mut params = CertificateParams::new(hosts).unwrap();
    if certificate == Certificate::Expired {
        (params.not_before, params.not_after) =
            (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
    }
    let key = KeyPair::generate().unwrap();
    let by = if certificate == Certificate::UnknownAuthority { &unknown } else { &trusted };
    let leaf = params.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (Arc::new(config), trusted_pem)
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}
