//! Guest transfer accounts: issued and renewed by players, repaired by operators, tried by whoever holds the secrets.

mod carry;
mod issue;
mod operator;
mod trial;

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::Engine;
use super::corridor::Settled;
use crate::account::Account;
use crate::context::RequestContext;
use crate::error::Error;
use crate::proof::Authenticated;
use crate::refusal::Refusal;
use crate::secret::Secret;
use crate::store::{Lookup, ThrottleKey};
use crate::transfer::{TransferInfo, TransferRules, TransferStatus, is_guest_only, status};

impl Engine {
    /// The caller's transfer account, without its password (gamebase 3.14, X-22).
    ///
    /// # Errors
    ///
    /// [`Refusal::TransferOff`], [`Refusal::NotGuestOnly`], [`Refusal::TransferMissing`], [`Refusal::TransferExpired`],
    /// [`Refusal::AccessTokenInvalid`] when the caller's session has ended since it was verified, or a fault.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any time.
    pub async fn transfer_account(&self, who: &Authenticated) -> Result<TransferInfo, Error> {
        let rules = self.transfer_rules()?;
        let now = self.now();
        let account = self.load_caller(who, now).await?.account;
        check_guest_only(&account)?;
        match (&account.records.transfer, status(&account, rules, now)) {
            (None, _) | (_, TransferStatus::None | TransferStatus::Deleted) => {
                Err(Refusal::TransferMissing.into())
            }
            (_, TransferStatus::Expired) => Err(Refusal::TransferExpired.into()),
            (Some(transfer), status) => Ok(TransferInfo::new(transfer, status, rules)),
        }
    }

    fn transfer_rules(&self) -> Result<&TransferRules, Refusal> {
        self.policy.transfer.as_ref().ok_or(Refusal::TransferOff)
    }

    /// The account whose transfer account has this id, kept under the present key or a former one.
    async fn load_transfer(
        &self,
        id: &Secret,
        now: DateTime<Utc>,
    ) -> Result<Option<Settled>, Error> {
        let keys: Vec<_> = self.parts.keys.transfer_keys(id.reveal()).collect();
        for key in keys {
            if let Some(settled) = self.load(&Lookup::Transfer(key), now).await? {
                return Ok(Some(settled));
            }
        }
        Ok(None)
    }
}

fn check_guest_only(account: &Account) -> Result<(), Refusal> {
    if is_guest_only(account) { Ok(()) } else { Err(Refusal::NotGuestOnly) }
}

/// What counts the tries of one caller: by where the request comes from, an IPv6 network as one (security 18); by the
/// device where that is not known, or by what else tells callers apart.
pub(super) fn throttle_of_caller(context: &RequestContext, or: &[u8]) -> ThrottleKey {
    match (context.client_address.map(|address| address.to_canonical()), &context.device_id) {
        (Some(IpAddr::V4(address)), _) => throttle("address", &address.octets()),
        (Some(IpAddr::V6(address)), _) => {
            let network = address.to_bits() >> 64;
            throttle("network", &network.to_be_bytes())
        }
        (None, Some(device)) => throttle("device", device.as_bytes()),
        (None, None) => throttle("caller", or),
    }
}

/// What counts something about transfer accounts for someone.
fn throttle(what: &str, whom: &[u8]) -> ThrottleKey {
    let mut digest = Sha256::new();
    digest.update(b"transfer\0");
    digest.update(what);
    digest.update(b"\0");
    digest.update(whom);
    ThrottleKey::new(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_18_one_network_is_one_caller() {
        let of = |address: &str| {
            throttle_of_caller(&RequestContext::from_address(address.parse().unwrap()), b"")
        };
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn a_caller_without_an_address_is_told_by_its_device_or_its_key() {
        let mut device = RequestContext::new();
        device.device_id = Some("a device".into());
        assert_eq!(throttle_of_caller(&device, b"one"), throttle_of_caller(&device, b"two"));
        let nothing = RequestContext::new();
        assert_ne!(throttle_of_caller(&nothing, b"one"), throttle_of_caller(&nothing, b"two"));
        assert_ne!(throttle_of_caller(&device, b""), throttle_of_caller(&nothing, b"a device"));
    }
}
