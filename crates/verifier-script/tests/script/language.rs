//! The functions that a script has.

use std::sync::{Arc, Mutex};

use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore::{Secret, account::ProviderId};
use authcore_fake_idp::World;
use authcore_verifier_script::{Script, ScriptConfig};

use crate::{accepted, ann, answered, body, nowhere};

/// What the log would say of a check that fails.
pub(crate) async fn fault(verifier: Script) -> String {
    #[derive(Debug)]
    struct Heard(Script, Arc<Mutex<String>>);

    #[async_trait::async_trait]
    impl Verifier for Heard {
        fn provider(&self) -> &ProviderId {
            self.0.provider()
        }

        async fn verify(
            &self,
            credential: &Secret,
            context: &VerifyContext,
        ) -> Result<VerifiedIdentity, VerifyError> {
            let result = self.0.verify(credential, context).await;
            if let Err(error) = &result {
                *self.1.lock().unwrap() = format!("{error} {error:?}");
            }
            result
        }
    }

    let heard = Arc::default();
    let world = World::new(Heard(verifier, Arc::clone(&heard))).await;
    world.login(&ann()).await;
    let heard = heard.lock().unwrap();
    heard.clone()
}

/// Each is to be true.
async fn hold(claims: &[&str]) {
    for claim in claims {
        assert_eq!(answered(claim).await, accepted("ann"), "{claim}");
    }
}

#[tokio::test]
async fn text_is_encoded_and_decoded() {
    hold(&[
        "hex(`Ab`) == `4162`",
        "from_hex(`4162`) == `Ab` && from_hex(`4a4A`) == `JJ`",
        "base64(`a?>`) == `YT8+` && from_base64(`YT8+`) == `a?>`",
        "base64url(`a?>`) == `YT8-` && from_base64url(`YT8-`) == `a?>`",
        "parse_json(`{\"a\":[1,2.5,null,true,\"é\"]}`).a == [1, 2.5, (), true, `é`]",
        "#{ b: 1, a: [`x`] }.to_json() == `{\"a\":[\"x\"],\"b\":1}`",
        "let a = `a.b.c`; a.replace(`.`, `--`); a == `a--b--c`",
        "let a = `a.b.c`; a.replace('.', `--`); a == `a--b--c`",
        "let a = `a.b`; a.replace('.', '-'); a == `a-b`",
        "`a,b`.split(`,`) == [`a`, `b`] && `  x `.to_upper() == `  X ` && `abc`.contains(`b`)",
        "let sum = 0; for n in 1..=3 { sum += n; } sum == 6",
        "`Hällo`.sub_string(1, 2) == `äl` && `x`.len() == 1 && [3, 1].len() == 2",
    ])
    .await;
}

#[tokio::test]
async fn digests_and_signatures_are_those_of_the_standards() {
    // The examples of FIPS 180 and RFC 4231.
    hold(&[
        "hex(sha256(`abc`)) == `ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`",
        "hex(hmac_sha256(`Jefe`, `what do ya want for nothing?`)) == \
         `5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843`",
        "base64(sha256(`abc`)) == `ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=`",
        // The signature of one is the key of the next.
        "hmac_sha256(hmac_sha256(`a`, `b`), `c`) == hmac_sha256(hmac_sha256(`a`, `b`), `c`)",
        "same(`a`, `a`) && !same(`a`, `b`) && !same(`a`, `ab`) && same(sha256(`a`), sha256(`a`))",
    ])
    .await;
}

#[tokio::test]
async fn secrets_are_signed_with_and_not_seen() {
    let with_secret = |text: &str| {
        let mut config = ScriptConfig::new("portal", &body(text));
        config.secrets.insert("key".into(), "Jefe".into());
        Script::new(config, &nowhere()).unwrap()
    };
    let mut config = ScriptConfig::new("portal", &body("true"));
    config.secrets.insert("key".into(), "Jefe".into());
    assert!(!format!("{config:?}").contains("Jefe"));
    let signed = "hex(hmac_sha256(secret(`key`), `what do ya want for nothing?`)) == \
        `5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843` \
        && same(secret(`key`), `Jefe`)";
    assert_eq!(World::new(with_secret(signed)).await.login(&ann()).await, accepted("ann"));
    for seen in [
        "`${secret(`key`)}`.contains(`Jefe`)",
        "secret(`key`).to_string().contains(`J`)",
        "secret(`key`).to_debug().contains(`J`)",
        "(`` + secret(`key`)).contains(`J`)",
        "[secret(`key`)].to_string().contains(`J`)",
        "#{ a: secret(`key`) }.to_string().contains(`J`)",
        "secret(`key`) == `Jefe`",
    ] {
        let text = format!("if {seen} {{ true }} else {{ false }}");
        let outcome = World::new(with_secret(&text)).await.login(&ann()).await;
        assert_ne!(outcome, accepted("ann"), "{seen}");
    }
    for text in [
        "#{ valid: true, authPayload: #{ key: secret(`key`) } }",
        "#{ valid: true, authPayload: #{ key: #{ a: secret(`key`) }.to_json() } }",
        "hex(secret(`key`)) == ``",
        "base64(secret(`key`)) == ``",
        "sha256(secret(`key`)) == sha256(`Jefe`)",
        "throw secret(`key`)",
        "secret(`key`).x",
    ] {
        let fault = fault(with_secret(text)).await;
        assert!(fault.contains("faulty"), "{text}: {fault}");
        assert!(!fault.contains("Jefe"), "{text}: {fault}");
    }
}
