//! What a caller sees of signing and verifying.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

use authcore_jose::{
    Algorithm, KeyError, KeySet, MAX_TOKEN_BYTES, MasterKey, SignError, TokenError, TokenKey,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::Value;

const MASTER: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
const OTHER_MASTER: &[u8] = b"vutsrqponmlkjihgfedcba9876543210";
const TYP: &str = "at+jwt";
const CLAIMS: &str = r#"{ "sub": "player-1", "name": "Zoë" }"#;
const BOTH: [Algorithm; 2] = [Algorithm::Hs256, Algorithm::Ed25519];

fn key(master: &[u8], algorithm: Algorithm, game: &str, purpose: &str) -> TokenKey {
    TokenKey::derive(&MasterKey::new(master).unwrap(), algorithm, game, purpose).unwrap()
}

fn set(algorithm: Algorithm) -> KeySet {
    KeySet::new(key(MASTER, algorithm, "chess", "access"))
}

fn jwk(set: &KeySet) -> Value {
    let jwks: Value = serde_json::from_str(&set.jwks()).unwrap();
    jwks["keys"][0].clone()
}

#[test]
fn a_token_gives_back_its_claims_byte_for_byte() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let token = set.sign(TYP, CLAIMS).unwrap();
        assert_eq!(set.verify(TYP, &token), Ok(CLAIMS.as_bytes().to_vec()), "{algorithm:?}");
    }
}

#[test]
fn the_same_arguments_give_the_same_key() {
    for algorithm in BOTH {
        let token = set(algorithm).sign(TYP, CLAIMS).unwrap();
        assert!(set(algorithm).verify(TYP, &token).is_ok(), "{algorithm:?}");
    }
}

/// Issued tokens must outlive an upgrade of this crate, so these values may never change. They
/// were computed with another implementation of HKDF, HMAC and Ed25519.
#[test]
fn the_derivation_is_pinned() {
    assert_eq!(key(MASTER, Algorithm::Hs256, "chess", "access").kid(), "c50a6f88c352e838");
    assert_eq!(key(MASTER, Algorithm::Ed25519, "chess", "access").kid(), "32cb93aa8b330859");
    assert_eq!(
        set(Algorithm::Hs256).sign("JWT", "{}").unwrap(),
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImM1MGE2Zjg4YzM1MmU4MzgifQ.e30.YaHiDUXc47FProGBXEPby_j6UTyD4a5ksJnTH-hvY8g"
    );
    assert_eq!(jwk(&set(Algorithm::Ed25519))["x"], "fMvQSvrGCy9ahstjVdo17LICxOaG0miiJtjaI8sPW_s");
}

#[test]
fn a_token_of_another_game_purpose_master_or_algorithm_is_refused() {
    for algorithm in BOTH {
        let token = set(algorithm).sign(TYP, CLAIMS).unwrap();
        let other = match algorithm {
            Algorithm::Hs256 => Algorithm::Ed25519,
            _ => Algorithm::Hs256,
        };
        for stranger in [
            key(MASTER, algorithm, "go", "access"),
            key(MASTER, algorithm, "chess", "refresh"),
            key(OTHER_MASTER, algorithm, "chess", "access"),
            key(MASTER, algorithm, "access", "chess"),
            // The same bytes in a row, cut at another place.
            key(MASTER, algorithm, "chessa", "ccess"),
            key(MASTER, algorithm, "", "chessaccess"),
        ] {
            assert_eq!(KeySet::new(stranger).verify(TYP, &token), Err(TokenError::UnknownKey));
        }
        let stranger = key(MASTER, other, "chess", "access");
        assert_eq!(KeySet::new(stranger).verify(TYP, &token), Err(TokenError::Algorithm));
    }
}

#[test]
fn the_name_of_a_key_alone_does_not_make_its_token() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let good = set.sign(TYP, CLAIMS).unwrap();
        let bad = KeySet::new(key(OTHER_MASTER, algorithm, "chess", "access"));
        let bad = bad.sign(TYP, CLAIMS).unwrap();
        let (signed, _) = good.rsplit_once('.').unwrap();
        let (_, signature) = bad.rsplit_once('.').unwrap();
        assert_eq!(set.verify(TYP, &format!("{signed}.{signature}")), Err(TokenError::Signature));
    }
}

#[test]
fn a_previous_key_still_verifies_and_no_longer_signs() {
    for old in BOTH {
        for new in BOTH {
            let before = KeySet::new(key(OTHER_MASTER, old, "chess", "access"));
            let token = before.sign(TYP, CLAIMS).unwrap();
            let during = set(new).with_previous(key(OTHER_MASTER, old, "chess", "access"));
            assert!(during.verify(TYP, &token).is_ok(), "{old:?} {new:?}");

            let fresh = during.sign(TYP, CLAIMS).unwrap();
            assert!(set(new).verify(TYP, &fresh).is_ok(), "{old:?} {new:?}");
            assert!(before.verify(TYP, &fresh).is_err(), "{old:?} {new:?}");
        }
    }
}

#[test]
fn a_token_of_another_type_is_refused() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let token = set.sign(TYP, CLAIMS).unwrap();
        for typ in ["JWT", "AT+JWT", "at+jwt2", "at+jw", "", "at+jwt\",\"x\":\"", "é"] {
            assert_eq!(set.verify(typ, &token), Err(TokenError::Type), "{typ:?}");
        }
    }
}

#[test]
fn a_token_that_could_not_be_verified_is_not_signed() {
    let set = set(Algorithm::Hs256);
    for typ in ["", "a b", "a\"b", "a\\b", "a\nb", "é", &"a".repeat(65)] {
        assert_eq!(set.sign(typ, CLAIMS), Err(SignError::Type), "{typ:?}");
    }
    assert!(set.sign(&"a".repeat(64), CLAIMS).is_ok());
    assert_eq!(set.sign(TYP, ""), Err(SignError::Empty));
    for size in [MAX_TOKEN_BYTES, MAX_TOKEN_BYTES + 1] {
        let claims = "x".repeat(size);
        assert_eq!(set.sign(TYP, &claims), Err(SignError::TooLong { max: MAX_TOKEN_BYTES }));
    }
}

#[test]
fn hmac_with_the_public_key_as_its_secret_is_refused() {
    let set = set(Algorithm::Ed25519);
    let jwk = jwk(&set);
    let x = jwk["x"].as_str().unwrap();
    let kid = jwk["kid"].as_str().unwrap();
    for secret in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(x).unwrap()] {
        for alg in ["HS256", "EdDSA"] {
            let header = format!(r#"{{"alg":"{alg}","typ":"{TYP}","kid":"{kid}"}}"#);
            let signed =
                format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(CLAIMS));
            let signature = jsonwebtoken::crypto::sign(
                signed.as_bytes(),
                &jsonwebtoken::EncodingKey::from_secret(&secret),
                jsonwebtoken::Algorithm::HS256,
            )
            .unwrap();
            let expected =
                if alg == "HS256" { TokenError::Algorithm } else { TokenError::Signature };
            assert_eq!(set.verify(TYP, &format!("{signed}.{signature}")), Err(expected));
        }
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let set = set(Algorithm::Hs256);
    let token = set.sign(TYP, CLAIMS).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let claims = URL_SAFE_NO_PAD.encode(CLAIMS);
    assert_eq!(set.verify(TYP, &format!("{signed}.")), Err(TokenError::Malformed));
    assert_eq!(set.verify(TYP, &format!("{none}.{claims}.")), Err(TokenError::Malformed));
    assert_eq!(set.verify(TYP, &format!("{none}.{claims}.AAAA")), Err(TokenError::Algorithm));
}

#[test]
fn a_token_with_anything_added_is_refused() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let token = set.sign(TYP, CLAIMS).unwrap();
        for extra in [
            "=", "==", "\n", "\r", "\r\n", " ", "\t", "\0", ".", ".AAAA", "é", "\u{feff}", "\u{a0}",
        ] {
            let after = format!("{token}{extra}");
            let before = format!("{extra}{token}");
            assert_eq!(set.verify(TYP, &after), Err(TokenError::Malformed), "{extra:?}");
            assert_eq!(set.verify(TYP, &before), Err(TokenError::Malformed), "{extra:?}");
            for dot in [".", ".."] {
                let inside = token.replace('.', &format!("{extra}{dot}"));
                assert_eq!(set.verify(TYP, &inside), Err(TokenError::Malformed), "{extra:?}");
            }
        }
    }
}

#[test]
fn a_token_without_exactly_three_parts_is_refused() {
    let set = set(Algorithm::Hs256);
    let token = set.sign(TYP, CLAIMS).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let (h, p, s) = (parts[0], parts[1], parts[2]);
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        h.to_owned(),
        format!("{h}.{p}"),
        format!("{p}.{s}"),
        format!(".{p}.{s}"),
        format!("{h}..{s}"),
        format!("{h}.{p}."),
        format!("{h}.{p}.{s}."),
        format!(".{h}.{p}.{s}"),
        format!("{h}.{p}.{s}.{s}"),
        format!("{h}.{p}.{p}.{s}"),
        format!("{h}.{p}.{s}.{p}.{s}"),
    ] {
        assert_eq!(set.verify(TYP, &bad), Err(TokenError::Malformed), "{bad}");
    }
}

#[test]
fn a_signature_has_only_one_spelling() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let token = set.sign(TYP, CLAIMS).unwrap();
        let (head, last) = token.split_at(token.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=";
        for other in alphabet.chars().filter(|other| !last.starts_with(*other)) {
            assert!(set.verify(TYP, &format!("{head}{other}")).is_err(), "{other}");
        }
    }
}

#[test]
fn an_overlong_token_is_refused() {
    let set = set(Algorithm::Hs256);
    let token = set.sign(TYP, CLAIMS).unwrap();
    let long = format!("{token}{}", "A".repeat(MAX_TOKEN_BYTES + 1 - token.len()));
    assert_eq!(long.len(), MAX_TOKEN_BYTES + 1);
    assert_eq!(set.verify(TYP, &long), Err(TokenError::Malformed));
    assert_eq!(set.verify(TYP, &"A".repeat(1 << 20)), Err(TokenError::Malformed));
}

#[test]
fn every_changed_byte_makes_a_token_invalid() {
    for algorithm in BOTH {
        let set = set(algorithm);
        let token = set.sign(TYP, CLAIMS).unwrap();
        for at in 0..token.len() {
            // All other ASCII values: a change to non-ASCII is no longer one byte of a string.
            for value in 0..128_u8 {
                let mut bytes = token.clone().into_bytes();
                if bytes[at] == value {
                    continue;
                }
                // Ed25519 is slow without optimization, so it gets single bits only.
                if algorithm == Algorithm::Ed25519 && (bytes[at] ^ value).count_ones() != 1 {
                    continue;
                }
                bytes[at] = value;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(set.verify(TYP, &changed).is_err(), "{at} {value}");
            }
        }
    }
}

#[test]
fn every_cut_makes_a_token_invalid() {
    let set = set(Algorithm::Hs256);
    let token = set.sign(TYP, CLAIMS).unwrap();
    for at in 0..token.len() {
        assert!(set.verify(TYP, &token[..at]).is_err(), "{at}");
        if at > 0 {
            assert!(set.verify(TYP, &token[at..]).is_err(), "{at}");
        }
    }
}

#[test]
fn an_hmac_set_publishes_no_key() {
    let set = set(Algorithm::Hs256).with_previous(key(MASTER, Algorithm::Hs256, "go", "access"));
    assert_eq!(set.jwks(), r#"{"keys":[]}"#);
}

#[test]
fn the_published_keys_have_public_members_only() {
    let set = set(Algorithm::Ed25519)
        .with_previous(key(MASTER, Algorithm::Hs256, "chess", "access"))
        .with_previous(key(OTHER_MASTER, Algorithm::Ed25519, "chess", "access"));
    let jwks: Value = serde_json::from_str(&set.jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for (jwk, master) in keys.iter().zip([MASTER, OTHER_MASTER]) {
        let members: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
        assert_eq!(jwk["kty"], "OKP");
        assert_eq!(jwk["crv"], "Ed25519");
        assert_eq!(jwk["alg"], "EdDSA");
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["kid"], key(master, Algorithm::Ed25519, "chess", "access").kid());
    }
}

#[test]
fn the_published_key_verifies_the_tokens() {
    let set = set(Algorithm::Ed25519);
    let x = URL_SAFE_NO_PAD.decode(jwk(&set)["x"].as_str().unwrap()).unwrap();
    let token = set.sign(TYP, CLAIMS).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let public = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, x);
    assert!(public.verify(signed.as_bytes(), &signature).is_ok());
    assert!(public.verify(b"something else", &signature).is_err());
}

#[test]
fn a_short_master_key_is_refused() {
    for length in 0..32 {
        assert_eq!(
            MasterKey::new(&MASTER[..length]).unwrap_err(),
            KeyError::TooShort { min: 32, actual: length }
        );
    }
    assert!(MasterKey::new(&MASTER[..32]).is_ok());
}

#[test]
fn a_master_key_that_is_not_random_is_refused() {
    let eleven: Vec<u8> = (0..64).map(|at| at % 11).collect();
    let twelve: Vec<u8> = (0..64).map(|at| at % 12).collect();
    for bad in [vec![0; 32], vec![0xff; 4096], b"changeme".repeat(8), eleven] {
        assert_eq!(MasterKey::new(&bad).unwrap_err(), KeyError::LowEntropy);
    }
    assert!(MasterKey::new(&twelve).is_ok());
}

#[test]
fn debug_prints_no_key_bytes() {
    let master = MasterKey::new(MASTER).unwrap();
    assert_eq!(format!("{master:?}"), "MasterKey([redacted])");
    for algorithm in BOTH {
        let key = key(MASTER, algorithm, "chess", "access");
        let kid = key.kid().to_owned();
        let expected = format!("TokenKey {{ algorithm: {algorithm:?}, kid: \"{kid}\", .. }}");
        assert_eq!(format!("{key:?}"), expected);
        assert_eq!(
            format!("{:?}", KeySet::new(key)),
            format!("KeySet {{ active: {expected}, previous: [] }}")
        );
    }
}

#[test]
fn a_kid_is_16_hex_characters() {
    for algorithm in BOTH {
        let key = key(MASTER, algorithm, "chess", "access");
        assert_eq!(key.kid().len(), 16);
        assert!(key.kid().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
    }
}

#[test]
fn the_keys_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<MasterKey>();
    shared::<TokenKey>();
    shared::<KeySet>();
}

proptest! {
    #[test]
    fn a_random_string_never_verifies(token in any::<String>()) {
        prop_assert!(set(Algorithm::Hs256).verify(TYP, &token).is_err());
    }

    #[test]
    fn random_text_in_the_form_of_a_token_never_verifies(
        token in "[A-Za-z0-9_-]{1,90}\\.[A-Za-z0-9_-]{1,90}\\.[A-Za-z0-9_-]{43}",
    ) {
        prop_assert!(set(Algorithm::Hs256).verify(TYP, &token).is_err());
    }

    #[test]
    fn a_random_header_never_verifies(header in "\\PC{0,600}", signature in any::<[u8; 32]>()) {
        let token = [header.as_bytes(), CLAIMS.as_bytes(), &signature]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        prop_assert!(set(Algorithm::Hs256).verify(TYP, &token).is_err());
    }

    #[test]
    fn a_random_payload_and_signature_never_verify(
        payload in proptest::collection::vec(any::<u8>(), 1..200),
        signature in any::<[u8; 32]>(),
    ) {
        let set = set(Algorithm::Hs256);
        let token = set.sign(TYP, CLAIMS).unwrap();
        let (header, _) = token.split_once('.').unwrap();
        let token = format!(
            "{header}.{}.{}",
            URL_SAFE_NO_PAD.encode(payload),
            URL_SAFE_NO_PAD.encode(signature),
        );
        prop_assert_eq!(set.verify(TYP, &token), Err(TokenError::Signature));
    }

    #[test]
    fn any_claims_come_back_as_signed(claims in "\\PC{1,400}") {
        let set = set(Algorithm::Hs256);
        let token = set.sign(TYP, &claims).unwrap();
        prop_assert_eq!(set.verify(TYP, &token), Ok(claims.into_bytes()));
    }
}
