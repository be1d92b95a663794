//! Xbox, by a token for our own relying party (providers.md 3.9).

mod credential;

use std::collections::HashMap;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use authcore_jose::foreign::{CertifiedToken, DecryptionKey, EncryptedToken};
use chrono::TimeDelta;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Map, Value};

use self::credential::Presented;
use super::provider_id;
use crate::certificates::{CertificateRules, Certificates, Usage, thumbprint};
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::jwt::{TokenRules, reason};
use crate::nonce::single_use;
use crate::oauth::named;
use crate::profile::profile;

/// Which tokens of Xbox count. What no public document of Microsoft's says has a default that others saw.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct XboxConfig {
    /// Our relying parties, one of which `aud` must be.
    pub relying_parties: Vec<String>,
    /// The certificates that tokens are encrypted to, with their keys: one, or two while it is changed.
    pub keys: Vec<XboxKey>,
    /// The certificates of those who may issue Microsoft's, as PEM text: nothing is trusted that none of them signed.
    pub signer_issuers: Vec<String>,
    /// The organisation in the subject of Microsoft's certificate.
    pub signer_organization: String,
    /// The hosts that Microsoft's certificate may come from.
    pub signer_hosts: Vec<String>,
    /// The `iss` that count.
    pub issuers: Vec<String>,
    /// The titles that a token may be of; any, where none is named.
    pub title_ids: Vec<String>,
    /// What the claims are called.
    pub claims: XboxClaims,
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

/// What the claims of a token are called, which Partner Center configures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct XboxClaims {
    /// The list of players who are signed in on the device.
    pub users: String,
    /// A player's user hash, which tells whom of them the token is presented for. It is no stable id.
    pub hash: String,
    /// A player's id that is one for our publisher, and the subject where it is there.
    pub partner_id: String,
    /// A player's id at Xbox, and the subject otherwise.
    pub xuid: String,
    /// A player's name.
    pub gamertag: String,
    /// Whether a player is a child, a teen or an adult.
    pub age_group: String,
    /// The title that the token is of.
    pub title: String,
}

impl Default for XboxClaims {
    fn default() -> Self {
        Self {
            users: "xui".into(),
            hash: "uhs".into(),
            partner_id: "ptx".into(),
            xuid: "xid".into(),
            gamertag: "gtg".into(),
            age_group: "agg".into(),
            title: "tid".into(),
        }
    }
}

impl XboxConfig {
    /// Microsoft's own host and issuer, for these relying parties, keys and issuers of Microsoft's certificate.
    #[must_use]
    pub fn new(
        relying_parties: Vec<String>,
        keys: Vec<XboxKey>,
        signer_issuers: Vec<String>,
    ) -> Self {
        Self {
            relying_parties,
            keys,
            signer_issuers,
            signer_organization: "Microsoft Corporation".into(),
            signer_hosts: vec!["xsts.xboxlive.com".into()],
            issuers: vec!["xsts.auth.xboxlive.com".into()],
            title_ids: Vec::new(),
            claims: XboxClaims::default(),
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
    signers: Certificates,
    signer_hosts: Vec<String>,
    rules: TokenRules,
    title_ids: Vec<String>,
    claims: XboxClaims,
    reject_reuse: bool,
}

impl Xbox {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{Outbound, OutboundConfig, Xbox, XboxConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = XboxConfig::new(vec!["https://game.example/".into()], Vec::new(), Vec::new());
    /// let cannot_read = Xbox::new(config, &outbound);
    /// assert_eq!(cannot_read.err().map(|error| error.field()), Some("keys"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a list without an entry, a certificate or a key that is none, and a name that is empty.
    pub fn new(config: XboxConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("xbox")?;
        ConfigError::unless_named("relying_parties", &config.relying_parties)?;
        ConfigError::unless_named("signer_hosts", &config.signer_hosts)?;
        let claims = config.claims;
        for (field, name) in [
            ("users_claim", &claims.users),
            ("hash_claim", &claims.hash),
            ("partner_id_claim", &claims.partner_id),
            ("xuid_claim", &claims.xuid),
            ("gamertag_claim", &claims.gamertag),
            ("age_group_claim", &claims.age_group),
            ("title_claim", &claims.title),
        ] {
            ConfigError::unless_given(field, name)?;
        }
        if !config.title_ids.is_empty() {
            ConfigError::unless_named("title_ids", &config.title_ids)?;
        }
        let signers = CertificateRules {
            issuers: ("signer_issuers", &config.signer_issuers),
            organization: ("signer_organization", &config.signer_organization),
            usage: Usage::Any,
            content_types: &[],
        };
        let mut rules = TokenRules::new(config.issuers, config.relying_parties)?;
        // How long a token is good for is the relying party's own choice.
        rules.max_age = TimeDelta::days(1);
        Ok(Self {
            keys: keys(&config.keys)?,
            signers: Certificates::new(&signers, outbound.to(provider.as_str()))?,
            signer_hosts: config.signer_hosts,
            rules,
            title_ids: config.title_ids,
            claims,
            reject_reuse: config.reject_reuse,
            provider,
        })
    }

    /// The signed token inside, which nobody but us can read, and anybody could have written.
    fn open(&self, token: &str) -> Result<String, VerifyError> {
        let token = EncryptedToken::parse(token).map_err(reason)?;
        let key = self.keys.get(token.thumbprint()).ok_or_else(|| {
            VerifyError::faulty("a token is encrypted to a certificate that is not configured")
        })?;
        Ok(token.decrypt(key).map_err(reason)?)
    }

    /// The claims, which Microsoft signed for us.
    async fn signed(&self, token: &str, call: &Call) -> Result<Map<String, Value>, VerifyError> {
        let token = CertifiedToken::parse(token).map_err(reason)?;
        let url = self.allowed(token.url())?;
        let certificate = self.signers.get(&url, Some(token.thumbprint()), call).await?;
        let verified = token.verify(|message, signature| certificate.signed(message, signature));
        Ok(verified.map_err(reason)?)
    }

    /// The URL, when it is at one of the signer's hosts. It is looked at as it is written, so that no two readings of it
    /// can differ.
    fn allowed(&self, url: &str) -> Result<Endpoint, Reason> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        let split = url.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
        let is_allowed = split.is_some_and(|(host, path)| {
            self.signer_hosts.iter().any(|allowed| allowed == host)
                && (1..=256).contains(&path.len())
                && path.bytes().all(plain)
        });
        if !is_allowed {
            return Err(Reason::UrlNotAllowed);
        }
        Endpoint::parse(url).map_err(|_| Reason::UrlNotAllowed)
    }

    /// The player whom the token is presented for.
    fn user<'a>(
        &self,
        claims: &'a Map<String, Value>,
        hash: &str,
    ) -> Result<&'a Map<String, Value>, Reason> {
        let users = claims.get(&self.claims.users).and_then(Value::as_array);
        let mut found = users
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .filter(|user| text(user, &self.claims.hash) == Some(hash));
        match (found.next(), found.next()) {
            (Some(user), None) => Ok(user),
            _ => Err(Reason::SubjectMismatch),
        }
    }

    fn check_title(&self, claims: &Map<String, Value>) -> Result<(), Reason> {
        let title = text(claims, &self.claims.title);
        let is_ours =
            self.title_ids.is_empty() || self.title_ids.iter().any(|id| title == Some(id));
        if is_ours { Ok(()) } else { Err(Reason::WrongApp) }
    }
}

/// The keys, by the thumbprints of their certificates.
fn keys(keys: &[XboxKey]) -> Result<HashMap<String, DecryptionKey>, ConfigError> {
    if keys.is_empty() {
        return Err(ConfigError::new("keys", "it must name at least one"));
    }
    let read = |key: &XboxKey| {
        let none = |what| ConfigError::new("keys", what);
        let certificate = CertificateDer::from_pem_slice(key.certificate.as_bytes())
            .map_err(|_| none("one is not a PEM certificate"))?;
        let private = PrivatePkcs8KeyDer::from_pem_slice(key.private_key.reveal().as_bytes()).ok();
        let private =
            private.and_then(|private| DecryptionKey::from_pkcs8(private.secret_pkcs8_der()));
        let private =
            private.ok_or_else(|| none("one is not an RSA key in PKCS#8, as PEM text"))?;
        Ok((thumbprint(&certificate), private))
    };
    keys.iter().map(read).collect()
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
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
        let signed = self.open(presented.token)?;
        let claims = self.signed(&signed, &call).await?;
        let end = self.rules.apply_without_subject(&claims, call.now())?;
        self.check_title(&claims)?;
        let user = self.user(&claims, presented.user_hash)?;
        let (kind, subject) =
            match (text(user, &self.claims.partner_id), text(user, &self.claims.xuid)) {
                (Some(id), _) => ("partner", id),
                (None, Some(id)) => ("xuid", id),
                (None, None) => return Err(Reason::SubjectMissing.into()),
            };
        let identity = context.scoped_identity(kind, "", named(subject)?).until(end);
        let identity = identity.with_profile(profile(text(user, &self.claims.gamertag), None));
        let identity = match text(user, &self.claims.age_group) {
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
