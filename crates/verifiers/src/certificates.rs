//! Certificates of a provider's signers, fetched when they are needed, and trusted where one of the issuers that are
//! configured signed them (providers.md 3.2).

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
/// How many addresses are kept, each with what is there.
const KEPT: usize = 16;
/// How many addresses that no good certificate is known of are asked in a time of [`COOL_DOWN`]: whoever logs in names one.
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
}

/// Fetches certificates, and trusts those that it may.
pub(crate) struct Certificates {
    client: ProviderClient,
    organization: String,
    content_types: &'static [&'static str],
    anchors: Vec<TrustAnchor<'static>>,
    /// What is at each address, the one that was asked for last at the end.
    kept: Mutex<Vec<(String, Arc<Kept<Found>>)>>,
    /// When addresses were asked that no good certificate is known of, and which of them had none. A call that was dropped
    /// counts, and says nothing of the address.
    strangers: Mutex<Vec<(DateTime<Utc>, Option<String>)>>,
}

/// The certificate at an address; none, where it is not trusted.
type Found = Option<Arc<Certificate>>;

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
        Ok(Self {
            client,
            organization: rules.organization.1.into(),
            content_types: rules.content_types,
            anchors,
            kept: Mutex::default(),
            strangers: Mutex::default(),
        })
    }

    /// The certificate at this URL, from before or fetched now. The URL must have been compared with a list.
    pub(crate) async fn get(
        &self,
        url: &Endpoint,
        call: &Call,
    ) -> Result<Arc<Certificate>, VerifyError> {
        let (name, now) = (&*url.to_string(), call.now());
        let kept = self.kept_at(name, now);
        let pick = |found: &Found| found.clone().filter(|certificate| now < certificate.end);
        let is_known = kept.value(now).as_ref().and_then(pick).is_some();
        let fetch = |call| async move {
            if is_known {
                return self.fetch(url, call).await;
            }
            self.admit_stranger(name, now)?;
            let fetched = self.fetch(url, call).await;
            // Other faults are for the circuit breaker to count.
            let had_none = matches!(fetched, Ok((None, _)) | Err(HttpFault::NotUnderstood));
            self.dismiss_stranger(now, had_none.then_some(name));
            fetched
        };
        let found = kept.get(pick, fetch, call).await?;
        found.ok_or_else(|| Reason::CertUntrusted.into())
    }

    async fn fetch(&self, url: &Endpoint, call: Call) -> Result<(Found, TimeDelta), HttpFault> {
        let now = call.now();
        let answer = self.client.get(url).send(&call, Cap::Certificate).await?;
        let der = self.read(&answer).ok_or(HttpFault::NotUnderstood)?;
        let Some(end) = self.trust(&der, now) else {
            tracing::error!(at = %url, client = ?self.client, "a certificate is not by the issuers that are trusted");
            return Ok((None, COOL_DOWN));
        };
        let lifetime = answer.max_age().unwrap_or(LIFETIME).clamp(LIFETIME_MIN, LIFETIME_MAX);
        Ok((Some(Arc::new(Certificate { der, end })), lifetime.min(end - now)))
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

    /// What is kept of this address. Where there are too many, one without a good certificate makes room, or else the one that
    /// nobody asked for the longest.
    fn kept_at(&self, name: &str, now: DateTime<Utc>) -> Arc<Kept<Found>> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (name, kept) = if let Some(found) = all.iter().position(|(at, _)| at == name) {
            all.remove(found)
        } else {
            if all.len() >= KEPT {
                let no_use = |kept: &Kept<Found>| kept.value(now).flatten().is_none();
                let leaves = all.iter().position(|(_, kept)| no_use(kept));
                all.remove(leaves.unwrap_or(0));
            }
            (name.to_owned(), Arc::default())
        };
        all.push((name, Arc::clone(&kept)));
        kept
    }

    /// Lets an address be asked that no good certificate is known of, unless it was asked lately, or too many were.
    fn admit_stranger(&self, name: &str, now: DateTime<Utc>) -> Result<(), HttpFault> {
        let mut asked = self.strangers();
        asked.retain(|(at, _)| now < *at + COOL_DOWN);
        let itself = asked.iter().find(|(_, had_none)| had_none.as_deref() == Some(name));
        let oldest = asked.first().filter(|_| asked.len() >= STRANGERS);
        if let Some((at, _)) = itself.or(oldest) {
            return Err(HttpFault::LeftAlone { retry_after: *at + COOL_DOWN - now });
        }
        asked.push((now, None));
        Ok(())
    }

    /// Says of one that was admitted at that time whether it had no good certificate; otherwise it does not count.
    fn dismiss_stranger(&self, admitted: DateTime<Utc>, had_none: Option<&str>) {
        let mut asked = self.strangers();
        let Some(at) = asked.iter().position(|(at, of)| *at == admitted && of.is_none()) else {
            return;
        };
        match (had_none, asked.get_mut(at)) {
            (Some(name), Some((_, of))) => *of = Some(name.to_owned()),
            _ => drop(asked.remove(at)),
        }
    }

    fn strangers(&self) -> MutexGuard<'_, Vec<(DateTime<Utc>, Option<String>)>> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
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
