//! Tokens that are packed and encrypted to us.

use std::io::{Read as _, Write as _};

use authcore_fake_idp::{Encryption, FakeXbox, encrypted_with};
use authcore_jose::foreign::{DecryptionKey, EncryptedToken, MAX_FOREIGN_TOKEN_BYTES};
use authcore_verifiers::{Xbox, XboxConfig, XboxKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};

use crate::Target;
use crate::oracle::{is_single_valued, lax, quotes};
use crate::stage::{Entered, Stage};

/// The first moment of 2026, when a stage plays.
const NOW: i64 = 1_767_225_600;

struct Play {
    stage: Stage,
    xbox: FakeXbox,
    key: DecryptionKey,
}

impl Play {
    fn new() -> Self {
        let xbox = FakeXbox::new();
        let Encryption { certificate, private_key, .. } = xbox.encryption();
        let lines = private_key.lines().filter(|line| !line.starts_with('-'));
        let der = STANDARD.decode(lines.collect::<String>()).unwrap();
        let key = DecryptionKey::from_pkcs8(&der).unwrap();
        let keys = vec![XboxKey {
            certificate: certificate.clone(),
            private_key: private_key.as_str().into(),
        }];
        let config = XboxConfig::new(vec![FakeXbox::RELYING_PARTY.into()], keys);
        Self { stage: Stage::new(xbox.hosts(), |outbound| Xbox::new(config, outbound)), xbox, key }
    }

    /// What is read of a content that is encrypted to us and says that it is packed.
    fn unpacked(&self, content: &[u8]) -> Option<String> {
        let ours = self.xbox.encryption();
        let token = encrypted_with(ours, &ours.header("RSA-OAEP", "A128CBC-HS256"), content);
        let text = EncryptedToken::parse(&token).and_then(|token| token.decrypt(&self.key));
        if let Err(error) = text {
            assert!(!quotes(&format!("{error} {error:?}"), content));
        }
        text.ok()
    }

    /// Lets in whom these claims name, signed by Xbox.
    fn login(&self, claims: &[u8]) -> Option<Entered> {
        let signer = self.xbox.issuer.signer();
        let header = json!({"alg": "PS256", "kid": signer.kid(), "typ": "JWT"}).to_string();
        let text = [header.as_bytes(), claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(text.as_bytes()));
        self.stage.login(&self.xbox.presented(&format!("{text}.{signature}")))
    }
}

thread_local! {
    static PLAY: Play = Play::new();
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

/// First as the credential itself; then as a content that is packed, where what is read is what a second reader reads, all of it,
/// and no longer than a token; then as claims that Xbox signs. What is accepted is for us, of now, and of a player whom it names.
pub(crate) const XBOX: Target = Target {
    name: "xbox",
    seeds: || {
        let claims = json!({"iss": "xsts.auth.xboxlive.com", "aud": FakeXbox::RELYING_PARTY,
            "nbf": NOW, "exp": NOW + 3600, "sbx": "RETAIL", "xti": {"tid": FakeXbox::TITLE},
            "xui": [FakeXbox::user("777", "other"), FakeXbox::user(FakeXbox::HASH, "ours")]});
        let mut others = vec![claims.clone(); 3];
        others[0]["sbx"] = "XDKS.1".into();
        others[1]["iat"] = (NOW - 5).into();
        others[2]["xui"][0]["uhs"] = FakeXbox::HASH.into();
        let others = others.iter().map(|claims| claims.to_string().into_bytes());
        let mut all = vec![claims.to_string().into_bytes()];
        all.extend(others);
        all.extend([
            packed(b"eyJhbGciOiJQUzI1NiJ9.e30.AAAA"),
            packed(&vec![b'x'; MAX_FOREIGN_TOKEN_BYTES + 1]),
        ]);
        all.push(b"XBL3.0 x=1;e30.AAAA.AAAA.AAAA.AAAA".to_vec());
        all
    },
    run: |data| {
        PLAY.with(|play| {
            let as_it_is = std::str::from_utf8(data).unwrap_or_default();
            assert!(play.stage.login(as_it_is).is_none(), "nobody encrypted this");
            if let Some(text) = play.unpacked(data) {
                let (mut again, mut reader) = (String::new(), DeflateDecoder::new(data));
                reader.read_to_string(&mut again).unwrap();
                assert!(text == again && text.len() <= MAX_FOREIGN_TOKEN_BYTES);
                assert_eq!(reader.total_in(), data.len() as u64);
            }
            let Some(Entered { subject }) = play.login(data) else { return false };
            let claims = lax(data);
            assert!(is_single_valued(data, &claims), "a member twice");
            assert_eq!(claims["iss"], "xsts.auth.xboxlive.com");
            let is_us = |audience: &Value| *audience == FakeXbox::RELYING_PARTY;
            let audience = &claims["aud"];
            assert!(
                is_us(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_us))
            );
            assert_eq!(claims["sbx"], "RETAIL");
            let time = |name: &str| claims[name].as_f64().unwrap();
            let (now, day) = (1_767_225_600.0, 86_400.0);
            assert!(time("exp") > now - 30.0);
            assert!(time("nbf") < now + 31.0 && time("nbf") > now - day - 31.0);
            let users = claims["xui"].as_array().unwrap().iter();
            let named: Vec<&Value> = users.filter(|user| user["uhs"] == FakeXbox::HASH).collect();
            assert_eq!(named.len(), 1);
            let id = if named[0]["ptx"].is_string() { &named[0]["ptx"] } else { &named[0]["xid"] };
            assert!(subject.is_none_or(|subject| *id == subject.as_str()));
            true
        })
    },
};
