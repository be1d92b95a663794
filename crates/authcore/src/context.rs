use std::net::IpAddr;

use crate::refusal::{Field, Refusal, Rule};

/// What surrounds a request. Every operation takes one; nothing in it proves who the player is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestContext {
    /// Where the request came from, as the host's trusted proxies tell.
    pub client_address: Option<IpAddr>,
    /// Which device asks, where the client says so; at most 128 bytes. A session that was opened with one gives other
    /// devices no second successor of a refresh token.
    pub device_id: Option<String>,
    /// What the player calls the device; at most 128 bytes.
    pub device_name: Option<String>,
    /// The client's name for itself.
    pub user_agent: Option<String>,
    /// The host's name for this request, for logs.
    pub request_id: Option<String>,
    /// The language to answer in.
    pub locale: Option<String>,
}

impl RequestContext {
    /// A context that says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With the client's address.
    #[must_use]
    pub fn from_address(address: IpAddr) -> Self {
        Self { client_address: Some(address), ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        for value in [&self.device_id, &self.device_name].into_iter().flatten() {
            if value.len() > 128 {
                let rule = Rule::Bytes { min: 0, max: 128 };
                return Err(Refusal::Invalid { field: Field::ContextDevice, rule });
            }
        }
        Ok(())
    }
}
