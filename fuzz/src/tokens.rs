//! Strict JSON, tokens and key sets.

use std::collections::HashSet;
use std::sync::LazyLock;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_fake_idp::{FakeOidc, Issuer, Signer};
use authcore_jose::foreign::{PublicKeys, SignatureAlgorithm, SignedToken};
use authcore_jose::{Algorithm, KeySet, MAX_JSON_DEPTH, MasterKey, TokenKey, from_strict_json};
use authcore_verifiers::{
    Call, Endpoint, KeyLocation, KeySource, TokenCredential, TokenRules, TokenVerifier,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use serde_json::{Value, json};

use crate::Target;
use crate::oracle::{depth, is_single_valued, lax, quotes};
use crate::stage::Stage;

/// The first moment of 2026.
const NOW: i64 = 1_767_225_600;

fn bytes(texts: impl IntoIterator<Item = impl Into<String>>) -> Vec<Vec<u8>> {
    texts.into_iter().map(|text| text.into().into_bytes()).collect()
}

/// What is accepted is read alike by a lax reader, has no member twice and is not too deep.
pub(crate) const JSON: Target = Target {
    name: "json",
    seeds: || {
        bytes([
            r#"{"a":[1,-2.5e3,null,true,"\u00e9\ud83d\ude00"],"b":{"a":{}}}"#,
            r#"{"a":1,"\u0061":2}"#,
            "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
            r#""text""#,
        ])
    },
    run: |data| {
        let Ok(mut value) = from_strict_json::<Value>(data) else { return false };
        assert_eq!(value, lax(data));
        assert!(is_single_valued(data, &value), "a member twice");
        assert!(depth(&value) <= MAX_JSON_DEPTH);
        round(&mut value);
        let again = value.to_string();
        assert_eq!(from_strict_json::<Value>(again.as_bytes()).unwrap(), value);
        true
    },
};

/// Takes the fractions away: the last digit of one may be another once it was written and read again.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = Value::Null,
        Value::Array(values) => values.iter_mut().for_each(round),
        Value::Object(members) => members.values_mut().for_each(round),
        _ => {}
    }
}

static OWN: LazyLock<[KeySet; 2]> = LazyLock::new(|| {
    let master = MasterKey::new(b"0123456789abcdefghijklmnopqrstuv").unwrap();
    [Algorithm::Hs256, Algorithm::Ed25519].map(|algorithm| {
        KeySet::new(TokenKey::derive(&master, algorithm, "fuzz", "access").unwrap())
    })
});

/// What is accepted is, letter for letter, what signing its payload gives: no other text is a token of ours.
pub(crate) const OWN_TOKEN: Target = Target {
    name: "own_token",
    seeds: || {
        let claims = r#"{"uid":"0198","exp":1767229200}"#;
        let mut all = bytes(OWN.iter().map(|keys| keys.sign("JWT", claims).unwrap()));
        all.extend(bytes(["eyJhbGciOiJub25lIn0.e30.", "a.b.c"]));
        all
    },
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else { return false };
        let mut accepted = false;
        for keys in OWN.iter() {
            match keys.verify("JWT", text) {
                Ok(payload) => {
                    let payload = String::from_utf8(payload).unwrap();
                    assert_eq!(keys.sign("JWT", &payload).unwrap(), text, "a second text");
                    accepted = true;
                }
                Err(error) => assert!(!quotes(&format!("{error} {error:?}"), data)),
            }
        }
        accepted
    },
};

/// Others who sign, with keys of this process, and one key that is always the same.
struct Others {
    keys: PublicKeys,
    tokens: Vec<String>,
    known: HashSet<String>,
}

fn steady() -> Signer {
    Signer::eddsa_from_seed("steady", &[7; 32])
}

static OTHERS: LazyLock<Others> = LazyLock::new(|| {
    let signers = [steady(), Signer::rs256("r"), Signer::es256("e")];
    let jwks: Vec<_> = signers.iter().map(Signer::jwk).collect();
    let keys = json!({"keys": jwks}).to_string();
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let tokens: Vec<_> = signers.iter().map(|signer| FakeOidc::token(now).signed(signer)).collect();
    Others {
        keys: PublicKeys::parse(keys.as_bytes()).unwrap(),
        known: tokens.iter().cloned().collect(),
        tokens,
    }
});

/// What is accepted is one of the tokens that were signed.
pub(crate) const FOREIGN_TOKEN: Target = Target {
    name: "foreign_token",
    seeds: || {
        let now = DateTime::from_timestamp(NOW, 0).unwrap();
        let hmac = FakeOidc::token(now).hmac_with_public_key(&steady());
        let none = FakeOidc::token(now).unsigned(&steady());
        let mut all = bytes(OTHERS.tokens.clone());
        all.extend(bytes([hmac]));
        all.extend(bytes(none));
        all
    },
    run: |data| {
        let Ok(text) = std::str::from_utf8(data) else { return false };
        let accepted = SignedToken::parse(text, &SignatureAlgorithm::ALL).and_then(|token| {
            let key = OTHERS.keys.get(token.kid());
            key.map_or(Ok(None), |key| token.verify(key).map(Some))
        });
        match accepted {
            Ok(None) => false,
            Ok(Some(_)) => {
                assert!(OTHERS.known.contains(text), "nobody signed this");
                true
            }
            Err(error) => {
                assert!(!quotes(&format!("{error} {error:?}"), data));
                false
            }
        }
    },
};

/// Whoever checks the claims of an issuer's token, its keys already there.
struct Checker {
    stage: Stage,
    signer: Signer,
}

/// Lets in whom a token that is good names.
#[derive(Debug)]
struct Bearer {
    verifier: TokenVerifier,
    provider: ProviderId,
}

#[async_trait]
impl Verifier for Bearer {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let (credential, call) =
            (TokenCredential::read(credential)?, Call::starting(context.now()));
        let claims = self.verifier.verify(&credential, context, &call).await?;
        Ok(context.identity(claims.subject()))
    }
}

impl Checker {
    fn new() -> Self {
        let oidc = FakeOidc { issuer: Issuer::new(steady()), ..FakeOidc::new() };
        let stage = Stage::new(oidc.hosts(), |outbound| {
            let at = format!("https://id.studio.example{}", FakeOidc::KEYS);
            let keys = KeySource::new(
                outbound.to("oidc"),
                KeyLocation::Fixed(Endpoint::parse(&at).unwrap()),
            );
            let (issuers, audiences) = ([FakeOidc::ISSUER], [FakeOidc::AUDIENCE]);
            let texts = |all: [&str; 1]| all.map(str::to_owned).to_vec();
            let mut rules = TokenRules::new(texts(issuers), texts(audiences))?;
            rules.algorithms = vec![SignatureAlgorithm::EdDsa];
            let verifier = TokenVerifier::new(rules, keys)?;
            Ok(Bearer { verifier, provider: ProviderId::new("oidc").unwrap() })
        });
        Self { stage, signer: steady() }
    }

    fn subject(&self, claims: &[u8]) -> Option<String> {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"steady","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.signer.sign(signed.as_bytes()));
        self.stage.login(&format!("{signed}.{signature}"))?.subject
    }
}

thread_local! {
    static CHECKER: Checker = Checker::new();
}

/// The issuer signs anything. What is accepted says who it is for, and is of now, by a second reading.
pub(crate) const CLAIMS: Target = Target {
    name: "claims",
    seeds: || {
        let claims = json!({"iss": FakeOidc::ISSUER, "aud": FakeOidc::AUDIENCE, "sub": "player-7",
            "iat": NOW, "exp": NOW + 3600});
        let mut others = vec![claims.clone(); 5];
        others[0]["aud"] = json!([FakeOidc::AUDIENCE]);
        others[1]["nbf"] = json!(NOW);
        others[2]["azp"] = FakeOidc::AUDIENCE.into();
        others[3]["exp"] = json!("1767229200");
        others[4]["aud"] = json!([FakeOidc::AUDIENCE, "other"]);
        bytes(std::iter::once(claims).chain(others).map(|claims| claims.to_string()))
    },
    run: |data| {
        let Some(subject) = CHECKER.with(|checker| checker.subject(data)) else { return false };
        let claims = lax(data);
        assert!(is_single_valued(data, &claims), "a member twice");
        assert_eq!(claims["sub"], subject.as_str());
        assert!((1..=255).contains(&subject.len()) && !subject.chars().any(char::is_control));
        assert_eq!(claims["iss"], FakeOidc::ISSUER);
        let is_ours = |text: &Value| text == FakeOidc::AUDIENCE;
        match &claims["aud"] {
            Value::Array(all) => assert!(!all.is_empty() && all.iter().all(is_ours)),
            one => assert!(is_ours(one)),
        }
        assert!(claims.get("azp").is_none_or(is_ours));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let now = NOW as f64;
        let time = |name: &str| claims[name].as_f64().unwrap();
        assert!(time("exp") > now - 30.0 && time("iat") < now + 31.0);
        assert!(time("iat") > now - 3631.0);
        assert!(claims.get("nbf").is_none_or(|_| time("nbf") < now + 31.0));
        true
    },
};

/// What is accepted has no symmetric key, and names no two keys alike.
pub(crate) const KEY_SET: Target = Target {
    name: "key_set",
    seeds: || {
        let signers = [steady(), Signer::es256("e"), Signer::rs256("r")];
        let keys: Vec<_> = signers.iter().map(Signer::jwk).collect();
        let oct = json!({"kty": "oct", "kid": "o", "k": "AAAA"});
        bytes([
            json!({ "keys": keys }).to_string(),
            json!({"keys": [steady().jwk()]}).to_string(),
            json!({"keys": [steady().jwk(), oct]}).to_string(),
            json!({"keys": [steady().jwk(), Signer::eddsa("steady").jwk()]}).to_string(),
        ])
    },
    run: |data| {
        let Ok(keys) = PublicKeys::parse(data) else { return false };
        let set = lax(data);
        assert!(is_single_valued(data, &set), "a member twice");
        for jwk in set["keys"].as_array().unwrap() {
            let texts = ["kid", "kty"].map(|name| jwk[name].as_str());
            let [Some(kid), Some(_)] = texts else { continue };
            let Some(key) = keys.get(kid) else { continue };
            assert!(kid.len() <= 256 && kid.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            // Alone in a set it is the same key, or none.
            let alone = PublicKeys::parse(json!({"keys": [jwk]}).to_string().as_bytes());
            let alone = alone.unwrap();
            assert!(alone.get(kid).is_none_or(|alone| alone == key), "one kid, two keys");
        }
        !keys.is_empty()
    },
};
