use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};

use super::address::GuardedResolver;
use super::request::ProviderClient;
use crate::error::ConfigError;

const CONNECT: Duration = Duration::from_secs(2);
const USER_AGENT: &str = concat!("authcore/", env!("CARGO_PKG_VERSION"));

/// How the outside is reached. The default is right for the public network.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OutboundConfig {
    /// Certificates that are trusted besides the system's: PEM text, each with one or more.
    pub extra_roots: Vec<String>,
    /// Hosts that are not looked up but found at a given address. They may be on one's own network.
    pub resolve: HashMap<String, SocketAddr>,
    /// Whether other hosts may be on one's own network as well.
    pub allow_private_networks: bool,
}

/// The way to all providers: one pool of connections. A clone is the same one.
#[derive(Clone)]
pub struct Outbound {
    client: Client,
    allow_private: bool,
}

impl Outbound {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a certificate is none.
    pub fn new(config: &OutboundConfig) -> Result<Self, ConfigError> {
        let unreadable = |_| ConfigError::new("extra_roots", "it is not a PEM certificate");
        let mut roots = Vec::new();
        for pem in &config.extra_roots {
            let found = Certificate::from_pem_bundle(pem.as_bytes()).map_err(unreadable)?;
            if found.is_empty() {
                return Err(ConfigError::new("extra_roots", "it holds no certificate"));
            }
            roots.extend(found);
        }
        let hosts = config.resolve.iter();
        let resolver = GuardedResolver {
            overrides: Arc::new(hosts.map(|(host, at)| (host.to_ascii_lowercase(), *at)).collect()),
            allow_private: config.allow_private_networks,
        };
        let client = Client::builder()
            .https_only(true)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT)
            .user_agent(USER_AGENT)
            .tls_certs_merge(roots)
            .dns_resolver(resolver)
            .build()
            .map_err(|_| ConfigError::new("extra_roots", "TLS does not start with them"))?;
        Ok(Self { client, allow_private: config.allow_private_networks })
    }

    /// The way to one provider, with a circuit breaker of its own. Its name is for the log.
    #[must_use]
    pub fn to(&self, provider: &str) -> ProviderClient {
        ProviderClient::new(self.client.clone(), self.allow_private, provider)
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}
