//! Whether the game may be played at the moment (gamebase 3.17).

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::context::RequestContext;

/// A time at which the game is closed: maintenance, or the end of its service. A pure value: a host keeps it in its
/// configuration, or sets it with [`Engine::set_closure`](crate::Engine::set_closure).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record of the host's")]
pub struct Closure {
    /// From when on.
    pub begins_at: DateTime<Utc>,
    /// Until when; none until it is taken away.
    pub ends_at: Option<DateTime<Utc>>,
    /// For the player.
    pub message: String,
    /// Where to read more; may be empty.
    pub url: String,
    /// Devices, by the id that their client tells, and addresses that may play all the same.
    pub test_devices: Vec<TestDevice>,
}

/// A device that may play while the game is closed. It bypasses nothing else (gamebase X-34).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what a request tells of its device")]
pub enum TestDevice {
    /// By the id in the request's context.
    Id(String),
    /// By the address that it calls from.
    Address(IpAddr),
}

/// What a player is told while the game is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when, where that is known.
    pub until: Option<DateTime<Utc>>,
    /// For the player.
    pub message: Box<str>,
    /// Where to read more; may be empty.
    pub url: Box<str>,
}

impl Closure {
    /// What keeps this request out; nothing when the game is open to it.
    #[must_use]
    pub fn keeps_out(&self, context: &RequestContext, now: DateTime<Utc>) -> Option<Closed> {
        let on = now >= self.begins_at && self.ends_at.is_none_or(|end| now < end);
        let tests = self.test_devices.iter().any(|device| match device {
            TestDevice::Id(id) => context.device_id.as_ref() == Some(id),
            TestDevice::Address(address) => context.client_address == Some(*address),
        });
        (on && !tests).then(|| Closed {
            since: self.begins_at,
            until: self.ends_at,
            message: self.message.as_str().into(),
            url: self.url.as_str().into(),
        })
    }
}
