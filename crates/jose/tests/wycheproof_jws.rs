//! What a compact token may look like, by the classes of Wycheproof's `json_web_signature_test` and `json_web_key_test`.
//!
//! No package of the registry has those two files, so their vectors are made here, with keys of our own, class by class,
//! for each algorithm; the names of the classes are theirs. What they do inside a padded RSA digest is not repeated: those
//! are the vectors of `rsa_signature_2048_sha256`, which `src/foreign/wycheproof.rs` runs. They also refuse keys with the ROCA
//! weakness, for which we do not look: nobody makes any since 2017.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper that fails is a test that fails"
)]

use std::collections::BTreeMap;

use authcore_jose::foreign::{KeysError, PublicKeys, SignatureAlgorithm, SignedToken};
use authcore_jose::{Algorithm, KeySet, MasterKey, TokenKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, hmac::HMAC_SHA256};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A signer of one algorithm, with the key that checks it.
struct Signer {
    alg: &'static str,
    sign: Sign,
    jwk: Value,
    public: Vec<u8>,
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa(alg: &'static str, padding: &'static dyn RsaEncoding) -> Signer {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = key.public_key().as_ref().to_vec();
    let end = public.len() - 5;
    let jwk = json!({"kty": "RSA", "n": part(&public[end - 256..end]), "e": "AQAB"});
    let sign = move |message: &[u8]| {
        let mut signature = vec![0; 256];
        key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    Signer { alg, sign: Box::new(sign), jwk, public }
}

fn es256() -> Signer {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let public = key.public_key().as_ref().to_vec();
    let (x, y) = public[1..].split_at(32);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": part(x), "y": part(y)});
    let sign =
        move |message: &[u8]| key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec();
    Signer { alg: "ES256", sign: Box::new(sign), jwk, public }
}

fn eddsa() -> Signer {
    let key = Ed25519KeyPair::generate().unwrap();
    let public = key.public_key().as_ref().to_vec();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": part(&public)});
    let sign = move |message: &[u8]| key.sign(message).as_ref().to_vec();
    Signer { alg: "EdDSA", sign: Box::new(sign), jwk, public }
}

fn signers() -> [Signer; 4] {
    [rsa("RS256", &RSA_PKCS1_SHA256), rsa("PS256", &RSA_PSS_SHA256), es256(), eddsa()]
}

impl Signer {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::from_name(self.alg).unwrap()
    }

    /// Its key as it is published, with these members besides.
    fn published(&self, beside: &Value) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = "k".into();
        for (name, value) in beside.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    }

    fn keys(&self) -> PublicKeys {
        let set = json!({"keys": [self.published(&json!({"alg": self.alg, "use": "sig"}))]});
        PublicKeys::parse(set.to_string().as_bytes()).unwrap()
    }

    fn header(&self) -> String {
        json!({"alg": self.alg, "kid": "k"}).to_string()
    }

    /// Signs two parts, whatever is in them.
    fn signed(&self, header: &str, payload: &str) -> String {
        let signed = format!("{header}.{payload}");
        format!("{signed}.{}", part((self.sign)(signed.as_bytes())))
    }
}

/// The classes that a vector of each algorithm is made of: its name, the token, and whether it is accepted.
fn classes(signer: &Signer, payload: &str) -> Vec<(&'static str, String, bool)> {
    let (header, claims) = (part(signer.header()), part(payload));
    let good = signer.signed(&header, &claims);
    let signature = good.rsplit_once('.').unwrap().1.to_owned();
    let again = |header: &str| signer.signed(&part(header), &claims);
    let swap = |text: &str| {
        let first = if text.starts_with('A') { 'B' } else { 'A' };
        format!("{first}{}", &text[1..])
    };
    let mid = |text: &str, inserted: &str| {
        let (before, behind) = text.split_at(text.len() / 2);
        format!("{before}{inserted}{behind}")
    };
    let none = part(r#"{"alg":"none","kid":"k"}"#);
    let mut all = vec![
        ("acceptsValid", good.clone(), true),
        ("rejectsModifiedSignature", format!("{header}.{claims}.{}", swap(&signature)), false),
        ("rejectsMissingSignature", format!("{header}.{claims}."), false),
        ("rejectsMissingSignatureAndSeparator", format!("{header}.{claims}"), false),
        ("rejectsModifiedPayload", format!("{header}.{}.{signature}", part("{}")), false),
        ("rejectsMissingPayload", format!("{header}..{signature}"), false),
        ("rejectsMissingPayloadAndSeparator", format!("{header}.{signature}"), false),
        (
            "rejectsModifiedHeader",
            format!("{}.{claims}.{signature}", part(mid(&signer.header(), " "))),
            false,
        ),
        ("rejectsMissingHeader", format!(".{claims}.{signature}"), false),
        ("rejectsMissingHeaderAndSeparator", format!("{claims}.{signature}"), false),
        ("rejectsMissingHeaderAndSignature", format!(".{claims}."), false),
        ("rejectsMissingHeaderSignatureAndSeparators", claims.clone(), false),
        ("rejectsEmptyString", String::new(), false),
        ("rejectsEmptyParts", "..".into(), false),
        ("rejectsExtraEmptyComponent", format!("{good}."), false),
        ("rejectsExtraComponent", format!("{good}.{claims}"), false),
        ("rejectsNoneAlgorithmAndMissingSignature", format!("{none}.{claims}."), false),
        ("rejectsNoneAlgorithm", format!("{none}.{claims}.{signature}"), false),
        (
            "rejectsValidJsonSerialization",
            json!({"protected": header, "payload": claims, "signature": signature}).to_string(),
            false,
        ),
        ("rejectsSpacesInSignature", format!("{header}.{claims}.{}", mid(&signature, " ")), false),
        ("rejectsInvalidCharacterInSignature", mid(&good, "!"), false),
        ("rejectsStandardAlphabet", good.replace(['-', '_'], "+") + "/", false),
        ("invalidBase64Padding", format!("{good}="), false),
        ("invalidBase64PaddingInPayload", format!("{header}.{claims}==.{signature}"), false),
        ("spacesInHeader", format!("{}.{claims}.{signature}", mid(&header, " ")), false),
        ("spacesInPayload", format!("{header}.{}.{signature}", mid(&claims, " ")), false),
        ("newlineAfterToken", format!("{good}\n"), false),
        // The signature is over the bad text itself, as a lax reader would take it.
        ("signedSpacesInHeader", signer.signed(&mid(&header, " "), &claims), false),
        ("signedSpacesInPayload", signer.signed(&header, &mid(&claims, " ")), false),
        (
            "InvalidCharacterInsertedInHeader",
            signer.signed(&mid(&header, "\u{b5}"), &claims),
            false,
        ),
        ("InvalidCharacterInsertedInPayload", signer.signed(&header, &mid(&claims, "?")), false),
        ("signedBase64PaddingInPayload", signer.signed(&header, &STANDARD.encode("{}")), false),
        ("ModifiedUnusedBitsInPayload", signer.signed(&header, &unused_bits(&part("{}"))), false),
        ("ValidSpacesInJsonHeader", again(&signer.header().replace(':', " : ")), true),
        ("ValidWhiteSpaceInJsonHeader", again(&signer.header().replace(',', "\n\t,\r\n")), true),
        ("rejectsDuplicateMember", again(&signer.header().replace('{', "{\"kid\":\"k\",")), false),
        ("rejectsTrailingData", again(&format!("{} {{}}", signer.header())), false),
        ("rejectsHeaderThatIsNoObject", again("[]"), false),
        ("rejectsEmptyKid", again(&signer.header().replace("\"k\"", "\"\"")), false),
        ("rejectsNumberAsKid", again(&signer.header().replace("\"k\"", "7")), false),
    ];
    // What a key of the attacker signs does not count, wherever the header says that the key is.
    let stranger = eddsa();
    let embedded = json!({"alg": signer.alg, "kid": "k", "jwk": stranger.jwk,
        "jku": "https://evil.example/keys", "x5u": "https://evil.example/x", "x5c": ["AAAA"]});
    let embedded = part(embedded.to_string());
    all.push(("rejectsAttackerProvidedEmbeddedJwk", stranger.signed(&embedded, &claims), false));
    for critical in [json!({"crit": ["exp"]}), json!({"b64": false}), json!({"zip": "DEF"})] {
        let mut header = json!({"alg": signer.alg, "kid": "k"});
        header.as_object_mut().unwrap().extend(critical.as_object().unwrap().clone());
        all.push(("rejectsCritical", again(&header.to_string()), false));
    }
    for other in ["HS256", "RS384", "rs256", "ES384", "ES256K", "PS512", "", "none", "NONE"] {
        let header = json!({"alg": other, "kid": "k"}).to_string();
        all.push(("rejectsWrongAlgorithm", again(&header), false));
    }
    all.extend(
        confusion(signer, &claims).map(|token| ("rejectsSymmetryConfusionAttacks", token, false)),
    );
    all
}

/// The public key in one form or another as the secret of an HMAC (CVE-2015-9235).
fn confusion<'a>(signer: &'a Signer, claims: &'a str) -> impl Iterator<Item = String> + 'a {
    let pem = STANDARD.encode(&signer.public);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
    let secrets =
        [signer.public.clone(), pem.into_bytes(), signer.jwk.to_string().into_bytes(), Vec::new()];
    secrets.into_iter().map(move |secret| {
        let message = format!("{}.{claims}", part(r#"{"alg":"HS256","kid":"k"}"#));
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &secret), message.as_bytes());
        format!("{message}.{}", part(tag))
    })
}

/// The same bytes to a lax decoder, and another text.
fn unused_bits(part: &str) -> String {
    let (rest, last) = part.split_at(part.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    format!("{rest}{next}")
}

#[test]
fn compact_tokens_of_others_are_read_as_wycheproof_says() {
    let mut seen = BTreeMap::<&str, usize>::new();
    for signer in signers() {
        let keys = signer.keys();
        for (class, token, wanted) in classes(&signer, r#"{"sub":"ann"}"#) {
            let found = SignedToken::parse(&token, &[signer.algorithm()])
                .and_then(|parsed| parsed.verify(keys.get(parsed.kid()).unwrap()));
            assert_eq!(found.is_ok(), wanted, "{} {class}: {found:?} {token}", signer.alg);
            *seen.entry(class).or_default() += 1;
        }
    }
    assert_eq!((seen.len(), seen.values().sum::<usize>()), (44, 228));
}

#[test]
fn each_bit_of_a_signature_and_each_byte_of_what_is_signed_counts() {
    for signer in signers() {
        let (keys, algorithm) = (signer.keys(), [signer.algorithm()]);
        let token = signer.signed(&part(signer.header()), &part(r#"{"sub":"ann"}"#));
        let accepts = |token: &str| {
            let parsed = SignedToken::parse(token, &algorithm).ok()?;
            parsed.verify(keys.get(parsed.kid())?).ok()
        };
        assert!(accepts(&token).is_some());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let token = format!("{signed}.{}", part(bytes));
            assert!(accepts(&token).is_none(), "{} bit {bit}", signer.alg);
        }
        for length in [0, 1, bytes.len() - 1] {
            assert!(accepts(&format!("{signed}.{}", part(&bytes[..length]))).is_none());
        }
        for longer in [[&bytes[..], &[0]].concat(), [&[0][..], &bytes].concat()] {
            assert!(accepts(&format!("{signed}.{}", part(longer))).is_none());
        }
        for at in 0..signed.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(accepts(&String::from_utf8(other).unwrap()).is_none(), "{} {at}", signer.alg);
        }
    }
}

#[test]
fn cve_2022_21449_the_edges_of_r_and_s_are_no_signature() {
    let signer = es256();
    let order = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
    let order: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&order[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let near = |change: i16| {
        let mut number = order.clone();
        number[31] = u8::try_from(i16::from(number[31]) + change).unwrap();
        number
    };
    let small = |value| [vec![0; 31], vec![value]].concat();
    let edges = [small(0), small(1), near(-1), near(0), near(1), vec![0xff; 32]];
    let keys = signer.keys();
    let message = format!("{}.{}", part(signer.header()), part("{}"));
    let mut refused = 0;
    for r in &edges {
        for s in &edges {
            let token = format!("{message}.{}", part([&r[..], s].concat()));
            let parsed = SignedToken::parse(&token, &[SignatureAlgorithm::Es256]).unwrap();
            assert!(parsed.verify(keys.get("k").unwrap()).is_err());
            refused += 1;
        }
    }
    assert_eq!(refused, 36);
}

#[test]
fn key_sets_are_read_as_wycheproof_says() {
    let (signer, other) = (es256(), es256());
    let key = |beside: Value| signer.published(&beside);
    let oct = json!({"kty": "oct", "kid": "o", "k": part([7; 32]), "alg": "HS256", "use": "sig"});
    let short = format!("{}w", "x".repeat(171));
    let rsa = rsa("RS256", &RSA_PKCS1_SHA256);
    let big = rsa.published(&json!({}));
    let rsa_with = |name: &str, value: &str| rsa.published(&json!({name: value}));
    let parse = |keys: Value| PublicKeys::parse(json!({"keys": keys}).to_string().as_bytes());

    // Sets that could mean two things are refused as a whole.
    let mixed = parse(json!([oct, key(json!({}))])).err();
    assert_eq!(mixed, Some(KeysError::Symmetric), "rejectsMixedKeySet");
    let duplicate = parse(json!([key(json!({})), other.published(&json!({}))])).err();
    assert_eq!(duplicate, Some(KeysError::Ambiguous), "rejectsDuplicateKid");
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert_eq!(PublicKeys::parse(bad.as_bytes()).err(), Some(KeysError::Malformed), "{bad}");
    }

    // Keys that cannot be what they say are not in the set.
    let mut moved = key(json!({}));
    moved["y"] = moved["x"].clone();
    for (class, jwk) in [
        ("rejectsWrongUse", key(json!({"use": "enc"}))),
        ("rejectsWrongKeyOps", key(json!({"key_ops": ["encrypt"]}))),
        ("rejectsSigningKeyOps", key(json!({"key_ops": ["sign"]}))),
        ("mismatchedAlgAndCurve", key(json!({"alg": "ES521"}))),
        ("unknownAlg", key(json!({"alg": "ES224"}))),
        ("invalidPoint", moved),
        ("pointAtInfinity", key(json!({"x": part([0; 32]), "y": part([0; 32])}))),
        ("coordinateTooLong", key(json!({"x": part([0; 33])}))),
        ("coordinateTooShort", key(json!({"x": part([1; 31])}))),
        ("wrongCurve", key(json!({"crv": "P-384"}))),
        ("noCurve", key(json!({"crv": null}))),
        ("wrongKty", key(json!({"kty": "RSA"}))),
        ("okpAsEc", key(json!({"kty": "OKP"}))),
        ("ed448", json!({"kty": "OKP", "crv": "Ed448", "kid": "k", "x": part([1; 57])})),
        (
            "ed25519TooShort",
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": part([1; 31])}),
        ),
        ("emptyKid", key(json!({"kid": ""}))),
        ("kidTooLong", key(json!({"kid": "k".repeat(257)}))),
        ("kidWithControl", key(json!({"kid": "k\n"}))),
        ("numberAsKid", key(json!({"kid": 7}))),
        ("rsaEncryption", rsa.published(&json!({"alg": "RSA1_5", "use": "enc"}))),
        ("rsaWithoutModulus", rsa_with("n", "")),
    ] {
        // Whoever finds the modulus empty calls the key weak, which verifies nothing either.
        let kid = jwk["kid"].as_str().unwrap_or("7").to_owned();
        let set = parse(json!([jwk, big])).unwrap_or_default();
        let usable = set.get(&kid).is_some_and(|key| {
            let token = signer.signed(&part(signer.header()), &part("{}"));
            let token = SignedToken::parse(&token, &[SignatureAlgorithm::Es256]).unwrap();
            token.verify(key).is_ok()
        });
        assert!(!usable, "{class}");
    }

    // Weak RSA keys stay, so that it can be said that they are; they verify nothing.
    for (class, jwk) in [
        ("rejects1024bitRsaKey", rsa_with("n", &short)),
        ("rejects2047bitRsaKey", rsa_with("n", &part([&[0x7f][..], &[0xff; 255]].concat()))),
        ("rejects8193bitRsaKey", rsa_with("n", &part([&[1][..], &[0xff; 1024]].concat()))),
        ("rejectsPublicExponent1", rsa_with("e", "AQ")),
        ("rejectsPublicExponent3", rsa_with("e", "Aw")),
        ("rejectsEvenExponent", rsa_with("e", "AQAA")),
        ("rejectsLongExponent", rsa_with("e", &part([1; 9]))),
        ("rejectsEmptyExponent", rsa_with("e", "")),
    ] {
        let set = parse(json!([jwk])).unwrap();
        let token = rsa.signed(&part(rsa.header()), &part("{}"));
        let token = SignedToken::parse(&token, &[SignatureAlgorithm::Rs256]).unwrap();
        let found = token.verify(set.get("k").unwrap());
        assert_eq!(found.unwrap_err().to_string(), "the token's key is too weak", "{class}");
    }

    // The same key twice means one thing.
    assert!(parse(json!([key(json!({})), key(json!({}))])).unwrap().get("k").is_some());
}

#[test]
fn our_own_tokens_are_read_as_wycheproof_says() {
    let mut vectors = 0;
    for algorithm in [Algorithm::Hs256, Algorithm::Ed25519] {
        let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
        let key = TokenKey::derive(&master, algorithm, "chess", "access").unwrap();
        let kid = key.kid().to_owned();
        let set = KeySet::new(key);
        let alg = if algorithm == Algorithm::Hs256 { "HS256" } else { "EdDSA" };
        let header = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}"}}"#);
        let good = set.sign("JWT", "{}").unwrap();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (encoded, claims) = signed.split_once('.').unwrap();
        assert_eq!(encoded, part(&header));
        assert!(set.verify("JWT", &good).is_ok());
        let none = part(header.replace(alg, "none"));
        let other = part(header.replace(alg, if alg == "HS256" { "EdDSA" } else { "HS256" }));
        for bad in [
            String::new(),
            "..".into(),
            signed.into(),
            format!("{signed}."),
            format!("{encoded}..{signature}"),
            format!(".{claims}.{signature}"),
            format!("{encoded}.{signature}"),
            format!("{claims}.{signature}"),
            claims.into(),
            format!("{good}."),
            format!("{good}.{claims}"),
            format!("{good}="),
            format!("{good}\n"),
            format!(" {good}"),
            format!("{encoded}.{claims}==.{signature}"),
            format!("{encoded}.{}.{signature}", unused_bits(claims)),
            format!("{encoded}.{}.{signature}", part("[]")),
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{signature}"),
            format!("{other}.{claims}.{signature}"),
            format!("{encoded}.{claims}.{}", &signature[..signature.len() / 2]),
            format!("{encoded}.{claims}.{signature}AAAA"),
            json!({"protected": encoded, "payload": claims, "signature": signature}).to_string(),
        ] {
            assert!(set.verify("JWT", &bad).is_err(), "{alg} {bad}");
            vectors += 1;
        }
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(set.verify("JWT", &format!("{signed}.{}", part(bytes))).is_err());
            vectors += 1;
        }
    }
    // 23 of each kind, and a bit each of 32 and of 64 bytes.
    assert_eq!(vectors, 2 * 23 + 256 + 512);
}
