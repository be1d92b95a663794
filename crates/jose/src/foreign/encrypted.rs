use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use flate2::{Decompress, FlushDecompress, Status};
use serde_json::Value;
use zeroize::Zeroizing;

use super::MAX_FOREIGN_TOKEN_BYTES;
use super::token::{ForeignError, decode, object};
use crate::token::{REFUSED_MEMBERS, is_canonical_base64url};

/// The private key that tokens to us are encrypted to: RSA of 2048 to 8192 bits. `Debug` shows nothing of it.
pub struct DecryptionKey {
    private: OaepPrivateDecryptingKey,
    public: Box<[u8]>,
}

impl DecryptionKey {
    /// Reads a key in PKCS#8; none, where it is no RSA key of that length.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let key = PrivateDecryptingKey::from_pkcs8(der).ok()?;
        if !(2048..=8192).contains(&key.key_size_bits()) {
            return None;
        }
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(&key.public_key()).ok()?;
        let public = public.as_ref().into();
        Some(Self { private: OaepPrivateDecryptingKey::new(key).ok()?, public })
    }

    /// Its public half, as a certificate has it: a SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey([redacted])")
    }
}

/// A token that is encrypted to a certificate of ours (RFC 7516, compact). Whoever knows the certificate can make one: what
/// is inside must be signed.
pub struct EncryptedToken {
    /// The header as it came, which is authenticated with the content.
    header: Box<str>,
    thumbprint: Box<str>,
    wrap: &'static OaepAlgorithm,
    content: Content,
    /// Whether the content was packed before it was encrypted.
    packed: bool,
    key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl EncryptedToken {
    /// Reads the header of a token. Keys are wrapped with RSA-OAEP (SHA-1 or SHA-256), and contents encrypted with AES in GCM,
    /// or in CBC with HMAC; they may be packed (`zip`) with DEFLATE.
    ///
    /// # Errors
    ///
    /// [`ForeignError`] for every other token, and for one that does not name a certificate by `x5t`.
    pub fn parse(token: &str) -> Result<Self, ForeignError> {
        if token.len() > MAX_FOREIGN_TOKEN_BYTES {
            return Err(ForeignError::Malformed);
        }
        let parts: Vec<_> = token.split('.').collect();
        let [header, key, iv, ciphertext, tag] = parts[..] else {
            return Err(ForeignError::Malformed);
        };
        if !parts.iter().all(|part| is_canonical_base64url(part)) {
            return Err(ForeignError::Malformed);
        }
        let members = object(header)?;
        if REFUSED_MEMBERS.iter().any(|name| *name != "zip" && members.contains_key(*name)) {
            return Err(ForeignError::Malformed);
        }
        let packed = match members.get("zip") {
            None => false,
            Some(zip) if zip == "DEF" => true,
            Some(_) => return Err(ForeignError::Malformed),
        };
        let text = |name| members.get(name).and_then(Value::as_str).unwrap_or_default();
        let wrap = match text("alg") {
            "RSA-OAEP" => &OAEP_SHA1_MGF1SHA1,
            "RSA-OAEP-256" => &OAEP_SHA256_MGF1SHA256,
            _ => return Err(ForeignError::Algorithm),
        };
        Ok(Self {
            header: header.into(),
            thumbprint: thumbprint(text("x5t"))?.into(),
            wrap,
            content: Content::of(text("enc")).ok_or(ForeignError::Algorithm)?,
            packed,
            key: decode(key)?,
            iv: decode(iv)?,
            ciphertext: decode(ciphertext)?,
            tag: decode(tag)?,
        })
    }

    /// The SHA-1 of the certificate that it is encrypted to, in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What is inside: text, unpacked to at most [`MAX_FOREIGN_TOKEN_BYTES`].
    ///
    /// # Errors
    ///
    /// [`ForeignError::Signature`] when it is not encrypted to this key, or was changed: which of them, nobody learns.
    /// [`ForeignError::Malformed`] when whoever encrypted it put something else inside.
    pub fn decrypt(&self, key: &DecryptionKey) -> Result<String, ForeignError> {
        let text = self.open(key).ok_or(ForeignError::Signature)?;
        // Not before the tag was checked.
        let text = if self.packed { unpack(&text) } else { Some(text) };
        text.and_then(|text| String::from_utf8(text).ok()).ok_or(ForeignError::Malformed)
    }

    fn open(&self, key: &DecryptionKey) -> Option<Vec<u8>> {
        let mut room = Zeroizing::new(vec![0; key.private.min_output_size()]);
        let secret = key.private.decrypt(self.wrap, &self.key, &mut room, None).ok()?;
        self.content.open(secret, self.header.as_bytes(), &self.iv, &self.ciphertext, &self.tag)
    }
}

impl fmt::Debug for EncryptedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedToken")
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

/// Unpacks one whole stream of DEFLATE (RFC 1951) with nothing after it. Its room is that of the longest token and does not
/// grow, whatever the stream says.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(MAX_FOREIGN_TOKEN_BYTES);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(packed, &mut text, FlushDecompress::Finish).ok()?;
    let is_whole =
        status == Status::StreamEnd && usize::try_from(stream.total_in()) == Ok(packed.len());
    is_whole.then_some(text)
}

/// The `x5t` of a header: the base64url of 20 bytes.
fn thumbprint(text: &str) -> Result<&str, ForeignError> {
    let fits = text.len() == 27 && is_canonical_base64url(text);
    if fits { Ok(text) } else { Err(ForeignError::UnknownKey) }
}

/// How a content is encrypted (RFC 7518 5.2, 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    A128Gcm,
    A256Gcm,
    A128CbcHs256,
    A256CbcHs512,
}

impl Content {
    fn of(enc: &str) -> Option<Self> {
        Some(match enc {
            "A128GCM" => Self::A128Gcm,
            "A256GCM" => Self::A256Gcm,
            "A128CBC-HS256" => Self::A128CbcHs256,
            "A256CBC-HS512" => Self::A256CbcHs512,
            _ => return None,
        })
    }

    fn open(
        self,
        key: &[u8],
        aad: &[u8],
        iv: &[u8],
        ciphertext: &[u8],
        tag: &[u8],
    ) -> Option<Vec<u8>> {
        let mut text = ciphertext.to_vec();
        let opened = match self {
            Self::A128Gcm | Self::A256Gcm => {
                let algorithm = if self == Self::A128Gcm { &AES_128_GCM } else { &AES_256_GCM };
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
                let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
                if tag.len() != algorithm.tag_len() {
                    return None;
                }
                text.extend_from_slice(tag);
                key.open_in_place(nonce, Aad::from(aad), &mut text).ok()?.len()
            }
            Self::A128CbcHs256 | Self::A256CbcHs512 => {
                let (algorithm, mac, half) = match self {
                    Self::A128CbcHs256 => (&AES_128, hmac::HMAC_SHA256, 16),
                    _ => (&AES_256, hmac::HMAC_SHA512, 32),
                };
                let (mac_key, key) =
                    key.split_at_checked(half).filter(|_| key.len() == 2 * half)?;
                let bits = u64::try_from(aad.len()).ok()?.checked_mul(8)?.to_be_bytes();
                let signed = [aad, iv, ciphertext, &bits].concat();
                let expected = hmac::sign(&hmac::Key::new(mac, mac_key), &signed);
                // Before anything is decrypted: padding tells nothing to whoever cannot make this.
                verify_slices_are_equal(expected.as_ref().get(..half)?, tag).ok()?;
                let iv: [u8; 16] = iv.try_into().ok()?;
                let key = UnboundCipherKey::new(algorithm, key).ok()?;
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
                let context = DecryptionContext::Iv128((&iv).into());
                key.decrypt(&mut text, context).ok()?.len()
            }
        };
        text.truncate(opened);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use flate2::Compression;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    /// The example of RFC 7518, appendix B.1.
    #[test]
    fn rfc_7518_b1_cbc_with_hmac() {
        let key: Vec<u8> = (0..32).collect();
        let text = "A cipher system must not be required to be secret, and it must be able to fall \
                    into the hands of the enemy without inconvenience";
        let aad = b"The second principle of Auguste Kerckhoffs";
        let iv = hex("1af38c2dc2b96ffdd86694092341bc04");
        let ciphertext = hex(
            "c80edfa32ddf39d5ef00c0b468834279a2e46a1b8049f792f76bfe54b903a9c9a94ac9b47ad2655c5f10f9aef71427e2 \
             fc6f9b3f399a221489f16362c703233609d45ac69864e3321cf82935ac4096c86e133314c54019e8ca7980dfa4b9cf1b \
             384c486f3a54c51078158ee5d79de59fbd34d848b3d69550a67646344427ade54b8851ffb598f7f80074b9473c82e2db",
        );
        let tag = hex("652c3fa36b0a7c5b3219fab3a30bc1c4");
        let open = |aad: &[u8], ciphertext: &[u8], tag: &[u8]| {
            Content::A128CbcHs256.open(&key, aad, &iv, ciphertext, tag)
        };
        assert_eq!(open(aad, &ciphertext, &tag).unwrap(), text.as_bytes());
        assert!(open(b"another header", &ciphertext, &tag).is_none());
        assert!(open(aad, &ciphertext[..16], &tag).is_none());
        assert!(
            open(aad, &ciphertext, &tag[..15]).is_none() && open(aad, &ciphertext, b"").is_none()
        );
        for at in 0..tag.len() {
            let mut other = tag.clone();
            other[at] ^= 1;
            assert!(open(aad, &ciphertext, &other).is_none(), "{at}");
        }
    }

    fn pack(text: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    /// RFC 7516 4.1.3.
    #[test]
    fn security_53_one_whole_stream_is_unpacked_and_no_more_than_a_token() {
        let text = b"eyJhbGciOiJQUzI1NiJ9.e30.AAAA";
        let packed = pack(text);
        assert_eq!(unpack(&packed).as_deref(), Some(&text[..]));
        assert_eq!(unpack(&pack(b"")).as_deref(), Some(&b""[..]));
        assert_eq!(
            unpack(&pack(&vec![b'x'; MAX_FOREIGN_TOKEN_BYTES])).unwrap().len(),
            MAX_FOREIGN_TOKEN_BYTES
        );
        assert_eq!(unpack(&pack(&vec![b'x'; MAX_FOREIGN_TOKEN_BYTES + 1])), None);
        // A thousandth of what it becomes.
        let bomb = pack(&vec![b'x'; 16 * 1024 * 1024]);
        assert!(bomb.len() < MAX_FOREIGN_TOKEN_BYTES && unpack(&bomb).is_none());

        for end in 0..packed.len() {
            assert_eq!(unpack(&packed[..end]), None, "cut off at {end}");
        }
        assert_eq!(unpack(&[&packed[..], b"\0"].concat()), None);
        assert_eq!(unpack(&[&packed[..], &packed[..]].concat()), None);
        // Bare text, and a stream with the head and the sum of zlib.
        assert_eq!(unpack(text), None);
        assert_eq!(unpack(&[b"\x78\x9c", &packed[..], b"\0\0\0\0"].concat()), None);
    }

    #[test]
    fn what_is_no_token_for_us_is_refused_by_its_form() {
        let header = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let good = r#"{"alg":"RSA-OAEP","enc":"A128GCM","x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
        let token = |json: &str| format!("{}.AAAA.AAAA.AAAA.AAAA", header(json));
        let refused = |text: &str| EncryptedToken::parse(text).err();
        assert_eq!(refused(&token(good)), None);
        for malformed in [
            String::new(),
            "a.b.c".into(),
            token(good).replacen(".AAAA", "", 1),
            format!("{}.AAAA", token(good)),
            token(good).replacen(".AAAA", ".", 1),
            token(good).replacen(".AAAA", ".AAA=", 1),
            format!("{}{}", token(good), "A".repeat(MAX_FOREIGN_TOKEN_BYTES)),
            token("[]"),
            token(&good.replace('}', r#","alg":"RSA-OAEP"}"#)),
        ] {
            assert_eq!(refused(&malformed), Some(ForeignError::Malformed), "{malformed}");
        }
    }

    #[test]
    fn gcm_takes_keys_nonces_and_tags_of_its_own_length_only() {
        let (key, nonce, mut text) = ([7; 16], [9; 12], b"text".to_vec());
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag =
            sealing.seal_in_place_separate_tag(unique, Aad::from(b"head"), &mut text).unwrap();
        let open = |key: &[u8], nonce: &[u8], tag: &[u8]| {
            Content::A128Gcm.open(key, b"head", nonce, &text, tag)
        };
        assert_eq!(open(&key, &nonce, tag.as_ref()).as_deref(), Some(&b"text"[..]));
        assert_eq!(open(&[7; 32], &nonce, tag.as_ref()), None);
        assert_eq!(open(&key, &nonce[..11], tag.as_ref()), None);
        for end in 0..16 {
            assert_eq!(open(&key, &nonce, &tag.as_ref()[..end]), None, "a tag of {end} bytes");
        }
        assert_eq!(open(&key, &nonce, &[tag.as_ref(), b"\0"].concat()), None);
    }

    #[test]
    fn security_99_neither_a_key_nor_a_token_is_shown() {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        assert!(DecryptionKey::from_pkcs8(&der.as_ref()[1..]).is_none());
        let key = DecryptionKey::from_pkcs8(der.as_ref()).unwrap();
        assert_eq!(format!("{key:?}"), "DecryptionKey([redacted])");
        let header = r#"{"alg":"RSA-OAEP","enc":"A128GCM","x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
        let text = format!("{}.QUJD.REVG.R0hJ.SktM", URL_SAFE_NO_PAD.encode(header));
        let token = EncryptedToken::parse(&text).unwrap();
        let shown = format!("{token:?}");
        assert_eq!(shown, r#"EncryptedToken { thumbprint: "AAAAAAAAAAAAAAAAAAAAAAAAAAA", .. }"#);
        // It is encrypted to nobody.
        assert_eq!(token.decrypt(&key), Err(ForeignError::Signature));
    }
}
