//! Certificates of a provider's signers, fetched when they are needed, and trusted where one of the issuers that are
//! configured signed them (providers.md 3.2).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authcore::verifier::VerifyError;
use chrono::{DateTime, TimeDelta, Utc};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs as algorithms};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};

use crate::error::{ConfigError, Reason};
use crate::http::{Answer, Call, Cap, Endpoint, HttpFault, ProviderClient};
use crate::kept::{COOL_DOWN, Kept};

const LENGTH: usize = 10_000;
const LIFETIME: TimeDelta = TimeDelta::hours(1);
const LIFETIME_MIN: TimeDelta = TimeDelta::minutes(10);
const LIFETIME_MAX: TimeDelta = TimeDelta::hours(24);
/// How many good certificates are kept besides those that are configured.
const KEPT: usize = 16;
/// How many other addresses are asked in a time of [`COOL_DOWN`] without a good certificate to show for it: whoever logs in
/// names one.
const STRANGERS: usize = 16;
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
    /// Where some are known to be: these are asked however many others are, and what is there is always kept.
    pub(crate) urls: &'a [Endpoint],
}

/// Fetches certificates, and trusts those that it may.
pub(crate) struct Certificates {
    source: Arc<Source>,
    /// What is at the addresses that are configured.
    named: HashMap<String, Arc<Kept<Found>>>,
    /// What is at others: those that may have one, for a time of [`COOL_DOWN`], and those that have, the one that was asked
    /// for last at the end.
    others: Mutex<Vec<Other>>,
}

struct Other {
    name: String,
    /// When it was asked first.
    since: DateTime<Utc>,
    kept: Arc<Kept<Found>>,
}

/// What fetches them.
struct Source {
    client: ProviderClient,
    organization: String,
    content_types: &'static [&'static str],
    anchors: Vec<TrustAnchor<'static>>,
}

/// What is at an address.
#[derive(Clone)]
enum Found {
    Trusted(Arc<Certificate>),
    Untrusted,
    /// No certificate at all.
    Nothing,
}

impl Found {
    fn trusted(&self) -> Option<&Arc<Certificate>> {
        match self {
            Self::Trusted(certificate) => Some(certificate),
            Self::Untrusted | Self::Nothing => None,
        }
    }
}

/// A certificate that is trusted until its end.
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    end: DateTime<Utc>,
}

impl Certificate {
    /// Whether its key signed this: RSA of 2048 bits or more, PKCS#1 v1.5 with SHA-256.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        EndEntityCert::try_from(&self.der).is_ok_and(|certificate| {
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
        let source = Source {
            client,
            organization: rules.organization.1.into(),
            content_types: rules.content_types,
            anchors,
        };
        let named = rules.urls.iter().map(|url| (url.to_string(), Arc::default())).collect();
        Ok(Self { source: Arc::new(source), named, others: Mutex::default() })
    }

    /// The certificate at this URL, from before or fetched now. The URL must have been compared with a list.
    pub(crate) async fn get(
        &self,
        url: &Endpoint,
        call: &Call,
    ) -> Result<Arc<Certificate>, VerifyError> {
        let (name, now) = (&*url.to_string(), call.now());
        let kept = self.kept_at(name, now)?;
        let pick = |found: &Found| found.trusted().filter(|found| now < found.end).cloned();
        let is_known = kept.value(now).as_ref().and_then(pick).is_some();
        let fetch = |call| Arc::clone(&self.source).fetch(url.clone(), is_known, call);
        match kept.get(pick, fetch, call).await {
            Ok(Some(certificate)) => Ok(certificate),
            Ok(None) if matches!(kept.value(now), Some(Found::Nothing)) => {
                Err(HttpFault::NotUnderstood.into())
            }
            Ok(None) => Err(Reason::CertUntrusted.into()),
            Err(fault) => {
                self.forget(name, now);
                Err(fault.into())
            }
        }
    }

    /// What is kept of this address. One that no good certificate is known of must wait where too many others are asked.
    fn kept_at(&self, name: &str, now: DateTime<Utc>) -> Result<Arc<Kept<Found>>, HttpFault> {
        if let Some(kept) = self.named.get(name) {
            return Ok(Arc::clone(kept));
        }
        let mut others = self.others();
        others.retain(|other| other.is_good(now) || now < other.since + COOL_DOWN);
        let other = if let Some(at) = others.iter().position(|other| other.name == name) {
            others.remove(at)
        } else {
            let waiting =
                others.iter().filter(|other| !other.is_good(now)).map(|other| other.since);
            if waiting.clone().count() >= STRANGERS {
                let retry_after = waiting.min().map_or(COOL_DOWN, |first| first + COOL_DOWN - now);
                return Err(HttpFault::LeftAlone { retry_after });
            }
            Other { name: name.to_owned(), since: now, kept: Arc::default() }
        };
        let kept = Arc::clone(&other.kept);
        others.push(other);
        if others.iter().filter(|other| other.is_good(now)).count() > KEPT {
            let unused = others.iter().position(|other| other.is_good(now));
            unused.map(|at| others.remove(at));
        }
        Ok(kept)
    }

    /// Whoever could not be asked is none of too many: such faults are for the circuit breaker to count.
    fn forget(&self, name: &str, now: DateTime<Utc>) {
        self.others().retain(|other| other.name != name || other.is_good(now));
    }

    fn others(&self) -> MutexGuard<'_, Vec<Other>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Other {
    fn is_good(&self, now: DateTime<Utc>) -> bool {
        self.kept.value(now).is_some_and(|found| found.trusted().is_some())
    }
}

impl Source {
    async fn fetch(
        self: Arc<Self>,
        url: Endpoint,
        is_known: bool,
        call: Call,
    ) -> Result<(Found, TimeDelta), HttpFault> {
        let now = call.now();
        let answer = self.client.get(&url).send(&call, Cap::Certificate).await?;
        let Some(der) = self.read(&answer) else {
            // It does not take the place of a certificate.
            let nothing = (Found::Nothing, COOL_DOWN);
            return if is_known { Err(HttpFault::NotUnderstood) } else { Ok(nothing) };
        };
        let Some(end) = self.trust(&der, now) else {
            tracing::error!(at = %url, client = ?self.client, "a certificate is not by the issuers that are trusted");
            return Ok((Found::Untrusted, COOL_DOWN));
        };
        let lifetime = answer.max_age().unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX);
        Ok((Found::Trusted(Arc::new(Certificate { der, end })), lifetime.min(end - now)))
    }

    /// The certificate that an answer is, whoever signed it.
    fn read(&self, answer: &Answer) -> Option<CertificateDer<'static>> {
        let media_type = answer.media_type()?;
        let is_certificate = self.content_types.contains(&&*media_type);
        if !answer.is_success() || !is_certificate || answer.bytes().len() > LENGTH {
            return None;
        }
        let der = if answer.bytes().starts_with(b"-----BEGIN") {
            CertificateDer::from_pem_slice(answer.bytes()).ok()?
        } else {
            CertificateDer::from(answer.bytes().to_vec())
        };
        EndEntityCert::try_from(&der).is_ok().then_some(der)
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
}

fn text(name: &AttributeTypeAndValue) -> Option<&str> {
    let utf8 = Utf8StringRef::try_from(&name.value).map(|text| text.as_str());
    let printable = || PrintableStringRef::try_from(&name.value).map(|text| text.as_str());
    utf8.or_else(|_| printable()).ok()
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("client", &self.source.client).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod wycheproof;
