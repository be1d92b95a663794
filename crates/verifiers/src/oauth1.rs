//! Signatures of OAuth 1.0a with HMAC-SHA1 (RFC 5849 3.4), which X still takes.

use std::fmt::Write as _;

use authcore::Secret;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What signs: ours, and the player's.
pub(crate) struct OAuth1<'a> {
    pub(crate) consumer_key: &'a str,
    pub(crate) consumer_secret: &'a Secret,
    pub(crate) token: &'a Secret,
    pub(crate) token_secret: &'a Secret,
}

impl OAuth1<'_> {
    /// The `Authorization` of a GET of a URL without a query, with these parameters in its query.
    pub(crate) fn authorization(
        &self,
        url: &str,
        query: &[(&str, &str)],
        timestamp: &str,
        nonce: &str,
    ) -> String {
        let protocol = [
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", timestamp),
            ("oauth_token", self.token.reveal()),
            ("oauth_version", "1.0"),
        ];
        let mut signed: Vec<_> = protocol
            .iter()
            .chain(query)
            .map(|(name, value)| (encode(name), encode(value)))
            .collect();
        signed.sort();
        let signed: Vec<_> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let base = format!("GET&{}&{}", encode(url), encode(&signed.join("&")));
        let key = [self.consumer_secret, self.token_secret].map(|secret| encode(secret.reveal()));
        let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.join("&").as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, base.as_bytes()));
        let header: Vec<_> = protocol
            .iter()
            .chain(&[("oauth_signature", signature.as_str())])
            .map(|(name, value)| format!("{name}=\"{}\"", encode(value)))
            .collect();
        format!("OAuth {}", header.join(", "))
    }
}

/// Percent-encodes all but letters, digits and `-._~`.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to text cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oauth_core_1_0_appendix_a_a_get_is_signed_as_in_its_example() {
        let oauth = OAuth1 {
            consumer_key: "dpf43f3p2l4k3l03",
            consumer_secret: &"kd94hf93k423kf44".into(),
            token: &"nnch734d00sl2jdk".into(),
            token_secret: &"pfkkdhi9sl3r4s00".into(),
        };
        let query = [("file", "vacation.jpg"), ("size", "original")];
        let url = "http://photos.example.net/photos";
        let header = oauth.authorization(url, &query, "1191242096", "kllo9940pd9333jh");
        assert!(
            header.contains("oauth_signature=\"tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D\""),
            "{header}"
        );
    }

    #[test]
    fn rfc_5849_3_6_only_unreserved_characters_stay() {
        assert_eq!(encode("Ab1-._~"), "Ab1-._~");
        assert_eq!(encode("Ladies + Gentlemen"), "Ladies%20%2B%20Gentlemen");
        assert_eq!(encode("*☃&="), "%2A%E2%98%83%26%3D");
    }
}
