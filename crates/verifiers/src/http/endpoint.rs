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

    /// The URL that is these segments of a path further down, each encoded as one. `None` for a segment that would lead
    /// elsewhere: one that is empty, `.` or `..`, or holds a slash, a backslash or a control character.
    ///
    /// ```
    /// use authcore_verifiers::Endpoint;
    ///
    /// let api = Endpoint::new("url", "https://accounts.example/api")?;
    /// let found = api.below(["players", "ann?x"]).map(|url| url.to_string());
    /// assert_eq!(found.as_deref(), Some("https://accounts.example/api/players/ann%3Fx"));
    /// assert!(api.below(["players", ".."]).is_none());
    /// # Ok::<(), authcore_verifiers::ConfigError>(())
    /// ```
    #[must_use]
    pub fn below<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut url = self.0.clone();
        let mut path = url.path_segments_mut().ok()?;
        path.pop_if_empty();
        for segment in segments {
            let steers = |character: char| character.is_control() || "/\\".contains(character);
            if matches!(segment, "" | "." | "..") || segment.contains(steers) {
                return None;
            }
            path.push(segment);
        }
        drop(path);
        Some(Self(url))
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
    fn h9_what_is_below_a_url_stays_below_it() {
        let base = Endpoint::parse("https://keys.example:8443/api/?key=a").unwrap();
        let below = |segments: &[&str]| Some(base.below(segments.iter().copied())?.0.to_string());
        assert_eq!(below(&[]).as_deref(), Some("https://keys.example:8443/api?key=a"));
        let odd = ["a", "@evil", "b?c#d", "%2e%2e", "é:", "…", " "];
        let found = "https://keys.example:8443/api/a/@evil/b%3Fc%23d/%252e%252e/%C3%A9:/%E2%80%A6/%20?key=a";
        assert_eq!(below(&odd).as_deref(), Some(found));
        for bad in ["", ".", "..", "/", "//evil", "a/b", "..\\a", "a\r\nb", "\t", "a\0"] {
            assert_eq!(below(&["a", bad]), None, "{bad:?}");
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
