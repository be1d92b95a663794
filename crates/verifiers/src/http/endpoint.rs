use std::fmt;

use reqwest::Url;
use url::Host;

use super::address::is_public;
use crate::error::ConfigError;

/// A URL that a provider may be asked at: `https`, with a host, without user, password and fragment (providers.md H1).
/// `Debug` and `Display` show it without its query.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Reads the URL of a configuration's field.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] that names the field.
    pub fn new(field: &'static str, url: &str) -> Result<Self, ConfigError> {
        Self::parse(url).map_err(|problem| ConfigError::new(field, problem))
    }

    /// Reads a URL that somebody else named. Whoever takes one must compare its [`host`](Self::host) with a list.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let parsed = Url::parse(url).map_err(|_| "it is not a URL")?;
        if parsed.scheme() != "https" {
            return Err("it is not an https URL");
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err("a URL has no user and no password");
        }
        if parsed.fragment().is_some() {
            return Err("a URL that is fetched has no fragment");
        }
        if parsed.host().is_none() {
            return Err("the URL has no host");
        }
        Ok(Self(parsed))
    }

    /// The host, in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether both are at the same host and port.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// A host that is written as an address needs no look-up, so it is looked at here.
    pub(super) fn is_private_address(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => !is_public(address.into()),
            Some(Host::Ipv6(address)) => !is_public(address.into()),
            Some(Host::Domain(_)) | None => false,
        }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.origin().ascii_serialization(), self.0.path())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h1_only_plain_https_urls_are_fetched() {
        for good in ["https://keys.example", "https://keys.example:8443/a?b=c", "https://8.8.8.8/"]
        {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "keys.example",
            "http://keys.example/",
            "http://127.0.0.1/",
            "ftp://keys.example",
            "https://user@keys.example",
            "https://:pass@keys.example",
            "https://keys.example/#a",
            "https://",
            "file:///etc/passwd",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn h6_a_query_is_not_shown() {
        let endpoint = Endpoint::parse("https://keys.example/path?key=hunter2").unwrap();
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://keys.example/path)");
    }

    #[test]
    fn h9_a_host_written_as_an_address_is_seen_in_any_notation() {
        for own in ["https://127.1/", "https://0x7f000001/", "https://[::1]/", "https://10.0.0.1/"]
        {
            assert!(Endpoint::parse(own).unwrap().is_private_address(), "{own}");
        }
        assert!(!Endpoint::parse("https://8.8.8.8/").unwrap().is_private_address());
    }
}
