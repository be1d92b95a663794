//! Signatures of webhooks, by the scheme of Standard Webhooks (providers.md 5.2).

use authcore::Secret;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ConfigError;

/// Secrets that both sides know: one, or two while it is changed.
#[derive(Debug)]
pub(crate) struct WebhookSecrets(Vec<hmac::Key>);

impl WebhookSecrets {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes.
    pub(crate) fn read(field: &'static str, secrets: &[Secret]) -> Result<Self, ConfigError> {
        if !(1..=2).contains(&secrets.len()) {
            return Err(ConfigError::new(field, "it must be one, or two while it is changed"));
        }
        let key = |secret: &Secret| {
            let encoded = secret.reveal().strip_prefix("whsec_")?;
            let bytes = STANDARD.decode(encoded).ok()?;
            (24..=64).contains(&bytes.len()).then(|| hmac::Key::new(HMAC_SHA256, &bytes))
        };
        let keys: Option<Vec<_>> = secrets.iter().map(key).collect();
        keys.map(Self).ok_or_else(|| {
            ConfigError::new(field, "one is not whsec_ and the base64 of 24 to 64 bytes")
        })
    }

    /// A signature with each secret, separated by spaces.
    pub(crate) fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signatures = self.tags(id, timestamp, body);
        let signatures: Vec<_> =
            signatures.map(|tag| format!("v1,{}", STANDARD.encode(tag))).collect();
        signatures.join(" ")
    }

    /// Whether one of the signatures is with one of the secrets.
    pub(crate) fn verify(&self, signatures: &str, id: &str, timestamp: &str, body: &[u8]) -> bool {
        let presented: Vec<_> = signatures
            .split(' ')
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .collect();
        self.tags(id, timestamp, body).any(|tag| {
            presented
                .iter()
                .any(|presented| verify_slices_are_equal(tag.as_ref(), presented).is_ok())
        })
    }

    fn tags(&self, id: &str, timestamp: &str, body: &[u8]) -> impl Iterator<Item = hmac::Tag> {
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        self.0.iter().map(move |key| hmac::sign(key, &signed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_standard_webhooks_says() {
        // The example of its libraries.
        let secrets = [Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
        let secrets = WebhookSecrets::read("secrets", &secrets).unwrap();
        let (id, timestamp) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let body = br#"{"test": 2432232314}"#;
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secrets.sign(id, timestamp, body), signature);
        let with_others = format!("v1a,AAAA v2,AAAA v1,AAAA {signature}");
        assert!(secrets.verify(&with_others, id, timestamp, body));
        for bad in ["", "v1,", "v1,AAAA", &signature[3..], "v1 g0hM9SsE"] {
            assert!(!secrets.verify(bad, id, timestamp, body), "{bad}");
        }
        assert!(!secrets.verify(signature, id, "1614265331", body));
        assert!(!secrets.verify(signature, "msg", timestamp, body));
        assert!(!secrets.verify(signature, id, timestamp, b"{}"));
        assert!(!format!("{secrets:?}").contains("MfKQ9"));
    }

    #[test]
    fn security_51_a_secret_has_24_to_64_bytes() {
        let read = |bytes: usize| {
            let secret = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            WebhookSecrets::read("secrets", &[secret.into()]).is_ok()
        };
        assert_eq!([23, 24, 64, 65].map(read), [false, true, true, false]);
    }
}
