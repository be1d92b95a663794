use std::fmt;
use std::sync::Arc;

use authcore_jose::from_strict_json;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, RETRY_AFTER,
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;

use super::breaker::{Breaker, PAUSE, retry_after};
use super::{Call, Endpoint, HttpFault};

/// How long an answer may be (providers.md H4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cap {
    /// A key set: 256 KiB.
    Keys,
    /// A token, a profile, an error: 64 KiB.
    Profile,
    /// A page of friends: 1 MiB.
    Friends,
    /// A certificate: 16 KiB.
    Certificate,
}

impl Cap {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Keys => 256 * 1024,
            Self::Profile => 64 * 1024,
            Self::Friends => 1024 * 1024,
            Self::Certificate => 16 * 1024,
        }
    }
}

/// The way to one provider. A clone is the same one, with the same circuit breaker.
#[derive(Clone)]
pub struct ProviderClient {
    client: Client,
    allow_private: bool,
    provider: Arc<str>,
    breaker: Arc<Breaker>,
}

impl ProviderClient {
    pub(super) fn new(client: Client, allow_private: bool, provider: &str) -> Self {
        Self { client, allow_private, provider: provider.into(), breaker: Arc::default() }
    }

    /// Starts a GET, which is tried once more where that may help.
    pub fn get(&self, endpoint: &Endpoint) -> Request<'_> {
        self.request(Method::GET, endpoint)
    }

    /// Starts a POST, which is sent once: what it carries may be good for one use.
    pub fn post(&self, endpoint: &Endpoint) -> Request<'_> {
        self.request(Method::POST, endpoint)
    }

    fn request(&self, method: Method, endpoint: &Endpoint) -> Request<'_> {
        let again = method == Method::GET;
        let refused = endpoint.is_private_address() && !self.allow_private;
        let inner = self.client.request(method, endpoint.url().clone());
        Request { client: self, inner: inner.header(ACCEPT, "application/json"), again, refused }
    }
}

impl fmt::Debug for ProviderClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderClient({})", self.provider)
    }
}

/// A request that is being put together.
#[must_use]
pub struct Request<'a> {
    client: &'a ProviderClient,
    inner: RequestBuilder,
    again: bool,
    refused: bool,
}

impl Request<'_> {
    /// Adds to the query. A secret goes there only where the provider takes it nowhere else.
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.inner = self.inner.query(pairs);
        self
    }

    /// Adds a header. What cannot be one lets the request fail.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let mut value = HeaderValue::try_from(value);
        if let Ok(value) = &mut value {
            value.set_sensitive(true);
        }
        self.inner = match value {
            Ok(value) => self.inner.header(name, value),
            // The library keeps the error and gives it when the request is sent.
            Err(_) => self.inner.header(name, "\n"),
        };
        self
    }

    /// Presents an access token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// Presents a client's id and secret.
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        self.inner = self.inner.basic_auth(user, Some(password));
        self
    }

    /// Sends a form.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        self.inner = self.inner.form(pairs);
        self
    }

    /// Sends a body.
    pub fn body(mut self, content_type: &'static str, body: Vec<u8>) -> Self {
        self.inner = self.inner.header(CONTENT_TYPE, content_type).body(body);
        self
    }

    /// Sends it, and takes what comes back: any status but 3xx, 429 and 5xx, which are faults.
    ///
    /// # Errors
    ///
    /// [`HttpFault`].
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time; the request may have been sent.
    pub async fn send(self, call: &Call, cap: Cap) -> Result<Answer, HttpFault> {
        let client = self.client;
        if self.refused {
            return Err(HttpFault::PrivateAddress);
        }
        if let Some(retry_after) = client.breaker.open_for(call.now()) {
            return Err(HttpFault::LeftAlone { retry_after });
        }
        let result = call.limit(self.exchange(call.now(), cap)).await.flatten();
        match &result {
            Ok(_) => client.breaker.succeeded(call.now()),
            // Nobody was asked: it says nothing of the provider.
            Err(HttpFault::Connect(error)) if error.is_builder() => {}
            Err(fault) => {
                let pause = client.breaker.failed(call.now(), fault.retry_after());
                let pause = pause.map(|pause| pause.num_seconds());
                let provider = &*client.provider;
                tracing::warn!(provider, %fault, left_alone_seconds = pause, "a provider failed");
            }
        }
        result
    }

    async fn exchange(self, now: DateTime<Utc>, cap: Cap) -> Result<Answer, HttpFault> {
        let again = self.inner.try_clone().filter(|_| self.again);
        match (attempt(self.inner, now, cap).await, again) {
            (Err(fault), Some(again)) if fault.is_passing() => attempt(again, now, cap).await,
            (result, _) => result,
        }
    }
}

async fn attempt(
    request: RequestBuilder,
    now: DateTime<Utc>,
    cap: Cap,
) -> Result<Answer, HttpFault> {
    let response = request.send().await.map_err(HttpFault::of)?;
    let status = response.status();
    if status.is_redirection() {
        return Err(HttpFault::Redirect);
    }
    if status.is_server_error() || status.as_u16() == 429 {
        let asked = text(response.headers(), &RETRY_AFTER).and_then(|text| retry_after(text, now));
        // Whoever has too much to do is left alone, also where it does not say for how long.
        let retry_after = asked.or((status.as_u16() == 429).then_some(PAUSE));
        return Err(HttpFault::Status { status: status.as_u16(), retry_after });
    }
    Answer::read(response, cap).await
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What a provider answered: any status but 3xx, 429 and 5xx. `Debug` shows nothing of the body.
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn read(mut response: Response, cap: Cap) -> Result<Self, HttpFault> {
        // None was asked for; what says otherwise would have to be unpacked, to who knows what size.
        if response.headers().contains_key(CONTENT_ENCODING) {
            return Err(HttpFault::Body);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| HttpFault::Body)? {
            if body.len() + chunk.len() > cap.bytes() {
                return Err(HttpFault::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status().as_u16();
        Ok(Self { status, headers: std::mem::take(response.headers_mut()), body })
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The text of a header.
    #[must_use]
    pub fn header(&self, name: &'static str) -> Option<&str> {
        text(&self.headers, &HeaderName::from_static(name))
    }

    /// The media type, without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = text(&self.headers, &CONTENT_TYPE)?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }

    /// The body as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Whether it says that it is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.media_type().is_some_and(|media_type| {
            media_type == "application/json"
                || (media_type.starts_with("application/") && media_type.ends_with("+json"))
        })
    }

    /// Reads the body, whatever the status: strict JSON that says that it is JSON. Members that `T` does not know are
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`HttpFault::NotUnderstood`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpFault> {
        if !self.is_json() {
            return Err(HttpFault::NotUnderstood);
        }
        from_strict_json(&self.body).map_err(|_| HttpFault::NotUnderstood)
    }

    /// For how long it may be kept, by its `Cache-Control`.
    pub(crate) fn max_age(&self) -> Option<TimeDelta> {
        max_age(text(&self.headers, &CACHE_CONTROL)?)
    }
}

fn max_age(cache_control: &str) -> Option<TimeDelta> {
    let mut directives = cache_control.split(',').map(|part| part.trim().to_ascii_lowercase());
    if let Some(age) =
        directives.clone().find_map(|part| part.strip_prefix("max-age=").map(str::to_owned))
    {
        let digits = age.trim_matches('"');
        if digits.starts_with('-') {
            return Some(TimeDelta::zero());
        }
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds = digits.parse().ok().and_then(TimeDelta::try_seconds);
            return Some(seconds.unwrap_or(TimeDelta::MAX));
        }
    }
    directives.any(|part| part == "no-store" || part == "no-cache").then(TimeDelta::zero)
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_max_age_is_read_in_any_company() {
        let seconds = |text| max_age(text).map(|age| age.num_seconds());
        assert_eq!(seconds("public, max-age=19845, must-revalidate"), Some(19845));
        assert_eq!(seconds("Max-Age=5"), Some(5));
        assert_eq!((seconds("max-age=0"), seconds("max-age=-7")), (Some(0), Some(0)));
        assert_eq!((seconds("no-store"), seconds("no-cache")), (Some(0), Some(0)));
        assert_eq!((seconds("public"), seconds("max-age=soon"), seconds("")), (None, None, None));
        assert!(seconds("max-age=99999999999999999999").is_some_and(|age| age > 86_400));
    }
}
