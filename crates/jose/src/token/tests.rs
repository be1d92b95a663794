//! Tokens that only the holder of the key can make: soundly signed, and still refused.

use super::*;
use crate::{Algorithm, MasterKey};

const TYP: &str = "at+jwt";
const CLAIMS: &str = r#"{"sub":"player-1"}"#;

fn key(algorithm: Algorithm) -> TokenKey {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    TokenKey::derive(&master, algorithm, "chess", "access").unwrap()
}

fn set() -> KeySet {
    KeySet::new(key(Algorithm::Hs256))
}

/// A token whose signature is right for exactly these parts.
fn signed_parts(key: &TokenKey, header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{signature}")
}

fn signed(key: &TokenKey, header: &str) -> String {
    signed_parts(key, &URL_SAFE_NO_PAD.encode(header), &URL_SAFE_NO_PAD.encode(CLAIMS))
}

/// Verifies a soundly signed token with this header. `KID` stands for the key's name.
fn verdict(header: &str) -> Result<Vec<u8>, TokenError> {
    let set = set();
    let token = signed(&set.active, &header.replace("KID", set.active.kid()));
    set.verify(TYP, &token)
}

#[test]
fn a_header_in_another_order_verifies() {
    assert_eq!(
        verdict(r#" {"kid":"KID", "typ":"at+jwt", "alg":"HS256"} "#),
        Ok(CLAIMS.as_bytes().to_vec())
    );
}

#[test]
fn an_unknown_header_member_is_ignored() {
    assert!(verdict(r#"{"alg":"HS256","typ":"at+jwt","kid":"KID","x":[1,{}]}"#).is_ok());
}

#[test]
fn keys_in_the_header_are_ignored() {
    for member in [
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jku":"https://attacker.invalid/keys""#,
        r#""x5u":"https://attacker.invalid/cert""#,
        r#""x5c":["AAAA"]"#,
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"KID",{member}}}"#);
        assert!(verdict(&header).is_ok(), "{member}");

        // The other way round: a token signed with a key that its header offers.
        let set = set();
        let attacker = TokenKey::derive(
            &MasterKey::new(b"ATTACKERattacker0123456789-secret").unwrap(),
            Algorithm::Hs256,
            "chess",
            "access",
        )
        .unwrap();
        let token = signed(&attacker, &header.replace("KID", set.active.kid()));
        assert_eq!(set.verify(TYP, &token), Err(TokenError::Signature), "{member}");
    }
}

#[test]
fn crit_b64_and_zip_are_refused_whatever_they_hold() {
    for member in [
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""b64":false"#,
        r#""b64":true"#,
        r#""zip":"DEF""#,
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"KID",{member}}}"#);
        assert_eq!(verdict(&header), Err(TokenError::Malformed), "{member}");
    }
}

#[test]
fn alg_none_is_refused_in_every_spelling() {
    for alg in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS384", "HS512"] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"KID"}}"#);
        assert_eq!(verdict(&header), Err(TokenError::Algorithm), "{alg:?}");
    }
}

#[test]
fn an_alg_that_is_missing_or_no_string_is_refused() {
    for member in ["", r#""alg":null,"#, r#""alg":["HS256"],"#, r#""alg":256,"#] {
        let header = format!(r#"{{{member}"typ":"at+jwt","kid":"KID"}}"#);
        assert_eq!(verdict(&header), Err(TokenError::Algorithm), "{member}");
    }
}

#[test]
fn an_alg_of_another_key_in_the_set_is_refused() {
    let set = KeySet::new(key(Algorithm::Hs256)).with_previous(key(Algorithm::Ed25519));
    let ed = key(Algorithm::Ed25519);
    for (alg, signer) in [("EdDSA", &set.active), ("HS256", &ed)] {
        let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{}"}}"#, signer.kid());
        let token = signed(signer, &header);
        assert_eq!(set.verify(TYP, &token), Err(TokenError::Algorithm), "{alg}");
    }
}

#[test]
fn a_typ_that_is_missing_or_different_is_refused() {
    for member in [
        "",
        r#""typ":null,"#,
        r#""typ":["at+jwt"],"#,
        r#""typ":"JWT","#,
        r#""typ":"AT+JWT","#,
        r#""typ":"application/at+jwt","#,
        r#""typ":"at+jwt ","#,
    ] {
        let header = format!(r#"{{"alg":"HS256",{member}"kid":"KID"}}"#);
        assert_eq!(verdict(&header), Err(TokenError::Type), "{member}");
    }
}

#[test]
fn a_kid_that_is_missing_or_unknown_is_refused() {
    for member in [
        "",
        r#","kid":null"#,
        r#","kid":"""#,
        r#","kid":"0000000000000000""#,
        r#","kid":"../../dev/null""#,
        r#","kid":["KID"]"#,
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"at+jwt"{member}}}"#);
        assert_eq!(verdict(&header), Err(TokenError::UnknownKey), "{member}");
    }
}

#[test]
fn a_header_member_that_appears_twice_is_refused() {
    for header in [
        r#"{"alg":"HS256","alg":"HS256","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"HS256","\u0061lg":"none","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"KID","x":1,"x":1}"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"KID","x":{"y":1,"y":1}}"#,
    ] {
        assert_eq!(verdict(header), Err(TokenError::Malformed), "{header}");
    }
}

#[test]
fn a_header_that_is_no_json_object_is_refused() {
    for header in [
        "x",
        "[]",
        "null",
        r#""HS256""#,
        r#"["HS256","at+jwt","KID"]"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"KID"}x"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"KID",}"#,
        "\u{feff}{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"KID\"}",
    ] {
        assert_eq!(verdict(header), Err(TokenError::Malformed), "{header}");
    }
}

#[test]
fn a_header_may_have_512_bytes_and_no_more() {
    let set = set();
    let sized = |size: usize| {
        let mut header =
            format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{}"}}"#, set.active.kid());
        header.push_str(&" ".repeat(size - header.len()));
        set.verify(TYP, &signed(&set.active, &header))
    };
    assert!(sized(MAX_HEADER_BYTES).is_ok());
    assert_eq!(sized(MAX_HEADER_BYTES + 1), Err(TokenError::Malformed));
}

#[test]
fn a_payload_that_is_not_canonical_base64url_is_refused_even_when_signed() {
    let set = set();
    let header = set.active.header(TYP);
    // "YQ" is the one text for "a".
    assert_eq!(set.verify(TYP, &signed_parts(&set.active, &header, "YQ")), Ok(b"a".to_vec()));
    for payload in
        ["YR", "YQ==", "YQ=", "Y", "Y+Y_", "Y/Y_", "YQ\n", " YQ", "Y Q", "YQ.YQ", "", "Yé"]
    {
        let token = signed_parts(&set.active, &header, payload);
        assert_eq!(set.verify(TYP, &token), Err(TokenError::Malformed), "{payload:?}");
    }
}

#[test]
fn the_signature_is_checked_before_the_payload_is_read() {
    let set = set();
    let header = set.active.header(TYP);
    let token = format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode([0xff; 3]), "A".repeat(43));
    assert_eq!(set.verify(TYP, &token), Err(TokenError::Signature));
}

#[test]
fn a_signature_of_another_length_is_refused() {
    for algorithm in [Algorithm::Hs256, Algorithm::Ed25519] {
        let set = KeySet::new(key(algorithm));
        let token = set.sign(TYP, CLAIMS).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for length in 1..bytes.len() {
            let short = URL_SAFE_NO_PAD.encode(&bytes[..length]);
            let token = format!("{signed}.{short}");
            assert_eq!(set.verify(TYP, &token), Err(TokenError::Signature), "{length}");
        }
        let long = URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat());
        assert_eq!(set.verify(TYP, &format!("{signed}.{long}")), Err(TokenError::Signature));
    }
}

#[test]
fn the_longest_token_that_is_signed_also_verifies() {
    let set = set();
    let (mut longest, mut refused) = (0, None);
    for size in 15_000.. {
        match set.sign(TYP, &"x".repeat(size)) {
            Ok(token) => {
                assert!(set.verify(TYP, &token).is_ok(), "{size}");
                longest = token.len();
            }
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!((MAX_TOKEN_BYTES - 1..=MAX_TOKEN_BYTES).contains(&longest), "{longest}");
    assert_eq!(refused, Some(SignError::TooLong { max: MAX_TOKEN_BYTES }));
}

#[test]
fn the_header_is_written_as_the_contract_says() {
    let key = key(Algorithm::Ed25519);
    let header = URL_SAFE_NO_PAD.decode(key.header(TYP).as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(header).unwrap(),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, key.kid())
    );
}

#[test]
fn one_key_signs_and_verifies_several_types() {
    let set = set();
    let [first, second] = [TYP, "JWT"].map(|typ| set.sign(typ, CLAIMS).unwrap());
    assert_eq!(set.verify(TYP, &first), Ok(CLAIMS.into()));
    assert_eq!(set.verify("JWT", &second), Ok(CLAIMS.into()));
    assert_eq!(set.verify(TYP, &second), Err(TokenError::Type));
    assert_eq!(set.verify("JWT", &first), Err(TokenError::Type));
}
