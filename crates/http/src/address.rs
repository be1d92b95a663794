//! The address of the client, as far as the proxies in front can be believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address behind `proxy_count` proxies of ours. The peer is the first of them
/// and each has appended the address it was called from, so the entry of the last one is the
/// client; what stands left of it the client may have made up. Loopback hops are not counted.
/// With no proxies the header is not read, and whenever it does not fit, the peer is the answer.
pub(crate) fn resolve(peer: IpAddr, headers: &HeaderMap, proxy_count: usize) -> IpAddr {
    let peer = peer.to_canonical();
    let Some(trusted) = proxy_count.checked_sub(1) else {
        return peer;
    };
    headers
        .get_all(FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','))
        .map(address)
        .filter(|hop| hop.is_none_or(|address| !address.is_loopback()))
        // A hop that cannot be read breaks the chain: nothing left of it can be believed.
        .map_while(|hop| hop)
        .nth(trusted)
        .unwrap_or(peer)
}

fn address(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    let address =
        hop.parse().or_else(|_| hop.parse().map(|with_port: SocketAddr| with_port.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn client(forwarded_for: &[&str], proxy_count: usize) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded_for {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        resolve("10.0.0.9".parse().unwrap(), &headers, proxy_count).to_string()
    }

    #[test]
    fn without_proxies_the_header_is_not_read() {
        assert_eq!(client(&["1.1.1.1"], 0), "10.0.0.9");
    }

    #[test]
    fn nakama_1_9_the_header_is_walked_from_the_right() {
        assert_eq!(client(&["6.6.6.6, 1.1.1.1"], 1), "1.1.1.1");
        assert_eq!(client(&["6.6.6.6", "1.1.1.1"], 1), "1.1.1.1");
    }

    #[test]
    fn nakama_1_9_proxies_are_stepped_over() {
        assert_eq!(client(&["6.6.6.6, 1.1.1.1, 10.0.0.2"], 2), "1.1.1.1");
        assert_eq!(client(&["6.6.6.6, 1.1.1.1", "10.0.0.3 ,10.0.0.2"], 3), "1.1.1.1");
    }

    #[test]
    fn nakama_1_9_loopback_hops_are_skipped() {
        assert_eq!(client(&["1.1.1.1, 127.0.0.1"], 1), "1.1.1.1");
        assert_eq!(client(&["1.1.1.1, ::1, 10.0.0.2, ::ffff:127.0.0.1"], 2), "1.1.1.1");
    }

    #[test]
    fn nakama_1_9_the_peer_is_the_fallback() {
        for value in ["", "127.0.0.1", "1.1.1.1, unknown", ","] {
            assert_eq!(client(&[value], 1), "10.0.0.9", "{value}");
        }
        assert_eq!(client(&[], 1), "10.0.0.9");
        assert_eq!(client(&["1.1.1.1"], 2), "10.0.0.9");
        assert_eq!(client(&["1.1.1.1, garbage, 10.0.0.2"], 2), "10.0.0.9");
    }

    #[test]
    fn ports_and_mapped_addresses_are_read() {
        assert_eq!(client(&["1.1.1.1:4711"], 1), "1.1.1.1");
        assert_eq!(client(&["[2001:db8::1]:4711"], 1), "2001:db8::1");
        assert_eq!(client(&["2001:db8::1"], 1), "2001:db8::1");
        assert_eq!(client(&["::ffff:1.1.1.1"], 1), "1.1.1.1");
    }
}
