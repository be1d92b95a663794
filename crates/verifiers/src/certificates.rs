//! Certificates of a provider's signers, fetched when they are needed, and trusted where one of the issuers that are
//! configured signed them (providers.md 3.2).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use authcore::verifier::VerifyError;
use chrono::{DateTime, TimeDelta, Utc};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs as algorithms};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};

use crate::error::{ConfigError, Reason};
use crate::http::{Call, Cap, Endpoint, HttpFault, ProviderClient};

const LENGTH: usize = 10_000;
const LIFETIME: TimeDelta = TimeDelta::hours(1);
const LIFETIME_MIN: TimeDelta = TimeDelta::minutes(10);
const LIFETIME_MAX: TimeDelta = TimeDelta::hours(24);
/// How many certificates are kept.
const KEPT: usize = 16;
/// How a certificate of a signer may be signed itself.
const BY_ISSUERS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P384_SHA384,
];
/// id-kp-codeSigning, 1.3.6.1.5.5.7.3.3.
const CODE_SIGNING: KeyUsage = KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 3]);
/// id-at-organizationName.
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Which certificates of a signer are trusted: those for signing code, which must say that they are.
pub(crate) struct CertificateRules<'a> {
    /// The certificates of those who may issue them, as PEM text, and the name of that field.
    pub(crate) issuers: (&'static str, &'a [String]),
    /// The organisation in their subject, and the name of that field: one issuer signs for thousands.
    pub(crate) organization: (&'static str, &'a str),
    /// What they must be served as.
    pub(crate) content_types: &'static [&'static str],
}

/// Fetches certificates, and trusts those that it may.
pub(crate) struct Certificates {
    client: ProviderClient,
    organization: String,
    content_types: &'static [&'static str],
    anchors: Vec<TrustAnchor<'static>>,
    /// The latest at the end.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Clone)]
struct Kept {
    name: String,
    certificate: Arc<Certificate>,
    until: DateTime<Utc>,
}

/// A certificate that is trusted.
pub(crate) struct Certificate(CertificateDer<'static>);

impl Certificate {
    /// Whether its key signed this: RSA of 2048 bits or more, PKCS#1 v1.5 with SHA-256.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        EndEntityCert::try_from(&self.0).is_ok_and(|certificate| {
            let algorithm = algorithms::RSA_PKCS1_2048_8192_SHA256;
            certificate.verify_signature(algorithm, message, signature).is_ok()
        })
    }
}

impl Certificates {
    pub(crate) fn new(
        rules: &CertificateRules<'_>,
        client: ProviderClient,
    ) -> Result<Self, ConfigError> {
        let (field, issuers) = rules.issuers;
        ConfigError::unless_named(field, issuers)?;
        ConfigError::unless_given(rules.organization.0, rules.organization.1)?;
        let mut anchors = Vec::new();
        for pem in issuers {
            let none = || ConfigError::new(field, "it is not a PEM certificate");
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| none())?;
            let anchor = anchor_from_trusted_cert(&certificate).map_err(|_| none())?;
            anchors.push(anchor.to_owned());
        }
        Ok(Self {
            client,
            organization: rules.organization.1.into(),
            content_types: rules.content_types,
            anchors,
            kept: Mutex::default(),
        })
    }

    /// The certificate at this URL, from before or fetched now. The URL must have been compared with a list.
    pub(crate) async fn get(
        &self,
        url: &Endpoint,
        call: &Call,
    ) -> Result<Arc<Certificate>, VerifyError> {
        let (name, now) = (url.to_string(), call.now());
        if let Some(kept) = self.kept(&name, now) {
            return Ok(kept);
        }
        let answer = self.client.get(url).send(call, Cap::Certificate).await?;
        let media_type = answer.media_type().unwrap_or_default();
        let is_certificate = self.content_types.contains(&&*media_type);
        if !answer.is_success() || !is_certificate || answer.bytes().len() > LENGTH {
            return Err(HttpFault::NotUnderstood.into());
        }
        let der = if answer.bytes().starts_with(b"-----BEGIN") {
            CertificateDer::from_pem_slice(answer.bytes()).map_err(|_| HttpFault::NotUnderstood)?
        } else {
            CertificateDer::from(answer.bytes().to_vec())
        };
        if EndEntityCert::try_from(&der).is_err() {
            return Err(HttpFault::NotUnderstood.into());
        }
        let end = self.trust(&der, now).ok_or_else(|| {
            tracing::error!(at = %url, client = ?self.client, "a certificate is not by the issuers that are trusted");
            Reason::CertUntrusted
        })?;
        let lifetime = answer.max_age().unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX);
        let certificate = Arc::new(Certificate(der));
        let until = end.min(now + lifetime);
        self.keep(Kept { name, certificate: Arc::clone(&certificate), until });
        Ok(certificate)
    }

    /// The certificate's end, when it is the signer's: by one of the issuers, for what it is used for, valid now, and of the
    /// signer's organisation.
    fn trust(&self, der: &CertificateDer<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let certificate = EndEntityCert::try_from(der).ok()?;
        certificate
            .verify_for_usage(BY_ISSUERS, &self.anchors, &[], time, CODE_SIGNING, None, None)
            .ok()?;
        let parsed = x509_cert::Certificate::from_der(der).ok()?.tbs_certificate;
        let names = parsed.subject.0.iter().flat_map(|names| names.0.iter());
        let mut organizations = names.filter(|name| name.oid == ORGANIZATION).map(text);
        let is_theirs =
            organizations.next()? == Some(&self.organization) && organizations.next().is_none();
        let end = parsed.validity.not_after.to_unix_duration().as_secs();
        is_theirs.then(|| DateTime::from_timestamp(i64::try_from(end).ok()?, 0)).flatten()
    }

    fn kept(&self, name: &str, now: DateTime<Utc>) -> Option<Arc<Certificate>> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| now < kept.until);
        let at = all.iter().position(|kept| kept.name == name)?;
        let kept = all.remove(at);
        all.push(kept.clone());
        Some(kept.certificate)
    }

    fn keep(&self, kept: Kept) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.name != kept.name);
        all.push(kept);
        let surplus = all.len().saturating_sub(KEPT);
        all.drain(..surplus);
    }
}

fn text(name: &AttributeTypeAndValue) -> Option<&str> {
    let utf8 = Utf8StringRef::try_from(&name.value).map(|text| text.as_str());
    let printable = || PrintableStringRef::try_from(&name.value).map(|text| text.as_str());
    utf8.or_else(|_| printable()).ok()
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("client", &self.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod wycheproof;
