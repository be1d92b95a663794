//! Xbox, by a token for our own relying party (providers.md 3.9).

mod credential;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::foreign::{DecryptionKey, EncryptedToken, SignatureAlgorithm};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value};
use x509_cert::der::{Decode as _, Encode as _};

use self::credential::Presented;
use super::provider_id;
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{TokenRules, TokenVerifier, reason};
use crate::keys::{KeyLocation, KeySource};
use crate::nonce::single_use;
use crate::oauth::named;
use crate::profile::profile;

/// Which tokens of Xbox count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct XboxConfig {
    /// Our relying parties, one of which `aud` must be.
    pub relying_parties: Vec<String>,
    /// The certificates that tokens are encrypted to, with their keys: one, or two while it is changed.
    pub keys: Vec<XboxKey>,
    /// Where the keys are that Microsoft signs with. What a token says of that is not looked at.
    pub keys_url: String,
    /// The `iss` that count.
    pub issuers: Vec<String>,
    /// The titles that a token may be of; any, where none is named.
    pub title_ids: Vec<String>,
    /// The sandboxes that a token may be of; any, those of development too, where none is named.
    pub sandboxes: Vec<String>,
    /// Whether a token is good for one login only.
    pub reject_reuse: bool,
}

/// A certificate that tokens are encrypted to, and its private key.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a certificate and its key")]
pub struct XboxKey {
    /// The certificate, as PEM text.
    pub certificate: String,
    /// The RSA key in PKCS#8, as PEM text.
    pub private_key: Secret,
}

impl XboxConfig {
    /// Microsoft's own issuer and keys, for these relying parties and keys of ours, and the one sandbox that is none of
    /// development.
    #[must_use]
    pub fn new(relying_parties: Vec<String>, keys: Vec<XboxKey>) -> Self {
        Self {
            relying_parties,
            keys,
            keys_url: "https://xsts-keys.auth.xboxlive.com/keys".into(),
            issuers: vec!["xsts.auth.xboxlive.com".into()],
            title_ids: Vec::new(),
            sandboxes: vec!["RETAIL".into()],
            reject_reuse: false,
        }
    }
}

/// Verifies tokens of Xbox for our own relying party, as a header has them: `XBL3.0 x={user hash};{token}`. A token is
/// encrypted to us, and what is inside is signed by Microsoft. Who a player is, is the partner id, or else the XUID; which
/// of the two is part of it. A token for Xbox's own services is refused: any game's would do.
#[derive(Debug)]
pub struct Xbox {
    provider: ProviderId,
    keys: HashMap<String, DecryptionKey>,
    tokens: TokenVerifier,
    title_ids: Vec<String>,
    sandboxes: Vec<String>,
    reject_reuse: bool,
    /// The minute in which a token named a certificate that is not configured.
    last_unknown: AtomicI64,
}

impl Xbox {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Xbox, XboxConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = XboxConfig::new(vec!["https://game.example/".into()], Vec::new());
    /// let cannot_read = Xbox::new(config, &outbound);
    /// assert_eq!(cannot_read.err().map(|error| error.field()), Some("keys"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a list without an entry, a certificate or a key that is none, and a URL that is none.
    pub fn new(config: XboxConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("xbox")?;
        ConfigError::unless_named("relying_parties", &config.relying_parties)?;
        for (field, list) in [("title_ids", &config.title_ids), ("sandboxes", &config.sandboxes)] {
            if !list.is_empty() {
                ConfigError::unless_named(field, list)?;
            }
        }
        let location = KeyLocation::Fixed(Endpoint::new("keys_url", &config.keys_url)?);
        let signers = KeySource::new(outbound.to(provider.as_str()), location);
        let mut rules = TokenRules::new(config.issuers, config.relying_parties)?;
        rules.algorithms = vec![SignatureAlgorithm::Ps256, SignatureAlgorithm::Rs256];
        rules.issued_by_nbf = true;
        // How long a token is good for is the relying party's own choice.
        rules.max_age = TimeDelta::days(1);
        Ok(Self {
            keys: keys(&config.keys)?,
            tokens: TokenVerifier::new(rules, signers)?,
            title_ids: config.title_ids,
            sandboxes: config.sandboxes,
            reject_reuse: config.reject_reuse,
            last_unknown: AtomicI64::new(i64::MIN),
            provider,
        })
    }

    /// The signed token inside, which nobody but us can read, and anybody could have written.
    fn open(&self, token: &str, now: DateTime<Utc>) -> Result<String, VerifyError> {
        let token = EncryptedToken::parse(token).map_err(reason)?;
        let key = self.keys.get(token.thumbprint()).ok_or_else(|| self.unknown_certificate(now))?;
        Ok(token.decrypt(key).map_err(reason)?)
    }

    /// A certificate that is not configured is a fault of ours that the operator must learn of, or a name that anybody made up:
    /// it is told as a fault once a minute.
    fn unknown_certificate(&self, now: DateTime<Utc>) -> VerifyError {
        let minute = now.timestamp() / 60;
        if self.last_unknown.swap(minute, Ordering::Relaxed) == minute {
            return Reason::UnknownKey.into();
        }
        VerifyError::faulty("a token is encrypted to a certificate that is not configured")
    }

    fn check_title(&self, claims: &Map<String, Value>) -> Result<(), Reason> {
        let title = claims.get("xti").and_then(|title| title.get("tid"));
        for (ours, found) in [(&self.title_ids, title), (&self.sandboxes, claims.get("sbx"))] {
            if !ours.is_empty() && !ours.iter().any(|one| found.is_some_and(|found| found == one)) {
                return Err(Reason::WrongApp);
            }
        }
        Ok(())
    }
}

/// The player whom the token is presented for.
fn user<'a>(claims: &'a Map<String, Value>, hash: &str) -> Result<&'a Map<String, Value>, Reason> {
    let users = claims.get("xui").and_then(Value::as_array);
    let mut found = users
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .filter(|user| text(user, "uhs") == Some(hash));
    match (found.next(), found.next()) {
        (Some(user), None) => Ok(user),
        _ => Err(Reason::SubjectMismatch),
    }
}

/// The keys, by the thumbprints of their certificates.
fn keys(keys: &[XboxKey]) -> Result<HashMap<String, DecryptionKey>, ConfigError> {
    if keys.is_empty() {
        return Err(ConfigError::new("keys", "it must name at least one"));
    }
    let none = |what| ConfigError::new("keys", what);
    let mut found = HashMap::new();
    for key in keys {
        let certificate = CertificateDer::from_pem_slice(key.certificate.as_bytes())
            .map_err(|_| none("one is not a PEM certificate"))?;
        let private = PrivatePkcs8KeyDer::from_pem_slice(key.private_key.reveal().as_bytes()).ok();
        let private =
            private.and_then(|private| DecryptionKey::from_pkcs8(private.secret_pkcs8_der()));
        let private =
            private.ok_or_else(|| none("one is not an RSA key in PKCS#8, as PEM text"))?;
        // What a header names a certificate by; it proves nothing.
        let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        let thumbprint = URL_SAFE_NO_PAD.encode(thumbprint);
        if !is_of(&certificate, &private) {
            return Err(none("one is not the key of its certificate"));
        }
        if found.insert(thumbprint, private).is_some() {
            return Err(none("two have the same certificate"));
        }
    }
    Ok(found)
}

/// Whether a certificate is of this key: what is encrypted to another, it could not read.
fn is_of(certificate: &[u8], key: &DecryptionKey) -> bool {
    let certificate = x509_cert::Certificate::from_der(certificate);
    let public = certificate.map(|found| found.tbs_certificate.subject_public_key_info.to_der());
    public.flatten().is_ok_and(|public| public == key.public_key())
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// An id of a player, which may be missing or null, and is text otherwise (providers.md J7).
fn id<'a>(user: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Reason> {
    match user.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) => Ok(Some(id)),
        Some(_) => Err(Reason::Malformed),
    }
}

#[async_trait]
impl Verifier for Xbox {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let presented = Presented::read(credential.reveal())?;
        let call = Call::starting(context.now());
        let signed = self.open(presented.token, context.now())?;
        let (claims, end) = self.tokens.verify_without_subject(&signed, &call).await?;
        self.check_title(&claims)?;
        let user = user(&claims, presented.user_hash)?;
        let (kind, subject) = match (id(user, "ptx")?, id(user, "xid")?) {
            (Some(id), _) => ("partner", id),
            (None, Some(id)) => ("xuid", id),
            (None, None) => return Err(Reason::SubjectMissing.into()),
        };
        let identity = context.scoped_identity(kind, "", named(subject)?).until(end);
        let identity = identity.with_profile(profile(text(user, "gtg"), None));
        let identity = match text(user, "agg") {
            Some("Child") => identity.with_flags(["child"]),
            Some("Teen") => identity.with_flags(["teen"]),
            Some("Adult") => identity.with_flags(["adult"]),
            _ => identity,
        };
        if !self.reject_reuse {
            return Ok(identity);
        }
        // Of all that are signed in on the device, each may log in once.
        Ok(identity.using_up(single_use("xbox token", credential.reveal()), end))
    }
}
