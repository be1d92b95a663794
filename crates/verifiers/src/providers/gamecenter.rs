//! Apple's Game Center, by signature of a player's id, in its older and newer form (providers.md 3.2).

mod credential;

use async_trait::async_trait;
use authcore::Secret;
use authcore::account::ProviderId;
use authcore::verifier::{VerifiedIdentity, Verifier, VerifyContext, VerifyError};
use chrono::TimeDelta;

use self::credential::SignedPlayer;
use super::provider_id;
use crate::certificates::{CertificateRules, Certificates};
use crate::error::{ConfigError, Reason};
use crate::http::{Call, Endpoint, Outbound};
use crate::nonce::single_use;

/// How old a signature may be.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// How much Apple's clock may be ahead of ours.
const SKEW: TimeDelta = TimeDelta::seconds(60);

/// Which signatures of Game Center count.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GameCenterConfig {
    /// The game's bundle ids. One that the client sends is compared, and adds none.
    pub bundle_ids: Vec<String>,
    /// The certificates of those who may issue Apple's, as PEM text: nothing is trusted that none of them signed.
    pub issuers: Vec<String>,
    /// The organisation in the subject of Apple's certificate: the same issuer signs for thousands of others.
    pub organization: String,
    /// The hosts that certificates may come from.
    pub hosts: Vec<String>,
    /// The names of Apple's certificates, of today and to come: `gc-prod-10` is at `/public-key/gc-prod-10.cer` of a host.
    /// Others count as well, but few of them are looked for in a minute, whoever names them.
    pub certificates: Vec<String>,
    /// How the ids of players begin: of a team, of a game, and of the older form.
    pub id_prefixes: Vec<String>,
}

impl GameCenterConfig {
    /// Apple's own host, for these bundle ids and issuers.
    #[must_use]
    pub fn new(bundle_ids: Vec<String>, issuers: Vec<String>) -> Self {
        Self {
            bundle_ids,
            issuers,
            organization: "Apple Inc.".into(),
            hosts: vec!["static.gc.apple.com".into()],
            certificates: (10..20).map(|number| format!("gc-prod-{number}")).collect(),
            id_prefixes: vec!["T:".into(), "A:".into(), "G:".into()],
        }
    }
}

/// Verifies the signatures of Game Center; the subject is the id that was signed, whose beginning tells its kind. It takes
/// a JSON object: `{"player_id":"T:_…","bundle_id":"…","public_key_url":"https://…","signature":"…","salt":"…",
/// "timestamp":1700000000000}`, where `bundle_id` may be left out and the time is in milliseconds.
#[derive(Debug)]
pub struct GameCenter {
    provider: ProviderId,
    bundle_ids: Vec<String>,
    id_prefixes: Vec<String>,
    hosts: Vec<String>,
    certificates: Certificates,
}

impl GameCenter {
    /// Asks nobody yet.
    ///
    /// ```
    /// use authcore_verifiers::{GameCenter, GameCenterConfig, Outbound, OutboundConfig};
    ///
    /// let outbound = Outbound::new(&OutboundConfig::default())?;
    /// let config = GameCenterConfig::new(vec!["com.example.game".into()], Vec::new());
    /// let trusts_nobody = GameCenter::new(config, &outbound);
    /// assert_eq!(trusts_nobody.err().map(|error| error.field()), Some("issuers"));
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for a list without an entry that needs one, and for an issuer that is no certificate.
    pub fn new(config: GameCenterConfig, outbound: &Outbound) -> Result<Self, ConfigError> {
        let provider = provider_id("gamecenter")?;
        ConfigError::unless_named("bundle_ids", &config.bundle_ids)?;
        ConfigError::unless_named("id_prefixes", &config.id_prefixes)?;
        ConfigError::unless_named("hosts", &config.hosts)?;
        let (hosts, names) = (&config.hosts, &config.certificates);
        let at =
            |host| names.iter().map(move |name| format!("https://{host}/public-key/{name}.cer"));
        let urls = hosts.iter().flat_map(at).map(|url| allowed(&url, hosts));
        let urls = urls.collect::<Result<Vec<_>, _>>().map_err(|_| {
            ConfigError::new("certificates", "one is not the name of a certificate")
        })?;
        let rules = CertificateRules {
            issuers: ("issuers", &config.issuers),
            organization: ("organization", &config.organization),
            content_types: &["application/x-x509-ca-cert", "application/pkix-cert"],
            urls: &urls,
        };
        Ok(Self {
            certificates: Certificates::new(&rules, outbound.to(provider.as_str()))?,
            hosts: config.hosts,
            bundle_ids: config.bundle_ids,
            id_prefixes: config.id_prefixes,
            provider,
        })
    }

    /// The bundle that the client says, or all of ours, one of which must have been signed.
    fn bundles<'a>(&'a self, player: &'a SignedPlayer) -> Result<Vec<&'a str>, Reason> {
        let ours = self.bundle_ids.iter().map(String::as_str);
        match player.bundle_id.as_deref() {
            None => Ok(ours.collect()),
            Some(said) if self.bundle_ids.iter().any(|bundle| bundle == said) => Ok(vec![said]),
            Some(_) => Err(Reason::WrongApp),
        }
    }
}

/// The URL, when it is where certificates are: nothing else at an allowed host, and nothing at another. It is looked at as it
/// is written, so that no two readings of it can differ.
fn allowed(url: &str, hosts: &[String]) -> Result<Endpoint, Reason> {
    let is_allowed = || {
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let name = path.strip_prefix("public-key/")?.strip_suffix(".cer")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        ((1..=64).contains(&name.len())
            && name.bytes().all(plain)
            && hosts.iter().any(|allowed| allowed == host))
        .then_some(())
    };
    is_allowed().ok_or(Reason::UrlNotAllowed)?;
    Endpoint::parse(url).map_err(|_| Reason::UrlNotAllowed)
}

#[async_trait]
impl Verifier for GameCenter {
    fn provider(&self) -> &ProviderId {
        &self.provider
    }

    async fn verify(
        &self,
        credential: &Secret,
        context: &VerifyContext,
    ) -> Result<VerifiedIdentity, VerifyError> {
        let player = SignedPlayer::read(credential, &self.id_prefixes)?;
        let bundles = self.bundles(&player)?;
        let url = allowed(&player.public_key_url, &self.hosts)?;
        let now = context.now();
        if player.signed_at > now + SKEW {
            return Err(Reason::NotYetValid.into());
        }
        let end = player.signed_at + LIFETIME;
        if now >= end {
            return Err(VerifyError::Expired);
        }
        let certificate = self.certificates.get(&url, &Call::starting(now)).await?;
        if !bundles
            .iter()
            .any(|bundle| certificate.signed(&player.message(bundle), &player.signature))
        {
            return Err(Reason::BadSignature.into());
        }
        let used = single_use("game center signature", &player.signature_text);
        Ok(context.identity(&player.player_id).until(end).using_up(used, end))
    }
}
